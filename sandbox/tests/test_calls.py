"""Programs ask models, on both engines: real clients in the container, and answers written by the tests."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from sandbox import switchboard
from sandbox.calls import Call, CallAbandoned, CallRequest
from sandbox.control import RunControl
from sandbox.engines import Engine, Limits
from sandbox.errors import ImageMissing
from sandbox.execution import Output, RunEvent, Stream
from sandbox.image import AGENT, JAVASCRIPT, Image
from sandbox.pool import Pool
from sandbox.tests.conftest import Finished, MakePool, run

SECONDS = 15  # that a test waits for what must come

ASK = """
from openai import OpenAI
client = OpenAI()
def ask(text, **options):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="any", messages=messages, **options)
"""


def pool_of(image: Image, engine: Engine, missing: Callable[[str], NoReturn]) -> Pool:
    try:
        engine.check(image)
    except ImageMissing as error:
        missing(str(error))
    return Pool(engine, limits=Limits.from_settings(image), initial=1, minimum=1, maximum=1, image=image)


@pytest.fixture(scope="module")
def agent_pool(engine: Engine, missing: Callable[[str], NoReturn]) -> Iterator[Pool]:
    pool = pool_of(AGENT, engine, missing)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def node_pool(engine: Engine, missing: Callable[[str], NoReturn]) -> Iterator[Pool]:
    pool = pool_of(JAVASCRIPT, engine, missing)
    yield pool
    pool.close()


def asked(request: CallRequest) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(request.body)
    return said


def completion(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    fields = {"id": "1", "object": "chat.completion", "created": 1, "model": "any", "choices": choices}
    return json.dumps(fields).encode()


def chunk(text: str) -> bytes:
    choices = [{"index": 0, "finish_reason": None, "delta": {"content": text}}]
    fields = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "any", "choices": choices}
    return b"data: %b\n\n" % json.dumps(fields).encode()


def reply(call: Call, text: str) -> None:
    call.reply(200, completion(text), headers={"content-type": "application/json"})


def echo(call: Call) -> None:
    reply(call, asked(call.request)["messages"][0]["content"])


def begin_stream(call: Call) -> None:
    call.respond(200, headers={"content-type": "text/event-stream"})


class Watcher:
    """Knows what a program has printed, while it runs."""

    def __init__(self) -> None:
        self._text = ""
        self._changed = threading.Condition()

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, Output) and event.stream is Stream.STDOUT:
            with self._changed:
                self._text += event.text
                self._changed.notify_all()

    def wait_for(self, text: str) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: text in self._text, SECONDS)


# --- What clients do ------------------------------------------------------------------------------


def test_an_answer_arrives_piece_by_piece(agent_pool: Pool) -> None:
    """Each piece is sent only after the program has shown the one before."""
    watcher, shown = Watcher(), []

    def answer(call: Call) -> None:
        begin_stream(call)
        for text in ("one ", "two ", "three "):
            call.write(chunk(text))
            shown.append(watcher.wait_for(text))
        call.write(b"data: [DONE]\n\n")
        call.end()

    finished = run(
        agent_pool,
        f"{ASK}\nfor part in ask('hi', stream=True):\n    print(part.choices[0].delta.content)",
        on_event=watcher,
        answer=answer,
    )

    assert (finished.outcome, finished.stdout, finished.stderr) == ("ok", "one \ntwo \nthree \n", "")
    assert shown == [True, True, True]


def test_twenty_at_once_by_an_async_client(agent_pool: Pool) -> None:
    together = threading.Barrier(20)

    def answer(call: Call) -> None:
        together.wait(SECONDS)  # until all the others are being answered, too
        echo(call)

    finished = run(
        agent_pool,
        """
import asyncio
from openai import AsyncOpenAI
client = AsyncOpenAI(max_retries=0)
async def ask(number):
    messages = [{"role": "user", "content": f"number {number}"}]
    answer = await client.chat.completions.create(model="any", messages=messages)
    return answer.choices[0].message.content == f"number {number}"
