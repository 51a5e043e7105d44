"""A made-up class of any size: for looking at what instructors see, and for measuring how fast it comes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from lessons.models import Course, CourseText, Exercise, Lesson, LessonText
from progress import cohorts, roles
from progress.models import Cohort, ExerciseProgress, HintTaken, LessonProgress, Submission
from sandbox.execution import Outcome, Stream

DAYS = 60  # over which the work is spread
_AT_ONCE = 2000  # rows in one statement, so that memory stays bounded
_LESSONS_PER_CHAPTER = 5
_ERRORS = (
    "NameError: name '…' is not defined",
    "TypeError: unsupported operand type(s) for +: '…' and '…'",
    "IndexError: list index out of range",
    "KeyError: '…'",
    "AttributeError: '…' object has no attribute '…'",
    "SyntaxError: invalid syntax",
)
_CODE = """# try {number} of {lesson}
def answer(question):
    words = question.split()
    return " ".join(word.capitalize() for word in words)


print(answer("what is an agent"))
"""


_EXERCISE = """id = "{slug}"
lesson = "{number}"
title = "Exercise of {slug}"
prompt = "Let `answer` write each word with a capital."
solution = "def answer(question): return question.title()"

[[check]]
name = "capitals"
value = "answer('an agent')"
equals = "An Agent"

[[hint]]
text = "Look at what split gives."
"""
_HINT_AFTER = 2  # failed tries


@dataclass
class _Walk:
    """What one learner of the class has done."""

    runs: list[Submission] = field(default_factory=list)
    progress: dict[int, LessonProgress] = field(default_factory=dict)
    attempts: dict[int, ExerciseProgress] = field(default_factory=dict)


@transaction.atomic
def make_demo_class(*, learners: int, lessons: int, submissions: int, seed: int) -> Cohort:
    """A class with its own course, instructor and learners; the same seed makes the same work."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    name = f"demo-{Cohort.objects.count() + 1}"
    pages = _make_course(name, lessons)
    exercises = _make_exercises(pages)
    instructor = get_user_model().objects.create(
        username=f"{name}-teacher", email=f"{name}-teacher@example.org", password=make_password(None)
    )
    instructor.groups.add(Group.objects.get_or_create(name=roles.INSTRUCTORS)[0])
    cohort = cohorts.create_cohort(instructor=instructor, name=name)
    people = _make_learners(name, learners)
    cohort.learners.set(people)
    waiting: list[Submission] = []
    for number, person in enumerate(people):
        share = submissions * (number + 1) // learners - submissions * number // learners
        walk = _walk(person, pages, exercises, share, chance)
        LessonProgress.objects.bulk_create(walk.progress.values())
        ExerciseProgress.objects.bulk_create(walk.attempts.values())
        HintTaken.objects.bulk_create(
            HintTaken(learner=person, exercise=attempt.exercise, number=1)
            for attempt in walk.attempts.values()
            if attempt.hints
        )
        waiting += walk.runs
        if len(waiting) >= _AT_ONCE or number == learners - 1:
            Submission.objects.bulk_create(waiting, batch_size=_AT_ONCE)
            waiting = []
    # Creation stamps rows with the time of now; they shall be from when their runs ended.
    Submission.objects.filter(learner__in=people).update(created_at=F("finished_at"))
    LessonProgress.objects.filter(learner__in=people).update(updated_at=F("started_at"))
    return cohort


