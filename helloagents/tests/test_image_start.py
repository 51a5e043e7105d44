"""How a container of the image ends: its first process is deploy/image/start."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from deploy.dev.processes import Process, running
from progress.tests.sites import eventually

pytestmark = pytest.mark.bubblewrap

START = settings.BASE_DIR / "deploy" / "image" / "start"
Start = Callable[[str], AbstractContextManager[tuple[Process, int]]]


@pytest.fixture
def start_beat(tmp_path: Path) -> Start:
    """To call with what `celery` is to do: begins a container's only processes, the first of them `start`."""

    @contextmanager
    def start(program: str) -> Iterator[tuple[Process, int]]:
        celery = tmp_path / "celery"
        celery.write_text(f"#!{sys.executable}\n{program}")
        celery.chmod(0o755)
        bwrap = ["bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--as-pid-1", "--die-with-parent"]
        env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(tmp_path / "said")}
        with running(Process("start", [*bwrap, START, "beat"], env=env)) as process:
            eventually((tmp_path / "said").exists)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            yield process, int(eventually(children.read_text).split()[0])

    return start


SAY = "import os, pathlib, signal, sys, time\npathlib.Path(os.environ['SAID']).touch()\n"


def test_asked_to_end_before_it_has_got_that_far_it_ends(start_beat: Start) -> None:
    with start_beat(SAY + "time.sleep(60)") as (process, first):
        os.kill(first, signal.SIGTERM)

        assert process.wait() == 0


def test_asked_to_end_it_takes_its_time_and_its_code_is_told(start_beat: Start) -> None:
    slow = """
def leave(number, frame):
    time.sleep(0.5)
    print("left in peace", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, leave)
"""
    program = "import os, pathlib, signal, sys, time\n" + slow + SAY + "time.sleep(60)"
    with start_beat(program) as (process, first):
        os.kill(first, signal.SIGTERM)

        assert process.wait() == 7
        assert "left in peace" in process.output()


def test_what_ends_by_itself_tells_its_code(start_beat: Start) -> None:
    with start_beat(SAY + "time.sleep(0.2)\nsys.exit(3)") as (process, _first):
        assert process.wait() == 3
