"""Live events of a run, over Redis: output to the page, orders to the worker.

Events are a stream per run, so that a page that connects late or again misses nothing. Orders (stop, input)
are published to all workers; the one that holds the run acts. All of it may vanish: the database row is the
truth, and readers fall back on it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal
from uuid import UUID

import redis
import structlog
from django.conf import settings

from sandbox.control import MOST_INPUT
from tutor import streams
from tutor.streams import Event

log = structlog.get_logger(__name__)

EventKind = Literal["started", "output", "input", "call", "checking", "finished", "broken"]
FINAL: frozenset[str] = frozenset({"finished", "broken"})

_STREAM_SECONDS = 600  # how long a run can still be followed after its last event
_STREAM_EVENTS = 20_000
_GATHER_SECONDS = 0.01  # nobody sees output come that much later
_ORDERS = "run-orders"


def _key(run_id: UUID) -> str:
    return f"run:{run_id}"


@cache
def client() -> redis.Redis:
    """This process's connection pool to Redis; safe to share between threads."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)


@contextmanager
def _best_effort(what: str) -> Iterator[None]:
    """Redis carries news, not results: when it is away the run goes on and the page reads the database."""
    try:
        yield
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing=what, error=str(error))


class InputTooLarge(ValueError):
    """The run has been sent all the input that it takes."""


class _Outbox:
    """Events on their way to Redis, in their order. What comes within a moment goes as one message.

    A quick run then says all it has to say at once, at its end, and wakes its page once.
    """

    def __init__(self) -> None:
        # Threads add while another one sends; to put in and to take out is one step each.
        self._events: deque[tuple[UUID, EventKind, str]] = deque()
        self._sending = threading.Lock()
        self._filled = threading.Event()

    @classmethod
    @cache
    def of_process(cls) -> _Outbox:
        outbox = cls()
        threading.Thread(target=outbox._send_in_time, name="run-events", daemon=True).start()
        return outbox

    def add(self, run_id: UUID, kind: EventKind, data: dict[str, Any]) -> None:
        self._events.append((run_id, kind, json.dumps(data)))
        self._filled.set()

    def send(self) -> None:
        with self._sending:
            events = [self._events.popleft() for _ in range(len(self._events))]
            if events:
                _append(events)

    def _send_in_time(self) -> None:
        while self._filled.wait():
            time.sleep(_GATHER_SECONDS)
            self._filled.clear()
            self.send()


def _append(events: list[tuple[UUID, EventKind, str]]) -> None:
    # As a transaction, because Redis would wake the page after the first of them otherwise.
    with _best_effort("publish"), client().pipeline() as pipe:
        for run_id, kind, data in events:
            pipe.xadd(_key(run_id), {"kind": kind, "data": data}, maxlen=_STREAM_EVENTS)
        for run_id in {run_id for run_id, _, _ in events}:
            pipe.expire(_key(run_id), _STREAM_SECONDS)
        pipe.execute()


def publish(run_id: UUID, kind: EventKind, /, **data: Any) -> None:
    """Append an event to the run's stream, after all that went before."""
    outbox = _Outbox.of_process()
    outbox.add(run_id, kind, data)
    outbox.send()


def publish_soon(run_id: UUID, kind: EventKind, /, **data: Any) -> None:
    """The same within _GATHER_SECONDS, so that several can go together."""
    _Outbox.of_process().add(run_id, kind, data)


def wait_until_final(run_id: UUID, *, seconds: float) -> Event | None:
    """Block until the run has ended, at most `seconds`; its last event when it has."""
    last = "0"
    deadline = time.monotonic() + seconds
    with _best_effort("wait"):
        while (left := deadline - time.monotonic()) > 0:
            reply = client().xread({_key(run_id): last}, block=max(1, int(left * 1000)))
            for event in streams.events_in(reply):
                if event.kind in FINAL:
                    return event
                last = event.id
    return None


def follow(run_id: UUID, *, after: str, idle_seconds: float) -> AsyncGenerator[Event | None, None]:
    """Yield the run's events after the id `after`, up to its last; None whenever nothing came for a while."""
    return streams.follow(_key(run_id), after=after, final=FINAL, idle_seconds=idle_seconds)


def order(run_id: UUID, kind: Literal["cancel", "input", "eof"], text: str = "") -> bool:
    """Tell the worker that holds the run; False when Redis could not pass it on."""
    with _best_effort("order"):
        client().publish(_ORDERS, json.dumps({"run": str(run_id), "kind": kind, "text": text}))
        return True
    return False


def send_input(run_id: UUID, *, text: str, eof: bool) -> bool:
    """Pass on a piece of input, or its end, or both; False when Redis could not. Raises InputTooLarge."""
    sent = not text or (_count_input(run_id, text) and order(run_id, "input", text))
    if eof:
        sent = order(run_id, "eof") and sent
    return sent


def _count_input(run_id: UUID, text: str) -> bool:
    """Here as where the program runs: what comes after a piece that was too much is too much, too."""
    key = f"run:{run_id}:input"
    with _best_effort("count input"), client().pipeline() as pipe:
        pipe.incrby(key, len(text.encode("utf-8", "replace")))
        pipe.expire(key, _STREAM_SECONDS)
        if pipe.execute()[0] > MOST_INPUT:
            raise InputTooLarge
        return True
    return False


def listeners() -> int:
    """How many workers listen for orders; of one that was killed Redis knows at once. Raises RedisError."""
    ((_channel, number),) = client().pubsub_numsub(_ORDERS)
    return int(number)


def listen_for_orders(act: Callable[[UUID, str, str], None], *, stopped: Callable[[], bool]) -> None:
    """Call `act(run_id, kind, text)` for every order until `stopped()`; reconnects by itself."""
    while not stopped():
        # `pubsub` has no annotations in the library.
        pubsub = client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        with _best_effort("listen"), pubsub as channel:
            channel.subscribe(_ORDERS)
            while not stopped():
                message = channel.get_message(timeout=1.0)
                if message:
                    fields = json.loads(message["data"])
                    act(UUID(fields["run"]), fields["kind"], fields["text"])
            return
        time.sleep(0.5)  # Redis is away: do not spin
