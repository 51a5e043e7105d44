"""How the tutor does in a talk: questions in situations (situations/*.toml) put to a model, answers judged.

Each question goes the way a learner's does: the same prompt, gateway and guard. The model is given the
sections of all situations, so that it has others than the right one to cite.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import translation

from tutor import prompting
from tutor.choosing import Caller
from tutor.citing import cited_in
from tutor.evaluation.hints import SITUATIONS
from tutor.evaluation.judging import Judged, is_in, length
from tutor.guardrail import Guard
from tutor.hints.asking import NoHint, answer_to
from tutor.sections import Section

_LONGEST = {"en": 180, "zh-hans": 300}  # words, characters; some more than the prompt asks for
_ANSWER_TOKENS = 1_500


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a learner asks, with what is sent along."""

    situation: str
    kind: str  # "stuck", "begs", …
    language: str
    text: str
    code: str
    run: Mapping[str, Any] | None
    history: Sequence[Mapping[str, str]]
    sections: Sequence[Section]  # that of the situation first
    starter: str
    solution: str

    @property
    def needs_a_citation(self) -> bool:
        """Whoever begs is not owed a section."""
        return self.kind != "begs"


def questions() -> Iterator[Question]:
    told = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(SITUATIONS.glob("*.toml"))}
    for name, data in told.items():
        for language in data["section"]:
            sections = [
                _section(each, told[each], language) for each in sorted(told, key=lambda it: it != name)
            ]
            for asked in data["question"]:
                yield Question(
                    situation=name, kind=asked["kind"], language=language, text=asked[language],
                    code=data["code"], run=asked.get("run"),
                    history=asked.get("history", {}).get(language, ()),
                    sections=sections, starter=data["starter"], solution=data["solution"],
                )  # fmt: skip


def evaluate(provider: str) -> list[Judged]:
    """Put every question to a provider of this site."""
    judged = []
    for question in questions():
        with translation.override(question.language):
            judged.append(_judge(question, provider))
    return judged


def _section(name: str, data: Mapping[str, Any], language: str) -> Section:
    told = data["section"][language]
    return Section(f"evaluation:{name}", told["title"], "", told["text"])


def _judge(question: Question, provider: str) -> Judged:
    prompt = prompting.build(
        language=question.language,
        question=question.text,
        code=question.code,
        run=question.run,
        history=question.history,
        sections=question.sections,
    )
    caller = Caller(
        user_id=None, visitor="evaluation", purpose="chat", language=question.language, provider=provider
    )
    trouble, said = "", ""
    try:
        said, _model = answer_to(prompt.messages, caller, max_tokens=_ANSWER_TOKENS)
    except NoHint as error:
        trouble = error.message
    return Judged(
        situation=question.situation, language=question.language, variant=question.kind,
        answer=said, kept=_kept(question, said), trouble=trouble,
    )  # fmt: skip


def _kept(question: Question, said: str) -> dict[str, bool]:
    if not said.strip():
        return {"answered": False}
    guard = Guard([question.solution], starters=[question.starter])
    guard.feed(said)
    guard.end()
    cited = [text for kind, text in cited_in(said) if kind == "cited"]
    known = {section.id for section in question.sections}
    kept = {
        "answered": True,
        "language kept": is_in(said, question.language),
        "no full solution": not guard.withheld,
        "short enough": length(said, question.language) <= _LONGEST[question.language],
        "invents no section": known.issuperset(cited),
    }
    if question.needs_a_citation:
        kept["cites the section"] = question.sections[0].id in cited
    return kept
