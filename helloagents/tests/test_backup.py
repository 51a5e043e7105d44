"""A site that is lost comes back from its backup; what does not fit is refused before anything changes."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NoReturn

import pytest

from deploy.dev import services
from deploy.dev.environment import find
from deploy.dev.processes import SetupError

pytestmark = pytest.mark.timeout(400)  # a command after the other, each in a process of its own

MAKE = """
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from helloagents.models import User
from progress.models import Submission
mei = User.objects.create_user("mei", "mei@example.org", "a-long-Passw0rd")
for number in range(3):
    Submission.objects.create(learner=mei, code=f"print({number})", status="finished", outcome="ok")
default_storage.save("images/one.png", ContentFile(b"a figure"))
"""
COUNT = """
from django.apps import apps
from django.core.files.storage import default_storage
print({model._meta.label: model._base_manager.count() for model in apps.get_models()})
print(default_storage.open("images/one.png").read())
"""
GO_ON = """
from helloagents.models import User
from progress.models import Submission
mei = User.objects.get(username="mei")
assert mei.check_password("a-long-Passw0rd")
Submission.objects.create(learner=mei, code="print(3)", status="finished", outcome="ok")
assert mei.submissions.count() == 4
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def env(
    request: pytest.FixtureRequest, tmp_path: Path, missing: Callable[[str], NoReturn]
) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
        if request.param == "postgresql":
            if find("initdb") is None:
                missing("PostgreSQL is not installed")
            url = stack.enter_context(services.postgres())
        yield {
            **services.plain_environment(),
            "DEBUG": "true",
            "VAR_DIR": str(tmp_path),
            "DATABASE_URL": url,
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }


def test_a_wiped_site_is_the_same_after_its_restore(env: dict[str, str], tmp_path: Path) -> None:
    backup = tmp_path / "site.backup"
    services.manage(env, "migrate", "--verbosity", "0")
    before = services.manage(env, "shell", "--no-imports", "-c", MAKE + COUNT)
    services.manage(env, "backup", backup)
    assert backup.stat().st_mode & 0o077 == 0

    with pytest.raises(SetupError, match="--force"):
        services.manage(env, "restore", backup)
    services.manage(env, "flush", "--no-input")
    (tmp_path / "media" / "images" / "one.png").unlink()
    services.manage(env, "restore", backup)

    assert services.manage(env, "shell", "--no-imports", "-c", COUNT + GO_ON) == before


def _with_manifest(path: Path, **changes: object) -> Path:
    """A backup that says these things of itself."""
    manifest = {"format": 1, "made_at": "2026-01-01", "vendor": "sqlite", "migrations": [], **changes}
    (path.parent / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(path, "w") as archive:
        archive.add(path.parent / "manifest.json", "manifest.json")
    return path


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    env = {**services.plain_environment(), "DEBUG": "true", "VAR_DIR": str(tmp_path)}
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
        database.execute("CREATE TABLE kept (it INTEGER)")
    path = tmp_path / "site.backup"
    for command, given, words in (
        ("backup", tmp_path / "nowhere" / "x", f"There is no folder {tmp_path / 'nowhere'}"),
        ("backup", tmp_path, "is a folder"),
        ("restore", path, f"There is no file {path}"),
    ):
        with pytest.raises(SetupError, match=words):
            services.manage(env, command, given)
    path.write_text("no archive")
    with pytest.raises(SetupError, match="is no backup of a site"):
        services.manage(env, "restore", path)
    for changes, words in (
        ({"format": 2}, "of format 2"),
        ({"vendor": "postgresql"}, "this site is on sqlite"),
        ({"migrations": ["progress.9999_later"]}, "newer version, which has progress.9999_later"),
    ):
        with pytest.raises(SetupError, match=words):
            services.manage(env, "restore", _with_manifest(path, **changes))
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
