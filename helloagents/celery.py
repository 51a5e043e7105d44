"""The Celery application, and a worker process's start and end. Tasks live in the apps."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog
from celery import Celery, Task, bootsteps
from celery.signals import (
    beat_init,
    setup_logging,
    task_postrun,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from opentelemetry.trace import SpanKind

from sandbox import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helloagents.settings")


class NamedTask(Task[Any, Any]):
    """A task whose log lines and trace go on from whoever sent it."""

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs or self.app.conf.task_always_eager:
            return super().delay(*args, **kwargs)
        from helloagents import sending  # a tenth of a second that not every process needs

        return self.AsyncResult(sending.send(self.name, args, self._sent_along()))

    def apply_async(self, *args: Any, headers: Mapping[str, Any] | None = None, **options: Any) -> Any:
        return super().apply_async(*args, headers={**(headers or {}), **self._sent_along()}, **options)

    @staticmethod
    def _sent_along() -> dict[str, Any]:
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        return tracing.carried() | ({"request_id": request_id} if request_id else {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        names = {"task_id": self.request.id, "task": self.name}
        if request_id := self.request.get("request_id"):
            names["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        sent_along = {name: self.request.get(name) or "" for name in ("traceparent", "tracestate")}
        with (
            structlog.contextvars.bound_contextvars(**names),
            tracing.step(f"task {self.name}", kind=SpanKind.CONSUMER, sent_along=sent_along),
        ):
            return super().__call__(*args, **kwargs)


# How long a thread that is ready may have to wait for another one of the worker. A run is handed from one to
# the next, and at 5 ms, as Python has it, one wait would be longer than all the rest of it.
_SWITCH_SECONDS = 0.0005

app = Celery("helloagents", task_cls=NamedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**kwargs: Any) -> None:
    """Being connected is enough: Celery then leaves logging to Django's settings."""


class WakeWhenFree(bootsteps.StartStopStep):
    """Has a busy worker look for the next message as soon as a thread is free.

    With prefetching off Celery takes no more messages than it has threads, so that none waits on a busy host
    while another one idles. But by itself it looks again only when its event loop wakes: up to a second late.
    As long as a thread is free it waits for a message anyhow, and is left alone.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        from celery.worker.state import reserved_requests  # a tenth of a second that only workers need

        self._taken, self._consumer = reserved_requests, parent
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)
        task_postrun.connect(self._wake, weak=False)

    def start(self, parent: Any) -> None:
        """At each connection to Redis: the event loop has forgotten its readers then."""
        if parent.hub is not None:
            parent.hub.add_reader(self._read_end, self._look, parent.hub)

    def _wake(self, **kwargs: Any) -> None:
        """In the thread that has just done a task."""
        if len(self._taken) < self._consumer.pool.num_processes:
            return
        with suppress(BlockingIOError):  # full: it will wake anyhow
            os.write(self._write_end, b"!")

    def _look(self, hub: Any) -> None:
        os.read(self._read_end, 4096)
        # A thread tells of its task's end just before Celery counts it as done. To wake is all it takes.
        for seconds in (0.002, 0.05):
            hub.call_later(seconds, lambda: None)


app.steps["consumer"].add(WakeWhenFree)


# The apps are not loaded yet when this module is, so each signal imports what it needs.


@worker_init.connect
def prepare_worker(**kwargs: Any) -> None:
    from helloagents import watching

    sys.setswitchinterval(_SWITCH_SECONDS)
    watching.start("worker")


@beat_init.connect
def watch_beat(**kwargs: Any) -> None:
    from helloagents import watching

    watching.start("beat")


@worker_ready.connect
def join(**kwargs: Any) -> None:
    from progress import worker

    worker.start()


@worker_shutting_down.connect
def leave(**kwargs: Any) -> None:
    from progress import worker

    worker.leave()


@worker_shutdown.connect
def end(**kwargs: Any) -> None:
    from progress import worker

    worker.end()
