"""When containers are looked at, replaced and made ahead of demand: the rules, and one container's record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings


class Reason(StrEnum):
    """Why a container is replaced. A closed set: each is counted by itself."""

    LIMIT = "limit"  # a run in it hit a limit: something was killed in the middle of things
    LOST = "lost"  # it died, broke the protocol, was left in the middle of a run, or something was left in it
    SILENT = "silent"  # it missed too many health checks in a row
    FAILURES = "failures"  # too large a share of what was asked of it failed by our fault
    RUNS = "runs"  # it has served its share


@dataclass
class Record:
    """What one container has done so far. Times in seconds, moments by the pool's clock."""

    made_at: float
    used_at: float
    checked_at: float
    executions: int = 0
    seconds: float = 0.0  # of all executions together
    passed: int = 0  # deep checks
    failures: int = 0  # of ours: health checks that it missed
    missed: int = 0  # health checks in a row

    @classmethod
    def new(cls, now: float) -> Record:
        return cls(made_at=now, used_at=now, checked_at=now)

    def note_run(self, *, began: float, ended: float) -> None:
        self.executions += 1
        self.seconds += ended - began
        self.used_at = ended

    def note_missed(self) -> None:
        self.failures += 1
        self.missed += 1

    def note_well(self, now: float) -> None:
        self.passed += 1
        self.missed = 0
        self.checked_at = now

    @property
    def samples(self) -> int:
        """Everything that was asked of it and that it did or failed to do by our fault."""
        return self.executions + self.passed + self.failures

    @property
    def failure_rate(self) -> float:
        """Share of failures of the platform (0–1), never of learners' programs."""
        return self.failures / max(1, self.samples)

    @property
    def mean_seconds(self) -> float | None:
        """From handing over a program to its result."""
        return self.seconds / self.executions if self.executions else None

    def figures(self, now: float) -> dict[str, Any]:
        return {
            "age": round(now - self.made_at, 1),
            "executions": self.executions,
            "mean_seconds": self.mean_seconds,
            "failure_rate": round(self.failure_rate, 4),
        }


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """The rules of a pool. Times in seconds, shares from 0 to 1."""

    check_every: float = 2  # one round of maintenance after the other
    deep_check_every: float = 30  # for an idle container
    ping_after: float = 10  # of idleness: then a lease begins with a ping
    failed_checks: int = 3  # in a row, then a container is replaced
    failure_rate: float = 0.1  # above it a container is replaced
    failure_samples: int = 10  # runs and checks that a rate needs to mean anything
    runs_per_container: int = 1000
    single_use: bool = False
    growth_above: float = 0.8  # busy share of the window above which there will be more containers
    growth_window: float = 60
    build_pause: float = 1  # between attempts in the background while the engine fails
    reap_every: float = 30  # containers whose worker died are looked for

    @classmethod
    def from_settings(cls) -> Upkeep:
        return cls(
            check_every=settings.SANDBOX_CHECK_SECONDS,
            deep_check_every=settings.SANDBOX_DEEP_CHECK_SECONDS,
            ping_after=settings.SANDBOX_PING_AFTER_SECONDS,
            failed_checks=settings.SANDBOX_FAILED_CHECKS,
            failure_rate=settings.SANDBOX_FAILURE_RATE,
            failure_samples=settings.SANDBOX_FAILURE_SAMPLES,
            runs_per_container=settings.SANDBOX_RUNS_PER_CONTAINER,
            single_use=settings.SANDBOX_SINGLE_USE,
            growth_above=settings.SANDBOX_GROWTH_ABOVE,
            growth_window=settings.SANDBOX_GROWTH_WINDOW_SECONDS,
            build_pause=settings.SANDBOX_BUILD_PAUSE_SECONDS,
            reap_every=settings.SANDBOX_REAP_SECONDS,
        )

    def reason_to_replace(self, record: Record) -> Reason | None:
        """Why a container should not be used any more, going by its record; None when it may be."""
        if record.executions >= (1 if self.single_use else self.runs_per_container):
            return Reason.RUNS
        if record.missed >= self.failed_checks:
            return Reason.SILENT
        if record.samples >= self.failure_samples and record.failure_rate > self.failure_rate:
            return Reason.FAILURES
        return None
