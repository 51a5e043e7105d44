"""The model that programs see: OpenAI's protocol, or Anthropic's, over a `Call`; budget, ledger and trace.

A call is answered in the thread it came in. Whatever happens it ends in one row that says what was asked, who
answered, and what it cost.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from hashlib import sha256
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import translation

from lessons.model_scripts import Failure
from sandbox import tracing
from sandbox.calls import Call, CallAbandoned
from tutor import background, budgets, choosing, errors, metering, reading, routing, scripted
from tutor.assembling import Assembly
from tutor.choosing import Caller, Choice
from tutor.configured import MICRO, PricedModel
from tutor.conversations import clean, clean_tool_calls, in_short, shortened, store
from tutor.dialects import ChatCompletions, Dialect, Messages, dumped
from tutor.errors import Refusal
from tutor.models import ModelCall
from tutor.providers.interface import ProviderError
from tutor.routing import Candidate
from tutor.runs import memory_of
from tutor.scripted import tokens_in
from tutor.trace import attach_results, step_of

__all__ = ["Caller", "answer", "owner_of"]

log = structlog.get_logger(__name__)

Json = dict[str, Any]
OnStep = Callable[[Json], None]

_EVENTS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
_JSON = {"content-type": "application/json"}
_TOKENS_OF_PICTURE = 3000  # more than any service counts for one
# Of a request, what the trace tells beside its messages.
_PARAMETERS = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "n", "seed"),
    *("response_format", "tool_choice", "reasoning_effort"),
)


def answer(call: Call, *, caller: Caller, on_step: OnStep) -> None:
    """Answer a program's call. `on_step` gets the step's JSON when it begins and when it has ended."""
    try:
        with translation.override(caller.language), tracing.step("model call") as step:
            exchange = _Exchange(call, caller, on_step)
            try:
                exchange.answer()
            finally:
                metering.note_call(exchange.row, step)
    except CallAbandoned:
        pass  # nobody is there to hear more
    finally:
        release_connection()


def owner_of(*, user_id: int | None, visitor: str) -> str:
    """Whose budget a call is on. Not with the key of a guest's session: whoever has that is the guest."""
    if user_id is not None:
        return f"user:{user_id}"
    return f"guest:{sha256(visitor.encode()).hexdigest()[:24]}"


