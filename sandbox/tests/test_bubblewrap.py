"""What only bubblewrap has: control groups of its own making, and service to an ordinary user."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pytest
from django.conf import settings

from sandbox.container import Container
from sandbox.engines import Limits, cgroups, owner
from sandbox.engines.bubblewrap import Bubblewrap
from sandbox.errors import EngineUnavailable

pytestmark = pytest.mark.bubblewrap

NOBODY = 65534


def test_without_bubblewrap_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(EngineUnavailable, match="apt-get install bubblewrap"):
        Bubblewrap().check()


def test_a_bubblewrap_that_fails_is_reported_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'no namespaces for you' >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(EngineUnavailable, match="no namespaces for you"):
        Bubblewrap().check()
    with pytest.raises(EngineUnavailable, match="no namespaces for you"):
        Bubblewrap().create(Limits.from_settings())


def test_nothing_is_left_of_a_destroyed_box() -> None:
    box = Bubblewrap().create(Limits.from_settings())
    container = Container(box, Limits.from_settings())
    folders = list(box._group.folders.values())
    assert all(folder.exists() for folder in folders)

    container.destroy()
    container.destroy()

    assert box._process.returncode is not None
    assert not any(folder.exists() for folder in folders)
    assert box.death().words == "destroyed"


def test_an_engine_that_makes_no_box_costs_no_thread() -> None:
    before = threading.active_count()
    engines = [Bubblewrap() for _ in range(5)]
    for engine in engines:
        engine.check()

    assert threading.active_count() == before


def test_all_boxes_are_started_by_one_thread() -> None:
    engine = Bubblewrap()
    before = threading.active_count()
    with ThreadPoolExecutor(4) as threads:
        boxes = list(threads.map(lambda _: engine.create(Limits.from_settings()), range(4)))
    for box in boxes:
        box.destroy()

    assert threading.active_count() == before + 1


class _Remembered(subprocess.Popen[bytes]):
    """Bubblewrap's processes, to be asked later."""

    all: ClassVar[list[_Remembered]] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.all.append(self)


