"""Looks whether learners' code can run here and is walled in, and says how to mend what is not so.

Nothing is taken on trust: walls and limits are tried from inside, by programs run as a learner's are.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from sandbox.control import RunControl
from sandbox.engines import Engine, Limits
from sandbox.engines.selection import ENGINES, select_engine
from sandbox.errors import EngineUnavailable, ImageMissing, SandboxError
from sandbox.execution import Outcome, RunRequest, RunResult, Stream
from sandbox.image import JAVASCRIPT, SHIPPED, Image
from sandbox.languages import LANGUAGES
from sandbox.pool import Pool
from sandbox.supervisor.endpoint import ADDRESS

_MB = 1024 * 1024


@dataclass(frozen=True)
class Check:
    """One thing looked at. `mend` says what to do and is empty when all is well."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def diagnose(limits: Limits) -> Iterator[Check]:
    """Every check in turn, on the engine that workers would use; none follows where there is no engine."""
    obstacles = list(_obstacles())
    try:
        engine = select_engine()
    except EngineUnavailable as error:
        yield from obstacles or [Check("engine", False, "no engine", str(error))]
        return
    others = "".join(f" (not used: {other.detail})" for other in obstacles)
    yield Check("engine", True, f"{engine.name} isolates learners' code{others}")
    pool = Pool(engine, limits=limits, initial=1, minimum=1, maximum=1)
    try:
        yield from _of_pool(pool, limits)
    except SandboxError as error:
        yield Check("run", False, str(error), _MEND["run"])
    finally:
        pool.close()
    for image in SHIPPED.values():
        if image.requirements:
            yield _of_image(engine, image)


def _obstacles() -> Iterator[Check]:
    """What keeps each engine that the setting allows from being used."""
    chosen = settings.SANDBOX_ENGINE
    for name, make in ENGINES.items():
        if chosen in ("auto", name):
            try:
                make().check()
            except EngineUnavailable as error:
                yield Check(name, False, f"{name}: {error}", str(error))


def _of_pool(pool: Pool, limits: Limits) -> Iterator[Check]:
    result = _run(pool, 'print("hi")')
    said = (result.outcome, result.text(Stream.STDOUT))
    yield _check("run", said == (Outcome.OK, "hi\n"), f"outcome {said[0]}, output {said[1]!r}", "run")
    facts = _facts(_run(pool, _PROBE))
    for name, look in WALLS.items():
        ok, detail = look(facts)
        yield _check(name, ok, detail, name)
    for name, try_out in LIMITS.items():
        ok, detail = try_out(pool, limits)
        yield _check(name, ok, detail, name)


def _of_image(engine: Engine, image: Image) -> Check:
    """Whether an image with packages is there and works, and what it imports ahead costs nothing later."""
    name = f"image {image.name}"
    try:
        engine.check(image)
    except ImageMissing as missing:
        return Check(name, False, f"{missing} Until then its programs go without.", str(missing))
    limits = Limits.from_settings(image)
    pool = Pool(engine, limits=limits, initial=1, minimum=1, maximum=1, image=image)
    try:
        if image == JAVASCRIPT:
            result = _run(pool, "console.log(0)", language="javascript")
        else:
            result = _run(pool, _IMPORT.format(modules=", ".join(image.preload)))
    except SandboxError as error:
        return Check(name, False, str(error), _MEND["run"])
    finally:
        pool.close()
    if result.outcome is not Outcome.OK:
        return Check(name, False, f"{result.outcome}: {result.text(Stream.STDERR)}", _MEND["run"])
    taken = _number(result)
    detail = f"{limits.memory // _MB} MB"
    if image.preload:
        detail += f"; importing all that is imported ahead takes {taken:.2f} ms"
    return _check(name, taken < _IMPORT_MS, detail, "run")


def _check(name: str, ok: bool, detail: str, mend: str) -> Check:
    return Check(name, ok, detail, "" if ok else _MEND[mend])


def _run(pool: Pool, code: str, *, language: str = "python") -> RunResult:
    name = LANGUAGES[language].file
    request = RunRequest(code=textwrap.dedent(code), name=name, language=language, stdin="", timeout=10)
    return pool.run(request, on_event=lambda _: None, control=RunControl())


def _facts(result: RunResult) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(result.text(Stream.STDOUT))
    except ValueError as error:
        raise SandboxError(f"The program that looks around went wrong: {result}") from error
    return facts


# --- Walls, seen from inside ----------------------------------------------------------------------

