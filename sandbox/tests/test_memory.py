"""The supervisor's own watch over memory, when processes end while it looks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sandbox.supervisor.memory import used_by_others


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | int]:
    """What /proc holds of process 7, beside process 1; of a file that cannot be read: the error's number."""
    held: dict[str, str | int] = {}

    def read(path: Path) -> str:
        content = held[path.name]
        if isinstance(content, int):
            raise OSError(content, path)
        return content

    monkeypatch.setattr(os, "listdir", lambda folder: ["1", "7", "self"])
    monkeypatch.setattr(Path, "read_text", read)
    return held


@pytest.mark.parametrize(
    ("rollup", "statm", "pages"),
    [
        ("Rss: 9 kB\nPss: 4 kB\n", errno.ENOENT, 4096 / os.sysconf("SC_PAGESIZE")),
        (errno.EACCES, "9 5 1 1 0 1 0", 5),
        (errno.EACCES, errno.ENOENT, 0),
        (errno.ENOENT, errno.ENOENT, 0),
        (errno.ESRCH, errno.ESRCH, 0),
    ],
    ids=["shared", "hidden", "hidden and ended", "ended", "ending"],
)
def test_what_a_process_uses(
    files: dict[str, str | int], rollup: str | int, statm: str | int, pages: float
) -> None:
    files.update(smaps_rollup=rollup, statm=statm)

    assert used_by_others({"1"}) == pages * os.sysconf("SC_PAGESIZE")