print(sum(await asyncio.gather(*map(ask, range(20)))))
""",
        answer=answer,
    )

    assert (finished.stdout, finished.stderr) == ("20\n", "")


def test_what_is_asked_arrives_whole(agent_pool: Pool) -> None:
    calls: list[CallRequest] = []

    def answer(call: Call) -> None:
        calls.append(call.request)
        reply(call, hashlib.sha256(asked(call.request)["messages"][0]["content"].encode()).hexdigest())

    code = f"""{ASK}
import hashlib
text = "".join(chr(0x4e00 + n % 20000) for n in range(400_000))
print(len(text.encode()), ask(text).choices[0].message.content == hashlib.sha256(text.encode()).hexdigest())
print(ask("short").choices[0].message.content[:4])
"""
    finished = run(agent_pool, code, answer=answer)

    assert finished.stdout == f"1200000 True\n{hashlib.sha256(b'short').hexdigest()[:4]}\n"
    assert [(call.number, call.method, call.path) for call in calls] == [
        (1, "POST", "/v1/chat/completions"),
        (2, "POST", "/v1/chat/completions"),
    ]
    assert calls[0].headers["content-type"] == "application/json"
    assert calls[0].headers["authorization"] == "Bearer sk-no-key-is-needed-here"
    assert "cookie" not in calls[0].headers


def test_a_client_that_hangs_up_is_noticed(agent_pool: Pool) -> None:
    control, noticed, after = RunControl(), threading.Event(), []

    def answer(call: Call) -> None:
        call.on_abandoned(noticed.set)
        begin_stream(call)
        try:
            while True:  # as long as somebody listens
                call.write(chunk("more "))
        except CallAbandoned:
            after.append(call.abandoned)
            control.send_input("go on\n")
            raise

    code = f"""{ASK}
stream = ask("hi", stream=True)
print(next(stream).choices[0].delta.content)
stream.close()
client.close()
print(input())
"""
    finished = run(agent_pool, code, answer=answer, control=control, stdin=None)

    assert (finished.stdout, finished.outcome) == ("more \ngo on\n", "ok")
    assert noticed.is_set()
    assert after == [True]


def test_a_timeout_is_the_clients_own(agent_pool: Pool) -> None:
    abandoned = threading.Event()

    def answer(call: Call) -> None:
        call.on_abandoned(abandoned.set)
        assert abandoned.wait(SECONDS)

    code = f"""{ASK}
import openai
try:
    client.with_options(timeout=0.1, max_retries=0).models.list()
except openai.APITimeoutError as error:
    print(type(error).__name__)
"""
    assert run(agent_pool, code, answer=answer).stdout == "APITimeoutError\n"
    assert abandoned.is_set()


def test_clients_try_again_when_told(agent_pool: Pool) -> None:
    statuses = [429, 500, 200]

    def answer(call: Call) -> None:
        status = statuses.pop(0)
        if status == 200:
            echo(call)
        else:
            call.reply(status, b"{}", headers={"retry-after": "1", "retry-after-ms": "10"})

    assert (
        run(agent_pool, f"{ASK}\nprint(ask('hi').choices[0].message.content)", answer=answer).stdout == "hi\n"
    )
    assert statuses == []


def test_little_of_it_is_held_in_the_container(pool: Pool) -> None:
    """Large requests, and large answers that a program does not read: the supervisor passes on, or waits."""
    size = 2_000_000
    digest = hashlib.sha256(bytes(size)).hexdigest()

    def answer(call: Call) -> None:
        if call.request.method == "POST":
            call.reply(200, hashlib.sha256(call.request.body).hexdigest().encode(), headers={})
        else:
            call.respond(200, headers={})
            call.write(bytes(size))
            call.end()

    code = f"""
import hashlib, http.client, re, threading
def peak():
    return int(re.search("VmHWM:\\s*(\\d+) kB", open("/proc/1/status").read())[1]) // 1024
def ask(method, body):
    connection = http.client.HTTPConnection("127.0.0.1", 11411)
    connection.request(method, "/", body)
    return connection.getresponse()
before = peak()
slow = [ask("GET", b"") for _ in range(20)]
first = [answer.read(1) for answer in slow]
for _ in range(10):
    assert ask("POST", bytes({size})).read() == b"{digest}"