_PROBE = """
    import json, os, socket

    def error_of(action, *arguments):
        try:
            action(*arguments)
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        return ""

    def make(folder):
        path = f"{folder}/.probe"
        with open(path, "w"):
            os.unlink(path)

    def connect(address):
        with socket.socket() as connection:
            connection.settimeout(1)
            connection.connect(address)

    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    engines = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock",
               "/run/containerd/containerd.sock", "/run/crio/crio.sock")
    print(json.dumps({
        "uids": sorted({int(uid) for uid in status["Uid"].split()}),
        "supervisor_uid": os.stat("/proc/1").st_uid,
        "capabilities": [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")],
        "no_new_privs": int(status["NoNewPrivs"]),
        "seccomp": int(status["Seccomp"]),
        "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line],
        "outside": error_of(connect, ("192.0.2.1", 80)),
        "metadata": error_of(connect, ("169.254.169.254", 80)),
        "writable": [folder for folder in ("/", "/etc", "/usr", "/opt/supervisor", "/var", "/dev", "/root")
                     if not error_of(make, folder)],
        "engines": [path for path in engines if os.path.exists(path)],
        "environment": dict(os.environ),
        "supervisor_open": [name for name in ("environ", "mem", "maps", "fd/0", "fd/1")
                            if not error_of(open, f"/proc/1/{name}", "rb")],
        "signals_supervisor": not error_of(os.kill, 1, 9),
    }))
"""  # fmt: skip

# Names that a program may see; anything more came from the platform or its host.
_HARMLESS_NAMES = {
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "OPENBLAS_NUM_THREADS", "PATH", "PWD",
    "PYTHONDONTWRITEBYTECODE", "PYTHONPATH",
    "PYTHONHASHSEED", "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONUTF8", "SHELL", "TERM", "TMPDIR", "TZ",
    "USER",
}  # fmt: skip
# Where programs ask models: placeholders, and any other value would be somebody's. The same as in the
# supervisor's `service.ENVIRONMENT`, which cannot be imported where there is no Linux.
_NO_KEY = "sk-no-key-is-needed-here"
_MODELS = f"http://{ADDRESS[0]}:{ADDRESS[1]}/v1"
_PLACEHOLDERS = {
    ("ANTHROPIC_API_KEY", _NO_KEY),
    ("ANTHROPIC_BASE_URL", _MODELS.removesuffix("/v1")),
    ("EMBED_API_KEY", _NO_KEY),
    ("EMBED_BASE_URL", _MODELS),
    ("LLM_API_KEY", _NO_KEY),
    ("LLM_BASE_URL", _MODELS),
    ("LLM_MODEL_ID", "default"),
    ("OPENAI_API_KEY", _NO_KEY),
    ("OPENAI_BASE_URL", _MODELS),
}


def _user(facts: dict[str, Any]) -> tuple[bool, str]:
    return 0 not in facts["uids"] and len(facts["uids"]) == 1, f"user ids {facts['uids']}"


def _capabilities(facts: dict[str, Any]) -> tuple[bool, str]:
    return not any(
        facts["capabilities"]
    ), f"inherited, permitted, effective, ambient: {facts['capabilities']}"


def _privileges(facts: dict[str, Any]) -> tuple[bool, str]:
    return facts["no_new_privs"] == 1, f"NoNewPrivs {facts['no_new_privs']}"


def _seccomp(facts: dict[str, Any]) -> tuple[bool, str]:
    return facts["seccomp"] == 2, f"Seccomp {facts['seccomp']}"


def _network(facts: dict[str, Any]) -> tuple[bool, str]:
    ok = set(facts["interfaces"]) <= {"lo"} and bool(facts["outside"]) and bool(facts["metadata"])
    return ok, f"interfaces {facts['interfaces']}; connecting: {facts['outside'] or 'went through'}"


def _read_only(facts: dict[str, Any]) -> tuple[bool, str]:
    return not facts["writable"], f"writable: {facts['writable'] or 'nothing but /tmp and /dev/shm'}"


def _no_engine(facts: dict[str, Any]) -> tuple[bool, str]:
    return not facts["engines"], f"engine sockets: {facts['engines'] or 'none'}"


def _environment(facts: dict[str, Any]) -> tuple[bool, str]:
    found = facts["environment"].items()
    foreign = sorted(name for name, _ in found - _PLACEHOLDERS if name not in _HARMLESS_NAMES)
    return not foreign, f"foreign variables: {foreign or 'none'}"


def _supervisor(facts: dict[str, Any]) -> tuple[bool, str]:
    # Process 1 of a namespace cannot be killed from inside, so a signal that was taken does nothing where
    # the program has the supervisor's own uid; with a uid of its own it must be refused.
    own_uid = facts["supervisor_uid"] not in facts["uids"]
    reached = [*facts["supervisor_open"], *(["signals"] if own_uid and facts["signals_supervisor"] else [])]
    return not reached, f"open to programs: {reached or 'nothing'}"


WALLS: dict[str, Callable[[dict[str, Any]], tuple[bool, str]]] = {
    "user": _user,
    "capabilities": _capabilities,
    "no new privileges": _privileges,
    "seccomp": _seccomp,
    "network": _network,
    "read-only root": _read_only,
    "engine socket": _no_engine,
    "environment": _environment,
    "supervisor": _supervisor,
}

