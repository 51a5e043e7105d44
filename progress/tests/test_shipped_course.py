"""The course that comes with the site, tried whole in the real sandbox, in both languages.

Nothing here knows what the course teaches: whatever a page lets a learner run has to run.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from lessons.exercises import CODE, in_language
from lessons.importing.write import import_course
from lessons.models import Course, Exercise, Lesson
from progress.content_checks import check_exercises
from progress.listing_checks import check_course
from progress.programs import chapter_listings
from sandbox.execution import Outcome
from sandbox.pools import Pools
from tutor.models import ModelCall

COURSE = Path(settings.BASE_DIR) / "lessons" / "content" / "first-agents"
LANGUAGES = ["en", "zh-hans"]
# A test's SQLite lives in memory, where calls that are recorded side by side find the table locked.
AT_ONCE = 4 if connection.vendor == "postgresql" else 1
ASKS = "It runs until it asks for input."

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def course(db: None) -> Course:
    report = import_course(COURSE, slug="first-agents")
    assert [str(problem) for problem in report.problems] == []
    return Course.objects.get()


@pytest.mark.bubblewrap
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_listing_runs_and_prints_what_its_page_shows(
    course: Course, sandbox: Pools, language: str
) -> None:
    checks = list(check_course(course, language=language, pool=sandbox, timeout=10, at_once=AT_ONCE))

    assert len(checks) > 60
    wrong = [check for check in checks if check.outcome != Outcome.OK or check.reason not in ("", ASKS)]
    assert [(check.source, check.outcome, check.reason) for check in wrong] == []
    assert not ModelCall.objects.exists()


@pytest.mark.bubblewrap
def test_every_solution_mistake_and_question_is_right(course: Course, sandbox: Pools) -> None:
    tried = list(check_exercises(course, languages=LANGUAGES, pool=sandbox, at_once=AT_ONCE))

    assert len(tried) >= 2 * 25
    assert [str(problem) for each in tried for problem in (*each.wrong, *each.warnings)] == []


def test_a_starter_is_given_and_is_no_solution(course: Course) -> None:
    for exercise in Exercise.objects.filter(kind=CODE):
        told = exercise.definition
        for language in LANGUAGES:
            starter = in_language(told.starter, language, "")
            assert starter, exercise.slug
            assert starter != in_language(told.solution, language, ""), exercise.slug


def test_each_lesson_has_exercises_with_hints_and_known_mistakes(course: Course) -> None:
    exercises = list(Exercise.objects.select_related("lesson"))
    counts = Counter(exercise.lesson.number for exercise in exercises)

    assert counts.keys() == {lesson.number for lesson in Lesson.objects.exclude(parent=None)}
    assert set(counts.values()) <= {1, 2, 3}
    for exercise in exercises:
        told = exercise.definition
        assert told.concepts, exercise.slug
        assert len(told.hints) >= (3 if told.kind == CODE else 2), exercise.slug
        if told.kind == CODE:
            assert len(told.mistakes) >= 2, exercise.slug
            assert {check.hidden for check in told.checks} == {True, False}, exercise.slug


def test_both_languages_show_the_same_listings(course: Course) -> None:
    for chapter in Lesson.objects.chapters():
        shown = [
            [
                (place.text.lesson_id, place.listing.index)
                for place in chapter_listings(chapter_id=chapter.pk, language=language)
            ]
            for language in LANGUAGES
        ]
        assert shown[0] == shown[1], chapter.number
