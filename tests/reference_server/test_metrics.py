"""`/metrics` as Prometheus reads it, against what was asked of the server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as read
from wiremark_schemas import contracts
from wiremark_server.clock import Clock
from wiremark_server.domain.generation import Generation, Turn, Usage
from wiremark_server.engine import pace
from wiremark_server.engine.batch import BatchStats
from wiremark_server.engine.protocol import EngineRun
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.engine.virtualtime import run
from wiremark_server.engine.workers import Took, not_told
from wiremark_server.metrics.exposition import expose
from wiremark_server.metrics.families import FAMILIES
from wiremark_server.metrics.meter import Meter, registry_of, watch_engine
from wiremark_server.metrics.registry import Registry

SEA = [{"role": "user", "content": "Tell me about the sea."}]


def told(registry: Registry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Samples by name and labels; what the parser does not understand is an error."""
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in read(expose(registry).decode()):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, key
            samples[key] = sample.value
    return samples


def value(registry: Registry, name: str, **labels: str) -> float:
    """The sum over all series that have the labels."""
    wanted = set(labels.items())
    return sum(count for (found, own), count in told(registry).items() if found == name and wanted <= own)


@pytest.fixture
def gateway(in_process: Callable[..., Any]) -> Any:
    return in_process("openai")


def registry(gateway: Any) -> Registry:
    found: Registry = gateway.app.services.meter._registry
    return found


def test_answers_are_counted_as_they_were_told(gateway: Any) -> None:
    model = gateway.contract.models[0].id
    short = {"max_tokens": 5, "messages": SEA}
    answers = [gateway.chat(**short), gateway.chat(**short, stream=True), gateway.chat()]
    assert [answer.status for answer in answers] == [200] * 3
    rows = gateway.usage()
    counted = registry(gateway)
    read_in = sum(row["prompt_tokens"] for row in rows)
    assert value(counted, "vllm:prompt_tokens_total", model_name=model) == read_in
    produced = sum(row["completion_tokens"] for row in rows)
    assert value(counted, "vllm:generation_tokens_total", model_name=model) == produced
    assert value(counted, "wiremark_charged_microusd_total") == sum(row["amount_microusd"] for row in rows)
    assert value(counted, "vllm:request_success_total", finished_reason="length") == 2
    assert value(counted, "vllm:request_success_total", finished_reason="stop") == 1
    assert value(counted, "vllm:request_time_per_output_token_seconds_count") == 2  # one said a single token
    for name in ("time_to_first_token_seconds", "e2e_request_latency_seconds", "request_generation_tokens"):
        assert value(counted, f"vllm:{name}_count", model_name=model) == 3
        assert value(counted, f"vllm:{name}_bucket", model_name=model, le="+Inf") == 3
    assert value(counted, "vllm:request_generation_tokens_sum") == produced
    assert value(counted, "vllm:request_generation_tokens_bucket", le="5.0") == 3
    assert value(counted, "vllm:request_generation_tokens_bucket", le="2.0") == 1


def test_requests_are_counted_by_operation_and_status(gateway: Any) -> None:
    gateway.chat()
    gateway.chat(model="none")
    gateway.chat("revoked")
    gateway.get("/nowhere")
    counted = registry(gateway)
    by_status = {
        (operation, status): value(
            counted, "wiremark_http_requests_total", operation=operation, status=status
        )
        for operation, status in (
            *(("chat.create", "200"), ("chat.create", "404"), ("chat.create", "401"), ("none", "404")),
        )
    }
    assert set(by_status.values()) == {1.0}
    assert value(counted, "wiremark_http_request_duration_seconds_count", operation="chat.create") == 3
    assert value(counted, "wiremark_http_requests_in_progress") == 0


def test_a_client_that_leaves_is_an_abort(gateway: Any) -> None:
    long = {"max_tokens": 2000, "stream": True, "messages": [{"role": "user", "content": "On and on."}]}
    body = json.dumps({"model": gateway.contract.models[0].id, **long}).encode()
    gateway.post("/chat/completions", body, leave_after=1)
    assert value(registry(gateway), "vllm:request_success_total", finished_reason="abort") == 1
    assert value(registry(gateway), "wiremark_http_requests_in_progress") == 0


def test_kept_answers_are_no_work_of_an_engine(in_process: Callable[..., Any]) -> None:
    gateway = in_process("hermes-tokens")
    for _ in range(3):
        gateway.chat()
    counted = registry(gateway)
    assert value(counted, "wiremark_response_cache_queries_total") == 3
    assert value(counted, "wiremark_response_cache_hits_total") == 2
    assert value(counted, "vllm:request_success_total") == 1


def test_providers_are_told_of(in_process: Callable[..., Any]) -> None:
    gateway = in_process("apipie")
    for _ in range(4):
        assert gateway.chat().status == 200
    counted = registry(gateway)
    for _ in range(2):  # to look does not count
        assert value(counted, "wiremark_provider_requests_total") == 4
    assert value(counted, "wiremark_provider_available", provider="together") == 1
    assert value(counted, "wiremark_provider_available", provider="away") == 0


class Told:
    """A pacer that has this to tell of any model."""

    def __init__(self, *stats: BatchStats) -> None:
        self.took: Took = not_told
        self.stats = list(stats)

    def stats_of(self, model: str) -> BatchStats:  # noqa: ARG002
        return self.stats[0]


