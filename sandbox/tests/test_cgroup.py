"""Reading a container's counters, in both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.supervisor.cgroup import Counter

V2 = {
    "memory.max": "134217728\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n",
    "pids.max": "64\n",
    "pids.events": "max 5\n",
}
V1 = {
    "memory/memory.limit_in_bytes": "134217728\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "pids/pids.max": "64\n",
    "pids/pids.events": "max 5\n",
}


def make_tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("files", [V1, V2], ids=["v1", "v2"])
def test_counts_are_read_afresh(tmp_path: Path, files: dict[str, str]) -> None:
    make_tree(tmp_path, files)
    memory, processes = Counter("memory", tmp_path), Counter("pids", tmp_path)
    assert (memory.limited, memory.read()) == (True, 2)
    assert (processes.limited, processes.read()) == (True, 5)

    make_tree(tmp_path, {name: text.replace("oom_kill 2", "oom_kill 3") for name, text in files.items()})
    assert memory.read() == 3


@pytest.mark.parametrize(
    "files",
    [
        {},
        {**V2, "memory.max": "max\n"},
        {**V1, "memory/memory.limit_in_bytes": "9223372036854771712\n"},
    ],
    ids=["none", "v2 unlimited", "v1 unlimited"],
)
def test_without_a_limit_the_supervisor_has_to_watch(tmp_path: Path, files: dict[str, str]) -> None:
    make_tree(tmp_path, files)
    counter = Counter("memory", tmp_path)

    assert not counter.limited
    assert counter.read() == 0
