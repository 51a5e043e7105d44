"""The way to the engine: what is said when it is away, hangs or comes back, and engines behind TLS."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from docker.constants import DEFAULT_UNIX_SOCKET
from pytest_django import Settings
from structlog.testing import capture_logs

from sandbox.control import RunControl
from sandbox.engines import Limits, docker
from sandbox.engines.docker import DockerEngine, containers
from sandbox.engines.docker.stream import AttachedStream
from sandbox.errors import ContainerLost, EngineUnavailable
from sandbox.execution import RunEvent, RunRequest, Started, Stream
from sandbox.pool import Pool

# The SDK leaves its socket open when a local engine goes away under it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collect_what_the_sdk_left_open() -> Iterator[None]:
    yield
    gc.collect()


# --- Without an engine ----------------------------------------------------------------------------


def test_an_absent_engine_is_told_with_its_address_and_the_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    for action in (DockerEngine().check, lambda: DockerEngine().create(Limits.from_settings())):
        with pytest.raises(EngineUnavailable) as error:
            action()
        assert f"unix://{tmp_path}/docker.sock" in str(error.value)
        assert "systemctl start docker" in str(error.value)
        assert "DOCKER_HOST" in str(error.value)


def test_an_unusable_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "gopher://engine")
    with pytest.raises(EngineUnavailable, match="settings cannot be used"):
        DockerEngine().check()


def test_a_hanging_engine_is_given_up_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        # It says for how long it has waited; without an end to that nothing would be raised.
        with pytest.raises(EngineUnavailable, match="did not answer in 5 s"):
            DockerEngine().check()


class AwkwardEngine(DockerEngine):
    """An engine with containers that cannot be removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *orphans: str) -> None:
        super().__init__()
        self.__dict__["client"] = None
        self.away = False
        self.removed: list[str] = []
        monkeypatch.setattr(containers, "orphans", lambda client: orphans)
        monkeypatch.setattr(containers, "remove", self._remove)

    def _remove(self, client: None, container: str) -> None:
        if self.away or container.startswith("stuck"):
            raise EngineUnavailable(f"{container} is in use")
        self.removed.append(container)

    def ping(self) -> None:
        if self.away:
            raise EngineUnavailable("start the engine")


def test_an_orphan_that_cannot_be_removed_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = AwkwardEngine(monkeypatch, "stuck", "one", "two")
    engine._left_behind = {"stuck too", "three"}

    assert engine.reap_orphans() == 3
    assert sorted(engine.removed) == ["one", "three", "two"]
    assert engine._left_behind == {"stuck too"}


def test_orphans_of_which_none_can_be_removed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineUnavailable, match="stuck is in use"):
        AwkwardEngine(monkeypatch, "stuck").reap_orphans()

    engine = AwkwardEngine(monkeypatch, "one", "two")
    engine.away = True
    with pytest.raises(EngineUnavailable, match="start the engine"):
        engine.reap_orphans()


@pytest.mark.parametrize(
    ("address", "reason"), [("tcp://engine:2375", "not at a local socket"), ("unix:///x", "no/such/folder")]
)
def test_a_detour_by_way_of_the_engine_is_told_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, address: str, reason: str
) -> None:
    settings.SANDBOX_CHANNELS_DIR = "/proc/no/such/folder"
    monkeypatch.setattr(docker, "address", lambda client: address)
    for _ in range(2):  # each engine object says it
        engine = AwkwardEngine(monkeypatch)
        with capture_logs() as lines:
            assert [engine._meeting() for _ in range(3)] == [None] * 3
        (line,) = lines
        assert line["event"] == "supervisor_by_way_of_the_engine"
        assert reason in line["reason"]


# --- An engine that goes and comes ----------------------------------------------------------------


class Relay:
    """Stands between client and engine; can be cut like a cable, and speaks TLS if it has a certificate."""

    def __init__(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self._listener = listener
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._up = True
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        self._up = False
        for connection in self._open.copy():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        self._up = True

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._up:
                client.close()
                continue
            self._threads.append(threading.Thread(target=self._serve, args=(client,)))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(os.environ["REAL_DOCKER_SOCKET"])
        with contextlib.suppress(OSError):
            client = self._tls.wrap_socket(client, server_side=True) if self._tls else client
        self._open |= {client, engine}
        with client, engine:
            back = threading.Thread(target=self._pump, args=(engine, client))
            back.start()
            self._pump(client, engine)
            back.join()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def real_socket(monkeypatch: pytest.MonkeyPatch, missing: Callable[[str], NoReturn]) -> str:
    address = os.environ.get("DOCKER_HOST", f"unix://{DEFAULT_UNIX_SOCKET.removeprefix('http+unix://')}")
    if not address.startswith("unix://"):
        missing("the engine is not behind a local socket, which the relay of this test needs")
    path = address.removeprefix("unix://")
    monkeypatch.setenv("REAL_DOCKER_SOCKET", path)
    return path


@pytest.fixture
def relay(real_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "docker.sock"))
    listener.listen()
    relay = Relay(listener)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    yield relay
    relay.close()