def test_an_engine_is_told_of_as_it_is_now() -> None:
    counted = registry_of([], 1, [("8b-h100", ["m"])])
    told = Told(BatchStats(3, 2, 0.5, 1, 100, 40), BatchStats(1, 0, 0.25, 4, 250, 90))
    watch_engine(counted, "0", "8b-h100", ["m"], told)
    labels = {"engine": "0", "model_name": "m", "profile": "8b-h100"}
    for expected in ((3, 2, 0.5, 1, 100, 40), (1, 0, 0.25, 4, 250, 90)):
        assert expected == tuple(
            value(counted, f"vllm:{name}", **labels)
            for name in (
                *("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"),
                *("num_preemptions_total", "prefix_cache_queries_total", "prefix_cache_hits_total"),
            )
        )
        told.stats = told.stats[1:] or told.stats
    config = {"engine": "0", "block_size": "16", "num_gpu_blocks": "26702", "enable_prefix_caching": "True"}
    assert value(counted, "vllm:cache_config_info", **config) == 1


def test_a_busy_engine_shows_its_batch_its_queue_and_its_cache() -> None:
    models = ["m", "n"]
    counted = registry_of([], 1, [("8b-h100", models)])

    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile("8b-h100"), 1, clock)
        (worker,) = engine.workers.all
        watch_engine(counted, "0", "8b-h100", models, worker.pacer)
        long = Generation("r", "m", (Turn("user", "Write 50 tokens. " * 8),))
        other = Generation("r", "n", long.turns)
        asked = [other if number % 4 == 0 else long for number in range(20)]
        runs = [asyncio.ensure_future(drain(engine.run(one))) for one in asked]
        await asyncio.sleep(0.2)
        assert value(counted, "vllm:num_requests_running") == 16
        assert value(counted, "vllm:num_requests_waiting") == 4
        assert [value(counted, "vllm:num_requests_running", model_name=name) for name in models] == [12, 4]
        assert [value(counted, "vllm:num_requests_waiting", model_name=name) for name in models] == [3, 1]
        usage = [value(counted, "vllm:kv_cache_usage_perc", model_name=name) for name in models]
        assert 0 < usage[0] == usage[1] < 1
        await asyncio.gather(*runs)
        assert value(counted, "vllm:num_requests_running") == 0
        assert value(counted, "vllm:kv_cache_usage_perc") == 0
        for name in ("queue", "prefill", "decode"):
            whole = f"vllm:request_{name}_time_seconds"
            assert [value(counted, f"{whole}_count", model_name=one) for one in models] == [15, 5]
            assert value(counted, f"{whole}_sum") > 0
        queries = value(counted, "vllm:prefix_cache_queries_total")
        assert 0 < value(counted, "vllm:prefix_cache_hits_total") < queries
        engine.workers.fail(0)  # what comes back counts from zero, the counters go on
        engine.workers.restore(0)
        await drain(engine.run(long))
        assert value(counted, "vllm:prefix_cache_queries_total") > queries
        await engine.close()

    run(main)


async def drain(answering: EngineRun) -> None:
    async for _ in answering:
        pass


def test_processes_add_up_and_a_successor_goes_on() -> None:
    contract = contracts.load("openai")
    model = contract.models[0].id
    counted = registry_of([contract], 2)
    for place, times in ((0, 2), (1, 3)):
        counted.enter(place)
        meter = Meter(counted, contract)
        for _ in range(times):
            meter.arrived()
            meter.model(model).ended("stop", Usage(7, 11), 0.4)
    assert value(counted, "vllm:prompt_tokens_total") == 5 * 7
    assert value(counted, "vllm:e2e_request_latency_seconds_bucket", le="0.5") == 5
    assert value(counted, "vllm:e2e_request_latency_seconds_sum") == pytest.approx(2.0)
    assert value(counted, "wiremark_http_requests_in_progress") == 5
    counted.enter(1)  # another process in the place of one that died
    assert value(counted, "vllm:prompt_tokens_total") == 5 * 7
    assert value(counted, "wiremark_http_requests_in_progress") == 2


def test_names_that_nobody_registered_go_nowhere() -> None:
    contract = contracts.load("openai")
    counted = registry_of([contract])
    before = told(counted)
    meter = Meter(counted, contract)
    meter.model("unheard-of").ended("stop", Usage(1, 1), 1.0)
    meter.model("unheard-of").began(1.0)
    meter.arrived()
    meter.left("chat.create", 599, 1.0)
    changed = {name for (name, _), count in told(counted).items() if before.get((name, _)) != count}
    assert {name.rpartition("_")[0] for name in changed} == {"wiremark_http_request_duration_seconds"}


@pytest.mark.parametrize("name", [name for name in contracts.bundled() if contracts.load(name).models])
def test_every_contract_can_be_counted(name: str) -> None:
    counted = registry_of([contracts.load(name)], 2, [("8b-h100", ["m"])])
    known = {
        f"{family.name}_total" if family.kind == "counter" else family.name for family in FAMILIES.values()
    }
    families = {re.sub("_(bucket|count|sum)$", "", sample) for sample, _ in told(counted)}
    assert families <= known
    assert {found for found in known if found.startswith("vllm:")} <= families
