"""The verdict on a learner's program: every check of its exercise, and what to say of the first failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from lessons.exercises import (
    Check,
    CodeCheck,
    CommonMistake,
    Definition,
    OutputCheck,
    PythonCheck,
    TraceCheck,
    ValueCheck,
    in_language,
)
from progress.checking import comparing
from progress.checking.comparing import Finding
from progress.checking.evidence import (
    Behaviour,
    Laboratory,
    Question,
    Seen,
    behaviour_of,
    storable_json,
)
from progress.models import Submission
from sandbox.control import RunControl
from sandbox.execution import Outcome, RunResult
from sandbox.pools import Pools

_KEPT = 4_000  # characters of what a check expected, and of what came instead

Place = tuple[str | None, bool]  # a run for values: its input, and whether it is for hidden checks


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One check as the row keeps it and the learner sees it. `passed` is None where it was not come to.

    Number 0 is that the program runs at all. Of a hidden check only name and message are told. A `mistake`
    is a common one that was recognised: its number in the exercise and what to say of it.
    """

    number: int
    name: str
    hidden: bool
    passed: bool | None
    expected: str | None = None
    actual: str | None = None
    message: str = ""
    mistake: dict[str, Any] | None = None


@dataclass(frozen=True)
class Verdict:
    checks: Sequence[Checked]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """As `Submission.checks` keeps them."""
        return [asdict(check) for check in self.checks]


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """What is known of the program, by the input it had; None is the learner's own run."""

    language: str
    behaviours: dict[str | None, Behaviour]
    values: dict[tuple[Place, Question], Seen]


def judge(
    submission: Submission,
    result: RunResult,
    *,
    calls: Sequence[dict[str, Any]],
    pool: Pools,
    control: RunControl,
) -> Verdict:
    """Check the program that a submission ran; `calls` are the steps of its trace.

    Raises SandboxError and Stopped; then there is no verdict.
    """
    assert submission.exercise is not None
    definition = submission.exercise.definition
    language = submission.language_version or "en"
    own = behaviour_of(result, calls)
    laboratory = Laboratory(submission, pool, control)
    with translation.override(language):
        if result.outcome is not Outcome.OK:
            return _of_failed_program(definition, own, laboratory, language)
        evidence = _gather(definition, own, laboratory, language)
        findings = _compare(definition, evidence, laboratory)
        return _of_findings(definition, findings, own, laboratory, language)


def judge_answer(definition: Definition, answer: str, *, language: str) -> Verdict:
    """What to say of the answer to a question of the kind PREDICT."""
    expected = in_language(definition.answer, language, "")
    passed = comparing.tidy(answer) == comparing.tidy(expected)
    checked = Checked(
        number=1,
        name=in_language(definition.title, language, ""),
        hidden=False,
        passed=passed,
        expected=expected,
        actual=storable_json(answer[:_KEPT]),
    )
    return Verdict([checked])


# --- Gathering ------------------------------------------------------------------------------------


def _gather(definition: Definition, own: Behaviour, laboratory: Laboratory, language: str) -> _Evidence:
    """Every run that the checks need, each once."""
    behaviours: dict[str | None, Behaviour] = {None: own}
    questions: dict[Place, list[Question]] = {}
    for check in definition.checks:
        if isinstance(check.what, OutputCheck | TraceCheck | PythonCheck) and check.stdin not in behaviours:
            behaviours[check.stdin] = laboratory.behaviour(check.stdin or "")
        for question in _questions(check, language):
            asked = questions.setdefault((check.stdin, check.hidden), [])
            if question not in asked:
                asked.append(question)
    values: dict[tuple[Place, Question], Seen] = {}
    for place, asked in questions.items():
        stdin = place[0] if place[0] is not None else laboratory.submission.stdin or ""
        seen = laboratory.values(asked, stdin)
        values |= {(place, question): one for question, one in zip(asked, seen, strict=True)}
    return _Evidence(language=language, behaviours=behaviours, values=values)


