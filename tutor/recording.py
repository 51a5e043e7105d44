"""A real run's trace as a scripted model: what was answered then is answered again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tutor.conversations import text_of

Json = dict[str, Any]

_SHOWN = 70  # characters of what was asked, in a comment


def script_of(steps: Sequence[Json], *, name: str, lesson: str) -> str:
    """The TOML of a script that gives the run's answers in their order."""
    lines = [f"name = {_text(name)}"]
    if lesson:
        lines.append(f"lesson = {_text(lesson)}")
    call = 0
    for step in steps:
        if step["kind"] != "chat" or not (step["answer"] or step["error"]):
            continue
        call += not step["error"]  # an answer, even if the program did not hear it out
        lines += ["", *_reply(step, call + 1 if step["error"] else call)]
    return "\n".join(lines) + "\n"


def _reply(step: Json, call: int) -> Iterator[str]:
    asked = [text_of(message["content"]) for message in step["messages"] if message["role"] == "user"]
    last = " ".join(asked[-1].split()) if asked else ""
    yield f"# Asked: {'… ' if len(last) > _SHOWN else ''}{_comment(last[-_SHOWN:])}"
    yield "[[reply]]"
    yield f"when = {{ call = {call} }}"
    if step["error"]:
        status = max(400, step["http_status"] or 500)
        message, code = _text(step["error"]["message"]), _text(step["error"]["code"])
        yield f"error = {{ status = {status}, message = {message}, code = {code} }}"
        yield "times = 1"
        return
    answer = step["answer"]
    if answer["content"] or not answer["tool_calls"]:
        yield f"text = {_multiline(answer['content'])}"
    if answer["tool_calls"]:
        calls = (
            f"  {{ name = {_text(c['name'])}, arguments = {_arguments(c['arguments'])} }},"
            for c in answer["tool_calls"]
        )
        yield "\n".join(["tool_calls = [", *calls, "]"])
    prompt, completion = step["prompt_tokens"] or 0, step["completion_tokens"] or 0
    yield f"usage = {{ prompt = {prompt}, completion = {completion} }}"


def _text(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _multiline(text: str) -> str:
    """A text as an author would write it; `$` is doubled, as a script's text may refer to names."""
    text = text.replace("$", "$$")
    if (
        "\n" not in text
        or "'''" in text
        or text.endswith("'")
        or any(ord(c) < 32 and c != "\n" for c in text)
    ):
        return _text(text)
    return f"'''\n{text}'''"


def _arguments(arguments: str) -> str:
    """As a text, which is sent as it was."""
    return _text(arguments)


def _comment(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
