"""Judging a model's answer by rules alone, and how often each rule was kept. No second model is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Rates = Mapping[str, tuple[int, int]]  # rule → how often it was kept, of how often it was looked at

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_CITED = re.compile(r"\[\[[^\[\]\n]*\]\]")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a model said in a situation, and which rules it kept."""

    situation: str
    language: str
    variant: str  # of the situation: which rung, which question
    answer: str
    kept: Mapping[str, bool]
    trouble: str = ""


def rates(judged: Iterable[Judged]) -> Rates:
    found: dict[str, tuple[int, int]] = {}
    for each in judged:
        for rule, kept in each.kept.items():
            yes, all_of_them = found.get(rule, (0, 0))
            found[rule] = (yes + kept, all_of_them + 1)
    return found


def rates_by_situation(judged: Sequence[Judged]) -> dict[str, Rates]:
    """For each situation, all languages and variants together."""
    names = dict.fromkeys(each.situation for each in judged)
    return {name: rates(each for each in judged if each.situation == name) for name in names}


def is_in(text: str, language: str) -> bool:
    """Whether the prose is in the language. Names in other letters may be in it."""
    prose = _prose(text)
    chinese, latin = len(_CHINESE.findall(prose)), len(_LATIN_WORD.findall(prose))
    return chinese > latin if language == "zh-hans" else chinese == 0 and latin > 0


def length(text: str, language: str) -> int:
    """Of the prose: words, or Chinese characters."""
    prose = _prose(text)
    return len(_CHINESE.findall(prose)) if language == "zh-hans" else len(prose.split())


def asks(text: str) -> bool:
    return "?" in text or "？" in text


def _prose(text: str) -> str:
    return _CITED.sub("", _CODE.sub(" ", text))
