"""The web process is asked to end in the middle of its work, and nobody who had reached it is turned away."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy.dev import services
from deploy.dev.processes import Process, running, wait_until
from helloagents import listening
from progress.tests.sites import Visitor, eventually
from tutor.tests.makers import ProviderHandler, answers, fake_provider

CLIENTS = 12
PATHS = ("/health/live", "/en/accounts/login/")
# Their cookies travel over plain HTTP only in development.
FOR_VISITORS = {"DEBUG": "true", "GUESTS_MAY_RUN_CODE": "true", "MODEL_GUESTS_MAY_CALL": "true"}


@dataclass
class Web:
    process: Process
    port: int
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"

    def listens(self) -> bool:
        return services.answers(self.port)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of a production on SQLite; its database is up to date."""
    var = tmp_path_factory.mktemp("web")
    with services.redis() as redis:
        made = {
            **services.plain_environment(),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECURE_SSL_REDIRECT": "false",  # asked without a proxy
            "RATE_LIMITS": "off",
            "VAR_DIR": str(var),
            "DATABASE_URL": f"sqlite:///{var / 'db.sqlite3'}",
            "REDIS_URL": redis,
        }
        services.name_static_files(made)
        services.manage(made, "migrate", "--verbosity", "0")
        yield made


@contextmanager
def web(env: Mapping[str, str], *options: str) -> Iterator[Web]:
    """As deploy/image/start starts it."""
    port = services.free_port()
    command = [*services.site_commands(port, env)["web"], "--grace", "20", *options]
    with running(Process("web", command, env=env), grace=0) as process:
        started = Web(process, port)
        wait_until(lambda: services.page_answers(f"{started.url}/health/live"), process, seconds=60)
        yield started


class Crowd:
    """Clients that ask at once, each time on a new connection or on one that they keep, until refused."""

    def __init__(self, port: int, *, keep: bool) -> None:
        self.answered: Counter[int] = Counter()
        self.lost: list[str] = []
        self._port = port
        self._keep = keep
        self._threads = [threading.Thread(target=self._ask_on, args=(n,)) for n in range(CLIENTS)]

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ends when all have been refused."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            for thread in self._threads:
                thread.join()

    def _ask_on(self, number: int) -> None:
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            except ConnectionRefusedError:
                return
            with connection:
                while self._ask(connection, PATHS[number % len(PATHS)]):
                    number += 1
            number += 1

    def _ask(self, connection: socket.socket, path: str) -> bool:
        """Whether the connection is good for another request."""
        try:
            answer = ask(connection, path, keep=self._keep)
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(repr(error))
            return False
        self.answered[answer.status] += 1
        return not answer.will_close


def ask(connection: socket.socket, path: str, *, keep: bool = True) -> http.client.HTTPResponse:
    last = "" if keep else "Connection: close\r\n"
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{last}\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("keep", [False, True], ids=["new", "kept"])
def test_no_request_is_lost(env: dict[str, str], processes: int, keep: bool) -> None:
    with web(env, "--processes", str(processes)) as started:
        crowd = Crowd(started.port, keep=keep)
        with crowd.asking():
            eventually(lambda: crowd.answered[200] > 5 * CLIENTS, seconds=60)
            started.process.ask_to_stop()
        started.process.wait()

    assert crowd.lost == []
    assert set(crowd.answered) == {200}


def test_the_probe_tells_and_each_answer_is_the_last_on_its_connection(env: dict[str, str]) -> None:
    with web(env) as started, ExitStack() as stack:
        first, second = (
            stack.enter_context(socket.create_connection(("127.0.0.1", started.port))) for _ in range(2)
        )
        before = ask(second, "/health/ready")
        assert (before.status, before.will_close) == (200, False)
        started.process.ask_to_stop()
        while not ask(first, "/health/live").will_close:
            pass

        answer = ask(second, "/health/ready")
        assert (answer.status, answer.will_close) == (503, True)
        assert started.process.wait() < 0  # by the signal, with nothing left to do


def test_a_connection_that_was_made_may_ask_after_the_socket_is_closed(env: dict[str, str]) -> None:
    with web(env) as started, socket.create_connection(("127.0.0.1", started.port)) as made:
        started.process.ask_to_stop()
        eventually(lambda: not started.listens())

        assert ask(made, PATHS[1]).status == 200


def test_a_stream_ends_properly_and_can_be_followed_elsewhere(env: dict[str, str]) -> None:
    env = {**env, **FOR_VISITORS}
    with web(env) as started, web(env) as other:
        visitor = Visitor(started.url)
        run = visitor.run("print(1)")  # nobody takes it
        events = visitor.follow(run)
        assert next(events) == ("queued", {"position": 1, "workers": 0})
        started.process.ask_to_stop()

        assert [kind for kind, _ in events if kind != "queued"] == []  # and no IncompleteRead
        assert "Exception" not in started.process.output()
        visitor.move_to(other.url)
        assert next(visitor.follow(run))[0] == "queued"


def test_an_answer_of_the_tutor_is_written_to_its_end(env: dict[str, str]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hesitates(handler: ProviderHandler, body: Any) -> None:
        begun.set()
        go_on.wait(60)
        answers("All of it")(handler, body)

    with ExitStack() as stack:
        provider = stack.enter_context(fake_provider(hesitates))
        model = {"MODEL_FAKE_URL": provider.url, "MODEL_FAKE_KEY": "key", "MODEL_FAKE_MODELS": "large 1/2"}
        started = stack.enter_context(web({**env, **FOR_VISITORS, "MODEL_PROVIDERS": "fake", **model}))
        stack.callback(go_on.set)
        status, _, _ = Visitor(started.url).post("/en/tutor/ask/", {"message": "What is an agent?"})
        assert status == 201
        assert begun.wait(60)
        started.process.ask_to_stop()
        eventually(lambda: not started.listens())
        go_on.set()
        started.process.wait()

    path = Path(env["DATABASE_URL"].removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT status, content FROM tutor_message ORDER BY id DESC LIMIT 1")
        assert rows.fetchone() == ("complete", "All of it")


def test_a_socket_that_begins_no_connections_hands_out_those_it_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        assert not listening.somebody_waits([listener])
        with socket.create_connection(address) as made:
            listening.hold_off([listener])
            with pytest.raises(TimeoutError), socket.create_connection(address, timeout=0.2):
                pass
            assert listening.somebody_waits([listener])
            made.sendall(json.dumps("heard").encode())
            taken, _ = listener.accept()
            with taken:
                assert json.loads(taken.recv(100)) == "heard"
        assert not listening.somebody_waits([listener])
    with pytest.raises(ConnectionRefusedError), socket.create_connection(address):
        pass
