"""The registry in the text form of Prometheus, by its own library.

Not in OpenMetrics: there the library writes `vllm_` for `vllm:`, and boards made for vLLM would find nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from wiremark_server.metrics.families import Family
from wiremark_server.metrics.registry import Labels, Registry

Rows = list[tuple[Labels, list[float]]]


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def expose(registry: Registry) -> bytes:
    collectors = CollectorRegistry(auto_describe=False)
    collectors.register(_Collector(registry))
    return generate_latest(collectors)


class _Collector(Collector):
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family, rows in self._registry.totals():
            told = [row for row in rows if any(row[1])] if family.sparse else rows
            if told:
                yield _KINDS[family.kind](family, told)


def _counter(family: Family, rows: Rows) -> Metric:
    metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
    for labels, (value,) in rows:
        metric.add_metric(labels, value)
    return metric


def _gauge(family: Family, rows: Rows) -> Metric:
    metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, (value,) in rows:
        metric.add_metric(labels, value)
    return metric


def _histogram(family: Family, rows: Rows) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    bounds = [*map(str, family.buckets), "+Inf"]
    for labels, (*counts, total) in rows:
        metric.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), total)
    return metric


_KINDS: Mapping[str, Callable[[Family, Rows], Metric]] = {
    "counter": _counter,
    "gauge": _gauge,
    "histogram": _histogram,
}