grown = peak() - before
print(all(hashlib.sha256(one + answer.read()).hexdigest() == "{digest}" for one, answer in zip(first, slow)))
print(grown if grown > 12 else "little")
"""
    finished = run(pool, code, answer=answer)

    assert (finished.stdout, finished.stderr) == ("True\nlittle\n", "")


def test_children_ask_too(agent_pool: Pool) -> None:
    code = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {ASK + 'print(ask("child").choices[0].message.content)'!r}])
"""
    assert run(agent_pool, code, answer=echo).stdout == "child\n"


def test_javascript_asks(node_pool: Pool) -> None:
    watcher, shown = Watcher(), []

    def answer(call: Call) -> None:
        call.respond(
            201, headers={"content-type": "text/plain", "x-own": call.request.headers["authorization"]}
        )
        for text in ("one", "two"):
            call.write(text.encode())
            shown.append(watcher.wait_for(text))
        call.end()

    code = """
const answer = await fetch(process.env.LLM_BASE_URL + "/chat/completions", {
  method: "POST",
  headers: {authorization: "Bearer " + process.env.LLM_API_KEY},
  body: process.env.LLM_MODEL_ID,
});
console.log(answer.status, answer.headers.get("x-own"));
for await (const piece of answer.body) console.log(new TextDecoder().decode(piece));
"""
    finished = run(node_pool, code, answer=answer, on_event=watcher, language="javascript", name="main.mjs")

    assert finished.stdout == "201 Bearer sk-no-key-is-needed-here\none\ntwo\n"
    assert shown == [True, True]


# --- When something goes wrong --------------------------------------------------------------------


def failing(agent_pool: Pool, answer: Callable[[Call], None] | None) -> str:
    code = f"""{ASK}
client = client.with_options(max_retries=0)
try:
    for part in ask("hi", stream=True):
        print(part.choices[0].delta.content)
except Exception as error:
    print(type(error).__name__, getattr(error, "code", None))
"""
    finished = run(agent_pool, code, answer=answer)
    assert finished.outcome == "ok", finished.stderr
    return finished.stdout


def test_without_an_answerer_there_is_no_model(agent_pool: Pool) -> None:
    assert failing(agent_pool, None) == "InternalServerError no_model\n"


@pytest.mark.parametrize("fault", [ZeroDivisionError, None])
def test_an_answerer_that_fails_before_it_answers(agent_pool: Pool, fault: type[Exception] | None) -> None:
    def answer(call: Call) -> None:
        if fault:
            raise fault

    assert failing(agent_pool, answer) == "InternalServerError internal_error\n"


def test_an_answerer_that_fails_in_the_middle(agent_pool: Pool) -> None:
    def answer(call: Call) -> None:
        begin_stream(call)
        call.write(chunk("half"))
        raise ZeroDivisionError

    said, error = failing(agent_pool, answer).splitlines()
    assert said == "half"
    assert error.startswith(("APIConnectionError", "RemoteProtocolError"))


@pytest.mark.parametrize(
    "end", ["import os; os._exit(0)", "while True: pass"], ids=["by itself", "cancelled"]
)
def test_the_end_of_a_program_abandons_its_calls(pool: Pool, end: str) -> None:
    """And the next run begins afresh: its own first call is number 1."""
    control, reached, calls = RunControl(), threading.Event(), []

    def answer(call: Call) -> None:
        calls.append(call)
        call.respond(200, headers={})
        call.write(b"first")
        assert reached.wait(SECONDS)
        if "while" in end:
            control.cancel()
        while True:  # until CallAbandoned
            call.write(b"never read" * 1000)

    def note(event: RunEvent) -> None:
        if isinstance(event, Output):
            reached.set()

    code = f"""
import socket
asking = socket.create_connection(("127.0.0.1", 11411))
asking.sendall(b"GET /first HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
half = socket.create_connection(("127.0.0.1", 11411))
half.sendall(b"POST /second HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 9\\r\\n\\r\\nhalf")
asking.recv(1)
print("reached", flush=True)
{end}
"""
    finished = run(pool, code, answer=answer, control=control, on_event=note)

    assert finished.outcome == ("cancelled" if "while" in end else "ok")
    assert [(call.request.path, call.abandoned) for call in calls] == [("/first", True)]
    again = run(pool, ASK_PLAINLY.format(path="/own"), answer=tell_number)
    assert again.stdout == "200 1 /own\n"


