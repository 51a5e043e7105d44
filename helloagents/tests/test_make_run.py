"""What `make run` refuses, and what it tells commands in another terminal."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from deploy.dev import run
from deploy.dev.processes import SetupError

GOOD_KEY = "x9Kq" * 15 + "abcdefg"


def manage(var: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command in a terminal that knows nothing but where the site keeps its files."""
    env = {"PATH": os.environ["PATH"], "VAR_DIR": str(var)} | env
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True)


def remember(var: Path) -> None:
    run.remember(
        {
            "DEBUG": "true",
            "SECRET_KEY": GOOD_KEY,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "SITE_URL": "http://127.0.0.1:8123",
            "VAR_DIR": str(var),
        }
    )


def setting(var: Path, name: str, **env: str) -> str:
    printed = manage(
        var, "shell", "-v0", "-c", f"from django.conf import settings; print(settings.{name})", **env
    )
    assert printed.returncode == 0, printed.stderr
    return printed.stdout.strip()


def test_a_command_means_the_site_that_runs(tmp_path: Path) -> None:
    remember(tmp_path)
    migrated = manage(tmp_path, "migrate", "-v0")
    link = manage(tmp_path, "make_admin_link")

    assert migrated.returncode == 0, migrated.stderr
    assert link.stdout.startswith("http://127.0.0.1:8123/first-admin/")
    assert setting(tmp_path, "REDIS_URL") == "redis://127.0.0.1:1/0"
    # A .env copied from .env.example has an empty SECRET_KEY.
    assert setting(tmp_path, "SECRET_KEY", SECRET_KEY="") == GOOD_KEY


def test_what_the_environment_says_wins(tmp_path: Path) -> None:
    remember(tmp_path)

    assert setting(tmp_path, "SITE_URL", SITE_URL="http://localhost:9") == "http://localhost:9"


@pytest.mark.parametrize("env", [{"DEBUG": "false"}, {"SECRET_KEY": GOOD_KEY[::-1]}])
def test_a_production_does_not_read_the_choices(tmp_path: Path, env: dict[str, str]) -> None:
    remember(tmp_path)
    production = {"SECRET_KEY": GOOD_KEY[::-1], "ALLOWED_HOSTS": "learn.example.org"} | env

    assert setting(tmp_path, "DEBUG", **production) == "False"
    assert setting(tmp_path, "SECRET_KEY", **production) == GOOD_KEY[::-1]
    assert "SECRET_KEY is not set" in manage(tmp_path, "check", DEBUG="false").stderr


def test_the_choices_are_for_their_owner_alone(tmp_path: Path) -> None:
    remember(tmp_path)
    remember(tmp_path)

    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [("check",), ("import_lessons", "course"), ("migrate",)])
def test_a_refused_command_prints_the_list_alone(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    refused = manage(tmp_path, *arguments)

    assert refused.returncode == 1
    assert refused.stderr.startswith("The site cannot start like this.")
    assert "  - SECRET_KEY is not set" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("port", ["abc", "80000", "0", "-1", "8 000", "²"])
def test_a_port_that_is_none_is_refused_in_words(port: str) -> None:
    with pytest.raises(SetupError, match=r"PORT is .* from 1 to 65535"):
        run.port_in({"PORT": port})


def test_wrong_settings_are_refused_before_anything_is_built(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "DEBUG": "true", "SANDBOX_ENGINE": "podman"}

    with pytest.raises(SetupError) as refusal:
        run.refuse_wrong_settings(env)

    assert "  - SANDBOX_ENGINE is 'podman'." in str(refusal.value)
    assert "Traceback" not in str(refusal.value)
