"""The evaluation command, against a provider that sometimes breaks the rules."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tutor.evaluation.prompts import situations
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
    kept = {rule: (each["kept"], each["of"]) for rule, each in report["providers"]["fake"]["rates"].items()}
    assert kept["answered"] == (count - 1, count)
    assert kept["language kept"] == (count - 2, count - 1)
    assert kept["no full solution"] == (count - 2, count - 1)
    assert kept["short enough"] == (count - 2, count - 1)
    assert report["guardrail"]["false_alarms"] == []
    assert len(report["providers"]["fake"]["answers"]) == count
    assert "rfind" not in sent  # no solution is ever in a prompt


def test_in_words_and_without_a_provider(settings: Any) -> None:
    assert "No model provider is configured" in run()
    with pytest.raises(CommandError, match="no provider"):
        run("--provider", "fake")
    with fake_provider(*[fails(500)] * 100) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        settings.MODEL_RETRIES = 0
        text = run()
    assert "missed 2 of 35" in text
    assert "answered               0 of" in text
