"""Whether the maker of a box lives is told of processes that can be seen from here, and of no others."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from sandbox.engines import owner


def label(**changes: str) -> str:
    host, boot, namespace, pid, started = owner.own_label().rsplit("_", 4)
    parts = {"host": host, "boot": boot, "namespace": namespace, "pid": pid, "started": started, **changes}
    return "_".join(parts.values())


def test_a_living_owner_is_not_gone() -> None:
    assert not owner.is_gone(owner.own_label())


def test_a_label_names_the_world_of_process_ids_that_its_own_is_of() -> None:
    namespace, pid, _ = owner.own_label().rsplit("_", 3)[1:]

    assert (namespace, pid) == (str(Path("/proc/self/ns/pid").stat().st_ino), str(os.getpid()))


def test_a_reused_process_id_is_not_taken_for_the_owner() -> None:
    assert owner.is_gone(label(started="1"))
    assert owner.is_gone(label(pid=str(2**22 + 1)))


def test_an_owner_that_ended_is_gone() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert owner.is_gone(label(pid=str(ended.pid)))
    assert owner.is_gone(label(pid=str(ended.pid), started=""))


@pytest.mark.parametrize("place", ["host", "boot", "namespace"])
def test_an_owner_elsewhere_is_not_judged(place: str) -> None:
    """Two containers may have the same name, and the same numbers for other processes."""
    assert not owner.is_gone(label(**{place: "another"}, pid=str(2**22 + 1)))


@pytest.mark.parametrize("strange", ["", "host/boot/1/2", "a_b", "4711"])
def test_what_says_nothing_is_not_judged(strange: str) -> None:
    assert not owner.is_gone(strange)


def test_a_name_with_underscores_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a_b_c")
    assert not owner.is_gone(owner.own_label())
    assert owner.is_gone(label(started="1"))
