"""Everything that is counted: names, meanings, labels, buckets.

Names that begin with `vllm:` are vLLM's own, with its labels and buckets (vLLM documentation, "Metrics"), so
that its boards and autoscalers read a simulated engine as they would a real one. There an engine serves one
model; here one may serve several, and tells of each: its own requests and tokens, the cache that all share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """buckets: upper bounds of a histogram, without infinity; sparse: series that are zero are not told"""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()
    sparse: bool = False


_FIRST = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5),
    *(10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_NEXT = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0),
    *(2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
_WHOLE = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
_TOKENS = tuple(float(digit * 10**power) for power in range(6) for digit in (1, 2, 5))
_HTTP = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_ENGINE = ("engine", "model_name", "profile")
_CACHE = ("engine", "block_size", "num_gpu_blocks", "cache_dtype", "enable_prefix_caching")
_MODEL = ("model_name", "contract")
_PROVIDER = ("contract", "provider")

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("vllm:num_requests_running", "gauge", "Requests in the engine's batch.", _ENGINE),
        Family("vllm:num_requests_waiting", "gauge", "Requests that wait for the engine.", _ENGINE),
        Family("vllm:kv_cache_usage_perc", "gauge", "Share of the KV cache in use, 0 to 1.", _ENGINE),
        Family("vllm:num_preemptions", "counter", "Requests thrown out of the batch.", _ENGINE),
        Family("vllm:prefix_cache_queries", "counter", "Prompt tokens looked up in the KV cache.", _ENGINE),
        Family("vllm:prefix_cache_hits", "counter", "Prompt tokens found in the KV cache.", _ENGINE),
        Family(
            "vllm:request_queue_time_seconds",
            "histogram",
            "Arrival at the engine to its batch.",
            _ENGINE,
            _WHOLE,
        ),
        Family("vllm:request_prefill_time_seconds", "histogram", "Batch to first token.", _ENGINE, _WHOLE),
        Family("vllm:request_decode_time_seconds", "histogram", "First token to last.", _ENGINE, _WHOLE),
        Family("vllm:cache_config_info", "gauge", "How the KV cache of an engine is laid out.", _CACHE),
        Family("vllm:prompt_tokens", "counter", "Prompt tokens of ended requests.", _MODEL),
        Family("vllm:generation_tokens", "counter", "Tokens produced by ended requests.", _MODEL),
        Family("vllm:request_success", "counter", "Ended requests by reason.", ("finished_reason", *_MODEL)),
        Family("vllm:time_to_first_token_seconds", "histogram", "Arrival to first token.", _MODEL, _FIRST),
        Family("vllm:inter_token_latency_seconds", "histogram", "From step to step.", _MODEL, _NEXT),
        Family(
            "vllm:request_time_per_output_token_seconds",
            "histogram",
            "Mean time of a token after the first.",
            _MODEL,
            _NEXT,
        ),
        Family("vllm:e2e_request_latency_seconds", "histogram", "Arrival to last token.", _MODEL, _WHOLE),
        Family("vllm:request_prompt_tokens", "histogram", "Prompt tokens of a request.", _MODEL, _TOKENS),
        Family("vllm:request_generation_tokens", "histogram", "Tokens of an answer.", _MODEL, _TOKENS),
        Family(
            "wiremark_http_requests",
            "counter",
            "Requests by operation and status; 499 for clients that left before the answer.",
            ("contract", "operation", "status"),
            sparse=True,
        ),
        Family(
            "wiremark_http_request_duration_seconds",
            "histogram",
            "Arrival to last byte.",
            ("contract", "operation"),
            _HTTP,
            sparse=True,
        ),
        Family("wiremark_http_requests_in_progress", "gauge", "Requests being answered.", ("contract",)),
        Family("wiremark_charged_microusd", "counter", "Charges of answers, in µUSD.", _MODEL),
        Family("wiremark_response_cache_queries", "counter", "Answers looked for in the cache.", _MODEL),
        Family("wiremark_response_cache_hits", "counter", "Answers found in the cache.", _MODEL),
        Family("wiremark_provider_requests", "counter", "Attempts at a provider.", _PROVIDER),
        Family("wiremark_provider_failures", "counter", "Attempts that failed.", _PROVIDER),
        Family(
            "wiremark_provider_available", "gauge", "Server processes that ask the provider now.", _PROVIDER
        ),
        Family("wiremark_server_processes", "gauge", "Server processes that serve.", ()),
    )
}
REASONS = ("stop", "length", "abort", "error")
