"""Calls to models as monitoring sees them: how many, how long, how many tokens, at what cost. No contents.

Every process adds its own to one hash in Redis, from which any web process answers a scrape. The ledger
(`ModelCall`) is the truth; these are for charts and alerts and begin anew when Redis is emptied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import redis
import structlog
from opentelemetry.trace import Span
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from sandbox import tally
from sandbox.metrics import Added, counters, gauges, histogram
from tutor import budgets
from tutor.configured import MEASURES, MICRO
from tutor.models import ModelCall

log = structlog.get_logger(__name__)

KEY = "tutor:tally"
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 90.0, 180.0)


def note_call(call: ModelCall, step: Span | None = None) -> None:
    """A call is over: count it, log it, and say so in its step of the trace."""
    provider, model = _labels(call)
    seconds = call.latency or 0.0
    counts = Counter(
        {
            f"calls {provider} {model} {call.purpose} {call.status}": 1.0,
            f"seconds {provider} {tally.class_of(seconds, SECONDS)}": 1.0,
            f"seconds_sum {provider}": seconds,
            f"tokens {provider} {model} prompt": float(call.prompt_tokens),
            f"tokens {provider} {model} completion": float(call.completion_tokens),
            f"cost {provider} {model} {call.currency or 'none'}": float(call.cost or 0),
        }
    )
    try:
        with budgets.client().pipeline(transaction=False) as pipe:
            for name, amount in counts.items():
                if amount:
                    pipe.hincrbyfloat(KEY, name, amount)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="count a model call", error=str(error))
    log.info(
        "model_call_ended",
        provider=provider,
        model=model,
        purpose=call.purpose,
        status=call.status,
        error=call.error_code,
        tokens=call.prompt_tokens + call.completion_tokens,
        ms=round(seconds * 1000, 1),
    )
    if step is not None:
        step.set_attributes(
            {
                "gen_ai.operation.name": call.kind,
                "gen_ai.provider.name": provider,
                "gen_ai.response.model": model,
                "gen_ai.usage.input_tokens": call.prompt_tokens,
                "gen_ai.usage.output_tokens": call.completion_tokens,
                "error.type": call.error_code,
            }
        )


def _labels(call: ModelCall) -> tuple[str, str]:
    """Provider and model; what learners choose freely, or asked for in vain, is no label."""
    if call.scripted:
        return "scripted", "scripted"
    provider = "_".join(call.provider.split()) or "none"
    if call.own_key or not call.provider:
        return provider, "own_key" if call.own_key else "none"
    return provider, "_".join(call.model.split()) or "none"


class ModelsCollector(Collector):
    """Labels are bounded: providers and models are the operator's."""

    def collect(self) -> Iterator[Metric]:
        try:
            counts = tally.read(budgets.client(), KEY)
            yield from _calls(counts)
            yield from _budgets()
        except redis.RedisError as error:
            log.warning("redis_unavailable", doing="metrics", error=str(error))


def _calls(counts: dict[tuple[str, ...], float]) -> Iterator[Metric]:
    def named(kind: str) -> dict[tuple[str, ...], float]:
        return {name[1:]: value for name, value in counts.items() if name[0] == kind}

    labels = ["provider", "model"]
    yield counters("model_calls", "Calls to models", [*labels, "purpose", "status"], named("calls"))
    yield counters("model_tokens", "Tokens asked and answered", [*labels, "kind"], named("tokens"))
    yield counters("model_cost", "What calls to models cost", [*labels, "currency"], named("cost"))
    yield histogram("model_call_seconds", "What calls took", ["provider"], counts, "seconds", SECONDS)


def _budgets() -> Iterator[Metric]:
    """What all together have used of this minute's and this day's budget, and may use."""
    used, limits = Added(float), Added(float)
    for counter in budgets.counters_of("site"):
        stored: Any = budgets.client().hgetall(counter.key)
        for measure, limit in zip(MEASURES, counter.budget.limits, strict=True):
            unit = MICRO if measure == "money" else 1
            used[counter.window, measure] = int(stored.get(measure, 0)) / unit
            if limit:
                limits[counter.window, measure] = limit / unit
    labels = ["window", "measure"]
    yield gauges("model_budget_used", "What the site has used of its budget", labels, used)
    yield gauges("model_budget_limit", "What the site may use; absent: no limit", labels, limits)