def tidy_up() -> None:
    """Do at once what PostgreSQL does by itself a minute later: plans for an empty database are slow."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)")


def _make_course(name: str, lessons: int) -> list[Lesson]:
    course = Course.objects.create(slug=name, default_language="en", position=Course.objects.count())
    CourseText.objects.create(course=course, language="en", title=f"Course of {name}")
    made: list[Lesson] = []
    chapter: Lesson | None = None
    for number in range(lessons):
        place = number % (_LESSONS_PER_CHAPTER + 1)
        if place == 0:
            chapter = None
        first = number // (_LESSONS_PER_CHAPTER + 1) + 1
        lesson = Lesson.objects.create(
            course=course,
            parent=chapter,
            slug=f"lesson-{number}",
            number=f"{first}.{place}" if chapter else str(first),
            position=place if chapter else number,
        )
        chapter = chapter or lesson
        LessonText.objects.create(
            lesson=lesson,
            language="en",
            title=f"Lesson {number + 1}",
            markdown=f"# Lesson {number + 1}\n",
            source_path=f"{number}.md",
        )
        made.append(lesson)
    return made


def _make_exercises(pages: Sequence[Lesson]) -> dict[int, Exercise]:
    """By lesson; every other lesson has one."""
    made = Exercise.objects.bulk_create(
        Exercise(
            course=lesson.course,
            lesson=lesson,
            slug=f"{lesson.slug}-exercise",
            position=1,
            kind=Exercise.Kind.CODE,
            text=_EXERCISE.format(slug=f"{lesson.slug}-exercise", number=lesson.number),
            source_path=f"{lesson.slug}.exercise.toml",
        )
        for lesson in pages[::2]
    )
    return {exercise.lesson_id: exercise for exercise in made}


def _make_learners(name: str, number: int) -> Sequence[Any]:
    user = get_user_model()
    locked = make_password(None)
    return user.objects.bulk_create(
        [
            user(
                username=f"{name}-learner-{each:03}",
                email=f"{name}-learner-{each:03}@example.org",
                full_name=f"Learner {each:03}",
                password=locked,
            )
            for each in range(1, number + 1)
        ]
    )


def _walk(
    person: Any,
    pages: Sequence[Lesson],
    exercises: Mapping[int, Exercise],
    tries: int,
    chance: random.Random,
) -> _Walk:
    """From lesson to lesson: each is tried until it succeeds, some learners give up, others come back."""
    walk, place = _Walk(), 0
    talent = chance.uniform(0.12, 0.5)
    for number, at in enumerate(_times(tries, chance)):
        lesson = pages[place] if place < len(pages) else chance.choice(pages)
        succeeded = chance.random() < talent
        run = _run(person, lesson, number, at, chance, succeeded=succeeded)
        walk.runs.append(run)
        if exercise := exercises.get(lesson.pk):
            run.exercise, run.is_checked, run.passed = exercise, True, succeeded
            _note_attempt(walk, person, exercise, at, succeeded=succeeded)
        progress = walk.progress.setdefault(
            lesson.pk, LessonProgress(learner=person, lesson=lesson, started_at=at)
        )
        if succeeded and progress.status != LessonProgress.Status.COMPLETED and chance.random() < 0.9:
            progress.status = LessonProgress.Status.COMPLETED
            progress.completed_at = at
        if succeeded:
            place += 1
    return walk


def _note_attempt(walk: _Walk, person: Any, exercise: Exercise, at: datetime, *, succeeded: bool) -> None:
    attempt = walk.attempts.setdefault(
        exercise.pk, ExerciseProgress(learner=person, exercise=exercise, updated_at=at)
    )
    if attempt.solved_at:
        return
    if succeeded:
        attempt.solved_at, attempt.tries, attempt.is_open = at, attempt.failures + 1, False
        return
    attempt.failures += 1
    attempt.hints = int(attempt.failures >= _HINT_AFTER)


def _times(tries: int, chance: random.Random) -> Iterator[datetime]:
    """In order, until now or until the learner gave up."""
    end = timezone.now() - timedelta(days=chance.choice([0, 0, 0, 1, 3, 20]), hours=chance.random() * 12)
    begin = timezone.now() - timedelta(days=DAYS)
    return iter(sorted(begin + (end - begin) * chance.random() for _ in range(tries)))


def _run(
    person: Any, lesson: Lesson, number: int, at: datetime, chance: random.Random, *, succeeded: bool
) -> Submission:
    timed_out = not succeeded and chance.random() < 0.05
    # Each lesson has its own favourite mistakes.
    error = "" if succeeded or timed_out else _ERRORS[(lesson.position + chance.choice([0, 0, 1, 3])) % 6]
    outcome = Outcome.OK if succeeded else Outcome.TIMEOUT if timed_out else Outcome.FAILED
    printed = [[Stream.STDOUT, "What Is An Agent\n"]]
    if error:
        printed.append([Stream.STDERR, f"Traceback (most recent call last):\n  …\n{error}\n"])
    return Submission(
        learner=person,
        lesson=lesson,
        code=_CODE.format(number=number + 1, lesson=lesson.slug),
        language_version="en",
        status=Submission.Status.FINISHED,
        outcome=outcome,
        error=error,
        output=printed,
        exit_code=0 if succeeded else 1,
        wall_time=round(chance.uniform(0.01, 2), 3),
        cpu_time=0.01,
        peak_memory=20_000_000,
        queued_at=at,
        started_at=at,
        finished_at=at,
    )
