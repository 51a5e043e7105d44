"""Scripted models: files in a course that say what a model answers, so that agents run without one.

A script is TOML (docs/agents.md). This module reads it and names every mistake with its line; it does not
play it (`tutor.scripted` does) and does not know which lessons exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lessons.toml_files import (
    BadFile,
    Mistake,
    Reader,
    Unfit,
    number,
    one_of,
    parse,
    pattern,
    seconds,
    slug,
    table,
    text,
    texts,
    whole,
    yes_or_no,
)

SUFFIX = ".model.toml"
NAME_LIMIT = 60  # characters
_REPLIES_LIMIT = 500
_TEXT_LIMIT = 200_000  # characters of one reply
_NAME = re.compile(r"[\w.-]{1,60}")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter")


@dataclass(frozen=True, kw_only=True)
class When:
    """What must be so for a reply to be given. What is empty or None is not asked."""

    contains: tuple[str, ...] = ()  # all of them in the last user message
    lacks: tuple[str, ...] = ()  # none of them in it
    matches: re.Pattern[str] | None = None  # searched in the last user message
    system: tuple[str, ...] = ()  # all of them in the system messages
    turn: int | None = None  # 1: the conversation has no answer of the model yet
    call: int | None = None  # the n-th answer a run asks for
    observations: int | None = None  # lines "Observation:" in the last user message
    observation: str = ""  # in the last of these
    tools: tuple[str, ...] = ()  # all of them offered
    tool: str = ""  # the last message is a result of this tool
    tool_result: str = ""  # in the results that end the conversation
    json: bool | None = None  # whether JSON was asked for
    language: str = ""  # of the learner's pages


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool that the scripted model calls; `arguments` is JSON, or a text sent as it is."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error in place of an answer, as a provider would send it."""

    status: int
    message: str
    code: str = ""
    retry_after: float | None = None  # seconds


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One `[[reply]]`: a condition and an answer."""

    line: int
    when: When
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    error: Failure | None = None
    times: int | None = None  # how often in a run; None: always
    delay: float = 0.0  # seconds before the first word
    pause: float = 0.0  # seconds between pieces
    chunk: int = 12  # characters of a piece when streaming
    break_after: int | None = None  # pieces after which the connection breaks
    finish: str = ""  # finish_reason; empty: stop, or tool_calls
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """A scripted model: replies in the order they are tried."""

    name: str
    lesson: str  # number of the lesson or chapter; "" for the whole course
    exercise: str = ""  # id of the one exercise it is for, in place of a lesson
    prefer: str = ""  # "script" or "provider", where both exist; "": as the site says
    otherwise: str = "provider"  # or "error": what happens when no reply fits
    replies: tuple[Reply, ...] = ()


@lru_cache(maxsize=256)
def read_script(text: str, *, name: str = "script") -> Script:
    """The script that a file's text holds; `name` is used where it gives none. Raises BadFile."""
    return _Reader(text).script(parse(text), name)


