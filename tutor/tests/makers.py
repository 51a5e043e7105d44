"""Rows, calls and providers for the tests of this app. The provider is a real HTTP server with faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.contrib.auth import get_user_model

from lessons.models import Course, Lesson, LessonText, ModelScript
from sandbox.calls import Call, CallRequest
from tutor import gateway
from tutor.configured import ConfiguredProvider, PricedModel
from tutor.gateway import Caller
from tutor.providers.services import Service

Json = dict[str, Any]


def make_learner(username: str = "ada") -> Any:
    return get_user_model().objects.create_user(username, f"{username}@example.org", "a-long-Passw0rd")


def make_lesson(*, script: str = "", slug: str = "greeting") -> Lesson:
    course, _ = Course.objects.get_or_create(slug="course", defaults={"default_language": "en"})
    lesson = Lesson.objects.create(course=course, slug=slug, number="1", position=Lesson.objects.count())
    LessonText.objects.create(lesson=lesson, language="en", title="Greeting", markdown="", source_path="1.md")
    if script:
        make_script(script, lesson=lesson)
    return lesson


def make_script(text: str, *, lesson: Lesson, for_course: bool = False) -> ModelScript:
    """A script of the lesson, or of its whole course."""
    course = lesson.course
    path = "course.model.toml" if for_course else f"{lesson.pk}.model.toml"
    return ModelScript.objects.create(
        course=course, lesson=None if for_course else lesson, name="test", text=text, source_path=path
    )


# --- Calls ----------------------------------------------------------------------------------------


class RecordingLine:
    """Where a call's answer goes: kept here, with the time each piece came."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.pieces: list[bytes] = []
        self.times: list[float] = []
        self.is_ended = False
        self.is_cut = False
        self.on_piece: Callable[[bytes], object] = lambda piece: None
        self.call: Call

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, headers

    def continue_answer(self, number: int, data: bytes) -> None:
        self.pieces.append(data)
        self.times.append(time.monotonic())
        self.on_piece(data)
        threading.Thread(target=self.call.note_taken, args=(len(data),)).start()

    def end_answer(self, number: int) -> None:
        self.is_ended = True

    def cut_off(self, number: int) -> None:
        self.is_cut = True

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        lines = [line[6:] for line in self.body.decode().split("\n\n") if line.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]

    @property
    def text(self) -> str:
        """The words of a streamed answer."""
        deltas = (choice["delta"] for event in self.events[:-1] for choice in event.get("choices", []))
        return "".join(delta.get("content") or "" for delta in deltas)


def make_call(
    body: Any = None, *, path: str = "/v1/chat/completions", method: str = "POST", number: int = 1
) -> tuple[Call, RecordingLine]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    request = CallRequest(number=number, method=method, path=path, headers={}, body=content)
    line = RecordingLine()
    line.call = Call(request, line)
    return line.call, line


def chat(*texts: str, **fields: Any) -> Json:
    """A request whose messages are these of the user."""
    return {"model": "any", "messages": [{"role": "user", "content": text} for text in texts], **fields}


@dataclass
class Asked:
    """What came of a call: the answer as the program got it, and the steps that were told."""

    line: RecordingLine
    steps: list[Json]

    @property
    def error(self) -> Json:
        error: Json = self.line.json["error"]
        return error


def ask(body: Any, *, caller: Caller | None = None, **options: Any) -> Asked:
    """Have the gateway answer."""
    call, line = make_call(body, **options)
    steps: list[Json] = []
    gateway.answer(call, caller=caller or Caller(user_id=None, visitor="guest"), on_step=steps.append)
    return Asked(line, steps)


# --- A provider -----------------------------------------------------------------------------------

Behaviour = Callable[["ProviderHandler", Json], None]


@dataclass
class FakeProvider:
    """A model service on a port of its own. Each request is treated as the next of `behaviours` says."""

    url: str = ""
    behaviours: list[Behaviour] = field(default_factory=list)
    requests: list[Json] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    connections: int = 0
    asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def configured(
        self, name: str = "fake", *, kind: str = "openai", key: str = "sk-site"
    ) -> ConfiguredProvider:
        models = (PricedModel("fake-large", Decimal(1), Decimal(2)), PricedModel("fake-small"))
        embeddings = (PricedModel("fake-vectors", Decimal(1), Decimal(0)),)
        return ConfiguredProvider(name, kind, self.url, key, models, embeddings)

    def as_service(self, name: str) -> Service:
        """As one for learners' own keys."""
        return Service(name, name, "openai", self.url)


