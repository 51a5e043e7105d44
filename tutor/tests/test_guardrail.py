"""The guardrail: what it withholds of labelled answers, and that it does so however an answer streams."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tutor.evaluation.labelled import Answer, answers, measure
from tutor.guardrail import Guard

SOLUTION = """\
def count_vowels(text):
    vowels = "aeiou"
    found = [letter for letter in text.lower() if letter in vowels]
    print(found, len(found), sep=" | ")
    return {letter: found.count(letter) for letter in vowels}
"""
HINT = "comes too close to the solution"


def said(guard: Guard, text: str) -> str:
    return guard.feed(text) + guard.end()


def test_rates_on_the_labelled_answers() -> None:
    rates = measure()

    assert (rates.too_much, rates.harmless) == (35, 37)
    assert [(answer.exercise, answer.kind) for answer in rates.missed] == [
        ("average", "rewritten"),
        ("count-words", "rewritten"),
    ]
    assert rates.false_alarms == []
    kinds = Counter(answer.language for answer in answers())
    assert min(kinds["en"], kinds["zh-hans"]) >= 25


def test_prose_around_code_that_is_withheld_stays() -> None:
    shown = said(Guard([SOLUTION]), f"Look:\n\n```python\n{SOLUTION}```\n\nDone.\n")

    assert shown.startswith("Look:\n\n")
    assert shown.endswith("\n\nDone.\n")
    assert HINT in shown
    assert "aeiou" not in shown


@pytest.mark.parametrize("answer", list(answers()), ids=lambda answer: f"{answer.exercise}-{answer.kind}")
def test_in_whatever_pieces_an_answer_comes_it_is_the_same(answer: Answer) -> None:
    whole = said(answer.guard(), answer.text)
    chance = random.Random(answer.text)  # the same pieces in each run

    by_letter = answer.guard()
    assert "".join(map(by_letter.feed, answer.text)) + by_letter.end() == whole

    by_piece, shown, at = answer.guard(), "", 0
    while at < len(answer.text):
        size = chance.randint(1, 12)
        shown += by_piece.feed(answer.text[at : at + size])
        at += size
    assert shown + by_piece.end() == whole


def test_prose_is_not_held_back() -> None:
    guard = Guard([SOLUTION])

    for text in (
        "Think of it ",
        "as a loop",
        " over letters.\n",
        "想一想这个循环应该怎样开始，",
        "\n好，",
        "\nThen so",
    ):
        assert guard.feed(text) == text
    assert guard.feed(", count. Use `len") == ", count. Use "
    assert guard.feed("`, say.") == "`len`, say."
    assert guard.feed("\n```python\nprint(1)\n") == "\n"
    assert guard.feed("```\nAnd ") == "```python\nprint(1)\n```\n"
    assert guard.feed("so on.") == "And so on."
    assert guard.end() == ""


def test_what_learners_were_given_is_no_secret() -> None:
    starter = "\n".join(SOLUTION.splitlines()[:4]) + "\n    ...\n"
    text = f"You have:\n\n```python\n{starter}```\n"

    assert said(Guard([SOLUTION], starters=[starter]), text) == text
    assert HINT in said(Guard([SOLUTION]), text)
    assert HINT in said(Guard([SOLUTION], starters=[starter]), f"{text}\n{SOLUTION.splitlines()[4]}\n")


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{SOLUTION}",  # never closed
        f"~~~~\n{SOLUTION}~~~~",
        "> " + "\n> ".join(f"```\n{SOLUTION}```".splitlines()),
        f"1. Write:\n\n{SOLUTION}",
        "- `" + "`\n- `".join(line.strip() for line in SOLUTION.splitlines()) + "`",
        f"```diff\n{SOLUTION}```".replace("\n    ", "\n+    "),
        f"\n```\n{SOLUTION[:-20]}",  # cut off
        SOLUTION.replace("    ", "\t").replace("\n", "\r\n"),
    ],
)
def test_ways_to_write_code(text: str) -> None:
    assert HINT in said(Guard([SOLUTION]), text)


@pytest.mark.parametrize(
    "text", ["", "`", "``", "```", "```\n", "\n\n\n", "`a\n`b", "> > >", "- - -", "x = (" * 500]
)
def test_odd_texts_pass_unchanged(text: str) -> None:
    assert said(Guard([SOLUTION]), text) == text
    assert said(Guard([]), text) == text
    assert said(Guard(["", "# nothing\n", "def ("]), text) == text
