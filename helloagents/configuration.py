"""Reading the environment, and refusing to start on one that cannot be right.

Settings ask `Environment` for values; what cannot be read is remembered, not raised, so that an operator
gets one list of everything to mend (`refuse`).
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from tutor import configured

T = TypeVar("T")

CHOICES_OF_MAKE_RUN = "development.env"  # in VAR_DIR
SECRET_KEY_LENGTH = 50  # as Django's own deployment check asks
SECRET_KEY_CHARACTERS = 5
JWT_KEY_LENGTH = 32  # bytes: as many as HS256's own hash has (RFC 7518, 3.2)
SANDBOX_ENGINES = ("auto", "docker", "bubblewrap")
POSITIVE = (
    *("SANDBOX_MEMORY_MB", "SANDBOX_AGENT_MEMORY_MB", "SANDBOX_CPUS", "SANDBOX_PROCESSES", "SANDBOX_TMP_MB"),
    "SANDBOX_OUTPUT_KB",
    *("SANDBOX_POOL_MAX", "SANDBOX_POOL_IDLE_SECONDS", "SANDBOX_LEASE_WAIT_SECONDS"),
    *("SANDBOX_GROWTH_WINDOW_SECONDS", "SANDBOX_RUNS_PER_CONTAINER", "SANDBOX_FAILURE_SAMPLES"),
    *("SANDBOX_FAILED_CHECKS", "SANDBOX_CHECK_SECONDS", "SANDBOX_DEEP_CHECK_SECONDS"),
    *("SANDBOX_PING_AFTER_SECONDS", "SANDBOX_BUILD_PAUSE_SECONDS", "SANDBOX_REAP_SECONDS"),
    *("RUN_TIMEOUT_DEFAULT", "RUN_TIMEOUT_MAX"),
    *("RUN_QUEUE_MAX", "RUN_QUEUE_PER_LEARNER", "WORKER_HEARTBEAT_SECONDS"),
    *("MODEL_CALLS_PER_RUN", "MODEL_MAX_ANSWER_TOKENS", "MODEL_CONNECT_SECONDS", "MODEL_SILENCE_SECONDS"),
    *("MODEL_CALL_SECONDS", "MODEL_TRACE_DAYS"),
    *("TUTOR_ANSWERS_AT_ONCE", "TUTOR_CONTEXT_TOKENS"),
    *("SLOW_REQUEST_SECONDS", "DELETED_KEPT_DAYS", "DATABASE_POOL_SIZE", "DATABASE_WAIT_SECONDS"),
)
NOT_NEGATIVE = ("MODEL_RETRIES", "WORKER_STOP_SECONDS", "SECURE_HSTS_SECONDS")
SHARES = ("SANDBOX_GROWTH_ABOVE", "SANDBOX_FAILURE_RATE")
SHARES_OR_NONE = ("LOG_ROUTINE_SHARE", "TRACE_SHARE")
ADDRESSES = ("SITE_URL", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT")
FALSE = ("false", "off", "n", "no", "0", "")  # beside environ's words for true
BEATS_UNTIL_LOST = 3
DATABASE_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")


class Refused(Exception):
    """The settings cannot be right. The message is for an operator and needs no traceback.

    No ImproperlyConfigured: after that Django's commands go on for a while, and stumble over something else.
    """


class Environment(environ.Env):  # type: ignore[misc] # environ ships no types
    """environ's reader, but a value of the wrong kind becomes a line in `problems` and the default stands."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, cast=cast, default=default, **kwargs)
        except ValueError:
            kind = {int: "a whole number", float: "a number", bool: "true or false"}.get(cast, f"a {cast}")
            self.problems.append(f"{var} is {self.ENVIRON[var]!r}, which is not {kind}.")
            return default

    @classmethod
    def parse_value(cls, value: Any, cast: Any) -> Any:
        """As environ does, but what is neither true nor false is refused, not taken for false."""
        if cast is bool and str(value).strip().lower() not in (*cls.BOOLEAN_TRUE_STRINGS, *FALSE):
            raise ValueError(value)
        return super().parse_value(value, cast)

    def db_url(self, var: str, default: str) -> dict[str, Any]:
        """Django's settings of a database for its address."""
        try:
            settings: dict[str, Any] = super().db_url(var, default=default)
        except (ImproperlyConfigured, ValueError):
            settings = {}
        if settings.get("ENGINE") == "django.db.backends.postgresql" and not settings["NAME"]:
            settings = {}
        if not settings:
            # Without the value: it may hold a password.
            self.problems.append(
                f"{var} is no address of a database: postgres://user:password@host:5432/name"
            )
            settings = self.db_url_config(default)
        return settings

    def email_url(self, var: str, default: str) -> dict[str, Any]:
        """Django's EMAIL_… settings for an address of a mail server."""
        given = self.str(var, default="") or default
        try:
            settings: dict[str, Any] = self.email_url_config(given)
            return settings
        except (ImproperlyConfigured, ValueError):
            # Without the value: it may hold a password.
            self.problems.append(f"{var} is no address of a mail server: smtp+tls://user:password@host:587")
            return dict(self.email_url_config(default))

    def understood(self, var: str, given: str | list[str], read: Callable[[Any], T], default: T) -> T:
        """What `read` makes of a variable's value."""
        try:
            return read(given)
        except configured.Unreadable as error:
            self.problems.append(f"{var}: {error}.")
            return default

    def model_providers(self, names: list[str]) -> list[configured.ConfiguredProvider]:
        """The providers named in MODEL_PROVIDERS, each from its own MODEL_<NAME>_… variables."""
        providers = []
        for name in names:
            prefix = f"MODEL_{name.upper().replace('-', '_')}_"
            said = {
                part: self.str(prefix + part, default="").strip()
                for part in ("KIND", "URL", "KEY", "MODELS", "EMBEDDINGS")
            }
            try:
                providers.append(configured.read_provider(name.lower(), said))
            except configured.Unreadable as error:
                self.problems.append(f"MODEL_PROVIDERS names {name!r}, but {prefix}{error}.")
        return providers

    def read_choices_of_make_run(self, path: Path) -> None:
        """Complete the environment with the file that `make run` left, if this is a development's.

        Never for a production, even in a folder that once was a development's: not when DEBUG is off, and
        not when the environment has a secret key, without which a production does not start anyhow.
        """
        debug = self.ENVIRON.get("DEBUG", "").strip().lower()
        if debug in self.BOOLEAN_TRUE_STRINGS or (not debug and not self.ENVIRON.get("SECRET_KEY")):
            # An empty line in .env, as .env.example has it, says nothing.
            for name in ("DEBUG", "SECRET_KEY"):
                if not self.ENVIRON.get(name):
                    self.ENVIRON.pop(name, None)
            self.read_env(str(path))


