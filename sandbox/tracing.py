"""Steps of a trace, for all apps: what took how long between a click and the container, and no contents.

Without `helloagents.watching` having named a collector these cost next to nothing and go nowhere.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

P = ParamSpec("P")
R = TypeVar("R")
Value = str | int | float | bool

_tracer = trace.get_tracer("helloagents")


@contextmanager
def step(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    sent_along: Mapping[str, str] | None = None,
    **attributes: Value,
) -> Iterator[Span]:
    """A step of the trace that goes on, or of the one `sent_along` by `carried`.

    Of an exception its kind alone is told: its words may hold what somebody wrote.
    """
    with _tracer.start_as_current_span(
        name,
        context=propagate.extract(sent_along) if sent_along is not None else None,
        kind=kind,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def carried() -> dict[str, str]:
    """What another process needs to go on with this trace; empty where nothing is traced."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def current_id() -> str:
    """The id of the trace that goes on, for the log; empty where nothing is traced."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def in_this_context(function: Callable[P, R]) -> Callable[P, R]:
    """The function for other threads to call, many at a time, within this trace and its names in the log."""
    context = contextvars.copy_context()

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return call
