"""An import that is killed midway leaves what was there."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from lessons.tests.course_files import edit, make_course, write_files

# Kills itself, as an operator's kill -9 would, while the transaction is open.
KILLED_AT_CHAPTER = """
import io, os, signal, sys
import django
django.setup()
from django.core.management import call_command

class Terminal(io.StringIO):
    def write(self, text):
        if text.startswith(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().write(text)

call_command("import_lessons", sys.argv[1], stdout=Terminal(), stderr=Terminal())
"""


def test_a_killed_import_leaves_the_old_state(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(folder, {"ch2.md": "# Chapter 2: Second\n\n## 2.1 Part\n\ntext\n"})
    with (folder / "_sidebar_en.md").open("a") as sidebar:
        sidebar.write("- [Chapter 2: Second](ch2.md)\n")
    database = tmp_path / "db.sqlite3"
    environment = os.environ | {
        "DEBUG": "true",
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": f"sqlite:///{database}",
        "DJANGO_SETTINGS_MODULE": "helloagents.settings",
        "PYTHONPATH": str(settings.BASE_DIR),
    }

    def run(*arguments: str) -> int:
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=False).returncode

    def rows() -> list[tuple[object, ...]]:
        with sqlite3.connect(database) as connection:
            return connection.execute(
                "SELECT t.*, l.slug, l.number, l.position, l.updated_at"
                " FROM lessons_lessontext t JOIN lessons_lesson l ON l.id = t.lesson_id ORDER BY t.id"
            ).fetchall()

    assert run("manage.py", "migrate", "-v0") == 0
    assert run("manage.py", "import_lessons", str(folder), "-v0") == 0
    before = rows()
    assert len(before) == 10
    edit(folder / "ch1" / "one.md", "## 1.2 Tools", "## 1.2 News\n\nNew.\n\n## 1.3 Instruments")
    edit(folder / "ch2.md", "text", "another text")

    # The first chapter has been written when its line is shown; the second has not.
    assert run("-c", KILLED_AT_CHAPTER, str(folder), "[1/2]") == -signal.SIGKILL
    assert rows() == before
    # The second has been written, too; only the commit is missing.
    assert run("-c", KILLED_AT_CHAPTER, str(folder), "[2/2]") == -signal.SIGKILL
    assert rows() == before

    assert run("manage.py", "import_lessons", str(folder), "-v0") == 0
    assert len(rows()) == 11
