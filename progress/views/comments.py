"""Comments on lines of a run: reading the talk at a line, writing, editing, deleting.

The same for the learner, on the page of the run, and for instructors, on the run's page in a class. The page
asks for a line's talk alone; without JavaScript each address is a page of its own.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from progress import comments
from progress.classwork.tries import members_of
from progress.commented_code import Place, Talk, talk_at
from progress.forms import CommentForm
from progress.models import LineComment, Submission
from progress.views.classes import led_class

# What the addresses of a run's lesson and exercise are made of.
_LESSONS = [f"{path}__{part}" for path in ("lesson", "exercise__lesson") for part in ("course", "parent")]


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
@vary_on_headers("HX-Request")
def write(request: HttpRequest, run_id: UUID, class_id: int | None = None) -> HttpResponse:
    """The talk at a line with a form for one comment more (`shut`: without); posting says it."""
    place = place_of(request, run_id, class_id)
    line = _line(request, place)
    talk = talk_at(place, line)
    if "shut" in request.GET:
        return _answer(request, talk)
    if not talk.may_write:
        raise Http404
    form = CommentForm(request.POST if request.method == "POST" else None, line=line, chooses=place.may_begin)
    if form.is_valid():
        try:
            written = comments.write_comment(
                author=request.user,
                submission=place.submission,
                first_line=form.cleaned_data.get("first_line") or line,
                last_line=line,
                text=form.cleaned_data["text"],
                site=request.build_absolute_uri("/"),
            )
            return _done(request, talk_at(place, line), written)
        except comments.NoSuchLines as error:  # what one replies to has been deleted meanwhile
            raise Http404 from error
        except comments.TooManyComments:
            form.add_error("text", _("This run has as many comments as one can have."))
    return _answer(request, talk_at(place, line, form=form), has_errors=bool(form.errors))


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
@vary_on_headers("HX-Request")
def edit(request: HttpRequest, run_id: UUID, comment_id: int, class_id: int | None = None) -> HttpResponse:
    """One's own comment in a form; posting changes it."""
    place = place_of(request, run_id, class_id)
    comment = _own_comment(request, place, comment_id)
    form = CommentForm(request.POST if request.method == "POST" else None, comment=comment)
    if not form.is_valid():
        talk = talk_at(place, comment.last_line, form=form, edited=comment)
        return _answer(request, talk, has_errors=bool(form.errors))
    comments.edit_comment(comment=comment, text=form.cleaned_data["text"])
    return _done(request, talk_at(place, comment.last_line), comment)


@require_POST
@login_required
def delete(request: HttpRequest, run_id: UUID, comment_id: int, class_id: int | None = None) -> HttpResponse:
    """Take one's own comment away."""
    place = place_of(request, run_id, class_id)
    comment = _own_comment(request, place, comment_id)
    comments.delete_comment(comment=comment)
    return _done(request, talk_at(place, comment.last_line))


def place_of(request: HttpRequest, run_id: UUID, class_id: int | None = None) -> Place:
    """The caller's own run, or by way of a class a learner's; else 404: another's looks like none."""
    if class_id is None:
        runs = Submission.objects.visible_to(user=request.user)
    else:
        cohort = led_class(request, class_id)
        runs = Submission.objects.filter(learner__in=members_of(cohort))
    found = runs.titled(request.LANGUAGE_CODE).select_related("learner", *_LESSONS)
    return Place(get_object_or_404(found, pk=run_id), request.user, class_id)


def _own_comment(request: HttpRequest, place: Place, comment_id: int) -> LineComment:
    found = LineComment.objects.filter(submission=place.submission, author=request.user.pk)
    return get_object_or_404(found, pk=comment_id)


def _line(request: HttpRequest, place: Place) -> int:
    """The line that the address names."""
    asked = request.GET.get("line", "")
    line = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
    if not 1 <= line <= len(comments.lines_of(place.submission.code)):
        raise Http404
    return line


def _answer(request: HttpRequest, talk: Talk, *, has_errors: bool = False) -> HttpResponse:
    """The talk for the page that asked for it, which takes no errors in; else as a page."""
    if HtmxDetails(request):
        return render(request, "progress/_line_talk.html", {"talk": talk})
    lines = comments.lines_of(talk.place.submission.code)
    first = max(talk.line - 5, 0)
    context = {
        "talk": talk,
        "submission": talk.place.submission,
        "lines": enumerate(lines[first : talk.line], start=first + 1),
    }
    return render(request, "progress/comment.html", context, status=400 if has_errors else 200)


def _done(request: HttpRequest, talk: Talk, comment: LineComment | None = None) -> HttpResponse:
    if HtmxDetails(request):
        return render(request, "progress/_line_talk.html", {"talk": talk, "new": comment and comment.pk})
    return redirect(f"{talk.place.page}#{comment.anchor if comment else f'line-{talk.line}'}")
