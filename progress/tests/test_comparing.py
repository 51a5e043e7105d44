"""What counts as the same: pure comparisons of what a program did with what an exercise asks for."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from lessons.exercises import CodeCheck, OutputCheck, TraceCheck, ValueCheck
from progress.checking.comparing import (
    compare_code,
    compare_output,
    compare_trace,
    compare_value,
    near,
    same,
)
from progress.checking.evidence import Behaviour, Seen, answers_in, seen_of
from progress.checking.inside.plain_data import decode, encode
from sandbox.execution import Outcome

NESTED = {"a": [1, 2.5, None, True], (1, "x"): {"deep": {1, 2}}, "b": (b"\0\xff", frozenset({"y"}), "\ud800")}


@pytest.mark.parametrize(
    "value", [NESTED, math.inf, -math.inf, 10**40, "", [], (), set(), {}, 1e-300, "汉字"]
)
def test_plain_data_survives_json(value: Any) -> None:
    assert decode(json.loads(json.dumps(encode(value)))) == value


def test_what_is_no_plain_data_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    for value in (object(), lambda: 1, [object()], deep):
        with pytest.raises(ValueError, match=r"plain data|deep"):
            encode(value)
    for said in ({"kind": "object"}, {}, {"kind": "set", "items": [[]]}, {"kind": "dict", "items": [1]}):
        with pytest.raises(ValueError, match="plain data"):
            decode(said)


@pytest.mark.parametrize(
    ("expected", "actual", "is_same"),
    [
        (2, 2, True),
        (2, 2.0, True),
        (1, True, False),
        (False, 0, False),
        ("2", 2, False),
        ([1, 2], (1, 2), False),
        ([1, [2]], [1, [2.0]], True),
        ([1, [2]], [1, [True]], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": [1]}, {"a": [1]}, True),
        ({1, 2}, {2, 1}, True),
        (None, None, True),
        (0, None, False),
        (math.nan, math.nan, False),
    ],
)
def test_equality_is_pythons_but_true_is_not_one(expected: Any, actual: Any, is_same: bool) -> None:
    assert same(expected, actual) is is_same


def test_numbers_may_be_near() -> None:
    assert near(2.5, 2.5000001, 1e-6)
    assert near([1, 2], (1.0, 2.0), 1e-6)
    for far in (2.6, "2.5", True, None, math.nan, [2.5], 10**400):
        assert not near(2.5, far, 1e-6)


def value_check(**expected: Any) -> ValueCheck:
    return ValueCheck(expression={"": "f()"}, **expected)


def seen(value: Any, **more: Any) -> Seen:
    shown = {"shown": repr(value), "type": type(value).__name__}
    return Seen(value=value, is_plain=True, **(shown | more))


@pytest.mark.parametrize(
    ("check", "what", "passed", "expected", "actual"),
    [
        (value_check(equals={"": 2}), seen(2), True, "2", "2"),
        (value_check(equals={"": 2}), Seen(shown="2", type="Liar"), False, "2", "2"),
        (value_check(equals={"en": "a", "zh-hans": "甲"}), seen("a"), True, "'a'", "'a'"),
        (value_check(approx=0.3), seen(0.1 + 0.2), True, "≈ 0.3", "0.30000000000000004"),
        (value_check(type="list"), seen([]), True, "list", "list: []"),
        (value_check(type="list"), seen(()), False, "list", "tuple: ()"),
        (value_check(contains={"": "b"}), seen("abc"), True, "… 'b' …", "'abc'"),
        (value_check(contains={"": 1}), seen([True]), False, "… 1 …", "[True]"),
        (value_check(prints={"": "hi"}), seen(None, prints="hi \n"), True, "hi", "hi \n"),
        (value_check(raises="LookupError"), Seen(raised="KeyError: 1", kinds=("KeyError", "LookupError")),
         True, "LookupError", "KeyError: 1"),
        (value_check(raises="KeyError"), seen(1), False, "KeyError", "1"),
        (value_check(equals={"": 1}), Seen(raised="NameError: f"), False, "1", "NameError: f"),
        (value_check(equals={"": 1}), Seen(outcome=Outcome.TIMEOUT), False, "1", None),
    ],
)  # fmt: skip
def test_values(check: ValueCheck, what: Seen, passed: bool, expected: str, actual: str | None) -> None:
    finding = compare_value(check, what, language="en")

    assert (finding.passed, finding.expected, finding.actual) == (passed, expected, actual)


def printed(output: str, outcome: Outcome = Outcome.OK) -> Behaviour:
    return Behaviour(outcome=outcome, output=output, error="")


@pytest.mark.parametrize(
    ("check", "output", "passed"),
    [
        (OutputCheck(equals={"": "a\nb"}), "a  \nb\n\n", True),
        (OutputCheck(equals={"": "a\nb"}), " a\nb\n", False),
        (OutputCheck(equals={"": ""}), "x", False),
        (OutputCheck(contains={"": ("a", "b")}), "b a", True),
        (OutputCheck(contains={"": ("a", "b")}), "b", False),
        (OutputCheck(lacks={"": ("secret",)}), "a secret", False),
        (OutputCheck(lines=2), "a\nb\n", True),
        (OutputCheck(lines=0), "\n", True),
        (OutputCheck(lines=1), "a\nb\n", False),
        (OutputCheck(matches={"": "x"}), "y", False),
    ],
)
def test_output(check: OutputCheck, output: str, passed: bool) -> None:
    assert compare_output(check, printed(output), language="en", matches=False).passed is passed


def test_output_of_a_program_that_failed_passes_nothing() -> None:
    failed = printed("a", Outcome.TIMEOUT)

    finding = compare_output(OutputCheck(equals={"": "a"}), failed, language="en", matches=True)

    assert (finding.passed, finding.said) == (False, "The program took too long.")


def call(**fields: Any) -> dict[str, Any]:
    step = {"messages": [], "parts": [], "tool_results": [], "answer": {"content": ""}, "streamed": False}
    return step | fields


CALLS = [
    call(
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How warm?"}],
        parts=[{"kind": "action", "text": 'weather({"city": "Rome"})'}],
        tool_results=[{"name": "weather", "content": "31 °C"}],
        streamed=True,
    ),
    call(
        messages=[{"role": "user", "content": "Again"}],
        parts=[{"kind": "action", "text": "search[coat]"}, {"kind": "observation", "text": "none"}],
        answer={"content": "It is warm."},
    ),
]


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        (TraceCheck(least=1, most=2), True),
        (TraceCheck(least=3), False),
        (TraceCheck(most=1), False),
        (TraceCheck(tools=("weather", "search")), True),
        (TraceCheck(tools=("search", "weather")), False),
        (TraceCheck(any_tools=("search",)), True),
        (TraceCheck(not_tools=("search",)), False),
        (TraceCheck(asked={"": ("warm?",)}), True),
        (TraceCheck(asked={"": ("brief",)}), False),
        (TraceCheck(system={"": ("brief",)}), True),
        (TraceCheck(observed={"": ("31 °C", "none")}), True),
        (TraceCheck(observed={"": ("It is warm",)}), False),
        (TraceCheck(finish={"": ("warm",)}), True),
        (TraceCheck(streamed=True), True),
        (TraceCheck(streamed=False), False),
    ],
)
def test_traces(check: TraceCheck, passed: bool) -> None:
    behaviour = Behaviour(outcome=Outcome.OK, output="", error="", calls=CALLS)

    assert compare_trace(check, behaviour, language="en").passed is passed


@pytest.mark.parametrize(
    ("check", "code", "passed"),
    [
        (CodeCheck(calls=("print",)), "print(1)", True),
        (CodeCheck(calls=("print",)), "# print(1)", False),
        (CodeCheck(calls=("json.loads",)), "import json\njson.loads('1')", True),
        (CodeCheck(calls=("append",)), "x.append(1)", True),
        (CodeCheck(defines=("f", "x")), "x = 1\ndef f(): ...", True),
        (CodeCheck(uses=("while", "try")), "while x:\n  try: ...\n  except E: ...", True),
        (CodeCheck(uses=("lambda",)), "f = 'lambda'", False),
        (CodeCheck(lacks=("for", "eval")), "[x for x in y]", True),
        (CodeCheck(lacks=("for",)), "for x in y: ...", False),
        (CodeCheck(lacks=("eval",)), "e = eval", False),
        (CodeCheck(lacks=("eval",)), "def (", False),
        (CodeCheck(calls=("print",)), "if 0:\n    a" + ".b" * 2000 + "()", False),
        (CodeCheck(calls=("b.b",)), "f().b.b()", False),
        (CodeCheck(calls=("a" + ".b" * 2000,)), "a" + ".b" * 2000 + "()", True),
    ],
)
def test_code(check: CodeCheck, code: str, passed: bool) -> None:
    assert compare_code(check, code).passed is passed


COLLIDING = [number * (2**61 - 1) for number in range(1, 1_800)]  # all have the hash 0


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "set", "items": COLLIDING},
        {"kind": "frozenset", "items": COLLIDING},
        {"kind": "dict", "items": [[number, 1] for number in COLLIDING[:1_200]]},
        [COLLIDING, COLLIDING],
        2**10_001,
    ],
    ids=["a set", "a frozen set", "a table", "too long", "a huge number"],
)
def test_claims_that_would_keep_a_worker_busy_are_not_taken(value: Any) -> None:
    answers = answers_in(f"token 0 {json.dumps({'shown': '3', 'value': value})}", "token")

    seen = seen_of(answers[0], Outcome.OK)
    assert (seen.is_plain, seen.shown) == (False, "3")


def test_what_a_driver_says_at_most_is_heard_and_more_is_not() -> None:
    said: dict[str, Any] = {"program": None, "value": ["x" * 39_000], "shown": "🙂" * 2_000}
    said["prints"] = "🙂" * 40_000
    lines = [json.dumps(said), json.dumps({**said, "prints": "🙂" * 50_000})]

    answers = answers_in("".join(f"token {number} {line}\n" for number, line in enumerate(lines)), "token")

    assert set(answers) == {0}
    assert seen_of(answers[0], Outcome.OK).is_plain


def test_only_what_has_the_token_and_the_form_of_an_answer_counts() -> None:
    output = "\n".join(
        [
            'deadbeef 0 {"value": 1}',
            'token 0 {"value": 2}',
            'token 0 {"value": 3}',
            "token 1 [1]",
            "token x {}",
            'token 2 {"value": NaN}',
            'token 3 {"value": {"kind": "object"}, "shown": 7, "raised": "no"}',
        ]
    )

    answers = answers_in(output, "token")

    assert set(answers) == {0, 3}
    assert seen_of(answers[0], Outcome.OK).value == 2, "the first says it; none can be changed later"
    assert not seen_of(answers[3], Outcome.OK).is_plain
    assert seen_of(None, Outcome.OK).outcome is Outcome.OK
