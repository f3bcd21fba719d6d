"""What the gateway tells the registry: requests of one contract, and answers of one of its models."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from wiremark_schemas.contracts import Contract

from wiremark_server.domain.generation import Usage
from wiremark_server.engine import pace
from wiremark_server.engine.batch import BatchStats
from wiremark_server.metrics.families import FAMILIES, REASONS
from wiremark_server.metrics.registry import Histogram, Labels, Registry

_RECENT = 256  # times to the first token that a plot shows
_SUCCESSES = (200, 202, 204)
CLIENT_GONE = 499
NO_OPERATION = "none"
_OF_ENGINE = (
    *("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"),
    *("num_preemptions", "prefix_cache_queries", "prefix_cache_hits"),
)
_TIMES = tuple(f"vllm:request_{name}_time_seconds" for name in ("queue", "prefill", "decode"))
_OF_MODEL = tuple(name for name, family in FAMILIES.items() if family.labels == ("model_name", "contract"))


def register(registry: Registry, contract: Contract) -> None:
    """Every series that a contract can fill."""
    statuses = {*_SUCCESSES, CLIENT_GONE}
    for dialect in contract.dialects:
        statuses |= {answer.status for answer in contract.answers(dialect).values()}
    for operation in (*contract.raw["operations"], NO_OPERATION):
        registry.add("wiremark_http_request_duration_seconds", contract.name, operation)
        for status in sorted(statuses):
            registry.add("wiremark_http_requests", contract.name, operation, str(status))
    registry.add("wiremark_http_requests_in_progress", contract.name)
    for model in contract.models:
        for name in _OF_MODEL:
            registry.add(name, model.id, contract.name)
        for reason in REASONS:
            registry.add("vllm:request_success", reason, model.id, contract.name)
        for offer in model.offers:
            for name in ("requests", "failures", "available"):
                registry.add(f"wiremark_provider_{name}", contract.name, offer.provider)


class ProviderHealth(Protocol):
    """What `routing.health.Health` knows."""

    requests: int
    failures: int

    @property
    def state(self) -> str: ...


class Meter:
    """The requests of one contract."""

    def __init__(self, registry: Registry, contract: Contract) -> None:
        self._registry = registry
        self._cells = registry.cells
        self._contract = contract.name
        self._models: dict[str, ModelMeter] = {}
        self._durations: dict[str, Histogram] = {}
        self._counts: dict[tuple[str, int], int] = {}
        self._active = registry.at("wiremark_http_requests_in_progress", contract.name)

    def arrived(self) -> None:
        self._cells[self._active] += 1.0

    def model(self, model_id: str) -> ModelMeter:
        found = self._models.get(model_id)
        if found is None:
            found = self._models[model_id] = ModelMeter(self._registry, self._contract, model_id)
        return found

    def left(self, operation: str, status: int, seconds: float) -> None:
        """A request that `arrived` is over; status 0: nothing was answered."""
        operation = operation or NO_OPERATION
        self._cells[self._active] -= 1.0
        counted = (operation, status)
        if counted not in self._counts:
            labels = (self._contract, operation)
            told = str(status or CLIENT_GONE)
            self._counts[counted] = self._registry.at("wiremark_http_requests", *labels, told)
            self._durations[operation] = self._registry.histogram(
                "wiremark_http_request_duration_seconds", *labels
            )
        self._cells[self._counts[counted]] += 1.0
        self._durations[operation].observe(seconds)

    def watch(self, providers: Mapping[str, ProviderHealth]) -> None:
        """Tell of the providers when somebody asks."""
        cells = {
            provider: [
                self._registry.at(f"wiremark_provider_{name}", self._contract, provider)
                for name in ("requests", "failures", "available")
            ]
            for provider in providers
        }
        before = {provider: (health.requests, health.failures) for provider, health in providers.items()}

        def refresh() -> None:
            numbers = self._cells
            for provider, health in providers.items():
                requests, failures, available = cells[provider]
                numbers[requests] += health.requests - before[provider][0]
                numbers[failures] += health.failures - before[provider][1]
                before[provider] = (health.requests, health.failures)
                numbers[available] = float(health.state != "down")

        if providers:
            self._registry.refreshed_by(refresh)


class ModelMeter:
    """The answers of one model. Times are in seconds."""

    def __init__(self, registry: Registry, contract: str, model: str) -> None:
        labels = (model, contract)
        self._cells = registry.cells
        self.first_token = registry.histogram("vllm:time_to_first_token_seconds", *labels)
        self.next_token = registry.histogram("vllm:inter_token_latency_seconds", *labels)
        self._whole = registry.histogram("vllm:e2e_request_latency_seconds", *labels)
        self._mean = registry.histogram("vllm:request_time_per_output_token_seconds", *labels)
        self._prompts = registry.histogram("vllm:request_prompt_tokens", *labels)
        self._answers = registry.histogram("vllm:request_generation_tokens", *labels)
        self._prompt = registry.at("vllm:prompt_tokens", *labels)
        self._generation = registry.at("vllm:generation_tokens", *labels)
        self._success = {reason: registry.at("vllm:request_success", reason, *labels) for reason in REASONS}
        self._charged = registry.at("wiremark_charged_microusd", *labels)
        self._queries = registry.at("wiremark_response_cache_queries", *labels)
        self._hits = registry.at("wiremark_response_cache_hits", *labels)
        self._recent: deque[float] = deque(maxlen=_RECENT)

    def began(self, seconds: float) -> None:
        self.first_token.observe(seconds)
        self._recent.append(seconds)

    @property
    def recent_ms(self) -> list[float]:
        """Times to the first token in this process, oldest first."""
        return [seconds * 1000 for seconds in self._recent]

    def looked_up(self, *, found: bool) -> None:
        self._cells[self._queries] += 1.0
        self._cells[self._hits] += float(found)

    def ended(self, reason: str, usage: Usage, seconds: float, first: float | None = None) -> None:
        """reason: one of REASONS; first: when the first token came, None when none did"""
        cells = self._cells
        cells[self._success[reason]] += 1.0
        cells[self._prompt] += usage.prompt
        cells[self._generation] += usage.completion
        self._prompts.observe(usage.prompt)
        self._answers.observe(usage.completion)
        self._whole.observe(seconds)
        if first is not None and usage.completion > 1:
            self._mean.observe((seconds - first) / (usage.completion - 1))

    def charged(self, microusd: int) -> None:
        self._cells[self._charged] += microusd


Crew = Sequence[tuple[str, Sequence[str]]]
"""The workers of a process, in their order: the profile of each, and the models that it serves."""


class Observed(Protocol):
    """What `engine.workers.Pacer` knows."""

    took: Callable[[str, float, float, float], None]

    def stats_of(self, model: str) -> BatchStats: ...


def watch_engine(
    registry: Registry, engine: str, profile: str, models: Sequence[str], observed: Observed
) -> None:
    """Tell of an engine when somebody asks, and of each of its runs when it has ended."""
    times = {model: [registry.histogram(name, engine, model, profile) for name in _TIMES] for model in models}

    def took(model: str, *seconds: float) -> None:
        for histogram, spent in zip(times.get(model, ()), seconds, strict=False):
            histogram.observe(spent)

    observed.took = took
    for model in models:
        _watch_model(registry, (engine, model, profile), functools.partial(observed.stats_of, model))
    cache = _cache_config(profile)
    if cache is not None:
        at = registry.at("vllm:cache_config_info", engine, *cache)
        registry.refreshed_by(lambda: registry.cells.__setitem__(at, 1.0))


def _cache_config(profile: str) -> Sequence[str] | None:
    """The values of the labels, after the engine's; None for a profile without a cache."""
    found = pace.profile(profile)
    if not isinstance(found, pace.Batched):
        return None
    return (str(found.block_tokens), str(found.kv_blocks), "auto", "True")


