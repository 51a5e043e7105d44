"""The guardrail's misses and false alarms on labelled answers (answers/*.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tutor.guardrail import Guard

ANSWERS = Path(__file__).parent / "answers"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model might say to somebody who is to find a solution alone."""

    exercise: str
    kind: str  # what it is: "full", "renamed", "hint", "analogous", …
    language: str
    text: str
    is_too_much: bool
    solution: str
    starter: str

    def guard(self) -> Guard:
        return Guard([self.solution], starters=[self.starter])


@dataclass(frozen=True)
class Rates:
    """How often the guard was wrong, and where."""

    too_much: int
    missed: Sequence[Answer]
    harmless: int
    false_alarms: Sequence[Answer]


def answers() -> Iterator[Answer]:
    for path in sorted(ANSWERS.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for each in data["answer"]:
            yield Answer(
                exercise=path.stem,
                kind=each["kind"],
                language=each["language"],
                text=each["text"],
                is_too_much=each["withhold"],
                solution=data["solution"],
                starter=data["starter"],
            )


def measure() -> Rates:
    """Put every labelled answer through the guard."""
    missed, false_alarms, too_much, harmless = [], [], 0, 0
    for answer in answers():
        guard = answer.guard()
        said = guard.feed(answer.text) + guard.end()
        if answer.is_too_much:
            too_much += 1
            if not guard.withheld:
                missed.append(answer)
        else:
            harmless += 1
            if said != answer.text:
                false_alarms.append(answer)
    return Rates(too_much, missed, harmless, false_alarms)
