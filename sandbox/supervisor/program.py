"""Runs a learner's program in the forked process, as ``python main.py`` would; hands others to their command.

Nothing here protects anything: by now the process is confined, and whatever the program does to this code
harms its own run alone.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import gc
import inspect
import io
import linecache
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NoReturn

from . import streams
from .request import Request

WORK_FOLDER = "/tmp/work"
INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl+C
_OWN_FOLDER = str(Path(__file__).parent)


_main = ModuleType("__main__")
_handlers = len(logging._handlerList)  # type: ignore[attr-defined] # as below


def set_stage() -> None:
    """Do everything that depends neither on the program nor on whom it runs as."""
    os.umask(0o022)
    sys.path[0] = WORK_FOLDER
    sys.modules["__main__"] = _main
    _main.__dict__["__builtins__"] = sys.modules["builtins"]
    atexit.unregister(logging.shutdown)
    atexit.register(_shut_logging_down)


def _shut_logging_down() -> None:
    """What `logging` does at exit, but only if the program has made a handler: it touches much memory."""
    if len(logging._handlerList) > _handlers:  # type: ignore[attr-defined] # no other way to know
        logging.shutdown()


def rehearse() -> None:
    _write_file(os.devnull, "")
    _execute("main.py", "print('hi')", {"__builtins__": sys.modules["builtins"]})


def enter_stage() -> None:
    os.mkdir(WORK_FOLDER, 0o700)
    os.chdir(WORK_FOLDER)


def run(request: Request, packets: streams.Packets) -> NoReturn:
    """Run prelude and program; ends the process with the program's exit code."""
    process = os.getpid()
    _write_files(request)
    if request.command:
        packets.hand_over()
        os.execv(request.command[0], [*request.command, request.name])  # noqa: S606 - the language's own
    namespace = _main_module(request)
    if request.prelude:
        _run_prelude(request, namespace)
    namespace["__name__"] = "__main__"
    try:
        _execute(request.name, request.code, namespace)
        code = 0
    except SystemExit as stop:
        code = _exit_code(stop)
    except BaseException as error:  # noqa: BLE001 - the edge: whatever a program raises is shown
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
        _show(error)
        if cause := _limit_behind(error):
            packets.send(cause)
    _wind_up(namespace)
    if os.getpid() != process:  # a child that came to the end of the program
        os._exit(code)
    packets.take_leave(code)


def _write_files(request: Request) -> None:
    for path, text in {**request.files, request.name: request.code}.items():
        if "/" in path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        _write_file(path, text)


def _write_file(path: str, text: str) -> None:
    """A tenth of the work that open() and a text file are."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    rest = memoryview(text.encode("utf-8", "replace"))
    while rest:
        rest = rest[os.write(fd, rest) :]
    os.close(fd)


def _main_module(request: Request) -> dict[str, Any]:
    sys.argv = [request.name]
    namespace = _main.__dict__
    namespace["__file__"] = f"{WORK_FOLDER}/{request.name}"
    return namespace


def _execute(name: str, code: str, namespace: dict[str, Any]) -> None:
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    compiled = compile(code, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(compiled, namespace)  # noqa: S307 - running it is the point
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(result)


def _run_prelude(request: Request, namespace: dict[str, Any]) -> None:
    """Run the earlier listings for their definitions. One that fails costs a line, not the run."""
    namespace["__name__"] = "__prelude__"
    for name, code in request.prelude:
        problem = None
        with _silence():
            try:
                _execute(name, code, namespace)
            except BaseException as error:  # noqa: BLE001 - as in `run`; a SystemExit ends only its listing
                problem = traceback.format_exception_only(error)[-1].strip()
        if problem:
            print(f"{name}: {problem}", file=sys.stderr)


@contextmanager
def _silence() -> Iterator[None]:
    """Drop output and give no input, for Python code and for child processes."""
    saved = sys.stdin, sys.stdout, sys.stderr
    descriptors = [os.dup(fd) for fd in range(3)]
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), _Void(), _Void()
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = saved
        for fd, original in enumerate(descriptors):
            os.dup2(original, fd)
            os.close(original)
        os.close(nothing)


class _Void(io.TextIOBase):
    def write(self, text: str, /) -> int:
        return len(text)


def _limit_behind(error: BaseException) -> int | None:
    """Which limit an uncaught exception speaks of; where control groups count, they know it anyway."""
    if isinstance(error, MemoryError):
        return streams.MEMORY_ERROR
    if isinstance(error, BlockingIOError) or "can't start new thread" in str(error):
        return streams.PROCESS_ERROR
    return None


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    print(stop.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """Report an uncaught exception by way of `sys.excepthook`, without the supervisor's frames."""
    hook = _print_traceback if sys.excepthook is sys.__excepthook__ else sys.excepthook
    try:
        hook(type(error), error, _without_own_frames(error.__traceback__))
    except BaseException:  # noqa: BLE001 - the edge: a hook or a __str__ of the program's own
        with suppress(Exception):
            print(f"{type(error).__name__} (and it could not be shown)", file=sys.stderr)


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None, /) -> None:
    traceback.print_exception(kind, error, trace)


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """What is left after this file's frames, and after asyncio's that run a top-level await."""
    rest = trace
    while rest and rest.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
        rest = rest.tb_next
    first_own = rest
    while first_own and first_own.tb_frame.f_code.co_name != "<module>":
        first_own = first_own.tb_next
    return first_own or rest


def _wind_up(namespace: dict[str, Any]) -> None:
    """What the interpreter does on its way out: threads, atexit, objects left in the main module."""
    if threading.active_count() > 1:
        with suppress(KeyboardInterrupt):
            threading._shutdown()  # type: ignore[attr-defined] # what Py_FinalizeEx calls
    atexit._run_exitfuncs()
    if threading.active_count() == 1:  # a daemon thread would stumble over missing globals
        for name in [name for name in namespace if name != "__builtins__"]:
            namespace[name] = None
        # A full collection also empties lists of spare objects, which lie all over the shared memory.
        gc.collect(2 if gc.get_objects(2) else 1)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # closed or replaced by the program
            stream.flush()
