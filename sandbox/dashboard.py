"""What the dashboard and the API say about all worker hosts together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from sandbox import hosts
from sandbox.charts import Chart
from sandbox.latency import percentile

log = structlog.get_logger(__name__)

_COUNTS = (
    *("available_containers", "in_use_containers", "total_containers", "total_created", "total_destroyed"),
    *("total_executions", "total_resets", "health_check_failures"),
)
_BUCKET = 15.0  # seconds of a chart's step
_LATENCY_BUCKET = 30.0  # longer, so that a percentile stands on some runs
_CONTAINERS_SHOWN = 60
_STATES: dict[str, Promise] = {
    "idle": gettext_lazy("free"),
    "busy": gettext_lazy("busy"),
    "checked": gettext_lazy("being checked"),
}
_REASONS: dict[str, Promise] = {
    "limit": gettext_lazy("after a limit"),
    "lost": gettext_lazy("lost"),
    "silent": gettext_lazy("silent"),
    "failures": gettext_lazy("for faults"),
    "runs": gettext_lazy("worn out"),
}
_LOST = gettext_lazy("A container was lost in the middle of a run")
# A closed set; metrics go by it, too. What is not in it was not foreseen: a fault in our own code.
FAULTS: dict[str, Promise] = {
    "ContainerLost": _LOST,
    "ContainerUnclean": _LOST,
    "ContainerSilent": _LOST,
    "PoolExhausted": gettext_lazy("No container came free in time"),
    "EngineUnavailable": gettext_lazy("Nothing could isolate the program"),
    "ImageMissing": gettext_lazy("The image that a program needs was missing"),
    "HostLost": gettext_lazy("A worker was lost with a run"),
    "RunOverdue": gettext_lazy("A run did not come to an end"),
}
_UNFORESEEN = gettext_lazy("Something unforeseen")

Sample = dict[str, Any]


def pool_stats() -> dict[str, Any]:
    """The pools of all living hosts, summed, in the shape the API promises."""
    try:
        found = hosts.alive()
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="pool_stats", error=str(error))
        return _summed([], _("The workers' figures cannot be read, because Redis does not answer."))
    troubled = [host for host in found if host.pool.get("message")]
    messages = [f"{host.report['name']}: {host.pool['message']}" for host in troubled]
    if not found:
        messages = [_("No worker is alive.")]
    return _summed(found, " ".join(messages))


def _summed(found: list[hosts.Host], message: str) -> dict[str, Any]:
    return {
        "pool_enabled": any(host.pool.get("pool_enabled") for host in found),
        **{name: sum(int(host.pool.get(name, 0)) for host in found) for name in _COUNTS},
        "timestamp": time.time(),
        "message": message,
        "hosts": [{**host.report, "state": host.state, "age": round(host.age, 1)} for host in found],
    }


# --- The page -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HostCard:
    """A host as its card shows it."""

    host: hosts.Host
    busy: int
    total: int
    started_at: datetime
    oldest_run_seconds: int | None
    p50: str
    p95: str

    @classmethod
    def of(cls, host: hosts.Host) -> HostCard:
        report = host.report
        oldest = report.get("oldest_running_at")
        return cls(
            host=host,
            busy=int(host.pool.get("in_use_containers", 0)),
            total=int(host.pool.get("total_containers", 0)),
            started_at=datetime.fromtimestamp(report["started_at"], UTC),
            oldest_run_seconds=max(0, round(time.time() - oldest)) if oldest else None,
            p50=in_words(report["latency"]["p50"]),
            p95=in_words(report["latency"]["p95"]),
        )

    def __str__(self) -> str:
        return str(self.host.report["name"])

    @property
    def state(self) -> str:
        """One of silent, late (its runs are given away already), leaving, idle (without an engine), alive."""
        if self.host.state is hosts.State.SILENT:
            return "silent"
        if self.host.age > settings.WORKER_LOST_SECONDS:
            return "late"
        if self.host.report["leaving"]:
            return "leaving"
        return "alive" if self.host.report.get("engine") else "idle"

    @property
    def busy_share(self) -> int:
        """Percent."""
        return round(100 * self.busy / self.total) if self.total else 0

    @property
    def replaced(self) -> str:
        """How many containers were replaced, and why; empty without any."""
        numbers: Counter[str] = Counter()
        for image in self.host.pool.get("images", {}).values():
            numbers.update(image.get("replaced", {}))
        return " · ".join(
            f"{number} {_REASONS.get(reason, reason)}" for reason, number in numbers.most_common()
        )


@dataclass(frozen=True)
class ContainerRow:
    """A container as the page lists it."""

    host: str
    image: str
    id: str
    state: str
    state_in_words: str
    executions: int
    mean: str
    failed: str
    unwell: bool
    age: str

    @classmethod
    def of(cls, host: str, image: str, figures: Mapping[str, Any]) -> ContainerRow:
        state = str(figures["state"])
        return cls(
            host=host,
            image=image,
            id=str(figures["id"]).removeprefix("bubblewrap-")[:12],
            state=state,
            state_in_words=str(_STATES.get(state, state)),
            executions=figures["executions"],
            mean=in_words(figures["mean_seconds"]),
            failed=f"{number_format(100 * figures['failure_rate'], 1 if figures['failure_rate'] else 0)} %",
            unwell=figures["failure_rate"] > 0,
            age=age_in_words(figures["age"]),
        )


def _containers(cards: Iterable[HostCard]) -> list[ContainerRow]:
    """Of the hosts that live, in the order in which the hosts are shown."""
    return [
        ContainerRow.of(str(card), image, container)
        for card in cards
        for image, pool in card.host.pool.get("images", {}).items()
        for container in pool.get("containers", [])
    ]


def figures() -> dict[str, Any]:
    """Everything the page shows. Raises RedisError."""
    cards = [HostCard.of(host) for host in hosts.known()]
    silent = [card for card in cards if card.state in ("silent", "late")]
    living = [card for card in cards if card not in silent]
    containers = _containers(living)
    samples = hosts.history()
    end = hosts.now()
    minute = [each["latency"] for each in _since(samples, end - 60)]
    return {
        "cards": cards,
        "living": len(living),
        "silent": silent,
        "idle": [card for card in cards if card.state == "idle"],
        "busy": sum(card.busy for card in living),
        "total": sum(card.total for card in living),
        "containers": containers[:_CONTAINERS_SHOWN],
        "containers_left_out": max(0, len(containers) - _CONTAINERS_SHOWN),
        "waiting": hosts.waiting(),
        "runs": sum(sum(counts.values()) for counts in minute),
        "p50": in_words(percentile(minute, 0.5)),
        "p95": in_words(percentile(minute, 0.95)),
        "charts": _charts(samples, end),
        "faults": [_fault(each) for each in hosts.recent_faults()[:10]],
        "as_of": datetime.fromtimestamp(end, UTC),
    }


def in_words(seconds: float | None) -> str:
    """A duration with two or three digits; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 1:
        milliseconds = seconds * 1000
        return _("%(number)s ms") % {"number": number_format(milliseconds, 1 if milliseconds < 10 else 0)}
    return _("%(number)s s") % {"number": number_format(seconds, 1 if seconds < 10 else 0)}


