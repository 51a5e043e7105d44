"""What only bubblewrap has: control groups of its own making, and service to an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from django.conf import settings

from sandbox.container import Container
from sandbox.engines import Limits, cgroups
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


def test_groups_of_a_dead_owner_are_removed(
    monkeypatch: pytest.MonkeyPatch, missing: Callable[[str], NoReturn]
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: ended.pid)
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