def networks(words: Iterable[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks and single addresses. Raises Unreadable."""
    try:
        return [ipaddress.ip_network(word) for word in words]
    except ValueError as error:
        raise configured.Unreadable(str(error)) from error


def social_app(client_id: str, secret: str) -> dict[str, Any]:
    """allauth's settings of one provider; without a client id it is not offered."""
    app = {"client_id": client_id, "secret": secret, "key": ""}
    return {"APPS": [app] if client_id else []}


def origins_of_sign_in(providers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where the configured providers ask people who they are."""
    origins = {"github": "https://github.com", "google": "https://accounts.google.com"}
    return [origins[name] for name, provider in providers.items() if provider["APPS"]]


def problems_anywhere(settings: Mapping[str, Any]) -> list[str]:
    """What no site can start with, a line each. `settings` are the names of the settings module."""
    problems = []
    if settings["DATABASES"]["default"].get("ENGINE") not in DATABASE_ENGINES:
        problems.append("DATABASE_URL starts with neither postgres:// nor sqlite:///.")
    if not settings["REDIS_URL"].startswith(("redis://", "rediss://", "unix://")):
        problems.append("REDIS_URL starts with none of redis://, rediss:// and unix://.")
    elif _split(settings["REDIS_URL"]) is None:
        problems.append("REDIS_URL is no address of a Redis: redis://:password@host:6379/0")
    if not _is_time_zone(settings["TIME_ZONE"]):
        problems.append(f"TIME_ZONE is {settings['TIME_ZONE']!r}, which is no time zone: Asia/Shanghai")
    shared = settings["PROMETHEUS_MULTIPROC_DIR"]
    if shared and not (Path(shared).is_dir() and os.access(shared, os.W_OK)):
        problems.append(
            f"PROMETHEUS_MULTIPROC_DIR is {shared!r}, which is no directory that one may write to."
        )
    if settings["SANDBOX_ENGINE"] not in SANDBOX_ENGINES:
        choices = ", ".join(SANDBOX_ENGINES)
        problems.append(f"SANDBOX_ENGINE is {settings['SANDBOX_ENGINE']!r}. Choose one of {choices}.")
    if (
        not 0
        <= settings["SANDBOX_POOL_MIN"]
        <= settings["SANDBOX_POOL_INITIAL"]
        <= settings["SANDBOX_POOL_MAX"]
    ):
        problems.append(
            "SANDBOX_POOL_MIN, SANDBOX_POOL_INITIAL and SANDBOX_POOL_MAX do not rise in this order."
        )
    if settings["WORKER_LOST_SECONDS"] < BEATS_UNTIL_LOST * settings["WORKER_HEARTBEAT_SECONDS"]:
        problems.append(f"WORKER_LOST_SECONDS is less than {BEATS_UNTIL_LOST} × WORKER_HEARTBEAT_SECONDS.")
    if settings["RUN_TIMEOUT_DEFAULT"] > settings["RUN_TIMEOUT_MAX"]:
        problems.append("RUN_TIMEOUT_DEFAULT is more than RUN_TIMEOUT_MAX.")
    problems += [
        f"{name} is {settings[name]}. It takes a number above 0." for name in POSITIVE if settings[name] <= 0
    ]
    problems += [
        f"{name} is {settings[name]}. It takes 0 or a number above it."
        for name in NOT_NEGATIVE
        if settings[name] < 0
    ]
    problems += [
        f"{name} is {settings[name]}. It takes a share: more than 0, at most 1."
        for name in SHARES
        if not 0 < settings[name] <= 1
    ]
    problems += [
        f"{name} is {settings[name]}. It takes a share: from 0 to 1."
        for name in SHARES_OR_NONE
        if not 0 <= settings[name] <= 1
    ]
    problems += [
        f"{name} is no address that starts with http:// or https://."  # without it: a DSN holds a key
        for name in ADDRESSES
        if settings[name] and not _is_web_address(settings[name])
    ]
    if _is_web_address(settings["SENTRY_DSN"]) and not _is_dsn(settings["SENTRY_DSN"]):
        problems.append(
            "SENTRY_DSN lacks what Sentry has in it: https://key@sentry.example.org/project-number"
        )
    problems += [
        f"{name} holds {origin!r}, which is not the address of a site alone: https://learn.example.org"
        for name in ("CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS")
        for origin in settings[name]
        if not _is_origin(origin)
    ]
    problems += [
        f"ALLOWED_HOSTS holds {host!r}, which is no host name: learn.example.org"
        for host in settings["ALLOWED_HOSTS"]
        if "/" in host or (":" in host and not host.startswith("["))
    ]
    problems += [
        f"{name.upper()}_CLIENT_ID is set, but {name.upper()}_CLIENT_SECRET is not."
        for name, provider in settings["SOCIALACCOUNT_PROVIDERS"].items()
        if any(not app["secret"] for app in provider["APPS"])
    ]
    return problems


def problems_in_development(settings: Mapping[str, Any]) -> list[str]:
    """Why a site with DEBUG on may not be reached from outside."""
    public = [host for host in settings["ALLOWED_HOSTS"] if not _is_private(host)]
    if not public:
        return []
    return [f"DEBUG is on, which shows secrets to everybody, but ALLOWED_HOSTS names {', '.join(public)}."]


def problems_in_production(settings: Mapping[str, Any]) -> list[str]:
    """What a site on the internet may not start with, a line each."""
    problems = []
    key = settings["SECRET_KEY"]
    if (
        len(key) < SECRET_KEY_LENGTH
        or len(set(key)) < SECRET_KEY_CHARACTERS
        or key.startswith("django-insecure")
    ):
        fault = "is too easy to guess" if key else "is not set"
        make = 'python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
        problems.append(f"SECRET_KEY {fault}. Make one: {make}")
    problems += [
        f"FIELD_ENCRYPTION_KEYS holds a secret of fewer than {SECRET_KEY_LENGTH} characters."
        for secret in settings["FIELD_ENCRYPTION_KEYS"]
        if secret != key and len(secret) < SECRET_KEY_LENGTH
    ]
    if len(settings["JWT_SIGNING_KEY"]) < JWT_KEY_LENGTH:
        problems.append(f"JWT_SIGNING_KEY is a secret of fewer than {JWT_KEY_LENGTH} characters.")
    if not settings["ALLOWED_HOSTS"] or "*" in settings["ALLOWED_HOSTS"]:
        problems.append(
            "ALLOWED_HOSTS does not name the site's own host names: ALLOWED_HOSTS=learn.example.org"
        )
    if settings["SITE_SENDS_MAIL"] and settings["DEFAULT_FROM_EMAIL"].endswith("@localhost"):
        problems.append("DEFAULT_FROM_EMAIL does not say who the site's mail is from: site@learn.example.org")
    return problems


def derived_key(secret: str, purpose: str) -> str:
    """A key of its own for one purpose, from the site's secret: 64 hexadecimal digits."""
    return hmac.new(secret.encode(), purpose.encode(), "sha256").hexdigest()


def refuse(problems: Iterable[str]) -> None:
    """Raise Refused with all problems as one list, if there are any."""
    lines = [f"  - {problem}" for problem in problems]
    if lines:
        raise Refused(
            "\n".join(["The site cannot start like this. Mend in the environment or in .env:", *lines])
            + "\n.env.example explains every variable; `make run` starts a site for development."
        )


def _is_private(host: str) -> bool:
    if host in ("localhost", ".localhost", "testserver") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return False


def _split(address: str) -> SplitResult | None:
    """The parts of an address, of which each can be read."""
    try:
        parts = urlsplit(address)
        parts.hostname, parts.port  # noqa: B018 - what is none is told by reading it
    except ValueError:
        return None
    return parts


def _is_web_address(text: str) -> bool:
    parts = _split(text)
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_dsn(text: str) -> bool:
    parts = _split(text)
    return parts is not None and bool(parts.username) and parts.path.rpartition("/")[2].isdecimal()


def _is_origin(text: str) -> bool:
    """As browsers name where a request is from, https://learn.example.org:8443."""
    parts = _split(text)
    return parts is not None and bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}"


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # what is a folder of zones, what is none
        return False
    return True
