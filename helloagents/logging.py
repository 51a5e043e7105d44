"""What the log looks like: one JSON object a line in production, readable lines in development.

Records of Django, Celery and uvicorn pass through the same chain as structlog's own. Secrets in whatever
passes are masked.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import structlog
from django.utils.functional import LazyObject
from structlog.typing import Processor

from helloagents import sampling
from sandbox import tracing

MASK = "***"
# Names of values that open something. `token` alone, not `tokens`: those are what model calls are counted in.
_SECRET_NAME = re.compile(
    r"(?:^|[-_.])(?:password\d?|passwd|secret|seed|authorization|cookies?|set-cookie|csrfmiddlewaretoken|sessionid"
    r"|csrftoken|token|api[-_]?key|apikey|private[-_]?key|secret[-_]?key|credentials?|otp|recovery[-_]?codes?"
    r"|(?:access|refresh|id|client)[-_](?:token|secret))$",
    re.IGNORECASE,
)
# The same within a text: name=value and "name": "value", headers, keys of model providers, JWTs, URLs.
_SECRET_TEXTS: list[tuple[re.Pattern[str], str]] = [
    (
        re.compile(
            r"""(\b(?:password\d?|passwd|secret|client_secret|api[-_]?key|(?:access_|refresh_|id_|csrf)?token|sessionid"""
            r"""|csrfmiddlewaretoken|credential)["']?\s*[=:]\s*["']?)[^\s"'&,;)}]+""",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(r"\b((?:authorization|cookie|set-cookie)[\"']?\s*[:=]\s*)[^\r\n]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\bsk-[\w-]{8,}"), MASK),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), MASK),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@", re.IGNORECASE), rf"\1:{MASK}@"),
    # Links that let in whoever has them.
    (re.compile(r"(/first-admin/|/password/reset/key/|/confirm-email/)[^\s/\"']+"), rf"\1{MASK}"),
]

# What none of these can be in: most texts of most lines. Only keys are single words.
_HARMLESS_TEXT = re.compile(r"(?:(?!sk-|eyJ)[\w.-])*")


def mask_secrets(_logger: Any, _method: str, event: Any) -> Any:
    """A processor: the event with secrets masked, by the names of its values and within its texts."""
    return {name: _masked(value, name) for name, value in event.items()}


def _masked(value: Any, name: Any = "") -> Any:
    if isinstance(name, str) and _names_a_secret(name) and value not in (None, "", True, False):
        return MASK
    match value:
        case str():
            return mask_text(value)
        case Mapping():
            return {key: _masked(inner, key) for key, inner in value.items()}
        case list() | tuple():
            return [_masked(inner) for inner in value]
        case _:
            return value


@lru_cache(maxsize=1000)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def mask_text(text: str) -> str:
    """The text with whatever looks like a secret masked."""
    if _HARMLESS_TEXT.fullmatch(text):
        return text
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


# The request that is being answered; helloagents.middleware sets it.
serving: ContextVar[Any] = ContextVar("serving", default=None)


def add_who_and_where(_logger: Any, _method: str, event: Any) -> Any:
    """A processor: the account that asks, once the request has told it, and the trace. No query for it."""
    request = serving.get()
    known = getattr(request, "user", None)
    if isinstance(known, LazyObject):
        known = getattr(request, "_cached_user", None)  # where Django keeps it once it was asked for
    if pk := getattr(known, "pk", None):
        event.setdefault("user", pk)
    if trace_id := tracing.current_id():
        event.setdefault("trace_id", trace_id)
    return event


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,  # the ids of request, task and run
    add_who_and_where,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(*, debug: bool, routine_share: float = 1) -> dict[str, Any]:
    """Set up structlog, and return Django's LOGGING. `routine_share`: see `helloagents.sampling`."""
    sampling.keep(routine_share)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            sampling.drop_routine,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "chain": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*SHARED, structlog.stdlib.ExtraAdder(), without_request],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *(_readable() if debug else _json()),
                ],
            }
        },
        "filters": {"answers": {"()": lambda: without_address}, "burst": {"()": sampling.Burst}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "chain",
                "filters": ["burst"],
            },
            "refusals": {"class": "helloagents.logging.Refusals"},
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "django.security": {"handlers": ["refusals"], "propagate": False},
            # Django names each 404 a warning; an operator has the proxy's access log for them.
            "django.request": {"level": logging.ERROR, "filters": ["answers"]},
        }
        | {
            name: {"level": level, "handlers": [], "propagate": True}
            for name, level in {
                "helloagents": logging.INFO,
                "lessons": logging.INFO,
                "progress": logging.INFO,
                "sandbox": logging.INFO,
                "tutor": logging.INFO,
                "django": logging.INFO,
                "django.server": logging.INFO,
                "uvicorn": logging.WARNING,
            }.items()
        },
    }


def without_request(_logger: Any, _method: str, event: Any) -> Any:
    """A processor: Django adds the request itself, which would be written with all of its address."""
    event.pop("request", None)
    return event


class Refusals(logging.Handler):
    """Tells of requests that Django refused, say for a forged Host header, as a warning without their words.

    Django calls most of them errors and repeats what the caller wrote; so anybody could have an operator
    called at night.
    """

    def emit(self, record: logging.LogRecord) -> None:
        reason = record.name.rpartition(".")[2]
        structlog.get_logger(__name__).warning(
            "request_refused", reason=reason, status=getattr(record, "status_code", None)
        )


def without_address(record: logging.LogRecord) -> bool:
    """Take the address out of Django's line of an answer that is an error: `request` tells its pattern.

    An answer that a view chose, and no exception, is a warning: whoever chose it has told what is wrong. "No
    model provider is set up" is no fault to wake somebody for.
    """
    if isinstance(record.args, tuple) and len(record.args) == 2:  # the status in words, and the address
        record.msg, record.args = str(record.args[0]), ()
    if not record.exc_info:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _readable() -> list[Processor]:
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    return [mask_secrets, console]


def _json() -> list[Processor]:
    # Without local variables: they hold what learners wrote, and secrets.
    traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(traceback),
        mask_secrets,  # the traceback, too
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
