"""Earlier work: a learner's runs, what changed between them, and back into the editor."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from lessons.models import LessonText
from progress import actions, timelines
from progress.changes import changed_lines
from progress.choosing import choose, with_exercises
from progress.commented_code import code_of
from progress.exercises import verdict_of
from progress.models import Submission
from progress.notifications import mark_seen
from progress.views import shares, traces
from progress.views.comments import place_of
from progress.views.ownership import own_submission
from tutor import trace


@require_GET
@login_required
@vary_on_headers("HX-Request")
def submissions(request: HttpRequest) -> HttpResponse:
    """The learner's runs, newest first, by course, lesson, outcome and day."""
    mine = Submission.objects.visible_to(user=request.user)
    choice = choose(request.GET, mine, language=request.LANGUAGE_CODE)
    found = choice.of(mine).for_list(request.LANGUAGE_CODE)
    page = Paginator(found, 25).get_page(request.GET.get("page"))
    page.object_list = with_exercises(page.object_list, language=request.LANGUAGE_CODE)
    text = _text_of(choice.lesson, request.LANGUAGE_CODE)
    context = {
        "page": page,
        "choice": choice,
        "lesson": text.lesson if text else None,
        "lesson_title": text.title if text else "",
    }
    template = "progress/_submission_list.html" if HtmxDetails(request) else "progress/submissions.html"
    return render(request, template, context)


@require_GET
@login_required
def submission(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run: its code, what is said about it, its output, what it asked of models, and what changed."""
    mine = Submission.objects.visible_to(user=request.user)
    place = place_of(request, run_id)
    shown = place.submission
    mark_seen(reader=request.user, submission=shown)
    context = traces.context_of(request, shown, timelines.timeline(trace.steps_of(shown.pk)))
    before = context["before"]
    others = mine.that_ran().filter(lesson=shown.lesson).exclude(pk=shown.pk)
    listed: Iterable[Submission] = [] if shown.is_answer else others.for_list(request.LANGUAGE_CODE)[:25]
    return render(
        request,
        "progress/submission.html",
        {
            **context,
            "lines": code_of(place),
            "verdict": verdict_of(shown, language=request.LANGUAGE_CODE),
            "diff": changed_lines(before.code, shown.code) if before else [],
            "others": with_exercises(listed, language=request.LANGUAGE_CODE),
            "links": shares.links_to(request, shown),
        },
    )


@require_POST
@login_required
def restore_submission(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Put a run's code back into the editor."""
    shown = own_submission(request, run_id)
    if shown.lesson is None:
        raise Http404
    actions.restore_code(learner=request.user, lesson=shown.lesson, exercise=shown.exercise, earlier=shown)
    return redirect(shown.exercise or shown.lesson)


@require_POST
@login_required
def delete_submission(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Take a run out of the history."""
    actions.delete_submission(submission=own_submission(request, run_id))
    return redirect("submissions")


def _text_of(lesson: int | None, language: str) -> LessonText | None:
    """The lesson that was chosen, as read in this language."""
    if lesson is None:
        return None
    texts = LessonText.objects.filter(lesson=lesson, lesson__is_retired=False)
    return texts.preferring(language).select_related("lesson__parent", "lesson__course").first()
