"""What Prometheus sees of the sandbox: every host's runs, pools and faults, and the queue.

All of it comes from Redis at the moment of the scrape, so any web process can answer for all workers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import redis
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from sandbox import hosts, tally
from sandbox.dashboard import FAULTS

log = structlog.get_logger(__name__)

Counts = Mapping[Any, float]  # by the values of the labels
Added = defaultdict[tuple[str, ...], float]
# What a pool says of itself → what it is called here.
_POOL_COUNTERS = {
    "total_created": ("containers_created", "Containers made"),
    "total_destroyed": ("containers_destroyed", "Containers removed"),
    "total_executions": ("executions", "Programs run to their end"),
    "health_check_failures": ("health_check_failures", "Health checks that a container did not pass"),
    "platform_failures": ("platform_failures", "Runs that failed by a fault of the platform"),
    "build_failures": ("build_failures", "Attempts to make a container that failed"),
}


class SandboxCollector(Collector):
    """Labels are bounded: hosts and images are the operator's, all others closed sets."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = [*_runs(tally.read(hosts.client())), *_queue(), *_hosts(hosts.known())]
        except redis.RedisError as error:
            log.warning("redis_unavailable", doing="metrics", error=str(error))
            found = []
        yield gauge("redis_up", "Whether Redis answers; without it workers are unknown", bool(found))
        yield from found


def _runs(counts: Counts) -> Iterator[Metric]:
    def named(kind: str) -> Counts:
        return {name[1:]: value for name, value in counts.items() if name[0] == kind}

    yield counters("runs", "Runs; broken: by the platform's fault", ["language", "outcome"], named("runs"))
    faults = _foreseen(named("faults"))
    yield counters("platform_faults", "Faults of the platform while running", ["fault"], faults)
    yield histogram(
        "run_seconds", "What programs took", ["language", "outcome"], counts, "seconds", tally.RUN_SECONDS
    )
    yield histogram(
        "run_wait_seconds",
        "What learners waited beyond the program's own time",
        ["language"],
        counts,
        "wait",
        tally.WAIT_SECONDS,
    )


def _foreseen(faults: Counts) -> Counts:
    """All that are not foreseen together: they are named after whatever was raised."""
    counts = Added(float)
    for (what,), value in faults.items():
        counts[(what if what in FAULTS else "other",)] += value
    return counts


def _queue() -> Iterator[Metric]:
    yield gauge("queue_depth", "Tasks that no worker has taken yet", hosts.waiting())


def _hosts(known: list[hosts.Host]) -> Iterator[Metric]:
    # Of several workers on one machine without names of their own the figures are added up.
    workers, engines, containers, waiting, counts, replaced = (Added(float) for _ in range(6))
    memory, processor, running = (Added(float) for _ in range(3))
    for host in known:
        name = str(host.report["name"])
        workers[name, str(host.state)] += 1
        if host.state is not hosts.State.ALIVE:
            continue
        engines[(name,)] += bool(host.report.get("engine"))
        memory[(name,)] += host.report.get("memory_bytes", 0)
        processor[(name,)] += host.report.get("cpu_seconds", 0)
        running[(name,)] += host.report.get("running", 0)
        for image, pool in host.pool.get("images", {}).items():
            containers[name, image, "available"] += pool["available_containers"]
            containers[name, image, "in_use"] += pool["in_use_containers"]
            waiting[name, image] += pool["waiting"]
            for count in _POOL_COUNTERS:
                counts[count, name, image] += pool.get(count, 0)
            for reason, number in pool.get("replaced", {}).items():
                replaced[name, image, reason] += number
    yield gauges("workers", "Worker processes, as their heartbeats show", ["host", "state"], workers)
    yield gauges("workers_with_engine", "Living workers that can isolate programs", ["host"], engines)
    yield gauges("worker_memory_bytes", "What worker processes hold in memory", ["host"], memory)
    yield counters("worker_cpu_seconds", "Processor time of worker processes", ["host"], processor)
    yield gauges("worker_runs", "Programs that living workers run", ["host"], running)
    yield gauges("pool_containers", "Containers of living workers", ["host", "image", "state"], containers)
    yield gauges("pool_waiting", "Runs that wait for a container", ["host", "image"], waiting)
    for count, (called, words) in _POOL_COUNTERS.items():
        own = {tuple(labels): value for (kind, *labels), value in counts.items() if kind == count}
        yield counters(f"pool_{called}", words, ["host", "image"], own)
    yield counters("pool_replaced", "Containers replaced, and why", ["host", "image", "reason"], replaced)


# --- Families, for other apps' collectors too ---------------------------------------------------------


def gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"helloagents_{name}", words, value=value)


def gauges(name: str, words: str, labels: list[str], values: Counts) -> Metric:
    metric = GaugeMetricFamily(f"helloagents_{name}", words, labels=labels)
    for series, value in sorted(values.items()):
        metric.add_metric(list(series), value)
    return metric


def counters(name: str, words: str, labels: list[str], values: Counts) -> Metric:
    metric = CounterMetricFamily(f"helloagents_{name}", words, labels=labels)
    for series, value in sorted(values.items()):
        metric.add_metric(list(series), value)
    return metric


def histogram(
    name: str, words: str, labels: list[str], counts: Counts, kind: str, bounds: Iterable[float]
) -> Metric:
    """Of counts named (kind, *labels, bound) and (kind_sum, *labels), as `tally.class_of` names bounds."""
    metric = HistogramMetricFamily(f"helloagents_{name}", words, labels=labels)
    series = sorted({each[1:-1] for each in counts if each[0] == kind})
    for one in series:
        buckets, total = [], 0.0
        for bound in (*map(str, bounds), "+Inf"):
            total += counts.get((kind, *one, bound), 0.0)
            buckets.append((bound, total))
        metric.add_metric(list(one), buckets, counts.get((f"{kind}_sum", *one), 0.0))
    return metric
