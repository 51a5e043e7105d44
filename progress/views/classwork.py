"""What instructors see of a class: its pages, and the same as files for spreadsheets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from lessons.models import Course
from progress.choosing import with_exercises
from progress.classwork import activity, common_errors, heat_map, stuck
from progress.classwork.exercises import outcomes
from progress.classwork.exercises import table as exercises_table
from progress.classwork.one_learner import lessons_of
from progress.classwork.pages import are_of_several_courses, lessons_in
from progress.classwork.spreadsheets import Table, csv_file
from progress.classwork.tries import STUCK_DAYS, STUCK_TRIES, members_of
from progress.commented_code import code_of
from progress.exercises import verdict_of
from progress.models import Cohort, LessonProgress, Submission
from progress.notifications import mark_seen
from progress.views.classes import led_class
from progress.views.comments import place_of


@require_GET
@login_required
def overview(request: HttpRequest, class_id: int) -> HttpResponse:
    """The heat map: each lesson of a course by each learner."""
    cohort = led_class(request, class_id)
    courses = _courses(request, cohort)
    course = _chosen(request, courses)
    lessons = lessons_in(course, language=request.LANGUAGE_CODE) if course else []
    chapters = [each for each in lessons if each.lesson.is_chapter]
    asked = request.GET.get("chapter")
    chapter = next((each.lesson for each in chapters if each.lesson.slug == asked), None)
    order = request.GET.get("order", "")
    order = order if order in heat_map.ORDERS else "progress"
    context = {
        **_head(cohort, "overview"),
        "courses": courses,
        "chapters": chapters,
        "chapter": chapter,
        "order": order,
    }
    if course:
        context["map"] = heat_map.heat_map(
            cohort,
            course,
            [each for each in lessons if chapter in (None, each.lesson, each.lesson.parent)],
            order=order,
            page=request.GET.get("page"),
        )
    return render(request, "progress/class_overview.html", context)


@require_GET
@login_required
def stuck_learners(request: HttpRequest, class_id: int) -> HttpResponse:
    """Who is stuck where, and for how long."""
    cohort = led_class(request, class_id)
    found = stuck.stuck_in(cohort, language=request.LANGUAGE_CODE)
    context = {
        **_head(cohort, "stuck"),
        "found": found,
        "names_courses": are_of_several_courses(each.lesson for each in found),
    }
    return render(request, "progress/class_stuck.html", context)


@require_GET
@login_required
def errors(request: HttpRequest, class_id: int) -> HttpResponse:
    """Which errors are common, and where."""
    cohort = led_class(request, class_id)
    found = common_errors.common_errors(cohort, language=request.LANGUAGE_CODE)
    context = {
        **_head(cohort, "errors"),
        "found": found,
        "days": common_errors.DAYS,
        "names_courses": are_of_several_courses(each.lesson for each in found),
    }
    return render(request, "progress/class_errors.html", context)


@require_GET
@login_required
def exercises(request: HttpRequest, class_id: int) -> HttpResponse:
    """How the class fares with each exercise of a course."""
    cohort = led_class(request, class_id)
    courses = _courses(request, cohort)
    course = _chosen(request, courses)
    context = {
        **_head(cohort, "exercises"),
        "courses": courses,
        "course": course,
        "found": course and outcomes(cohort, course, language=request.LANGUAGE_CODE),
    }
    return render(request, "progress/class_exercises.html", context)


@require_GET
@login_required
def class_activity(request: HttpRequest, class_id: int) -> HttpResponse:
    """How much the class did, day by day."""
    cohort = led_class(request, class_id)
    context = {**_head(cohort, "activity"), "activity": activity.activity_of(cohort), "days": activity.DAYS}
    return render(request, "progress/class_activity.html", context)


@require_GET
@login_required
def learner(request: HttpRequest, class_id: int, learner_id: int) -> HttpResponse:
    """One learner: the lessons begun, and the runs, newest first."""
    cohort = led_class(request, class_id)
    shown = get_object_or_404(cohort.learners, pk=learner_id)
    runs = Submission.objects.filter(learner=shown).for_list(request.LANGUAGE_CODE)
    lesson = request.GET.get("lesson", "")
    if lesson.isdecimal() and len(lesson) < 19:
        runs = runs.filter(lesson=int(lesson))
    page = Paginator(runs, 25).get_page(request.GET.get("page"))
    page.object_list = with_exercises(page.object_list, language=request.LANGUAGE_CODE)
    context = {
        **_head(cohort, "learner"),
        "learner": shown,
        "lessons": lessons_of(shown, language=request.LANGUAGE_CODE),
        "page": page,
    }
    return render(request, "progress/class_learner.html", context)


@require_GET
@login_required
def run(request: HttpRequest, class_id: int, run_id: UUID) -> HttpResponse:
    """One run of a learner of the class, with its code, what is said about its lines, and its output."""
    cohort = led_class(request, class_id)
    place = place_of(request, run_id, class_id)
    mark_seen(reader=request.user, submission=place.submission)
    context = {
        **_head(cohort, "learner"),
        "submission": place.submission,
        "lines": code_of(place),
        "verdict": verdict_of(place.submission, language=request.LANGUAGE_CODE),
    }
    return render(request, "progress/class_run.html", context)


@require_GET
@login_required
def download(request: HttpRequest, class_id: int, what: str) -> HttpResponse:
    """One of the tables as a file."""
    cohort = led_class(request, class_id)
    language = request.LANGUAGE_CODE
    course = _chosen(request, _courses(request, cohort))
    if course is None:
        raise Http404
    tables: dict[str, Callable[[], Table]] = {
        "progress": lambda: heat_map.table(cohort, course, lessons_in(course, language=language)),
        "stuck": lambda: stuck.table(cohort, language=language),
        "errors": lambda: common_errors.table(cohort, language=language),
        "exercises": lambda: exercises_table(cohort, course, language=language),
        "activity": lambda: activity.table(cohort),
    }
    return csv_file(tables[what](), name=f"{cohort.name}-{what}-{timezone.localdate()}")


def _head(cohort: Cohort, tab: str) -> dict[str, Any]:
    """What each of the pages wants."""
    return {"cohort": cohort, "tab": tab, "stuck_tries": STUCK_TRIES, "stuck_days": STUCK_DAYS}


def _courses(request: HttpRequest, cohort: Cohort) -> list[Any]:
    """All of them, in order; `is_begun` is whether anybody of the class has begun it."""
    progress = LessonProgress.objects.filter(lesson__course=OuterRef("pk"), learner__in=members_of(cohort))
    return list(Course.objects.titled(request.LANGUAGE_CODE).annotate(is_begun=Exists(progress)))


def _chosen(request: HttpRequest, courses: list[Any]) -> Course | None:
    """The course that was asked for; else the first one that the class has begun, else the first."""
    asked = request.GET.get("course")
    fitting = [each for each in courses if (each.slug == asked if asked else each.is_begun)]
    if asked and not fitting:
        raise Http404
    return next(iter(fitting or courses), None)
