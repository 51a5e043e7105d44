"""What can be known of a program: its output, its trace, and what expressions give in its namespace.

Values need a run of their own, which nobody sees. It may lie: whatever comes out of it is bounded, parsed as
data, and no more than a claim. Hidden inputs go to a run apart from that of the visible ones, whose values
the learner is shown; and what is expected goes to none.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from progress import lifecycle
from progress.checking.inside import judge as judge_inside
from progress.checking.inside.plain_data import LONGEST, decode
from progress.model_calls import ScriptedLine
from progress.models import Submission
from sandbox.control import RunControl
from sandbox.execution import Outcome, RunEvent, RunRequest, RunResult, Stream
from sandbox.pools import Pools

Json = dict[str, Any]

_TEXT_LIMIT = 50_000  # characters of an output that is compared and shown
_SHOWN_LIMIT = 2_000  # characters of a value as text
# Of an answer: what the driver says at most, where JSON writes a character with twelve.
_LINE_LIMIT = LONGEST + 12 * (40_000 + 4 * _SHOWN_LIMIT)
_INSIDE = "checking_inside"
_MODULES = ("__init__.py", "plain_data.py", "driver.py", "judge.py")


class Stopped(Exception):
    """The learner stopped the run while it was checked."""


@dataclass(frozen=True)
class Question:
    """An expression whose value is wanted, and statements to run before it."""

    expression: str
    setup: str = ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an expression gave. `value` counts only if it `is_plain`; `trouble` says why there is none."""

    value: Any = None
    is_plain: bool = False
    shown: str = ""
    encoded: Any = None  # the value as JSON
    type: str = ""
    prints: str = ""
    raised: str = ""  # the exception in words
    kinds: tuple[str, ...] = ()  # names of the exception's class and of those it stands on
    program_raised: str = ""
    outcome: Outcome | None = None  # how the run ended that should have told, where it did not


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One run of the program as it is: what it printed and what it asked of its model."""

    outcome: Outcome
    output: str
    error: str
    calls: Sequence[Json] = field(default_factory=tuple)  # as `tutor.trace` tells steps


class Laboratory:
    """Runs a submission's program again and again, each time in an untouched container, for some time.

    When RUN_CHECKS_SECONDS are over it runs nothing more: what is asked then ends as if it were too slow.
    """

    def __init__(self, submission: Submission, pool: Pools, control: RunControl) -> None:
        self.submission = submission
        self.pool = pool
        self.control = control
        self._deadline = time.monotonic() + settings.RUN_CHECKS_SECONDS

    def behaviour(self, stdin: str) -> Behaviour:
        """The program with this input."""
        request = lifecycle.request_of(self.submission)
        with closing(ScriptedLine.like(self.submission)) as line:
            result = self._run(replace(request, stdin=stdin), line)
            return behaviour_of(result, line.steps())

    def values(self, questions: Sequence[Question], stdin: str) -> list[Seen]:
        """What the expressions give after the program has run with this input."""
        request = lifecycle.request_of(self.submission)
        token = secrets.token_hex(16)
        asked = [{"expression": question.expression, "setup": question.setup} for question in questions]
        driven = replace(
            request,
            name="check.py",
            code=f"__import__('{_INSIDE}.driver', fromlist=['']).collect("
            f"globals(), {request.name!r}, {stdin!r})",
            files={**request.files, **modules_inside(), request.name: request.code},
            stdin=json.dumps({"token": token, "questions": asked}),
        )
        with closing(ScriptedLine.like(self.submission)) as line:
            result = self._run(driven, line)
        told = answers_in(result.text(Stream.STDOUT), token)
        return [seen_of(told.get(number), result.outcome) for number in range(len(questions))]

    def judge(self, questions: Sequence[Json]) -> list[Json | None]:
        """What the author's code says of evidence; no learner's code takes part. None: it never got there."""
        request = lifecycle.request_of(self.submission)
        token = secrets.token_hex(16)
        files = {**modules_inside(), judge_inside.FILE: json.dumps({"token": token, "questions": questions})}
        judged = RunRequest(
            name="check.py",
            code=f"__import__('{_INSIDE}.judge', fromlist=['']).judge()",
            image=request.image,
            timeout=request.timeout,
            stdin="",
            files=files,
        )
        result = self._run(judged, None)
        told = answers_in(result.text(Stream.STDOUT), token)
        return [told.get(number) for number in range(len(questions))]

    def _run(self, request: RunRequest, line: ScriptedLine | None) -> RunResult:
        if time.monotonic() > self._deadline:
            return RunResult.without_run(Outcome.TIMEOUT)
        answer = line.answer if line else None
        result = self.pool.run(request, on_event=_ignore, control=self.control, answer=answer)
        if result.outcome is Outcome.CANCELLED:
            raise Stopped
        return result


def behaviour_of(result: RunResult, calls: Sequence[Json]) -> Behaviour:
    return Behaviour(
        outcome=result.outcome,
        output=lifecycle.storable(result.text(Stream.STDOUT))[:_TEXT_LIMIT],
        error=lifecycle.storable(result.text(Stream.STDERR))[-_TEXT_LIMIT:],
        calls=[call for call in calls if call["kind"] == "chat"],
    )


@cache
def modules_inside() -> Mapping[str, str]:
    """The files that runs for checking bring along."""
    folder = Path(__file__).parent / "inside"
    return {f"{_INSIDE}/{name}": (folder / name).read_text(encoding="utf-8") for name in _MODULES}


def answers_in(output: str, token: str) -> dict[int, Json]:
    """The answers among what was printed, by the question's number: the first line for each counts."""
    answers: dict[int, Json] = {}
    for line in output.split("\n"):
        if len(line) > _LINE_LIMIT:
            continue
        mark, _, rest = line.partition(" ")
        number, _, text = rest.partition(" ")
        if mark != token or not number.isdecimal() or len(number) > 4 or int(number) in answers:
            continue
        try:
            said = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            answers[int(number)] = said
    return answers


def seen_of(said: Json | None, outcome: Outcome) -> Seen:
    """What a driver claims, as far as it has the form of a claim."""
    if said is None:
        return Seen(outcome=outcome)
    raised, program = _exception(said.get("raised")), _exception(said.get("program"))
    told: Json = {
        "prints": _words(said.get("prints"), _TEXT_LIMIT),
        "raised": raised[0],
        "kinds": raised[1],
        "program_raised": program[0],
    }
    if raised[0]:
        return Seen(**told)
    told |= {"shown": _words(said.get("shown"), _SHOWN_LIMIT), "type": _words(said.get("type"), 100)}
    try:
        value = decode(said["value"]) if len(json.dumps(said["value"])) <= LONGEST else _refuse("too long")
    except (KeyError, ValueError, RecursionError):
        return Seen(**told)
    return Seen(value=value, is_plain=True, encoded=said["value"], **told)


def _exception(said: Any) -> tuple[str, tuple[str, ...]]:
    if not isinstance(said, dict):
        return "", ()
    kinds = said.get("kinds")
    names = [str(kind)[:100] for kind in kinds[:20]] if isinstance(kinds, list) else []
    return _words(said.get("text"), _SHOWN_LIMIT) or "Exception", tuple(names)


def _words(said: Any, limit: int) -> str:
    return storable_json(said[:limit]) if isinstance(said, str) else ""


def storable_json(text: str) -> str:
    """Text that a JSON column keeps: PostgreSQL takes neither NUL nor half of a pair."""
    return lifecycle.storable(text.encode("utf-8", "replace").decode("utf-8"))


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _ignore(event: RunEvent) -> None:
    """Nobody follows these runs."""
