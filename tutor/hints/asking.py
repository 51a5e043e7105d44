"""A hint from a model: asked through the gateway, and taken only if it is what was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from sandbox.calls import Call, CallRequest
from tutor import gateway
from tutor.choosing import Caller
from tutor.guardrail import Guard
from tutor.hints.own import CONCEPT, EXAMPLE, POINT, QUESTION
from tutor.hints.reading import Place

PROMPTS = Path(__file__).parent.parent / "prompts"
ANSWER_TOKENS = 500
_CODE_LINES = 80  # around the cursor
_SECTION = 1500  # characters
_HINT, _EXAMPLE_LIMIT, _CONCEPT, _CONCEPTS = 1200, 1500, 60, 6
_RUNGS = {
    "en": {
        POINT: "point at the line to look at, and say what to look for there",
        QUESTION: "ask one guiding question",
        CONCEPT: "name the concept that is missing and say it in a sentence",
        EXAMPLE: "show a short example of another task that needs the same idea",
    },
    "zh-hans": {
        POINT: "指出该看哪一行，以及要看什么",
        QUESTION: "提出一个引导性的问题",
        CONCEPT: "说出缺少的概念，并用一句话解释",
        EXAMPLE: "给出一个简短示例：另一个任务，但用到同样的思路",
    },
}
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


class NoHint(Exception):
    """A model gave none: `code` and words for the learner."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class ModelHint:
    hint: str
    example: str | None
    concepts: tuple[str, ...]
    model: str
    withheld: int  # pieces of code that came too close to a solution


def ask(
    place: Place, code: str, *, caller: Caller, rung: int, sections: Sequence[tuple[str, str]], guard: Guard
) -> ModelHint:
    """Ask a model. `sections` are titles and texts of the lesson. Raises NoHint."""
    messages = prompt(place, code, language=caller.language, rung=rung, sections=sections)
    text, model = answer_to(messages, caller, max_tokens=ANSWER_TOKENS, temperature=0.2)
    return read_answer(text, model=model, guard=guard)


def prompt(
    place: Place, code: str, *, language: str, rung: int, sections: Sequence[tuple[str, str]]
) -> list[dict[str, str]]:
    """The messages that are sent. No solution is ever in them."""
    known = language if language in _RUNGS else "en"
    template = (PROMPTS / f"hint.{known}.md").read_text(encoding="utf-8").partition("\n\n")[2]
    lines = code.splitlines()
    first = max(0, place.line - 1 - _CODE_LINES // 2)
    shown = [
        f"{number:>4}{' >' if number == place.line else '  '} {line}"
        for number, line in enumerate(lines[first : first + _CODE_LINES], first + 1)
    ]
    parts = [f"<lesson>\n# {title}\n{text[:_SECTION]}\n</lesson>" for title, text in sections]
    parts += ["<code>\n{}\n</code>".format("\n".join(shown)), f"<cursor>\n{place.context}\n</cursor>"]
    return [
        {"role": "system", "content": template.format(rung=_RUNGS[known][rung])},
        {"role": "user", "content": "\n\n".join(parts)},
    ]


def read_answer(text: str, *, model: str, guard: Guard) -> ModelHint:
    """What a model said, as the fields that were asked for; mended where that is safe. Raises NoHint."""
    found = _object_in(text)
    if found is None:
        raise NoHint("unreadable_answer", _("The model’s answer could not be read."))
    hint = _clean(found.get("hint"), _HINT)
    example = _clean(found.get("reference_code"), _EXAMPLE_LIMIT) or None
    concepts = found.get("key_concepts")
    named = [_clean(each, _CONCEPT) for each in concepts] if isinstance(concepts, list) else []
    hint = guard.feed(f"{hint}\n")
    if example:
        shown = guard.feed(f"```\n{example}\n```\n") + guard.end()
        hint, _opening, rest = (hint + shown).partition("```\n")
        example = rest.removesuffix("\n```\n") if rest.endswith("```\n") else None
    else:
        hint += guard.end()
    if not hint.strip():
        raise NoHint("unreadable_answer", _("The model’s answer could not be read."))
    return ModelHint(hint.strip(), example, tuple(filter(None, named))[:_CONCEPTS], model, guard.withheld)


def _object_in(text: str) -> Mapping[str, Any] | None:
    """The JSON object in an answer: models like to put words or a fence around it, or a comma too many."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    source = text[start : end + 1]
    for attempt in (source, _TRAILING_COMMA.sub(r"\1", source)):
        try:
            found = json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("hint"), str) and found["hint"].strip():
            return found
    return None


def _clean(value: Any, limit: int) -> str:
    return value.replace("\x00", "").strip()[:limit] if isinstance(value, str) else ""


def answer_to(
    messages: Sequence[Mapping[str, Any]], caller: Caller, **options: int | float
) -> tuple[str, str]:
    """The text of a model's answer, unfiltered, and the model that gave it. Raises NoHint."""
    line = _Whole()
    body = {"model": "", "messages": list(messages), **options}
    request = CallRequest(
        number=1,
        method="POST",
        path="/v1/chat/completions",
        headers={},
        body=json.dumps(body, ensure_ascii=False).encode(),
    )
    line.call = Call(request, line)
    gateway.answer(line.call, caller=caller, on_step=lambda step: None)
    try:
        answer = json.loads(line.data)
    except ValueError as error:
        raise NoHint("no_answer", _("The model gave no answer.")) from error
    if line.status != 200:
        trouble = answer.get("error") or {}
        raise NoHint(str(trouble.get("code") or "no_answer"), str(trouble.get("message") or ""))
    choices = answer.get("choices") or [{}]
    return str((choices[0].get("message") or {}).get("content") or ""), str(answer.get("model") or "")


class _Whole:
    """A `sandbox.calls.Line` that keeps what comes."""

    call: Call

    def __init__(self) -> None:
        self.status = 0
        self.data = b""

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None:
        self.status = status

    def continue_answer(self, number: int, data: bytes) -> None:
        self.data += data
        self.call.note_taken(len(data))

    def end_answer(self, number: int) -> None:
        """Nothing more to do: it is all there."""

    def cut_off(self, number: int) -> None:
        """What came is not whole, and will not be readable."""