@pytest.mark.parametrize("fails", ["os.pidfd_open", "sandbox.engines.cgroups.Group.add"])
def test_nothing_is_left_of_a_box_that_could_not_be_made(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    engine = Bubblewrap()
    engine.create(Limits.from_settings()).destroy()  # what stays open from now on, is open
    open_before, groups_before = open_files(), cgroups._groups()

    def fail(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, "too many")

    monkeypatch.setattr(fails, fail)
    monkeypatch.setattr(subprocess, "Popen", _Remembered)
    monkeypatch.setattr(_Remembered, "all", [])
    with pytest.raises(EngineUnavailable, match="too many"):
        engine.create(Limits.from_settings())

    (process,) = _Remembered.all
    assert process.returncode is not None
    assert open_files() == open_before
    assert not {*cgroups._groups()} - {*groups_before}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("change", ["ended", "reused"])
def test_groups_of_a_dead_owner_are_removed(
    monkeypatch: pytest.MonkeyPatch, missing: Callable[[str], NoReturn], change: str
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    place, pid, started = owner.own_label().rsplit("_", 2)
    label = f"{place}_{ended.pid}_{started}" if change == "ended" else f"{place}_{pid}_1"
    with monkeypatch.context() as patch:
        patch.setattr(owner, "own_label", lambda: label)
        group = cgroups.Group(Limits.from_settings())
    if not group.folders:
        missing("control groups cannot be made here")
    own = cgroups.Group(Limits.from_settings())
    try:
        assert Bubblewrap().reap_orphans() >= len(group.folders)
        assert not any(folder.exists() for folder in group.folders.values())
        assert all(folder.exists() for folder in own.folders.values())
    finally:
        own.remove()


# Programs, with the outcome and output that an ordinary user must get too.
PEEK = """
import os
for path in ("/proc/1/environ", "/proc/1/mem", "/proc/1/fd/0", "/dev/x", "/x", "/opt/supervisor/x", "/usr/x"):
    try: open(path, "ab" if path.endswith("x") else "rb").read(1); print(path)
    except OSError: pass
for number in (9, 15, 2, 10):
    try: os.kill(1, number)
    except OSError: pass
"""
GREEDY = """
import os
for _ in range(4): os.fork()
block = bytearray(40 * 1024 * 1024)
for i in range(0, len(block), 4096): block[i] = 1
while True: pass
"""
ASK_A_MODEL = """
import http.client
endpoint = http.client.HTTPConnection("127.0.0.1", 11411)
endpoint.request("GET", "/v1/models")
print(endpoint.getresponse().status)
"""
EXPECTED = [
    ("print('hi')", "ok", "hi\n"),
    ("open('/tmp/left', 'w'); open('/dev/shm/left', 'w')", "ok", ""),
    ("import os; print(os.listdir('/tmp'), os.listdir('/dev/shm'))", "ok", "['work'] []\n"),
    (PEEK, "ok", ""),
    ("import os; os.chmod('/tmp', 0o700)", "ok", ""),
    ("import os; print(oct(os.stat('/tmp').st_mode))", "ok", "0o41777\n"),
    ("bytearray(10**9)", "memory", ""),
    (GREEDY, "memory", ""),
    ("import os\nwhile True: os.fork()", "process_limit", ""),
    ("while True: pass", "timeout", ""),
    (ASK_A_MODEL, "ok", "503\n"),
    ("print('alive')", "ok", "alive\n"),
]
AS_ORDINARY_USER = """
import json, sys
import django
from django.conf import settings
# No more than the sandbox: the interpreter may be another one than what the packages were installed for.
settings.INSTALLED_APPS = ["sandbox"]
django.setup()
from sandbox.control import RunControl
from sandbox.engines import Limits
from sandbox.engines.bubblewrap import Bubblewrap
from sandbox.execution import RunRequest
from sandbox.pool import Pool

engine = Bubblewrap()
engine.check()
pool = Pool(engine, limits=Limits.from_settings(), initial=1, minimum=1, maximum=1)
def run(code):
    request = RunRequest(code=code, timeout=3, stdin="")
    result = pool.run(request, on_event=lambda event: None, control=RunControl())
    return code, result.outcome, "".join(piece.text for piece in result.output if piece.stream == "stdout")
print(json.dumps([run(code) for code in json.load(sys.stdin)]))
pool.close()
"""


def test_an_ordinary_user_is_served_too(missing: Callable[[str], NoReturn]) -> None:
    python = ordinary_python(missing)
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(
            [str(settings.BASE_DIR), *(p for p in sys.path if "site-packages" in p)]
        ),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "helloagents.settings",
        "DEBUG": "true",
        "VAR_DIR": "/nonexistent",
    }
    finished = subprocess.run(
        [python, "-c", AS_ORDINARY_USER],
        input=json.dumps([code for code, _, _ in EXPECTED]),
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        user=NOBODY if os.geteuid() == 0 else None,
        group=NOBODY if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
    )

    assert finished.returncode == 0, finished.stderr
    assert [tuple(found) for found in json.loads(finished.stdout.splitlines()[-1])] == EXPECTED


def ordinary_python(missing: Callable[[str], NoReturn]) -> str:
    """An interpreter of this version that an ordinary user may start: this one, or the system's."""
    if os.geteuid() != 0:
        return sys.executable
    readable = subprocess.run(
        ["test", "-x", sys.base_prefix], user=NOBODY, group=NOBODY, extra_groups=[], check=False
    )
    if readable.returncode == 0:
        return sys.executable
    name = f"python3.{sys.version_info.minor}"
    system = shutil.which(name, path="/usr/bin")
    if system is None:
        missing(f"no {name} that an ordinary user may start")
    return system