def say(pool: Pool, word: str) -> str:
    request = RunRequest(code=f"print({word!r})", stdin="", timeout=10)
    result = pool.run(request, on_event=lambda event: None, control=RunControl())
    return result.text(Stream.STDOUT)


@pytest.mark.docker
def test_an_engine_that_goes_away_is_told_and_found_again(relay: Relay, settings: Settings) -> None:
    settings.SANDBOX_CHANNELS_DIR = "/nowhere"  # so that everything leads through the engine
    # A run that is not told at once that there is no engine waits for ever.
    pool = Pool(DockerEngine(), limits=Limits.from_settings(), initial=1, maximum=1, lease_wait=3600)
    try:
        assert say(pool, "before") == "before\n"

        def cut(event: RunEvent) -> None:
            if isinstance(event, Started):
                relay.cut()

        request = RunRequest(code="import time; time.sleep(30)", stdin="", timeout=30)
        with pytest.raises(ContainerLost):
            pool.run(request, on_event=cut, control=RunControl())
        with pytest.raises(EngineUnavailable, match="No Docker engine answers"):
            say(pool, "without an engine")
        relay.restore()
        deadline = time.monotonic() + 20
        while True:
            try:
                assert say(pool, "again") == "again\n"
                break
            except EngineUnavailable:
                assert time.monotonic() < deadline
    finally:
        pool.close()


@pytest.mark.docker
def test_programs_run_on_while_the_engine_is_away(relay: Relay) -> None:
    pool = Pool(DockerEngine(), limits=Limits.from_settings(), initial=1, minimum=1, maximum=1, lease_wait=20)
    try:

        def cut(event: RunEvent) -> None:
            if isinstance(event, Started):
                relay.cut()

        request = RunRequest(code="import time; time.sleep(0.5); print('through')", stdin="")
        result = pool.run(request, on_event=cut, control=RunControl())
        assert result.text(Stream.STDOUT) == "through\n"
        assert say(pool, "and again") == "and again\n"
        relay.restore()
    finally:
        pool.close()


@pytest.mark.docker
def test_a_container_that_could_not_be_removed_is_reaped_later(relay: Relay) -> None:
    engine = DockerEngine()
    box = engine.create(Limits.from_settings())
    # Held open past the relay, so that the container does not end by itself for want of input.
    relay.cut()
    box.destroy()
    relay.restore()
    engine.reap_orphans()
    found = engine.client.containers(all=True, filters={"name": box.id})
    assert found == []


@pytest.mark.docker
def test_an_engine_behind_tls(
    real_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    make_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(listener, tls)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    pool = Pool(DockerEngine(), limits=Limits.from_settings(), initial=1, minimum=1, maximum=1)
    try:
        for word in ("one", "two", "x" * 200_000):
            assert say(pool, word) == f"{word}\n"
    finally:
        pool.close()
        relay.close()


def make_certificate(folder: Path) -> None:
    """One self-signed certificate that serves as authority, server and client."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", "key.pem", "-out", "cert.pem", "-days", "1", "-subj", "/CN=engine"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())


# --- The stream -----------------------------------------------------------------------------------


def piece(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


@pytest.fixture
def ends() -> Iterator[tuple[AttachedStream, socket.socket]]:
    ours, engine = socket.socketpair()
    stream = AttachedStream(ours, "container")
    yield stream, engine
    stream.close()
    engine.close()


Ends = tuple[AttachedStream, socket.socket]


def test_headers_are_stripped_wherever_the_stream_is_torn(ends: Ends) -> None:
    stream, engine = ends
    sent = piece(1, b"hello") + piece(2, b"oops") + piece(1, b"") + piece(1, bytes(range(256)) * 10)
    received = b""
    for position in range(len(sent)):
        engine.send(sent[position : position + 1])
        with contextlib.suppress(BlockingIOError):
            received += stream.recv()
    assert received == b"hello" + bytes(range(256)) * 10


def test_pieces_that_come_together_are_all_handed_over(ends: Ends) -> None:
    stream, engine = ends
    engine.send(piece(1, b"a") + piece(2, b"noise") + piece(1, b"b"))
    assert stream.recv() == b"ab"
    with pytest.raises(BlockingIOError):
        stream.recv()
    engine.close()
    assert stream.recv() == b""


def test_the_supervisors_last_words_are_kept(ends: Ends) -> None:
    stream, engine = ends
    engine.send(piece(2, b"x" * 10_000) + piece(1, b"unread") + piece(2, b"the end"))
    engine.close()
    words = stream.last_words()
    assert words.endswith("xthe end")
    assert len(words) <= 4096


def test_sending_never_blocks(ends: Ends) -> None:
    stream, _engine = ends
    taken = 1
    with contextlib.suppress(BlockingIOError):
        while taken:
            taken = stream.send(bytes(65536))
    assert taken > 0  # it took some, then raised