class _Exchange:
    """One call from its first byte to its row."""

    def __init__(self, call: Call, caller: Caller, on_step: OnStep) -> None:
        self.call = call
        self.caller = caller
        self.on_step = on_step
        self.memory = memory_of(caller.run_id)
        self.began = time.perf_counter()
        self.assembly = Assembly()
        self.dialect: Dialect = ChatCompletions()
        self.messages: list[Json] = []
        self.reservation: budgets.Reservation | None = None
        self.priced: PricedModel | None = None
        self.is_over = False  # the row is closed, or there is to be none
        self.row = ModelCall(
            user_id=caller.user_id,
            owner=owner_of(user_id=caller.user_id, visitor=caller.visitor),
            purpose=caller.purpose,
            run_id=caller.run_id,
            number=call.request.number,
            lesson_id=caller.lesson_id,
            course_id=caller.course_id,
            language=caller.language,
        )

    def answer(self) -> None:
        """Route the request; every refusal becomes an answer, every answer a row."""
        method, path = self.call.request.method, self.call.request.path.partition("?")[0].rstrip("/")
        path = path.removeprefix("/v1")
        handler: Callable[[], None]
        if path == "/chat/completions":
            wanted, handler = "POST", self.chat
        elif path == "/messages":
            wanted, handler = "POST", self.chat
            self.dialect = Messages()
        elif path == "/embeddings":
            wanted, handler = "POST", self.embed
            self.row.kind = ModelCall.Kind.EMBEDDINGS
        elif path == "/models" or path.startswith("/models/"):
            wanted, handler = "GET", lambda: self.list_models(path.removeprefix("/models").strip("/"))
            self.row.kind = ModelCall.Kind.MODELS
        else:
            refusal = errors.no_such_path(self.call.request.path)
            self.reply(refusal.status, refusal.body, refusal.headers)
            return
        try:
            if method != wanted:
                raise errors.wrong_method(method, path)
            self.check_number()
            handler()
        except Refusal as refusal:
            self.refuse(refusal)
        except (CallAbandoned, background.Cancelled):
            self.end(ModelCall.Status.CANCELLED)
            raise CallAbandoned from None
        except Exception:
            self.end(ModelCall.Status.FAILED, code="internal_error")
            raise

    def check_number(self) -> None:
        """Refuse what a loop without end asks: the first time with a row, then with an answer alone."""
        limit = settings.MODEL_CALLS_PER_RUN
        if self.caller.run_id and self.call.request.number > limit:
            self.is_over = self.call.request.number > limit + 1
            raise errors.too_many_calls(limit)

    # --- What can be asked ----------------------------------------------------------------------------

    def chat(self) -> None:
        self.row.asked_model, body = self.dialect.read(self.call.request.body)
        self.note_request(body)
        choice = choosing.choose(self.caller, asked_model=self.row.asked_model)
        played = scripted.choose(choice.scripts, body, memory=self.memory, language=self.caller.language)
        if played and (choice.scripts_first or not choice.candidates):
            self.play(played, body)
        elif choice.candidates and self._may_ask(choice):
            self.ask(choice.candidates, self.bounded(body, choice.candidates), routing.chat)
        elif choice.scripts:
            raise errors.script_has_no_reply(choice.scripts[0].name, is_guest=self.caller.is_guest)
        else:
            raise errors.not_configured(is_guest=self.caller.is_guest)

    def embed(self) -> None:
        self.row.asked_model, body = reading.read_embeddings(self.call.request.body)
        self.row.request = {"inputs": 1 if isinstance(body["input"], str) else len(body["input"])}
        choice = choosing.choose(self.caller, asked_model=self.row.asked_model, kind="embeddings")
        if choice.candidates:
            self.ask(choice.candidates, body, routing.embed)
            return
        self.row.scripted, self.row.model, self.row.provider = True, scripted.EMBEDDINGS, "scripted"
        self.begin()
        vectors = scripted.embeddings(body)
        self.assembly.usage = {**vectors["usage"], "completion_tokens": 0}
        self.reply(200, vectors)
        self.end(ModelCall.Status.OK)

    def list_models(self, name: str) -> None:
        self.row.asked_model = name[:100]
        offered = choosing.choose(self.caller, asked_model="").offered
        entries = [
            {"id": model, "object": "model", "created": 0, "owned_by": "helloagents"} for model in offered
        ]
        if name and name not in offered:
            raise errors.no_such_model(name)
        self.begin()
        found = next((entry for entry in entries if entry["id"] == name), None)
        self.reply(200, found or {"object": "list", "data": entries})
        self.end(ModelCall.Status.OK)

    @staticmethod
    def _may_ask(choice: Choice) -> bool:
        """A script may want an error rather than another model's words where none of its replies fits."""
        return not choice.scripts or not choice.scripts_first or choice.scripts[0].otherwise == "provider"

    # --- Scripted -------------------------------------------------------------------------------------

    def play(self, played: scripted.Chosen, body: Mapping[str, Any]) -> None:
        """Say a script's reply. It costs nothing and is never taken for a model's."""
        self.row.scripted, self.row.model, self.row.provider = True, played.model[:100], "scripted"
        self.begin()
        reply = played.reply
        self.memory.note_played((played.script.name, reply.line), is_answer=reply.error is None)
        hung_up = threading.Event()
        self.call.on_abandoned(hung_up.set)
        if reply.error:
            self._pause(reply.delay, hung_up)
            raise _as_refusal(reply.error)
        seed = f"{played.script.name}:{self.call.request.number}"
        created = int(self.row.started_at.timestamp())
        pairs = scripted.chunks_of(played, body, seed=seed, created=created)
        self.pass_on(self._paced(pairs, hung_up, reply.break_after), body)

    def _paced(
        self, pairs: Iterable[tuple[float, Json]], hung_up: threading.Event, break_after: int | None
    ) -> Iterator[Json]:
        for pieces, (pause, chunk) in enumerate(pairs):
            self._pause(pause, hung_up)
            if break_after is not None and pieces > break_after:
                raise Refusal(
                    502, "scripted_break", "The scripted model breaks off here, as its script says."
                )
            yield chunk

    @staticmethod
    def _pause(seconds: float, hung_up: threading.Event) -> None:
        if seconds and hung_up.wait(seconds):
            raise CallAbandoned

    # --- Real -----------------------------------------------------------------------------------------

    def ask(self, candidates: Any, body: Json, route: Any) -> None:
        """Let providers answer: reserve, ask, and pass on what comes."""
        first: Candidate = candidates[0]
        self.row.own_key = first.own_key
        self.reserve(candidates, body)
        self.take(first)
        # Asked before the row is written, so that writing it costs the program no time.
        stream: background.Stream[tuple[Candidate, Json]] = background.Stream(lambda: route(candidates, body))
        self.call.on_abandoned(stream.cancel)
        try:
            self.begin()
            with closing(self._answering(stream)) as chunks:
                self.pass_on(chunks, body)
        except ProviderError as error:
            raise errors.of_provider(error, own_key=first.own_key) from error
        finally:
            stream.cancel()

    def _answering(self, stream: background.Stream[tuple[Candidate, Json]]) -> Generator[Json, None, None]:
        candidate: Candidate | None = None
        for giver, chunk in stream:
            if candidate is not giver:
                candidate = giver
                self.take(giver)
            yield chunk

    def take(self, candidate: Candidate) -> None:
        """Note who answers."""
        self.row.provider = candidate.endpoint.name
        self.row.model = candidate.model.name
        self.priced = candidate.model

    def bounded(self, body: Json, candidates: Any) -> Json:
        """With a limit to the answer's length, without which nothing could be reserved."""
        if candidates[0].own_key:
            return body
        limit = settings.MODEL_MAX_ANSWER_TOKENS
        asked = body.get("max_completion_tokens") or body.get("max_tokens") or limit
        rest = {key: value for key, value in body.items() if key != "max_completion_tokens"}
        return {**rest, "max_tokens": min(asked, limit)}

    def reserve(self, candidates: Any, body: Mapping[str, Any]) -> None:
        """Set aside the most that this call can use at any of the candidates. Raises Refusal."""
        prompt = _most_tokens(self.call.request.body, body)
        completion = (body.get("max_tokens") or 0) * (body.get("n") or 1)
        costs = [
            candidate.model.cost(prompt_tokens=prompt, completion_tokens=completion) or Decimal(0)
            for candidate in candidates
        ]
        money = int(max(costs) * MICRO)
        self.reservation = budgets.reserve(
            owner=self.row.owner, own_key=self.row.own_key, tokens=prompt + completion, money=money
        )
        self.row.reserved_tokens, self.row.reserved_money = self.reservation.tokens, self.reservation.money

    # --- Passing on -----------------------------------------------------------------------------------

    def pass_on(self, chunks: Iterable[Json], body: Mapping[str, Any]) -> None:
        """Give the program what comes, each chunk at once if it wants a stream, and close the row."""
        if body.get("stream"):
            self._stream(chunks)
        else:
            self._whole(chunks)

    def _stream(self, chunks: Iterable[Json]) -> None:
        for chunk in chunks:
            if self.assembly.add(chunk) and self.row.first_token is None:
                self.row.first_token = self.elapsed()
            if not (piece := self.dialect.piece(chunk)):
                continue
            if not self.call.responded:
                self.call.respond(200, headers=self._headers(_EVENTS))
            self.call.write(piece)
        if not self.call.responded:
            self.call.respond(200, headers=self._headers(_EVENTS))
        # The row before the last byte: a program that has ended has its whole trace.
        self.end(ModelCall.Status.OK, http_status=200)
        self.call.write(self.dialect.finish())
        self.call.end()

    def _whole(self, chunks: Iterable[Json]) -> None:
        whole: Json = {}
        for chunk in chunks:
            if chunk.get("object") == "chat.completion.chunk":
                self.assembly.add(chunk)
            else:
                whole = chunk
        whole = whole or self.assembly.completion()
        self.row.first_token = self.elapsed()
        self.assembly.usage = whole.get("usage") or self.assembly.usage
        self.row.answer = _answer_of(whole)
        self.end(ModelCall.Status.OK, http_status=200)
        self.reply(200, self.dialect.whole(whole))

    def refuse(self, refusal: Refusal) -> None:
        """Say why there is no answer, or no more of it. Raises CallAbandoned."""
        self.end(
            ModelCall.Status.FAILED,
            http_status=refusal.status,
            code=refusal.code,
            message=str(refusal.__cause__ or refusal.message),
        )
        if self.call.responded:
            self.call.write(self.dialect.error_piece(refusal))
            self.call.end()
        else:
            self.reply(refusal.status, self.dialect.error(refusal), refusal.headers)

    def reply(self, status: int, body: Json, headers: Mapping[str, str] = _JSON) -> None:
        self.row.http_status = status
        self.call.reply(status, dumped(body), headers={**self._headers(_JSON), **headers})

    def _headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        return {**headers, "x-helloagents-scripted": "true"} if self.row.scripted else headers

    # --- The row --------------------------------------------------------------------------------------

    def note_request(self, body: Mapping[str, Any]) -> None:
        self.row.streamed = bool(body.get("stream"))
        self.messages = clean(body["messages"])
        tools = [str((tool.get("function") or {}).get("name"))[:100] for tool in body.get("tools") or []]
        parameters = {name: body[name] for name in _PARAMETERS if name in body}
        if len(json.dumps(parameters)) > 10_000:
            parameters = {"note": "too large to keep"}
        stored = store(self.messages, self.memory.conversations())
        if not self.memory.take_room(len(json.dumps(stored))):
            self.messages = in_short(self.messages)
            stored = store(self.messages, ())
        self.row.request = {**stored, "tools": tools, "parameters": parameters}

    def begin(self) -> None:
        """The row as of now, before anybody answers. Raises Refusal when it cannot be written."""
        try:
            self.row.asked_model = self.row.asked_model[:100]
            self.row.save(force_insert=True)
        except (DatabaseError, InterfaceError) as error:
            log.error("ledger_unavailable", error=str(error))
            raise errors.ledger_unavailable() from error
        finally:
            lend_connection()
        if self.messages:
            self.memory.note_conversation(self.row.number, self.messages)
        for step in attach_results(self.memory.recent_steps(), self.row.request):
            self.on_step(step)
        self.tell()

    def end(
        self, status: ModelCall.Status, *, http_status: int | None = None, code: str = "", message: str = ""
    ) -> None:
        """Settle what was reserved and close the row, once."""
        if self.is_over:
            return
        self.is_over = True
        row = self.row
        row.status, row.http_status = status, http_status or row.http_status
        row.error_code, row.error_message = code[:60], shortened(message, 900)
        row.latency = self.elapsed()
        if row.answer is None and self.assembly.head:
            row.answer = _answer_of(self.assembly.completion())
        self.count()
        try:
            row.close()
        except (DatabaseError, InterfaceError) as error:
            log.error("ledger_unavailable", error=str(error), call=row.pk)
        finally:
            lend_connection()
        self.tell()

    def count(self) -> None:
        """Tokens and cost, by the provider's figures or for want of them our own; then settle."""
        row, usage = self.row, self.assembly.usage
        was_sent = row.pk is not None and (row.scripted or self.reservation is not None)
        if usage:
            row.prompt_tokens = _count(usage.get("prompt_tokens"))
            row.completion_tokens = _count(usage.get("completion_tokens"))
        elif was_sent and (row.answer or row.status == ModelCall.Status.CANCELLED):
            row.is_estimate = True
            row.prompt_tokens = tokens_in(self.call.request.body.decode(errors="replace"))
            row.completion_tokens = tokens_in(json.dumps(row.answer, ensure_ascii=False)) if row.answer else 0
        if self.reservation is not None and self.priced is not None:
            row.cost = self.priced.cost(
                prompt_tokens=row.prompt_tokens, completion_tokens=row.completion_tokens
            )
            row.currency = settings.MODEL_CURRENCY if row.cost is not None else ""
            if not row.own_key:
                tokens = row.prompt_tokens + row.completion_tokens
                self.reservation.settle(tokens=tokens, money=int((row.cost or 0) * MICRO))
            self.reservation = None
        elif row.scripted:
            row.cost, row.currency = Decimal(0), settings.MODEL_CURRENCY

    def tell(self) -> None:
        step = step_of(self.row, self.messages)
        known = self.memory.step(self.row.number)
        if known:  # results that a later call has brought meanwhile
            step["tool_results"] = known["tool_results"]
        self.memory.note_step(step)
        self.on_step(step)

    def elapsed(self) -> float:
        """Seconds since the call came."""
        return round(time.perf_counter() - self.began, 6)


