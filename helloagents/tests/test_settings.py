"""The environment: every variable is documented; a start that cannot be right is refused with one list."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

READERS = {"str", "bool", "int", "float", "list", "db_url", "email_url"}
GOOD_KEY = "x9Kq" * 15 + "abcdefg"


def variables_read() -> set[str]:
    """The names given to `env.…("NAME")` in the settings."""
    tree = ast.parse((settings.BASE_DIR / "helloagents" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.func.attr in READERS
        and isinstance(call.args[0], ast.Constant)
    }


def start(**env: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a fresh process that sees only the given variables."""
    bare = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "helloagents.settings"}
    bare["VAR_DIR"] = str(settings.VAR_DIR)  # not the developer's, where `make run` notes its choices
    command = [sys.executable, "-c", "from django.conf import settings; settings.DEBUG"]
    return subprocess.run(command, env=bare | env, cwd=settings.BASE_DIR, capture_output=True, text=True)


def refusals(**env: str) -> list[str]:
    """The lines of the list that a refused start ends with; empty when it starts."""
    result = start(**env)
    lines = [line.removeprefix("  - ") for line in result.stderr.splitlines() if line.startswith("  - ")]
    assert bool(lines) == bool(result.returncode), result.stderr
    return lines


def names_in(text: str) -> list[str]:
    return re.findall(r"^#?([A-Z][A-Z_]*)=", text, flags=re.MULTILINE)


def test_env_example_documents_every_variable_and_nothing_else() -> None:
    text = (settings.BASE_DIR / ".env.example").read_text()
    of_the_site, _, of_compose = text.partition("# --- One machine: compose.yaml")
    compose = (settings.BASE_DIR / "compose.yaml").read_text()
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose))

    assert len(names_in(text)) == len(set(names_in(text)))
    assert set(names_in(of_the_site)) == variables_read()
    assert set(names_in(of_compose)) == (asked - variables_read()) | {"WEB_PROCESSES"}  # of the image's start


def test_development_needs_nothing() -> None:
    assert refusals(DEBUG="true") == []


def test_production_starts_with_a_secret_and_host_names() -> None:
    assert refusals(SECRET_KEY=GOOD_KEY, ALLOWED_HOSTS="learn.example.org") == []


def test_a_refused_start_lists_everything_at_once() -> None:
    lines = refusals(
        SECRET_KEY="short",
        ALLOWED_HOSTS="*",
        SANDBOX_ENGINE="none",
        SANDBOX_CPUS="half",
        SANDBOX_POOL_MIN="11",
        DATABASE_URL="mysql://db/site",
        REDIS_URL="http://cache",
        CSRF_TRUSTED_ORIGINS="learn.example.org",
    )

    assert [line.split()[0] for line in lines] == [
        *("SANDBOX_CPUS", "DATABASE_URL", "REDIS_URL", "SANDBOX_ENGINE", "SANDBOX_POOL_MIN,"),
        *("CSRF_TRUSTED_ORIGINS", "SECRET_KEY", "ALLOWED_HOSTS"),
    ]


def test_production_without_a_secret_is_refused() -> None:
    (line,) = refusals(ALLOWED_HOSTS="learn.example.org")

    assert line.startswith("SECRET_KEY is not set")


def test_a_guessable_secret_is_refused() -> None:
    (line,) = refusals(SECRET_KEY="a" * 60, ALLOWED_HOSTS="learn.example.org")

    assert line.startswith("SECRET_KEY is too easy to guess")


def test_debug_on_a_public_host_is_refused() -> None:
    (line,) = refusals(DEBUG="true", ALLOWED_HOSTS="localhost,learn.example.org")

    assert "learn.example.org" in line
    assert "localhost" not in line


def test_debug_on_a_network_of_ones_own_is_fine() -> None:
    assert refusals(DEBUG="true", ALLOWED_HOSTS="localhost,192.168.1.20,[::1]") == []


