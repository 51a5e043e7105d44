"""What running a program costs the ways the pool replaces: the yardsticks of `sandbox_bench`.

Every container has the same walls as the pool's, so that only the way of starting a program differs.
"""

from __future__ import annotations

import contextlib
import select
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.engines import Limits
from sandbox.engines.docker import containers
from sandbox.engines.docker.connection import CALL_TIMEOUT, Client, connect, engine_errors
from sandbox.engines.docker.stream import AttachedStream, attach

_COMMAND = ["python3", "-I", "-c", 'print("hi")']
_SLEEP = ["python3", "-I", "-c", "import signal; signal.pause()"]


def exec_in_warm_container(rounds: int) -> list[float]:
    """Seconds per run of the program by `exec_run` in a container that is up."""
    times = []
    with connect() as client, _container(client, _SLEEP) as name, engine_errors(client):
        client.start(name)
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            command = client.exec_create(name, _COMMAND)["Id"]
            output = client.exec_start(command)
            exit_code = client.exec_inspect(command)["ExitCode"]
            times.append(time.perf_counter() - begun)
            _expect(output, exit_code)
    return times[1:]  # the first one warms up


def run_and_remove(rounds: int) -> list[float]:
    """Seconds per run of the program by a container of its own, as `docker run --rm` does it."""
    times = []
    with connect() as client:
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            with _container(client, _COMMAND, auto_remove=False) as name, engine_errors(client):
                stream = attach(client, name)
                client.start(name)
                output = _read_all(stream)
                exit_code = client.wait(name)["StatusCode"]
            times.append(time.perf_counter() - begun)
            _expect(output, exit_code)
    return times[1:]


def _read_all(stream: AttachedStream) -> bytes:
    output = b""
    while select.select([stream], [], [], CALL_TIMEOUT)[0]:
        with contextlib.suppress(BlockingIOError):
            piece = stream.recv()
            output += piece
            if not piece:
                break
    stream.close()
    return output


@contextmanager
def _container(client: Client, command: list[str], *, auto_remove: bool = True) -> Iterator[str]:
    name = f"helloagents-bench-{uuid.uuid4().hex[:12]}"
    containers.create(client, name, Limits.from_settings(), command=command, auto_remove=auto_remove)
    try:
        yield name
    finally:
        containers.remove(client, name)


def _expect(output: bytes, exit_code: int) -> None:
    if (output, exit_code) != (b"hi\n", 0):
        raise RuntimeError(f"The yardstick itself failed: exit code {exit_code}, output {output!r}")
