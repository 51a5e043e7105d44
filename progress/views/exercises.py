"""Exercises: hints, one after the other; answers to questions; the solution, to those who have solved it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from lessons.exercises import CODE, PREDICT
from progress import actions
from progress.answers import error, invalid, json_body, json_endpoint
from progress.changes import changed_lines
from progress.exercises import explanation_of, hint_of, solution_of
from progress.forms import AnswerForm
from progress.views.ownership import guest_key, owner_of, published_exercise


@json_endpoint
@require_POST
def hint(request: HttpRequest, exercise_id: int) -> JsonResponse:
    """Take the next hint. 409 when there is none."""
    exercise = published_exercise(exercise_id)
    taken = actions.take_hint(owner=owner_of(request, create=True), exercise=exercise)
    if taken is None:
        return error(request, "CONFLICT", _("There are no more hints."))
    shown = hint_of(exercise, taken.number, language=request.LANGUAGE_CODE)
    return JsonResponse(
        {
            "number": shown.number,
            "count": len(exercise.definition.hints),
            "html": render_to_string("progress/_hint.html", {"hint": shown}, request),
            "line_contains": shown.line_contains,
        }
    )


@json_endpoint
@require_POST
def answer(request: HttpRequest, exercise_id: int) -> JsonResponse:
    """Judge the answer to a question; right or wrong, it is explained."""
    exercise = published_exercise(exercise_id, kind=PREDICT)
    form = AnswerForm(json_body(request))
    if not form.is_valid():
        return invalid(request, form)
    language = form.cleaned_data["language_version"] or request.LANGUAGE_CODE
    submission = actions.answer_question(
        learner=request.user if request.user.is_authenticated else None,
        guest_key=guest_key(request, create=True),
        exercise=exercise,
        answer=form.cleaned_data["answer"],
        language_version=language,
    )
    context = {
        "check": submission.checks[0],
        "explanation": explanation_of(exercise, language=language),
    }
    html = render_to_string("progress/_answer.html", context, request)
    return JsonResponse({"id": str(submission.pk), "passed": submission.passed, "html": html})


@require_GET
@never_cache
@vary_on_headers("HX-Request")
def solution(request: HttpRequest, exercise_id: int) -> HttpResponse:
    """The author's solution beside the learner's own, which passed; 404 for those who have none yet."""
    exercise = published_exercise(exercise_id, kind=CODE)
    found = solution_of(exercise, owner=owner_of(request))
    if found is None:
        raise Http404(_("The solution is shown when yours passes every check."))
    code, own = found
    context = {
        "exercise": exercise,
        "title": exercise.title_in(request.LANGUAGE_CODE),
        "solution": code,
        "own": own,
        "diff": changed_lines(own.code, code),
    }
    template = "progress/_solution.html" if HtmxDetails(request) else "progress/solution.html"
    return render(request, template, context)