def _questions(check: Check, language: str) -> list[Question]:
    what = check.what
    if isinstance(what, ValueCheck):
        expression, setup = in_language(what.expression, language, ""), in_language(what.setup, language, "")
        return [Question(expression, setup)]
    if isinstance(what, PythonCheck):
        return [Question(probe) for probe in in_language(what.probes, language, ())]
    return []


# --- Comparing ------------------------------------------------------------------------------------


def _compare(definition: Definition, evidence: _Evidence, laboratory: Laboratory) -> list[Finding]:
    language = evidence.language
    authored = _ask_authors(definition, evidence, laboratory)
    findings = []
    for check in definition.checks:
        what, behaviour = check.what, evidence.behaviours.get(check.stdin)
        if isinstance(what, CodeCheck):
            findings.append(comparing.compare_code(what, laboratory.submission.code))
        elif isinstance(what, ValueCheck):
            seen = evidence.values[(check.stdin, check.hidden), _questions(check, language)[0]]
            findings.append(comparing.compare_value(what, seen, language=language))
        elif isinstance(what, TraceCheck) and behaviour:
            findings.append(comparing.compare_trace(what, behaviour, language=language))
        elif isinstance(what, OutputCheck) and behaviour:
            matches = bool(what.matches) and authored[check.line].passed
            findings.append(comparing.compare_output(what, behaviour, language=language, matches=matches))
        else:
            findings.append(authored[check.line])
    return findings


def _ask_authors(definition: Definition, evidence: _Evidence, laboratory: Laboratory) -> dict[int, Finding]:
    """What the author's patterns and Python say, by the check's line: all in one run."""
    asked: dict[int, dict[str, Any]] = {}
    findings: dict[int, Finding] = {}
    for check in definition.checks:
        behaviour = evidence.behaviours.get(check.stdin)
        if isinstance(check.what, OutputCheck) and check.what.matches and behaviour:
            pattern = in_language(check.what.matches, evidence.language, "")
            asked[check.line] = {"pattern": pattern, "text": behaviour.output}
        elif isinstance(check.what, PythonCheck) and behaviour:
            seen = {
                question.expression: evidence.values[(check.stdin, check.hidden), question]
                for question in _questions(check, evidence.language)
            }
            if trouble := _trouble(seen, behaviour):
                findings[check.line] = trouble
            else:
                asked[check.line] = {
                    "code": check.what.code,
                    "result": _result(seen, behaviour, laboratory.submission.code, evidence.language),
                }
    answers = laboratory.judge(list(asked.values())) if asked else []
    return findings | {line: _as_finding(answer) for line, answer in zip(asked, answers, strict=True)}


def _trouble(seen: dict[str, Seen], behaviour: Behaviour) -> Finding | None:
    """What keeps the author's Python from judging."""
    if behaviour.outcome is not Outcome.OK:
        return Finding(passed=False, actual=behaviour.output, said=comparing.how_it_ended(behaviour))
    for expression, one in seen.items():
        if one.raised or one.outcome is not None:
            said = one.raised or _("The program ended before this could be looked at.")
            return Finding(passed=False, actual=f"{expression}: {said}")
    return None


def _result(seen: dict[str, Seen], behaviour: Behaviour, code: str, language: str) -> dict[str, Any]:
    return {
        "output": behaviour.output,
        "calls": list(behaviour.calls),
        "code": code,
        "language": language,
        # An object that is no plain data is told by its text.
        "values": {key: one.encoded if one.is_plain else one.shown for key, one in seen.items()},
    }


def _as_finding(answer: dict[str, Any] | None) -> Finding:
    if answer is None:
        return Finding(passed=False, said=_("This took too long to judge."))
    if broken := answer.get("broken"):
        return Finding(passed=False, said=_("This check is broken: %(error)s") % {"error": broken})
    return Finding(passed=bool(answer["passed"]), said=str(answer.get("message") or ""))


