"""Budgets: what a person and the whole site may use of models within a minute and a day.

Counters live in Redis. A call reserves the most it can cost before anybody is asked, in one atomic step over
all counters, and settles afterwards; so calls that race cannot exceed a budget together. A counter that
Redis lost is restored from the ledger. Without Redis nothing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

import redis
import structlog
from django.conf import settings
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from tutor import errors
from tutor.configured import MEASURES, MICRO, Budget
from tutor.models import ModelCall

log = structlog.get_logger(__name__)

Amounts = tuple[int, int, int]  # requests, tokens, millionths of money
Window = Literal["minute", "day"]
Scope = Literal["user", "site"]

_MINUTE = 60
_KEPT_LONGER = 120  # seconds, for calls that end after their window did

# KEYS: counters. ARGV: three amounts, then three limits per counter. Answers {"ok"}, {"missing", numbers…} or
# {"refused", number, measure}; numbers from 1.
_RESERVE = """
local missing = {'missing'}
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 0 then missing[#missing + 1] = tostring(i) end
end
if #missing > 1 then return missing end
local names = {'requests', 'tokens', 'money'}
for i, key in ipairs(KEYS) do
  local used = redis.call('HMGET', key, unpack(names))
  for m = 1, 3 do
    local limit = tonumber(ARGV[3 * i + m])
    local wanted = tonumber(ARGV[m])
    if limit > 0 and wanted > 0 and tonumber(used[m] or 0) + wanted > limit then
      return {'refused', tostring(i), tostring(m)}
    end
  end
end
for i, key in ipairs(KEYS) do
  for m = 1, 3 do redis.call('HINCRBY', key, names[m], ARGV[m]) end
end
return {'ok'}
"""
# A counter that somebody else restored meanwhile is theirs.
_RESTORE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'requests', ARGV[1], 'tokens', ARGV[2], 'money', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
# A counter that is gone will be restored from the ledger, which knows the outcome then.
_SETTLE = """
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    redis.call('HINCRBY', key, 'tokens', ARGV[1])
    redis.call('HINCRBY', key, 'money', ARGV[2])
  end
end
return 1
"""


@dataclass(frozen=True)
class Counter:
    """One counter: whose, and of which minute or day."""

    scope: Scope
    window: Window
    owner: str  # "site", or as in ModelCall.owner
    begins: datetime
    ends: datetime

    @property
    def key(self) -> str:
        return f"budget:{self.owner}:{self.window}:{int(self.begins.timestamp())}"

    @property
    def budget(self) -> Budget:
        budget: Budget = settings.MODEL_BUDGETS[f"{self.scope}_{self.window}".upper()]
        return budget

    @property
    def seconds_left(self) -> float:
        return max(0.0, (self.ends - timezone.now()).total_seconds())

    def used_by_ledger(self) -> Amounts:
        calls = ModelCall.objects.filter(started_at__gte=self.begins, started_at__lt=self.ends)
        calls = calls.filter(own_key=False) if self.scope == "site" else calls.filter(owner=self.owner)
        return calls.used()


@dataclass(frozen=True)
class Reservation:
    """What was set aside for a call, and where."""

    counters: tuple[Counter, ...]
    tokens: int
    money: int

    def settle(self, *, tokens: int, money: int) -> None:
        """Count what was really used. Without Redis the counters are restored from the ledger later."""
        try:
            keys = [counter.key for counter in self.counters]
            _script(_SETTLE)(keys=keys, args=[tokens - self.tokens, money - self.money])
        except redis.RedisError as error:
            log.warning("redis_unavailable", doing="settle a call", error=str(error))


def reserve(*, owner: str, own_key: bool, tokens: int, money: int) -> Reservation:
    """Set aside the most that a call can use. Raises Refusal when it is too much, or Redis is away.

    A call with a learner's own key counts as one request of theirs, and nothing of the site's.
    """
    counters = tuple(counters_of(owner) if own_key else [*counters_of(owner), *counters_of("site")])
    amounts: Amounts = (1, 0, 0) if own_key else (1, tokens, money)
    limits = [limit for counter in counters for limit in counter.budget.limits]
    keys = [counter.key for counter in counters]
    try:
        for _ in range(3):
            said, *which = _script(_RESERVE)(keys=keys, args=[*amounts, *limits])
            if said != "missing":
                break
            for number in which:
                _restore(counters[int(number) - 1])
        else:
            raise errors.budget_unknown()
    except redis.RedisError as error:
        log.error("redis_unavailable", doing="reserve a call", error=str(error))
        raise errors.budget_unknown() from error
    if said == "refused":
        counter, measure = counters[int(which[0]) - 1], MEASURES[int(which[1]) - 1]
        raise errors.over_budget(
            scope=counter.scope, window=counter.window, measure=measure, wait=counter.seconds_left
        )
    return Reservation(counters, amounts[1], amounts[2])


def usage_of(owner: str) -> list[dict[str, Any]]:
    """What a person has used and may use, per window; for the counter on pages. Money as a decimal."""
    return [_usage(counter) for counter in counters_of(owner)]


def tightest(owner: str) -> dict[str, Any] | None:
    """Of what a person may use today or this minute, that of which most is used; None without any limit."""
    limited = [
        {**measure, "window": window["window"], "share": measure["used"] / measure["limit"]}
        for window in usage_of(owner)
        for measure in window["measures"]
        if measure["limit"]
    ]
    # The day's, unless the minute's really is in the way: it is over before anybody has read about it.
    return max(
        limited, key=lambda each: (each["share"] >= 1, each["window"] == "day", each["share"]), default=None
    )


def counters_of(owner: str) -> list[Counter]:
    """The counters of a person, or of the site as "site", at this moment."""
    now = timezone.now()
    minute = datetime.fromtimestamp(now.timestamp() // _MINUTE * _MINUTE, tz=now.tzinfo)
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = (day + timedelta(hours=36)).replace(hour=0)  # also over a change of the clocks
    scope: Scope = "site" if owner == "site" else "user"
    return [
        Counter(scope, "minute", owner, minute, minute + timedelta(seconds=_MINUTE)),
        Counter(scope, "day", owner, day, tomorrow),
    ]


@cache
def client() -> redis.Redis:
    """Connections that give up soon, as a program waits. Tried twice: a restart leaves dead ones behind."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 1),
    )


@cache
def _script(text: str) -> Any:
    return client().register_script(text)


def _restore(counter: Counter) -> None:
    seconds = int(counter.seconds_left) + _KEPT_LONGER
    _script(_RESTORE)(keys=[counter.key], args=[*counter.used_by_ledger(), seconds])


def _usage(counter: Counter) -> dict[str, Any]:
    try:
        stored: Mapping[Any, Any] = client().hgetall(counter.key)
    except redis.RedisError:
        stored = {}
    used = tuple(int(stored[name]) for name in MEASURES) if stored else counter.used_by_ledger()
    return {
        "window": counter.window,
        "seconds_left": round(counter.seconds_left),
        "measures": [
            {
                "name": name,
                "used": amount / MICRO if name == "money" else amount,
                "limit": (limit / MICRO if name == "money" else limit) if limit else None,
            }
            for name, amount, limit in zip(MEASURES, used, counter.budget.limits, strict=True)
        ],
    }
