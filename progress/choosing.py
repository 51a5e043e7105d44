"""Which of a learner's runs a list shows: what can be chosen, and what was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from django.utils.dateparse import parse_date

from lessons.models import Course, Exercise, LessonText
from progress.models import Submission, SubmissionQuerySet


@dataclass(frozen=True)
class Choice:
    """What was chosen, empty for all, and what there is to choose from. Nonsense counts as empty."""

    lesson: int | None = None
    course: int | None = None
    exercise: int | None = None
    outcome: str = ""
    since: date | None = None
    until: date | None = None  # that day still
    # (course's key, its title, its lessons as (key, title)), of those that have runs.
    shelf: list[tuple[int, str, list[tuple[int, str]]]] = field(default_factory=list)
    exercises: list[tuple[int, str]] = field(default_factory=list)  # of the lesson, by key
    outcomes = Submission.OutcomeChoice.choices

    @property
    def is_narrow(self) -> bool:
        return any((self.lesson, self.course, self.exercise, self.outcome, self.since, self.until))

    def of(self, runs: SubmissionQuerySet) -> SubmissionQuerySet:
        """Those of the runs that were chosen."""
        if self.lesson:
            runs = runs.filter(lesson=self.lesson)
        if self.course:
            runs = runs.filter(lesson__course=self.course)
        if self.exercise:
            runs = runs.filter(exercise=self.exercise)
        if self.outcome:
            runs = runs.filter(outcome=self.outcome)
        if self.since:
            runs = runs.filter(created_at__date__gte=self.since)
        if self.until:
            runs = runs.filter(created_at__date__lte=self.until)
        return runs


def choose(query: Mapping[str, str], runs: SubmissionQuerySet, *, language: str) -> Choice:
    """The choice that a query string makes among these runs."""
    shelf = _shelf(runs, language)
    outcome, lesson = query.get("outcome", ""), _key(query.get("lesson", ""))
    exercises = Exercise.objects.published().filter(lesson=lesson) if lesson else Exercise.objects.none()
    titles = [(each.pk, each.title_in(language)) for each in exercises]
    exercise = _key(query.get("exercise", ""))
    return Choice(
        lesson=lesson,
        # One of another lesson was chosen before the lesson was.
        exercise=exercise if exercise in dict(titles) else None,
        exercises=titles,
        course=_key(query.get("course", "")),
        outcome=outcome if outcome in Submission.OutcomeChoice.values else "",
        since=_day(query.get("since", "")),
        until=_day(query.get("until", "")),
        shelf=shelf,
    )


def with_exercises(runs: Iterable[Submission], *, language: str) -> list[Any]:
    """These runs, each with an `exercise_title`, "" for one that was merely run. One query for them all."""
    listed: list[Any] = list(runs)
    exercises = Exercise.objects.in_bulk({run.exercise_id for run in listed if run.exercise_id})
    titles = {pk: exercise.title_in(language) for pk, exercise in exercises.items()}
    for run in listed:
        run.exercise_title = titles.get(run.exercise_id, "")
    return listed


def _shelf(runs: SubmissionQuerySet, language: str) -> list[tuple[int, str, list[tuple[int, str]]]]:
    run = set(runs.filter(lesson__is_retired=False).order_by().values_list("lesson", flat=True).distinct())
    texts = LessonText.objects.filter(lesson__in=run).select_related("lesson").preferring(language)
    titles: dict[int, LessonText] = {}
    for text in texts.defer("markdown"):
        titles.setdefault(text.lesson_id, text)
    courses = {course.pk: getattr(course, "title", course.slug) for course in Course.objects.titled(language)}
    ordered = sorted(titles.values(), key=lambda each: (each.lesson.course_id, _place(each.lesson.number)))
    return [
        (pk, courses[pk], [(each.lesson_id, f"{each.lesson.number} {each.title}".strip()) for each in inside])
        for pk, inside in groupby(ordered, key=lambda each: each.lesson.course_id)
    ]


def _place(number: str) -> list[int]:
    """4.10 comes after 4.9."""
    return [int(part) for part in number.split(".") if part.isdecimal()]


def _key(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
