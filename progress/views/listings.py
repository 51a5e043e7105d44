"""For instructors: which listings of a course run, as `check_listings` last found."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from lessons.models import Course, Lesson, LessonText
from progress.models import ListingCheck, ListingCheckQuerySet, Submission
from sandbox.views import may_see_pool


@require_GET
def listings(request: HttpRequest, course: str) -> HttpResponse:
    """The course's listings by language and outcome; to learners and guests the page does not exist."""
    if not may_see_pool(request.user):
        raise Http404
    found = get_object_or_404(Course.objects.titled(request.LANGUAGE_CODE), slug=course)
    checks = ListingCheck.objects.filter(lesson__course=found, language=request.LANGUAGE_CODE)
    totals = Counter(checks.values_list("outcome", flat=True))
    labels = dict(Submission.OutcomeChoice.choices)
    outcome = request.GET.get("outcome", "")
    if outcome in labels:
        checks = checks.filter(outcome=outcome)
    context = {
        "course": found,
        "groups": _by_lesson(checks, request.LANGUAGE_CODE),
        "checked_at": checks.aggregate(latest=Max("checked_at"))["latest"],
        "outcome": outcome,
        "totals": [(value, label, totals[value]) for value, label in labels.items() if totals[value]],
        "total": sum(totals.values()),
    }
    return render(request, "progress/listings.html", context)


def _by_lesson(checks: ListingCheckQuerySet, language: str) -> list[tuple[Lesson, str, list[ListingCheck]]]:
    """Each lesson that has checks, in reading order, with its title and them."""
    texts = LessonText.objects.filter(lesson__listing_checks__in=checks, language=language)
    titles = dict(texts.values_list("lesson", "title"))
    ordered = checks.in_reading_order().select_related("lesson__parent", "lesson__course")
    return [
        (lesson, titles.get(lesson.pk, lesson.slug), list(found))
        for lesson, found in groupby(ordered, key=lambda check: check.lesson)
    ]