def _watch_model(registry: Registry, labels: Labels, look: Callable[[], BatchStats]) -> None:
    running, waiting, kv_usage, preemptions, queries, hits = (
        registry.at(f"vllm:{name}", *labels) for name in _OF_ENGINE
    )
    cells = registry.cells
    before = [0, 0, 0]

    def refresh() -> None:
        stats = look()
        cells[running], cells[waiting], cells[kv_usage] = stats.running, stats.waiting, stats.kv_usage
        now = [stats.preemptions, stats.prompt_tokens, stats.cached_tokens]
        for cell, count, known in zip((preemptions, queries, hits), now, before, strict=True):
            cells[cell] += count - known if count >= known else count  # a worker that came back begins anew
        before[:] = now

    registry.refreshed_by(refresh)


def standalone(contract: Contract) -> Meter:
    """For a gateway that nobody asks."""
    return Meter(registry_of([contract]), contract)


def registry_of(contracts: Iterable[Contract], slots: int = 1, crew: Crew = ()) -> Registry:
    """A registry, allocated, with everything that the contracts and the workers of all processes can fill."""
    registry = Registry()
    registry.add("wiremark_server_processes")
    for engine, (profile, models) in enumerate(list(crew) * slots):
        for model in models:
            for name in (*(f"vllm:{name}" for name in _OF_ENGINE), *_TIMES):
                registry.add(name, str(engine), model, profile)
        cache = _cache_config(profile)
        if cache is not None:
            registry.add("vllm:cache_config_info", str(engine), *cache)
    for contract in contracts:
        register(registry, contract)
    registry.allocate(slots)
    return registry