ASK_PLAINLY = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 11411)
connection.request("GET", "{path}")
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


def tell_number(call: Call) -> None:
    call.reply(200, f"{call.request.number} {call.request.path}".encode(), headers={})


def test_an_answerer_that_does_not_let_go_is_not_waited_for(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switchboard, "END_SECONDS", 0.05)
    over, began = threading.Event(), threading.Event()
    threads = []

    def answer(call: Call) -> None:
        threads.append(threading.current_thread())
        began.set()
        over.wait(SECONDS)
        call.reply(200, b"late", headers={})  # raises CallAbandoned

    control = RunControl()

    def cancel() -> None:
        began.wait(SECONDS)
        control.cancel()

    threading.Thread(target=cancel).start()
    finished = run(pool, ASK_PLAINLY.format(path="/"), answer=answer, control=control)

    assert finished.outcome == "cancelled"
    assert threads[0].is_alive()
    assert run(pool, ASK_PLAINLY.format(path="/own"), answer=tell_number).stdout == "200 1 /own\n"
    over.set()
    threads[0].join(SECONDS)
    assert not threads[0].is_alive()


def test_too_many_at_once_are_told_to_wait(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "MOST_THREADS", 2)
    refused = threading.Event()

    def answer(call: Call) -> None:
        assert refused.wait(SECONDS)
        call.reply(200, b"", headers={})

    code = """
import http.client
connections = [http.client.HTTPConnection("127.0.0.1", 11411) for _ in range(3)]
for connection in connections:
    connection.request("GET", "/")
answer = connections[2].getresponse()
print(answer.status, answer.headers["retry-after"], flush=True)
answer.read()
print([connection.getresponse().status for connection in connections[:2]])
connections[2].request("GET", "/")
print(connections[2].getresponse().status)
"""
    finished = run(
        pool, code, answer=answer, on_event=lambda event: refused.set() if "429" in str(event) else None
    )

    assert finished.stdout == "429 1\n[200, 200]\n200\n"


def test_what_is_held_of_one_run_is_bounded(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "MOST_HELD", 1_000_000)
    code = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 11411)
for size in (600_000, 1_600_000, 600_000):
    connection.request("POST", "/", bytes(size))
    answer = connection.getresponse()
    print(answer.status, answer.read()[:6])
"""
    finished = run(
        pool, code, answer=lambda call: call.reply(200, b"%d" % len(call.request.body), headers={})
    )

    assert finished.stdout == "200 b'600000'\n429 b'{\"erro'\n200 b'600000'\n"


# --- The endpoint ---------------------------------------------------------------------------------

TALK = """
import socket
def talk(*texts, half_close=False):
    with socket.create_connection(("127.0.0.1", 11411)) as connection:
        connection.settimeout(10)
        for text in texts:
            if text is None:  # wait for a word
                print(connection.recv(65536).decode())
            else:
                connection.sendall(text)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        said = b""
        try:
            while not said.endswith(b'"}}') and (piece := connection.recv(65536)):
                said += piece
        except ConnectionError as error:
            said += type(error).__name__.encode()
        return said.decode()
