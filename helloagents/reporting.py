"""Faults of the platform, sent to Sentry: where in the code, which kind, in which request. No contents.

Every line of the log of level ERROR becomes a report, through one door. What an exception says stays in the
site's own log, where the request id finds it: such words can hold a prompt, a program, a secret.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.utils import event_from_exception

from helloagents.logging import mask_secrets

# Of a line's fields, those that say where to look and not what was written.
TOLD = ("request_id", "trace_id", "task_id", "task", "run", "submission", "user", "host", "part", "doing")


def start(*, dsn: str, environment: str, release: str, process: str) -> None:
    """Send reports from now on; every error line of the log is one."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release or None,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            AtexitIntegration(callback=lambda pending, timeout: None),  # sends what waits, says nothing
            DedupeIntegration(),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
        ],
        include_local_variables=False,
        send_default_pii=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        server_name="",
        before_send=_without_contents,
    )
    sentry_sdk.set_tag("process", process)
    logging.getLogger().addHandler(Reports(level=logging.ERROR))


class Reports(logging.Handler):
    """Makes a report of each record it gets."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sentry_sdk.capture_event(*_report(record))
        except Exception:  # noqa: BLE001 - a logging handler: see logging.Handler.handleError
            self.handleError(record)


def _report(record: logging.LogRecord) -> tuple[Any, Any]:
    """The event and what Sentry calls its hint."""
    ours: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {}
    problem = record.exc_info or ours.get("exc_info")
    if isinstance(problem, BaseException):
        problem = (type(problem), problem, problem.__traceback__)
    elif problem and not isinstance(problem, tuple):
        problem = sys.exc_info()
    event: Any = {}
    hint: Any = {}
    if problem and problem[0]:
        options = sentry_sdk.get_client().options
        event, hint = event_from_exception(problem, client_options=options)
    fields = {**structlog.contextvars.get_contextvars(), **ours}
    tags = {name: str(fields[name]) for name in TOLD if fields.get(name)}
    return {
        **event,
        "level": record.levelname.lower(),
        "logger": record.name,
        "logentry": {"message": str(ours.get("event") or record.msg)},  # without what was put into it
        "tags": tags,
    }, hint


def _without_contents(event: Any, _hint: Any) -> Any:
    """The last thing before an event leaves: exceptions are kinds and places."""
    for problem in (event.get("exception") or {}).get("values") or []:
        problem["value"] = "The site's log has its words."
        for frame in (problem.get("stacktrace") or {}).get("frames") or []:
            frame.pop("vars", None)
    return mask_secrets(None, "", {name: value for name, value in event.items() if name != "breadcrumbs"})