# --- Limits, tried from inside --------------------------------------------------------------------

_FORK = """
    import os, time
    made = 0
    try:
        while made < {most} + 10:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            made += 1
    except OSError:
        pass
    os.write(1, str(made).encode())
    os._exit(0)  # the supervisor ends the children
"""

_FILL = """
    import os
    written = 0
    with open("{folder}/filling", "wb", buffering=0) as file:
        try:
            while written < {most} * 2:
                written += file.write(bytes(65536))
        except OSError:
            pass
    print(written)
"""

_IMPORT_MS = 10.0
_IMPORT = """
    import time
    begun = time.process_time()
    import {modules}
    print((time.process_time() - begun) * 1000)
"""

_SPIN = """
    import time
    begun, used = time.monotonic(), time.process_time()
    while time.monotonic() - begun < 1.5:
        pass
    print((time.process_time() - used) / (time.monotonic() - begun))
"""


def _memory(pool: Pool, limits: Limits) -> tuple[bool, str]:
    result = _run(pool, f"block = bytearray({limits.memory + 32 * _MB}); print(len(block))")
    wanted = f"{limits.memory // _MB} MB at most"
    return result.outcome is Outcome.MEMORY, f"{wanted}; taking more ended as {result.outcome}"


def _processes(pool: Pool, limits: Limits) -> tuple[bool, str]:
    made = _number(_run(pool, _FORK.format(most=limits.processes)))
    return 0 < made < limits.processes, f"{limits.processes} at most; a program could add {made:g}"


def _temporary(pool: Pool, limits: Limits) -> tuple[bool, str]:
    return _fill(pool, "/tmp", limits.tmp)  # noqa: S108 - in the container


def _shared_memory(pool: Pool, limits: Limits) -> tuple[bool, str]:
    return _fill(pool, "/dev/shm", limits.shm)  # noqa: S108 - in the container


def _fill(pool: Pool, folder: str, most: int) -> tuple[bool, str]:
    written = _number(_run(pool, _FILL.format(folder=folder, most=most)))
    return 0 < written <= most, f"{most / _MB:g} MB at most; {written / _MB:.1f} MB went in"


def _cpu(pool: Pool, limits: Limits) -> tuple[bool, str]:
    share = _number(_run(pool, _SPIN))
    # It may start with a share not yet used, and the kernel settles by periods.
    return 0 < share <= limits.cpus * 1.25 + 0.05, f"{limits.cpus:g} at most; a busy program had {share:.2f}"


def _output(pool: Pool, limits: Limits) -> tuple[bool, str]:
    result = _run(pool, f"print('x' * {limits.output * 2})")
    kept = sum(len(piece.text.encode()) for piece in result.output)
    ok = result.outcome is Outcome.OUTPUT_LIMIT and kept <= limits.output
    return ok, f"{limits.output // 1024} KB at most; {kept // 1024} KB were kept, {result.outcome}"


def _number(result: RunResult) -> float:
    """What the program printed; 0 when that was no number."""
    try:
        return float(result.text(Stream.STDOUT))
    except ValueError:
        return 0


LIMITS: dict[str, Callable[[Pool, Limits], tuple[bool, str]]] = {
    "memory": _memory,
    "processes": _processes,
    "temporary files": _temporary,
    "shared memory": _shared_memory,
    "CPU": _cpu,
    "output": _output,
}

_CGROUPS = (
    "The kernel does not count this for containers. With Docker, `docker info` names the missing support at "
    "its end (on Debian: add `cgroup_enable=memory swapaccount=1` to the kernel's command line and restart). "
    "Without Docker, run the workers as root or in a systemd unit with Delegate=yes."
)
_WEAKENED = (
    "Something on this host weakens the walls. With Docker, look for `seccomp=unconfined`, a default runtime "
    "or a security option in the engine's daemon.json; without Docker, update bubblewrap. Until this is "
    "mended, do not let strangers run code."
)
_MEND = {
    "run": "Build the image again (python manage.py build_sandbox_image) and see the worker's log.",
    **dict.fromkeys(WALLS, _WEAKENED),
    "network": "Containers have a network. With Docker, look at SANDBOX_RUNTIME and daemon.json. "
    + _WEAKENED,
    "environment": "Variables of the host reach programs. Remove ENV lines from the sandbox image.",
    **dict.fromkeys(LIMITS, _CGROUPS),
    "temporary files": "SANDBOX_TMP_MB is not enforced by this engine. " + _WEAKENED,
    "shared memory": "SANDBOX_TMP_MB is not enforced by this engine. " + _WEAKENED,
    "output": "Build the image again: python manage.py build_sandbox_image",
}