GET = b"GET /%b HTTP/1.1\\r\\nHost: x\\r\\n%b\\r\\n"
"""


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (  # one after the other, as they came
            """talk(GET % (b"a", b"") + GET % (b"b", b"") + GET % (b"c", b"Connection: close\\r\\n"))""",
            ["1 /a", "2 /b", "3 /c"],
        ),
        ("""talk(*[bytes([byte]) for byte in GET % (b"a", b"Connection: close\\r\\n")])""", ["1 /a"]),
        ("""talk(b"GET /old HTTP/1.0\\r\\n\\r\\n")""", ["1 /old"]),
        ("""talk(b"HEAD /head HTTP/1.0\\r\\n\\r\\n")""", ["content-length: 7\r\n"]),
        ("""talk(b"garbage\\r\\n\\r\\n")""", ["400 Bad Request"]),
        ("""talk(b"x" * 20_000)""", ["431 Request Header Fields Too Large"]),
        ("""talk(GET % (b"a", b"Content-Length: 5000000\\r\\n"), bytes(5_000_000))""", ["413 Req"]),
        (
            """talk(b"POST /expects HTTP/1.1\\r\\nHost: x\\r\\nExpect: 100-continue\\r\\n"
                    b"Connection: close\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n", None,
                    b"2\\r\\nhi\\r\\n", b"0\\r\\n\\r\\n")""",
            ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK", "1 /expects"],
        ),
        ("""talk(GET % (b"", b"Content-Length: 9\\r\\n"), b"half", half_close=True)""", []),
        ("""talk(half_close=True)""", []),
    ],
)  # fmt: skip
def test_odd_clients(pool: Pool, talk: str, said: list[str]) -> None:
    finished = run(pool, f"{TALK}\nprint({talk})", answer=tell_number)

    assert finished.outcome == "ok", finished.stderr
    at = 0
    for piece in said:
        at = finished.stdout.replace("\r\r\n", "\r\n").find(piece, at)
        assert at >= 0, finished.stdout
    assert said or finished.stdout in ("\n", "ConnectionResetError\n")


def test_an_answer_of_unknown_length_is_whole_or_broken(pool: Pool) -> None:
    def answer(call: Call) -> None:
        call.respond(200, headers={})
        call.write(b"said")
        if call.request.path == "/broken":
            raise ZeroDivisionError

    code = f"""{TALK}
for path in (b"whole", b"broken"):
    for version in (b"1.1", b"1.0"):
        asked = b"GET /%b HTTP/%b\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" % (path, version)
        print(repr(talk(asked)[-40:]))
"""
    finished = run(pool, code, answer=answer)

    whole, whole_old, broken, broken_old = map(eval, finished.stdout.splitlines())
    assert whole.endswith("\r\n\r\n4\r\nsaid\r\n0\r\n\r\n")
    assert whole_old.endswith("\r\n\r\nsaid")
    assert broken.endswith("\r\n\r\n4\r\nsaid\r\nConnectionResetError")
    assert broken_old.endswith("ConnectionResetError")


def test_nobody_else_can_listen_there(pool: Pool) -> None:
    code = """
import socket
names = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET, ""), (socket.AF_INET6, "::ffff:127.0.0.1")
for reuse in (None, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
    for family, host in names:
        with socket.socket(family) as own:
            if reuse:
                own.setsockopt(socket.SOL_SOCKET, reuse, 1)
            try:
                own.bind((host, 11411))
                print("bound", reuse, family, host)
            except OSError as error:
                pass
print("end")
"""
    for _ in range(2):
        assert run(pool, code, answer=tell_number).stdout == "end\n"
        assert run(pool, ASK_PLAINLY.format(path="/own"), answer=tell_number).stdout == "200 1 /own\n"


def test_a_flood_does_not_keep_a_run_from_being_stopped(make_pool: MakePool) -> None:
    """Nor a neighbour from running; the container serves on afterwards."""
    pool = make_pool(initial=2, minimum=2, maximum=2)
    control, flooding = RunControl(), threading.Event()
    flood = """
import itertools, os, random, socket
for _ in range(4):
    os.fork()
kept = []
for number in itertools.count():
    try:
        connection = socket.create_connection(("127.0.0.1", 11411), timeout=1)
        whole = b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
        connection.sendall(random.choice((b"GET", whole, os.urandom(5000))))
        kept = [*kept[-10:], connection]
    except OSError:
        pass
    if number == 50:
        os.write(1, b"flooding\\n")
"""
    results: list[Finished] = []

    def note(event: RunEvent) -> None:
        if isinstance(event, Output):
            flooding.set()

    def hostile() -> None:
        results.append(run(pool, flood, answer=tell_number, control=control, on_event=note))

    thread = threading.Thread(target=hostile)
    thread.start()
    assert flooding.wait(SECONDS)
    for _ in range(3):
        assert run(pool, ASK_PLAINLY.format(path="/own"), answer=tell_number).stdout == "200 1 /own\n"
    control.cancel()
    thread.join()

    assert results[0].outcome == "cancelled"
    for _ in range(2):
        assert run(pool, ASK_PLAINLY.format(path="/own"), answer=tell_number).stdout == "200 1 /own\n"
    assert pool.stats()["total_created"] == 2
