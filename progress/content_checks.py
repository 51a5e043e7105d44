"""Tries every exercise of a course: solutions pass, mistakes fail with their message, starters with none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from django.db import connection

from lessons.exercises import CODE, Definition, exercise_languages, in_language
from lessons.importing.problems import Problem
from lessons.models import Course, Exercise
from lessons.toml_files import Reader
from progress.checking.comparing import how_it_ended, tidy
from progress.checking.evidence import behaviour_of
from progress.checking.verdict import Verdict, judge
from progress.lifecycle import request_of
from progress.model_calls import ScriptedLine
from progress.models import Submission
from progress.programs import NoSuchListing, program_of_exercise
from sandbox.control import RunControl
from sandbox.execution import Outcome, RunResult
from sandbox.pools import Pools


@dataclass(frozen=True)
class Tried:
    """What came of one exercise in one language. What is wrong makes it broken; a warning does not."""

    exercise: Exercise
    language: str
    wrong: Sequence[Problem]
    warnings: Sequence[Problem]


def check_exercises(
    course: Course, *, languages: Sequence[str], pool: Pools, at_once: int = 2
) -> Iterator[Tried]:
    """Try each exercise in each language, `at_once` in parallel, in the order of the course."""
    exercises = Exercise.objects.published().filter(course=course)
    exercises = exercises.select_related("lesson__course", "lesson__parent").order_by("source_path")
    pairs = [(exercise, language) for exercise in exercises for language in languages]
    with ThreadPoolExecutor(at_once) as threads:
        yield from threads.map(lambda pair: _try(pair[0], pair[1], languages, pool), pairs)


def _try(exercise: Exercise, language: str, languages: Sequence[str], pool: Pools) -> Tried:
    try:
        attempt = _Attempt(exercise, language, pool)
        wrong = attempt.wrong_with_code() if exercise.kind == CODE else attempt.wrong_with_question()
        return Tried(exercise, language, wrong, attempt.warnings(first=language == languages[0]))
    finally:
        if not connection.in_atomic_block:
            connection.close()


class _Attempt:
    """One exercise in one language."""

    def __init__(self, exercise: Exercise, language: str, pool: Pools) -> None:
        self.exercise = exercise
        self.told: Definition = exercise.definition
        self.language = language
        self.pool = pool
        self._reader = Reader(exercise.text)

    def problem(self, line: int, what: str, mend: str) -> Problem:
        return Problem(self.exercise.source_path, line, f"({self.language}) {what}", mend)

    def line_of(self, key: str) -> int:
        """The line of a text in this language."""
        return self._reader.line_of(f"{key}.{self.language}", 0)

    def wrong_with_code(self) -> list[Problem]:
        solution = in_language(self.told.solution, self.language, "")
        try:
            verdict = self.verdict_on(solution)
        except NoSuchListing:
            what = f"builds on listing {self.told.listing}, which lesson {self.told.lesson} has not got."
            return [
                self.problem(self._reader.line_of("listing", 0), what, "Number the lesson's listings from 1.")
            ]
        found = [
            self.problem(
                self.told.checks[check.number - 1].line if check.number else self.line_of("solution"),
                f"the solution fails “{check.name}”: {_reason(verdict, check.number)}",
                "Correct the solution or the check.",
            )
            for check in verdict.checks
            if check.passed is False
        ]
        for number, mistake in enumerate(self.told.mistakes, 1):
            found += self.wrong_with_mistake(
                number, in_language(mistake.code, self.language, ""), mistake.line
            )
        return found + self.wrong_with_starter()

    def wrong_with_starter(self) -> list[Problem]:
        """Who has changed nothing yet has made no mistake."""
        starter = in_language(self.told.starter, self.language, "")
        mistake = _mistake_in(self.verdict_on(starter)) if starter.strip() else None
        if mistake is None:
            return []
        what = "the untouched starter is taken for this mistake."
        mend = "Correct `when`, or the starter."
        return [self.problem(self.told.mistakes[mistake - 1].line, what, mend)]

    def wrong_with_mistake(self, number: int, code: str, line: int) -> list[Problem]:
        verdict = self.verdict_on(code)
        if verdict.passed:
            return [self.problem(line, "the mistake passes every check.", "Add a check that it fails.")]
        told = _mistake_in(verdict)
        if told == number:
            return []
        what = f"the mistake is taken for mistake {told}." if told else "the mistake is not recognised."
        failed = next(check for check in verdict.checks if check.passed is False)
        shown = f"It fails check {failed.number}, “{failed.name}”: {_reason(verdict, failed.number)}"
        return [self.problem(line, what, f"{shown} Correct `when`, or the order of mistakes.")]

    def wrong_with_question(self) -> list[Problem]:
        code = in_language(self.told.code, self.language, "")
        behaviour = behaviour_of(self.run(self.submission(code))[0], [])
        answer = in_language(self.told.answer, self.language, "")
        if behaviour.outcome is not Outcome.OK:
            what = f"the code fails: {how_it_ended(behaviour)}"
            return [self.problem(self.line_of("code"), what, "Correct it.")]
        if tidy(behaviour.output) == tidy(answer):
            return []
        what = f"the code prints {behaviour.output!r}, and the answer is {answer!r}."
        return [self.problem(self.line_of("answer"), what, "Make the two agree.")]

    def verdict_on(self, code: str) -> Verdict:
        submission = self.submission(code)
        result, calls = self.run(submission)
        return judge(submission, result, calls=calls, pool=self.pool, control=RunControl())

    def submission(self, code: str) -> Submission:
        """Never saved: it is nobody's."""
        submission = Submission(
            lesson=self.exercise.lesson,
            exercise=self.exercise,
            language_version=self.language,
            stdin="",
            timeout=self.told.timeout,
        )
        submission.take(program_of_exercise(exercise=self.exercise, language=self.language, code=code))
        return submission

    def run(self, submission: Submission) -> tuple[RunResult, list[dict[str, Any]]]:
        with closing(ScriptedLine.like(submission)) as line:
            request = request_of(submission)
            result = self.pool.run(
                request, on_event=lambda event: None, control=RunControl(), answer=line.answer
            )
            return result, line.steps()

    def warnings(self, *, first: bool) -> list[Problem]:
        """`first`: the first language, in which what concerns all of them is told."""
        found = []
        if first and self.exercise.kind == CODE and not self.told.hints:
            found.append(Problem(self.exercise.source_path, 1, "has no hints.", "Write [[hint]]."))
        for key, texts, line in _texts_of(self.told):
            if self.language not in texts and "" not in texts:
                at = self._reader.line_of(key, line - 1)
                what = f"has no {self.language} text for {key}; {next(iter(texts))} is shown."
                found.append(Problem(self.exercise.source_path, at, what, "Translate it."))
        return found


def _texts_of(part: Any, line: int = 1) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Every text by language in a definition: its key, the texts, and the line where its table begins."""
    line = getattr(part, "line", line)
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, tuple):
            for item in value:
                if is_dataclass(item):
                    yield from _texts_of(item, line)
        elif is_dataclass(value):
            yield from _texts_of(value, line)
        elif isinstance(value, dict) and value and set(value) <= {"", *exercise_languages()}:
            yield field.name, value, line


def _mistake_in(verdict: Verdict) -> int | None:
    """The number of the common mistake that it tells of."""
    return next((check.mistake["number"] for check in verdict.checks if check.mistake), None)


def _reason(verdict: Verdict, number: int) -> str:
    check = next(check for check in verdict.checks if check.number == number)
    if check.expected is not None:
        return f"expected {check.expected!r}, got {check.actual!r}. {check.message}".strip()
    return check.message or f"got {check.actual!r}."
