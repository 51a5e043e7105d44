"""What is sent to a model for an answer: the tutor's rules, the talk so far, what is looked at, the question.

All of it fits into `settings.TUTOR_CONTEXT_TOKENS`, by our own estimate. What learners and authors wrote goes
in as data between tags that their texts cannot close. Solutions of exercises are in none of it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from django.conf import settings

from tutor.scripted import tokens_in
from tutor.sections import Section

Json = dict[str, Any]

TURNS = 10  # of the talk so far
QUESTION_LIMIT = 20_000  # characters
CODE_LIMIT = 12_000  # characters; the API's contract promises the first 1,000
_TURN_LIMIT = 4_000  # characters of an earlier message
_OUTPUT_LIMIT = 4_000  # characters, of which the last matter most
_CHECKS = 5
_OF_A_CHECK = ("name", "expected", "actual", "message")  # told in this order; a database keeps none
_SECTION_LIMIT = 6_000  # characters
_CUT = " […]"

_FOLDER = Path(__file__).parent / "prompts"
_VERSION = re.compile(r"version: (\d+)\n+")
_TAG = re.compile(r"<(?=/?\s*(?:section|code|run|output|failed_check|question)\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    """A system prompt: the text of a file, whose version says which one an answer was given under."""

    name: str
    version: int
    text: str


@dataclass(frozen=True)
class Prompt:
    """`messages` as a model gets them; `sections` those it may cite."""

    rules: Rules
    messages: Sequence[Json]
    sections: Sequence[Section]
    tokens: int  # about

    def as_json(self) -> Json:
        """For the inspector: exactly what was sent, but of pictures only that there were some."""
        return {
            "prompt": f"{self.rules.name}, version {self.rules.version}",
            "messages": [{**message, "content": _shown(message["content"])} for message in self.messages],
            "sections": [section.as_json() for section in self.sections],
            "tokens": self.tokens,
        }


@cache
def rules(name: str, language: str) -> Rules:
    """The file for this language; English where there is none."""
    path = _FOLDER / f"{name}.{language}.md"
    text = (path if path.exists() else _FOLDER / f"{name}.en.md").read_text(encoding="utf-8")
    version = _VERSION.match(text)
    assert version is not None, f"{name} names no version"
    return Rules(f"{name}.{language}", int(version[1]), text[version.end() :].strip())


def build(
    *,
    language: str,
    question: str,
    code: str = "",
    run: Mapping[str, Any] | None = None,
    history: Sequence[Mapping[str, str]] = (),
    sections: Sequence[Section] = (),
    images: Sequence[tuple[str, bytes]] = (),
) -> Prompt:
    """`run` is {"outcome", "output", "failed_checks": […]}; `history` {"role", "content"}, the oldest first;
    `sections` the best first.

    Of what does not fit, sections go first, then the oldest turns, then the run.
    """
    system = rules("tutor", language)
    asked = f"<question>\n{_data(question, QUESTION_LIMIT)}\n</question>"
    left = settings.TUTOR_CONTEXT_TOKENS - tokens_in(system.text) - tokens_in(asked)
    shown_code = f"<code>\n{_data(code, CODE_LIMIT)}\n</code>" if code.strip() else ""
    left -= tokens_in(shown_code)
    shown_run = _run(run) if run else ""
    if tokens_in(shown_run) > left:
        shown_run = ""
    left -= tokens_in(shown_run)
    turns = list(_fitting_turns(history, left // 2))[::-1]
    left -= sum(tokens_in(turn["content"]) for turn in turns)
    fitting = list(_fitting_sections(sections, left))
    parts = [*(_section(section) for section in fitting), shown_code, shown_run, asked]
    text = "\n\n".join(part for part in parts if part)
    messages = [
        {"role": "system", "content": system.text},
        *turns,
        {"role": "user", "content": _with_images(text, images)},
    ]
    tokens = sum(tokens_in(_shown(message["content"])) for message in messages)
    return Prompt(system, messages, fitting, tokens)


def _fitting_turns(history: Sequence[Mapping[str, str]], room: int) -> Iterator[Json]:
    """The latest turns, from the last backwards. An answer goes with the question before it."""
    kept = []
    for message in reversed(history[-2 * TURNS :]):
        content = _cut(message["content"], _TURN_LIMIT)
        room -= tokens_in(content)
        if room < 0:
            break
        kept.append({"role": message["role"], "content": content})
    while kept and kept[-1]["role"] != "user":  # some services refuse a talk that begins with an answer
        kept.pop()
    yield from kept


def _fitting_sections(sections: Sequence[Section], room: int) -> Iterator[Section]:
    for section in sections:
        room -= tokens_in(_section(section))
        if room < 0:
            return
        yield section


def _section(section: Section) -> str:
    head = f'<section id="{escape(section.id)}" title="{escape(section.title)}">'
    return f"{head}\n{_data(section.text, _SECTION_LIMIT)}\n</section>"


def _run(run: Mapping[str, Any]) -> str:
    output = str(run.get("output", ""))
    output = output if len(output) <= _OUTPUT_LIMIT else f"[…] {output[-_OUTPUT_LIMIT:]}"
    lines = [f'<run outcome="{escape(str(run.get("outcome", "")))}">']
    if output.strip():
        lines.append(f"<output>\n{_data(output, 2 * _OUTPUT_LIMIT)}\n</output>")
    for check in list(run.get("failed_checks", ()))[:_CHECKS]:
        said = "\n".join(f"{name}: {_data(str(check[name]), 500)}" for name in _OF_A_CHECK if check.get(name))
        lines.append(f"<failed_check>\n{said}\n</failed_check>")
    return "\n".join([*lines, "</run>"])


def _data(text: str, limit: int) -> str:
    """The text, in which nothing can be taken for one of our tags."""
    return _TAG.sub("‹", _cut(text.strip("\n"), limit))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + _CUT


def _with_images(text: str, images: Sequence[tuple[str, bytes]]) -> str | list[Json]:
    if not images:
        return text
    urls = [f"data:{kind};base64,{b64encode(data).decode()}" for kind, data in images]
    return [
        {"type": "text", "text": text},
        *({"type": "image_url", "image_url": {"url": url}} for url in urls),
    ]


def _shown(content: str | list[Json]) -> str:
    if isinstance(content, str):
        return content
    pictures = sum(part["type"] != "text" for part in content)
    return f"{content[0]['text']}\n[{pictures} × image]"