class CrowdServer(ThreadingHTTPServer):
    """For many connections at once: beyond a backlog of five, its default, the kernel resets some."""

    request_queue_size = 128
    daemon_threads = True


@contextmanager
def fake_provider(*behaviours: Behaviour) -> Iterator[FakeProvider]:
    provider = FakeProvider(behaviours=list(behaviours))
    handler = type("Handler", (ProviderHandler,), {"provider": provider})
    server = CrowdServer(("127.0.0.1", 0), handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class ProviderHandler(BaseHTTPRequestHandler):
    provider: FakeProvider
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.provider.connections += 1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.provider.requests.append(body)
        self.provider.asked.set()
        self.provider.keys.append(self.headers.get("authorization") or self.headers["x-api-key"] or "")
        behaviour = self.provider.behaviours.pop(0) if self.provider.behaviours else answers("Hello!")
        try:
            behaviour(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.provider.hung_up.set()
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass

    def send_whole(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def send_event(self, event: Json | str, *, name: str = "") -> None:
        data = event if isinstance(event, str) else json.dumps(event)
        text = (f"event: {name}\n" if name else "") + f"data: {data}\n\n"
        self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
        self.wfile.flush()

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def wait_for_hang_up(self) -> None:
        """Until the other side closes, or the test is over."""
        self.connection.settimeout(0.05)
        while not self.provider.released.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.provider.hung_up.set()
        self.close_connection = True


USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


def _chunk(delta: Json, finish: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": [choice]}


def answers(*words: str, tool_calls: list[Json] | None = None, usage: Json | None = USAGE) -> Behaviour:
    """A right answer, streamed word by word where that is asked for."""

    def behave(handler: ProviderHandler, body: Json) -> None:
        if "input" in body:
            data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}]
            answer = {
                "object": "list",
                "data": data,
                "model": "v",
                "usage": {"prompt_tokens": 3, "total_tokens": 3},
            }
            handler.send_whole(200, json.dumps(answer).encode())
        elif body.get("stream"):
            handler.begin_stream()
            handler.send_event(_chunk({"role": "assistant", "content": ""}))
            for word in words:
                handler.send_event(_chunk({"content": word}))
            handler.send_event(_chunk({}, "stop"))
            if usage:
                handler.send_event({**_chunk({}), "choices": [], "usage": usage})
            handler.send_event("[DONE]")
            handler.end_stream()
        else:
            message: Json = {"role": "assistant", "content": "".join(words) or None}
            if tool_calls:
                message["tool_calls"] = tool_calls
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tool_calls else "stop"}
            whole = {
                "id": "c1",
                "object": "chat.completion",
                "created": 1,
                "model": "fake",
                "choices": [choice],
            }
            handler.send_whole(200, json.dumps({**whole, "usage": usage}).encode())

    return behave


def fails(status: int, message: str = "no", **headers: str) -> Behaviour:
    def behave(handler: ProviderHandler, body: Json) -> None:
        handler.send_whole(status, json.dumps({"error": {"message": message}}).encode(), **headers)

    return behave


def says_garbage(handler: ProviderHandler, body: Json) -> None:
    handler.send_whole(200, b"<html>Welcome to our proxy</html>")


def hangs(handler: ProviderHandler, body: Json) -> None:
    """Takes the request and never says a word."""
    handler.wait_for_hang_up()


def breaks_off(*words: str) -> Behaviour:
    """Begins a stream and closes the connection in the middle."""

    def behave(handler: ProviderHandler, body: Json) -> None:
        handler.begin_stream()
        for word in words:
            handler.send_event(_chunk({"content": word}))
        handler.close_connection = True

    return behave


def says_then_hangs(*words: str) -> Behaviour:
    def behave(handler: ProviderHandler, body: Json) -> None:
        handler.begin_stream()
        for word in words:
            handler.send_event(_chunk({"content": word}))
        handler.wait_for_hang_up()

    return behave