class _Reader(Reader):
    """Turns the parsed file into a Script and collects mistakes on the way."""

    def script(self, said: Mapping[str, Any], name: str) -> Script:
        replies = said.get("reply", [])
        head = {key: value for key, value in said.items() if key != "reply"}
        starts = self.starts_of("reply")
        values = self.take(head, _HEAD, 0, "the head of a script")
        if "lesson" in values and "exercise" in values:
            line = self.line_of("exercise", 0)
            self.mistakes.append(Mistake(line, "is for a lesson and an exercise.", "Name one of them."))
        if not isinstance(replies, list) or not replies:
            self.mistakes.append(Mistake(1, "has no reply.", "Write at least one [[reply]] with a text."))
            replies = []
        elif len(replies) > _REPLIES_LIMIT:
            self.mistakes.append(
                Mistake(1, f"has {len(replies)} replies.", f"A script takes up to {_REPLIES_LIMIT}.")
            )
        read = []
        for at, reply in enumerate(replies[:_REPLIES_LIMIT]):
            start = starts[at] if at < len(starts) else 0
            read.append(self.reply(reply, start))
        if self.mistakes:
            raise BadFile(sorted(self.mistakes))
        return Script(
            name=values.get("name", name),
            lesson=values.get("lesson", ""),
            exercise=values.get("exercise", ""),
            prefer=values.get("prefer", ""),
            otherwise=values.get("otherwise", "provider"),
            replies=tuple(read),
        )

    def reply(self, said: Any, start: int) -> Reply:
        if not isinstance(said, dict):
            self.mistakes.append(Mistake(start + 1, "has a reply that is no table.", "Write [[reply]]."))
            return Reply(line=start + 1, when=When())
        values = self.take(said, _REPLY, start, "a reply")
        when = said.get("when", {})
        values["when"] = When(**self.take(when, _WHEN, start, "when")) if isinstance(when, dict) else When()
        usage = values.pop("usage", None) or {}
        values |= {f"{kind}_tokens": usage.get(kind) for kind in ("prompt", "completion")}
        if not (set(said) & {"text", "tool_calls", "error"}):
            what = "has a reply that says nothing."
            self.mistakes.append(Mistake(start + 1, what, "Give it text, tool_calls or error."))
        return Reply(line=start + 1, **values)


# --- What fits ------------------------------------------------------------------------------------


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Unfit("Give a name of up to 60 letters, digits, dots and hyphens")
    return value


def _tool_calls(value: Any) -> tuple[ToolCall, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(call, dict) for call in value):
        raise Unfit('Give a list of calls: [{ name = "search", arguments = { query = "…" } }]')
    calls = []
    for call in value:
        if not isinstance(call.get("name"), str) or not _TOOL_NAME.fullmatch(call["name"]):
            raise Unfit("Give each call a name of up to 64 letters, digits, _ and -")
        arguments = call.get("arguments", {})
        if set(call) - {"name", "arguments"} or not isinstance(arguments, dict | str):
            raise Unfit("A call has a name and arguments, a table or a text")
        calls.append(ToolCall(name=call["name"], arguments=arguments))
    return tuple(calls)


def _failure(value: Any) -> Failure:
    said = table(value)
    if set(said) - {"status", "message", "code", "retry_after"}:
        raise Unfit("An error has status, message, code and retry_after")
    return Failure(
        status=whole(400, 599)(said.get("status", 500)),
        message=text()(said.get("message", "The scripted model fails here, as its script says.")),
        code=text(60)(said.get("code", "")),
        retry_after=seconds(said["retry_after"]) if "retry_after" in said else None,
    )


def _usage(value: Any) -> Mapping[str, int]:
    said = table(value)
    if set(said) - {"prompt", "completion"}:
        raise Unfit("Usage has prompt and completion, in tokens")
    return {key: whole(0, 1_000_000)(tokens) for key, tokens in said.items()}


_HEAD: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "lesson": number,
    "exercise": slug,
    "prefer": one_of("script", "provider"),
    "otherwise": one_of("provider", "error"),
}
_REPLY: dict[str, Callable[[Any], Any]] = {
    "when": table,
    "text": text(_TEXT_LIMIT),
    "tool_calls": _tool_calls,
    "error": _failure,
    "times": whole(1, 1000),
    "delay": seconds,
    "pause": seconds,
    "chunk": whole(1, 10_000),
    "break_after": whole(0, 10_000),
    "finish": one_of(*_FINISH_REASONS),
    "usage": _usage,
}
_WHEN: dict[str, Callable[[Any], Any]] = {
    "contains": texts,
    "lacks": texts,
    "matches": pattern,
    "system": texts,
    "turn": whole(1, 1000),
    "call": whole(1, 1000),
    "observations": whole(0, 1000),
    "observation": text(),
    "tools": texts,
    "tool": text(64),
    "tool_result": text(),
    "json": yes_or_no,
    "language": text(10),
}