def _as_refusal(failure: Failure) -> Refusal:
    kind = "rate_limit_error" if failure.status == 429 else "scripted_error"
    code = failure.code or "scripted_error"
    return _ScriptedRefusal(failure.status, code, failure.message, kind=kind, retry_after=failure.retry_after)


class _ScriptedRefusal(Refusal):
    """Plays a provider, so SDKs retry as they would there."""

    @property
    def headers(self) -> Mapping[str, str]:
        seconds = self.retry_after
        return {} if seconds is None else {"retry-after": f"{seconds:g}"}


def _answer_of(completion: Json) -> Json | None:
    """What the trace keeps of an answer: its first choice, and the others' texts."""
    choices = completion.get("choices") or []
    messages = [choice.get("message") or {} for choice in choices if isinstance(choice, dict)]
    if not messages:
        return None
    kept: Json = {
        "content": shortened(messages[0].get("content") or ""),
        "tool_calls": clean_tool_calls(messages[0].get("tool_calls") or []),
        "finish_reason": choices[0].get("finish_reason"),
    }
    if messages[0].get("reasoning_content"):
        kept["reasoning"] = shortened(messages[0]["reasoning_content"])
    if len(messages) > 1:
        kept["others"] = [shortened(message.get("content") or "", 5000) for message in messages[1:]]
    return kept


def _most_tokens(sent: bytes, body: Mapping[str, Any]) -> int:
    """The most that a request can be: a token for each byte, as in rare scripts; and its pictures."""
    size, pictures = len(sent), 0
    for message in body.get("messages") or ():
        parts = message.get("content")
        for part in parts if isinstance(parts, list) else ():
            url = (part.get("image_url") or {}).get("url", "") if part.get("type") == "image_url" else ""
            pictures += part.get("type") == "image_url"
            size -= len(url) if url.startswith("data:") else 0
    return size + pictures * _TOKENS_OF_PICTURE


def _count(tokens: Any) -> int:
    return min(tokens, 2**31 - 1) if isinstance(tokens, int) and tokens > 0 else 0


def release_connection() -> None:
    """Threads that answer come and go; a connection left in one would never be used again."""
    if not connection.in_atomic_block:
        connection.close()


def lend_connection() -> None:
    """While an answer takes its time: pooled connections are few, SQLite's are not and cost time to open."""
    if connection.vendor != "sqlite":
        release_connection()
