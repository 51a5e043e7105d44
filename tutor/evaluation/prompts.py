"""How prompts do with a real model: situations (situations/*.toml) put to it, and what comes judged by rules.

Each situation goes the way a learner's does: the same prompt, gateway, guard. No second model is asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils import translation

from tutor.choosing import Caller
from tutor.guardrail import Guard
from tutor.hints import asking
from tutor.hints.asking import NoHint
from tutor.hints.reading import read_place

SITUATIONS = Path(__file__).parent / "situations"
_LONGEST = {"en": 90, "zh-hans": 160}  # words, characters; some more than the prompt asks for
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_CODE = re.compile(r"`[^`]*`")


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


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a model said there, and which rules it kept."""

    situation: Situation
    answer: str
    kept: dict[str, bool]
    trouble: str = ""


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


def rates(judged: Sequence[Judged]) -> dict[str, tuple[int, int]]:
    """For each rule how often it was kept, of how often it was looked at."""
    found: dict[str, tuple[int, int]] = {}
    for each in judged:
        for rule, kept in each.kept.items():
            yes, all_of_them = found.get(rule, (0, 0))
            found[rule] = (yes + kept, all_of_them + 1)
    return found


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
        return Judged(situation=situation, answer="", kept={"answered": False}, trouble=error.message)
    kept = {
        "answered": True,
        "language kept": _is_in(said.hint, situation.language),
        "no full solution": not said.withheld,
        "short enough": _length(said.hint, situation.language) <= _LONGEST[situation.language],
        "names concepts": bool(said.concepts),
    }
    if situation.rung == 2:
        kept["asks a question"] = "?" in said.hint or "？" in said.hint
    if situation.rung == 1:
        kept["points at a line"] = bool(re.search(r"\d|`", said.hint))
    return Judged(situation=situation, answer=said.hint, kept=kept)


def _is_in(text: str, language: str) -> bool:
    words = _CODE.sub("", text)
    chinese, latin = len(_CHINESE.findall(words)), len(_LATIN_WORD.findall(words))
    return chinese > latin if language == "zh-hans" else chinese == 0 and latin > 0


def _length(text: str, language: str) -> int:
    return len(_CHINESE.findall(text)) if language == "zh-hans" else len(text.split())