# --- Telling --------------------------------------------------------------------------------------


def _of_findings(
    definition: Definition,
    findings: Sequence[Finding],
    own: Behaviour,
    laboratory: Laboratory,
    language: str,
) -> Verdict:
    failed = next((number for number, finding in enumerate(findings, 1) if not finding.passed), None)
    mistake = None
    if failed is not None:
        situation = _Situation(
            code=laboratory.submission.code,
            own=own,
            failed=failed,
            actual=findings[failed - 1].actual or "",
        )
        mistake = _recognise(definition, situation, laboratory, language)
    pairs = enumerate(zip(definition.checks, findings, strict=True), 1)
    return Verdict(
        [
            _checked(number, check, finding, language, mistake if number == failed else None)
            for number, (check, finding) in pairs
        ]
    )


def _of_failed_program(
    definition: Definition, own: Behaviour, laboratory: Laboratory, language: str
) -> Verdict:
    """The program itself has failed: its output says how, and no check is come to."""
    checks = [
        Checked(number=number, name=in_language(check.name, language, ""), hidden=check.hidden, passed=None)
        for number, check in enumerate(definition.checks, 1)
    ]
    situation = _Situation(code=laboratory.submission.code, own=own, failed=0, actual="")
    runs = Checked(
        number=0,
        name=_("The program runs to its end"),
        hidden=False,
        passed=False,
        message=storable_json(comparing.how_it_ended(own)),
        mistake=_recognise(definition, situation, laboratory, language),
    )
    return Verdict([runs, *checks])


def _checked(
    number: int, check: Check, finding: Finding, language: str, mistake: dict[str, Any] | None
) -> Checked:
    message = "" if finding.passed else in_language(check.message, language, "")
    shows = not check.hidden
    if not finding.passed and not message and shows:
        message = finding.said
    return Checked(
        number=number,
        name=in_language(check.name, language, ""),
        hidden=check.hidden,
        passed=finding.passed,
        expected=_kept(finding.expected) if shows else None,
        actual=_kept(finding.actual) if shows else None,
        message=storable_json(message),
        mistake=mistake,
    )


def _kept(text: str | None) -> str | None:
    return None if text is None else storable_json(text[:_KEPT])


# --- Common mistakes ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Situation:
    """What a common mistake is told by: of the checks it is the first that `failed`, where it is told of.

    `actual` is what came instead there.
    """

    code: str
    own: Behaviour
    failed: int
    actual: str


def _recognise(
    definition: Definition, situation: _Situation, laboratory: Laboratory, language: str
) -> dict[str, Any] | None:
    """The first common mistake that fits."""
    fitting = [
        (number, mistake)
        for number, mistake in enumerate(definition.mistakes, 1)
        if _fits(mistake, situation, language)
    ]
    patterns = {
        number: in_language(mistake.code_matches, language, "")
        for number, mistake in fitting
        if mistake.code_matches
    }
    asked = [{"pattern": pattern, "text": situation.code} for pattern in patterns.values()]
    answers = dict(zip(patterns, laboratory.judge(asked) if asked else [], strict=True))
    for number, mistake in fitting:
        if number not in patterns or (answers[number] or {}).get("passed"):
            return {"number": number, "message": in_language(mistake.message, language, "")}
    return None


def _fits(mistake: CommonMistake, situation: _Situation, language: str) -> bool:
    """Whether all its conditions hold but a pattern, which is looked for in the sandbox."""
    texts = (
        (mistake.code_contains, situation.code),
        (mistake.output_contains, situation.own.output),
        (mistake.error_contains, situation.own.error),
        (mistake.actual_contains, situation.actual),
    )
    return (mistake.check in (None, situation.failed)) and all(
        part in text for parts, text in texts for part in in_language(parts, language, ())
    )
