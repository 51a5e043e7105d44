"""The evaluation command, against a provider that sometimes breaks the rules."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tutor.evaluation.hints import situations
from tutor.evaluation.talks import questions
from tutor.tests.makers import answers, fails, fake_provider

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("evaluate_tutor", *arguments, stdout=out)
    return out.getvalue()


def said(hint: str, code: str | None = None) -> Any:
    return answers(json.dumps({"hint": hint, "reference_code": code, "key_concepts": ["types"]}))


def test_rates_are_counted_for_each_rule(settings: Any) -> None:
    cases = list(situations())
    assert {case.language for case in cases} == {"en", "zh-hans"}
    right = {"en": "Look at line 4: what type is parts?", "zh-hans": "看看第 4 行：parts 是什么类型？"}
    behaviours = [said(right[case.language]) for case in cases]
    behaviours[0] = said("看看第 4 行。")  # another language
    behaviours[1] = said("Like this?", cases[1].solution)
    behaviours[2] = answers("no JSON")
    behaviours[3] = said("word " * 200)
    with fake_provider(*behaviours) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        settings.MODEL_GUESTS_MAY_CALL = False  # an operator asks, not a guest
        report = json.loads(run("--provider", "fake", "--json"))
        sent = json.dumps(provider.requests, ensure_ascii=False)

    count = len(cases)
    hints = report["providers"]["fake"]["hints"]
    kept = {rule: (each["kept"], each["of"]) for rule, each in hints["rates"].items()}
    assert kept["answered"] == (count - 1, count)
    assert kept["language kept"] == (count - 2, count - 1)
    assert kept["no full solution"] == (count - 2, count - 1)
    assert kept["short enough"] == (count - 2, count - 1)
    assert report["guardrail"]["false_alarms"] == []
    assert len(hints["answers"]) == count
    assert sum(each["answered"]["of"] for each in hints["situations"].values()) == count
    assert "rfind" not in sent  # no solution is ever in a prompt


def test_answers_in_a_talk_are_judged_in_each_situation(settings: Any) -> None:
    asked = list(questions())
    assert {each.language for each in asked} == {"en", "zh-hans"}
    prose = {"en": "Look at what you add up.", "zh-hans": "看看你在把什么相加。"}
    texts = [f"{prose[each.language]} [[{each.sections[0].id}]]\n\n```python\nx = 1\n```" for each in asked]
    texts[0] = f"{prose['zh-hans']} [[{asked[0].sections[0].id}]]"  # another language, in all else right
    texts[1] += f"\n\n```python\n{asked[1].solution}\n```"
    texts[2] += " [[evaluation:made-up]]"
    texts[3] = f"{prose[asked[3].language]} [[{asked[3].sections[1].id}]]"  # real, but not what it is about
    texts[4] += " word 字" * 400
    begs = next(at for at, each in enumerate(asked) if each.kind == "begs" and at > 4)
    texts[begs] = prose[asked[begs].language]  # cites nothing, and need not
    with fake_provider(*[answers("no hint")] * len(list(situations())), *map(answers, texts)) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        report = json.loads(run("--provider", "fake", "--json"))
        sent = provider.requests[-len(asked) :]

    talks = report["providers"]["fake"]["talks"]
    broken = {at: each["broken"] for at, each in enumerate(talks["answers"]) if each["broken"]}
    assert [broken.pop(at) for at in (0, 1, 2)] == [
        ["language kept"],
        ["no full solution"],
        ["invents no section"],
    ]
    assert ("cites the section" in broken.pop(3, [])) == asked[3].needs_a_citation
    assert "short enough" in broken.pop(4)
    assert broken == {}
    owed = sum(each.needs_a_citation for each in asked)
    assert talks["rates"]["answered"] == {"kept": len(asked), "of": len(asked)}
    assert talks["rates"]["cites the section"]["of"] == owed
    for name in ("average", "injection", "remember"):
        assert talks["situations"][name]["answered"]["of"] == sum(each.situation == name for each in asked)
    for question, request in zip(asked, sent, strict=True):
        everything = json.dumps(request, ensure_ascii=False)
        assert question.text in everything
        assert all(section.text in everything for section in question.sections)
        assert len(request["messages"]) == 2 + len(question.history)
    assert "rfind" not in json.dumps(sent)


def test_in_words_and_without_a_provider(settings: Any) -> None:
    assert "No model provider is configured" in run()
    with pytest.raises(CommandError, match="no provider"):
        run("--provider", "fake")
    with fake_provider(*[fails(500)] * 100) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        settings.MODEL_RETRIES = 0
        text = run()
    assert "missed 2 of 35" in text
    assert text.count("answered               0 of") == 2 * (
        1 + 3
    )  # hints and talks, in all and by situation
    assert "fake, talks:" in text
    assert "in the situation “remember”:" in text