# What cannot be right, and what the list says of it.
WRONG = {
    "MODEL_RETRIES": ("-1", "0 or a number above it"),
    "WORKER_STOP_SECONDS": ("-5", "0 or a number above it"),
    "SECURE_HSTS_SECONDS": ("-5", "0 or a number above it"),
    "CSRF_TRUSTED_ORIGINS": ("https://", "https://learn.example.org"),
    "CORS_ALLOWED_ORIGINS": ("https://school.example.org:x", "https://learn.example.org"),
    "ALLOWED_HOSTS": ("https://learn.example.org", "no host name"),
    "TIME_ZONE": ("Mars/Phobos", "no time zone"),
    "DATABASE_URL": ("postgres://u:hunter2@h:abc/x", "no address of a database"),
    "REDIS_URL": ("redis://:hunter2@h:abc/0", "no address of a Redis"),
    "SITE_URL": ("https://", "http:// or https://"),
    "SENTRY_DSN": ("https://foo", "https://key@sentry.example.org/project-number"),
    "PROMETHEUS_MULTIPROC_DIR": ("/nonexistent", "no directory"),
    "JWT_SIGNING_KEY": ("abc", "fewer than 32"),
}
WRONG_TOO = {
    "CSRF_TRUSTED_ORIGINS": ("https://school.example.org/", "https://learn.example.org"),
    "ALLOWED_HOSTS": ("learn.example.org:8000", "no host name"),
    "TIME_ZONE": ("Asia", "no time zone"),
    "DATABASE_URL": ("postgres://u:hunter2@h", "no address of a database"),
    "SENTRY_DSN": ("https://hunter2@foo/project", "https://key@sentry.example.org/project-number"),
}


@pytest.mark.parametrize("wrong", [WRONG, WRONG_TOO])
def test_what_cannot_be_right_is_named(wrong: dict[str, tuple[str, str]]) -> None:
    given = {"SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "learn.example.org"}
    lines = {
        line.split()[0]: line for line in refusals(**given | {name: each[0] for name, each in wrong.items()})
    }

    assert set(lines) == set(wrong)
    for name, (_, words) in wrong.items():
        assert words in lines[name]
    assert "hunter2" not in str(lines)


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    assert (
        refusals(
            SECRET_KEY=GOOD_KEY,
            ALLOWED_HOSTS=".example.org,[::1],10.0.0.1",
            SITE_URL="https://learn.example.org:8443/",
            MODEL_RETRIES="0",
            WORKER_STOP_SECONDS="0",
            SECURE_HSTS_SECONDS="0",
            CSRF_TRUSTED_ORIGINS="https://*.example.org,https://[::1]:8000",
            CORS_ALLOWED_ORIGINS="http://localhost:3000",
            TIME_ZONE="Asia/Shanghai",
            DATABASE_URL="postgres://u:p%40@db:5432/x",
            REDIS_URL="redis://:p@redis:6379/0",
            SENTRY_DSN="https://key@sentry.example.org/sub/42",
            PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
            JWT_SIGNING_KEY="k" * 32,
        )
        == []
    )


def test_a_model_without_a_readable_price_is_told_with_its_variable() -> None:
    (line,) = refusals(DEBUG="true", MODEL_PROVIDERS="deepseek", MODEL_DEEPSEEK_MODELS="deepseek-chat abc")

    assert line == (
        "MODEL_PROVIDERS names 'deepseek', but MODEL_DEEPSEEK_MODELS is not understood: "
        "“deepseek-chat abc” is no model with its prices: deepseek-chat 0.27/1.10."
    )


def test_a_choice_between_true_and_false_is_one_of_them() -> None:
    assert refusals(DEBUG="maybe", SECRET_KEY=GOOD_KEY) == ["DEBUG is 'maybe', which is not true or false."]
    assert refusals(DEBUG="On", GUESTS_MAY_RUN_CODE="no") == []


def test_a_wrong_mail_server_is_named_without_its_password() -> None:
    (line,) = refusals(DEBUG="true", EMAIL_URL="https://user:hunter2@mail.example.org")

    assert line.startswith("EMAIL_URL is no address of a mail server")
    assert "hunter2" not in line
    assert refusals(DEBUG="true", EMAIL_URL="smtp+tls://mail.example.org:port") == [line]


def test_a_production_with_mail_says_who_it_is_from() -> None:
    production = {"SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "learn.example.org"}
    mail = {"EMAIL_URL": "smtp+tls://user:hunter2@mail.example.org:587"}

    assert [line.split()[0] for line in refusals(**production, **mail)] == ["DEFAULT_FROM_EMAIL"]
    assert refusals(**production, **mail, DEFAULT_FROM_EMAIL="site@learn.example.org") == []
    assert refusals(**production, EMAIL_URL="") == []


def test_a_runs_usual_time_is_within_its_longest() -> None:
    (line,) = refusals(DEBUG="true", RUN_TIMEOUT_DEFAULT="90")

    assert line == "RUN_TIMEOUT_DEFAULT is more than RUN_TIMEOUT_MAX."
    assert refusals(DEBUG="true", RUN_TIMEOUT_DEFAULT="90", RUN_TIMEOUT_MAX="120") == []


def test_an_unknown_engine_is_refused_in_development_too() -> None:
    (line,) = refusals(DEBUG="true", SANDBOX_ENGINE="podman")

    assert "auto, docker, bubblewrap" in line
