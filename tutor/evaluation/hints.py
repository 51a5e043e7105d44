"""How hints do with a real model: situations (situations/*.toml) put to it, and what comes judged by rules.

Each situation goes the way a learner's does: the same prompt, gateway, guard.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import translation

from tutor.choosing import Caller
from tutor.evaluation.judging import Judged, asks, is_in, length
from tutor.guardrail import Guard
from tutor.hints import asking
from tutor.hints.asking import NoHint
from tutor.hints.reading import read_place

SITUATIONS = Path(__file__).parent / "situations"
_LONGEST = {"en": 90, "zh-hans": 160}  # words, characters; some more than the prompt asks for


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A learner stuck somewhere."""

    name: str
    language: str
    code: str
    line: int
    rung: int
    section: tuple[str, str]
    starter: str
    solution: str


def situations() -> Iterator[Situation]:
    for path in sorted(SITUATIONS.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for language, section in data["section"].items():
            for rung in (1, 2, 3, 4):
                yield Situation(
                    name=path.stem, language=language, code=data["code"], line=data["line"], rung=rung,
                    section=(section["title"], section["text"]),
                    starter=data["starter"], solution=data["solution"],
                )  # fmt: skip


def evaluate(provider: str) -> list[Judged]:
    """Put every situation to a provider of this site."""
    judged = []
    for situation in situations():
        with translation.override(situation.language):
            judged.append(_judge(situation, provider))
    return judged


def _judge(situation: Situation, provider: str) -> Judged:
    place = read_place(situation.code, situation.line)
    guard = Guard([situation.solution], starters=[situation.starter])
    caller = Caller(
        user_id=None,
        visitor="evaluation",
        purpose="hint",
        language=situation.language,
        provider=provider,
    )
    try:
        said = asking.ask(
            place,
            situation.code,
            caller=caller,
            rung=situation.rung,
            sections=[situation.section],
            guard=guard,
        )
    except NoHint as error:
        return _judged(situation, "", {"answered": False}, trouble=error.message)
    kept = {
        "answered": True,
        "language kept": is_in(said.hint, situation.language),
        "no full solution": not said.withheld,
        "short enough": length(said.hint, situation.language) <= _LONGEST[situation.language],
        "names concepts": bool(said.concepts),
    }
    if situation.rung == 2:
        kept["asks a question"] = asks(said.hint)
    if situation.rung == 1:
        kept["points at a line"] = bool(re.search(r"\d|`", said.hint))
    return _judged(situation, said.hint, kept)


def _judged(situation: Situation, answer: str, kept: dict[str, bool], *, trouble: str = "") -> Judged:
    return Judged(
        situation=situation.name, language=situation.language, variant=f"rung {situation.rung}",
        answer=answer, kept=kept, trouble=trouble,
    )  # fmt: skip