def age_in_words(seconds: float) -> str:
    """In the largest unit of which there are two."""
    if seconds < 120:
        return _("%(number)d s") % {"number": seconds}
    if seconds < 120 * 60:
        return _("%(number)d min") % {"number": seconds // 60}
    hours = int(seconds // 3600)
    if hours < 48:
        return ngettext("%(number)d hour", "%(number)d hours", hours) % {"number": hours}
    return ngettext("%(number)d day", "%(number)d days", hours // 24) % {"number": hours // 24}


def _fault(fault: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(fault["at"], UTC),
        "host": fault["host"],
        "words": FAULTS.get(fault["what"], _UNFORESEEN),
        "detail": fault["detail"],
    }


def _charts(samples: Mapping[str, list[Sample]], end: float) -> dict[str, Any]:
    everything = [sample for each in samples.values() for sample in each]
    busy, total = (
        _sum_of([_series(each, end, _BUCKET, _most(name)) for each in samples.values()])
        for name in ("busy", "total")
    )
    queue = _series(everything, end, _BUCKET, _most("queue"))
    median, slow = (_series(everything, end, _LATENCY_BUCKET, _latency(share)) for share in (0.5, 0.95))
    latency = Chart.of(slow, median, least_top=0.01)
    return {
        "busy": Chart.of(busy, total),
        "queue": Chart.of(queue),
        "latency": latency,
        "latency_top": in_words(latency.top),
    }


def _since(samples: Mapping[str, list[Sample]], start: float) -> list[Sample]:
    return [sample for each in samples.values() for sample in each if sample["at"] > start]


def _series(
    samples: Iterable[Sample], end: float, bucket: float, summary: Callable[[list[Sample]], float | None]
) -> list[float | None]:
    """One value for each `bucket` seconds of the history, the latest last; None where no sample was taken."""
    length = int(hosts.HISTORY_SECONDS / bucket)
    found: list[list[Sample]] = [[] for _ in range(length)]
    for sample in samples:
        number = length - 1 - int(max(0.0, end - sample["at"]) / bucket)
        if number >= 0:
            found[number].append(sample)
    return [summary(each) if each else None for each in found]


def _most(name: str) -> Callable[[list[Sample]], float]:
    return lambda found: max(float(each[name]) for each in found)


def _latency(share: float) -> Callable[[list[Sample]], float | None]:
    return lambda found: percentile([each["latency"] for each in found], share)


def _sum_of(series: list[list[float | None]]) -> list[float | None]:
    """Step by step; None where no host measured anything."""
    columns = ([value for value in step if value is not None] for step in zip(*series, strict=True))
    return [sum(column) if column else None for column in columns]
