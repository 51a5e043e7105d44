"""The line to a supervisor past a real engine, and the detour where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.types import Mount
from pytest_django import Settings

from sandbox.container import Container
from sandbox.control import RunControl
from sandbox.engines import Limits
from sandbox.engines.docker import DockerEngine
from sandbox.engines.docker.direct import DirectStream, Meeting
from sandbox.engines.docker.stream import AttachedStream
from sandbox.errors import ContainerLost
from sandbox.execution import RunRequest, Stream

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def channels(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Where the meetings take place. Nothing is left of them, however they went."""
    folder = tmp_path / "channels"
    folder.mkdir()
    settings.SANDBOX_CHANNELS_DIR = str(folder)
    yield folder
    assert not folder.exists() or not any(folder.iterdir())


def make_and_use(engine: DockerEngine) -> type:
    """The kind of channel of a container that has been found to work."""
    box = engine.create(Limits.from_settings())
    container = Container(box, Limits.from_settings())
    try:
        container._greet()
        request = RunRequest(code="print('x' * 100_000)", stdin="")
        result = container.run(request, on_event=lambda event: None, control=RunControl())
        assert len(result.text(Stream.STDOUT)) == 100_001
    finally:
        container.destroy()
    return type(box.channel)


def test_messages_pass_the_engine_by() -> None:
    assert make_and_use(DockerEngine()) is DirectStream


def test_what_the_supervisor_complains_of_still_comes() -> None:
    box = DockerEngine().create(Limits.from_settings())
    container = Container(box, Limits.from_settings())
    try:
        container._greet()
        box.channel.send(b"\0\0\0\0\xff" + bytes(8))  # a frame of no known kind
        with pytest.raises(ContainerLost, match="MalformedFrame"):
            container.ping()
    finally:
        container.destroy()


def test_an_engine_that_sees_other_files_carries_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def mount_of_nothing(meeting: Meeting) -> Mount:
        shutil.rmtree(meeting.folder)
        return mount(meeting)

    mount = Meeting.mount
    monkeypatch.setattr(Meeting, "mount", mount_of_nothing)
    engine = DockerEngine()

    assert make_and_use(engine) is AttachedStream

    monkeypatch.setattr(Meeting, "mount", lambda meeting: pytest.fail("tried again"))
    assert make_and_use(engine) is AttachedStream


def test_a_supervisor_that_is_not_let_through_speaks_by_way_of_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed_mount(meeting: Meeting) -> Mount:
        meeting.folder.chmod(0o700)
        os.chown(meeting.folder, 12345, 12345)
        return mount(meeting)

    mount = Meeting.mount
    monkeypatch.setattr(Meeting, "mount", closed_mount)

    assert make_and_use(DockerEngine()) is AttachedStream


def test_a_folder_that_cannot_be_used_costs_the_line_alone(settings: Settings) -> None:
    settings.SANDBOX_CHANNELS_DIR = "/proc/no/such/folder"

    assert make_and_use(DockerEngine()) is AttachedStream
