"""The pages on which staff writes, inside the admin: a text's editor, its versions, its conflicts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lessons.authoring import actions
from lessons.authoring.checking import as_kept, mark_of, remarks_on
from lessons.authoring.comparing import Line, compared, in_columns, merged, stretches
from lessons.authoring.forms import NewLessonForm, ScheduleForm, TextForm
from lessons.authoring.previews import preview_url
from lessons.authoring.texts import heading_line, text_with
from lessons.importing.write import FROM_FILES
from lessons.models import Lesson, LessonDraft, LessonText
from lessons.pages import rendered_anew

_VERSIONS_A_PAGE = 50


@dataclass(frozen=True)
class Place:
    """A lesson in one language: what readers have of it, and what somebody is writing."""

    lesson: Lesson
    language: str
    text: LessonText | None
    draft: LessonDraft | None

    @property
    def published(self) -> str:
        return self.text.markdown if self.text else ""

    @property
    def current(self) -> str:
        """What an editor opens with."""
        if self.draft:
            return self.draft.markdown
        return self.published or _beginning(self.lesson, self.language)

    @property
    def is_outdated(self) -> bool:
        return self.draft is not None and self.draft.base != self.published

    @property
    def in_conflict(self) -> bool:
        divergence = self.text.diverging if self.text else None
        return divergence is not None and divergence.source is not None


def place_of(request: HttpRequest, lesson_id: int, language: str) -> Place:
    """Raises Http404 for whoever may not edit lessons."""
    if not request.user.has_perm("lessons.change_lesson") or language not in dict(settings.LANGUAGES):
        raise Http404
    lesson = get_object_or_404(Lesson.objects.select_related("course", "parent"), pk=lesson_id)
    text = lesson.texts.select_related("divergence", "updated_by").filter(language=language).first()
    draft = lesson.text_drafts.select_related("updated_by").filter(language=language).first()
    for each in (text, draft):
        if each:
            each.lesson = lesson
    return Place(lesson, language, text, draft)


def _beginning(lesson: Lesson, language: str) -> str:
    """What the first text of a lesson in another language begins with."""
    twin = lesson.texts.exclude(language=language).values_list("title", flat=True).first() or ""
    heading = heading_line(lesson.number, twin, is_chapter=lesson.is_chapter, language=language)
    return f"{heading or twin}\n"


def _page(request: HttpRequest, template: str, place: Place, context: dict[str, Any]) -> HttpResponse:
    shown = text_with(place.lesson, place.language, place.current)
    return render(
        request,
        template,
        {
            **admin.site.each_context(request),
            "is_nav_sidebar_enabled": False,  # two texts stand beside each other here
            "opts": Lesson._meta,
            "place": place,
            "lesson": place.lesson,
            "title": f"{place.lesson.number} {shown.title}".strip(),
            "language_name": dict(settings.LANGUAGES)[place.language],
            **context,
        },
    )


# --- The editor -----------------------------------------------------------------------------------


# The editor writes its style sheets into the page, as on the learn page.
@csp_update({"style-src-elem": [SELF, UNSAFE_INLINE]})  # type: ignore[arg-type] # it knows of no arguments
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, lesson_id: int, language: str) -> HttpResponse:
    """A text beside its preview. What is sent is kept as a draft first, whatever else is to be done."""
    place = place_of(request, lesson_id, language)
    if request.method != "POST":
        began = {"markdown": place.current, "note": place.draft.note if place.draft else ""}
        form = TextForm(initial={**began, "seen": _seen(place)})
        return _editor(request, place, form, ScheduleForm(initial={"publish_at": _time_of(place)}))
    do = _DEEDS.get(request.POST.get("do", ""))
    form = TextForm(request.POST)
    time = {"publish_at": request.POST.get("publish_at")}  # asked for by one button alone
    schedule = ScheduleForm(request.POST if do is _schedule else None, initial=time)
    if do is None or not form.is_valid() or (do is _schedule and not schedule.is_valid()):
        return _editor(request, place, form, schedule, status=400)
    try:
        return do(request, _saved(request, place, form), schedule)
    except actions.ChangedMeanwhile:
        message = _("Somebody saved another text since you opened this page. Save again to replace it.")
        messages.error(request, message)
        place = place_of(request, lesson_id, language)
        again = TextForm(initial={**form.cleaned_data, "seen": _seen(place)})
        others = compared(place.current, form.cleaned_data["markdown"])
        return _editor(request, place, again, schedule, status=409, others=others)


def _editor(
    request: HttpRequest,
    place: Place,
    form: TextForm,
    schedule: ScheduleForm,
    *,
    status: int = 200,
    others: Sequence[Line] = (),
) -> HttpResponse:
    """The page. `others` compares what somebody else saved with what was sent."""
    said = form["markdown"].value() or ""
    languages = [(code, name) for code, name in settings.LANGUAGES if code != place.language]
    answer = _page(
        request,
        "admin/lessons/text/edit.html",
        place,
        {
            "form": form,
            "schedule": schedule,
            "lines": others,
            "preview": _preview(place, said),
            "preview_link": request.build_absolute_uri(preview_url(place.draft)) if place.draft else "",
            "other_languages": languages,
            "time_zone": settings.TIME_ZONE,
        },
    )
    answer.status_code = status
    return answer


def _seen(place: Place) -> str:
    return mark_of(place.draft.markdown if place.draft else place.published)


def _time_of(place: Place) -> Any:
    return place.draft.publish_at if place.draft else None


def _saved(request: HttpRequest, place: Place, form: TextForm) -> Place:
    """The place with the text sent as its draft; without one where nothing differs from what readers have."""
    said = form.cleaned_data
    is_new = mark_of(said["markdown"]) != mark_of(place.published)
    if not is_new and place.draft is None:
        return place
    actions.save_draft(
        lesson=place.lesson,
        language=place.language,
        markdown=said["markdown"],
        seen=said["seen"],
        note=said["note"],
        author=request.user,
    )
    return place_of(request, place.lesson.pk, place.language)


Deed = Callable[[HttpRequest, Place, ScheduleForm], HttpResponse]


def _stay(request: HttpRequest, place: Place, schedule: ScheduleForm) -> HttpResponse:
    words = _("Saved as a draft. Readers do not see it yet.") if place.draft else _("Nothing was changed.")
    messages.success(request, words)
    return redirect("admin:lessons_text_edit", place.lesson.pk, place.language)


def _look(request: HttpRequest, place: Place, schedule: ScheduleForm) -> HttpResponse:
    if place.draft:
        return redirect(preview_url(place.draft))
    return redirect(place.lesson) if place.text else _stay(request, place, schedule)


def _publish(request: HttpRequest, place: Place, schedule: ScheduleForm) -> HttpResponse:
    if place.draft is None:
        return _stay(request, place, schedule)
    return _told(
        request, place, lambda draft: actions.publish(draft=draft, author=request.user), _published()
    )


def _schedule(request: HttpRequest, place: Place, schedule: ScheduleForm) -> HttpResponse:
    if place.draft is None:
        return _stay(request, place, schedule)
    at = schedule.cleaned_data["publish_at"]
    words = _("It will be published when its time comes.")
    return _told(
        request, place, lambda draft: actions.schedule(draft=draft, at=at, author=request.user), words
    )


def _published() -> str:
    return _("Published. Readers see it now.")


def _told(request: HttpRequest, place: Place, do: Callable[[LessonDraft], Any], words: str) -> HttpResponse:
    """Do something with the draft, and say how it went."""
    assert place.draft is not None
    try:
        do(place.draft)
    except actions.Outdated:
        messages.error(request, _("Readers got another text meanwhile. Compare the two before you publish."))
        return redirect("admin:lessons_text_conflict", place.lesson.pk, place.language)
    except actions.Unfit as error:
        for fault in error.faults:
            where = _("Line %(line)s: ") % {"line": fault.line} if fault.line else ""
            messages.error(request, f"{where}{fault.message}")
    else:
        messages.success(request, words)
    return redirect("admin:lessons_text_edit", place.lesson.pk, place.language)


def _of_draft(act: Callable[..., Any], words: Callable[[], str]) -> Deed:
    """A deed that needs nothing but the draft."""

    def deed(request: HttpRequest, place: Place, schedule: ScheduleForm) -> HttpResponse:
        if place.draft:
            act(draft=place.draft)
            messages.success(request, words())
        return redirect("admin:lessons_text_edit", place.lesson.pk, place.language)

    return deed


_DEEDS: dict[str, Deed] = {
    "save": _stay,
    "look": _look,
    "publish": _publish,
    "schedule": _schedule,
    "unschedule": _of_draft(actions.unschedule, lambda: _("It will not be published by itself any more.")),
    "share": _of_draft(actions.share_draft, lambda: _("The preview has a new link.")),
    "withdraw-link": _of_draft(
        actions.withdraw_link, lambda: _("The link is withdrawn: only staff sees the preview.")
    ),
}


@require_POST
def discard(request: HttpRequest, lesson_id: int, language: str) -> HttpResponse:
    """Throw a draft away."""
    place = place_of(request, lesson_id, language)
    if place.draft:
        actions.discard_draft(draft=place.draft)
        messages.success(request, _("The draft is gone."))
    if Lesson.objects.filter(pk=lesson_id).exists():
        return redirect("admin:lessons_text_edit", lesson_id, language)
    return redirect("admin:lessons_lesson_changelist")


@require_POST
def preview(request: HttpRequest, lesson_id: int, language: str) -> JsonResponse:
    """What a text looks like to readers, and what is wrong with it. Nothing is kept."""
    place = place_of(request, lesson_id, language)
    try:
        said = json.loads(request.body)["markdown"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest("a JSON object with markdown is wanted") from error
    if not isinstance(said, str):
        raise BadRequest("markdown is a text")
    return JsonResponse(_preview(place, said))


def _preview(place: Place, markdown: str) -> dict[str, Any]:
    text = text_with(place.lesson, place.language, as_kept(markdown, like=place.published))
    with override(place.language):
        page = rendered_anew(text)
    remarks = [
        {"line": remark.line, "message": remark.message, "is_fault": remark.is_fault}
        for remark in remarks_on(text, page)
    ]
    return {"title": text.title, "html": page.html, "remarks": remarks}


# --- Versions -------------------------------------------------------------------------------------


@require_GET
def history(request: HttpRequest, lesson_id: int, language: str) -> HttpResponse:
    """Every version, newest first, and what differs between two of them."""
    place = place_of(request, lesson_id, language)
    if place.text is None:
        raise Http404
    versions = place.text.history.select_related("history_user")
    page = Paginator(versions.defer("markdown"), _VERSIONS_A_PAGE).get_page(request.GET.get("page"))
    after = _version(place, request.GET.get("b")) or versions.first()
    before = _version(place, request.GET.get("a")) or (after and after.prev_record)
    return _page(
        request,
        "admin/lessons/text/history.html",
        place,
        {
            "versions": page,
            "before": before,
            "after": after,
            "lines": compared(before.markdown, after.markdown) if before and after else [],
            "from_files": FROM_FILES,
        },
    )


def _version(place: Place, pk: str | None) -> Any:
    if place.text is None or not (pk and pk.isdecimal() and len(pk) < 19):
        return None
    return place.text.history.select_related("history_user").filter(pk=int(pk)).first()


@require_POST
def restore(request: HttpRequest, lesson_id: int, language: str, version: int) -> HttpResponse:
    """Give readers an earlier version again."""
    place = place_of(request, lesson_id, language)
    wanted = _version(place, str(version))
    if place.text is None or wanted is None:
        raise Http404
    actions.restore(text=place.text, version=wanted, author=request.user)
    messages.success(request, _("Restored. Readers see this version again."))
    return redirect("admin:lessons_text_history", lesson_id, language)


# --- Conflicts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sides:
    """Three texts of one lesson: what two began from, and what each made of it."""

    base: str
    mine: str
    theirs: str


def _sides(place: Place) -> Sides | None:
    """The file against the site; or else what readers have against the draft."""
    divergence = place.text.diverging if place.text else None
    if divergence and divergence.source is not None:
        return Sides(divergence.base, place.published, divergence.source)
    if place.draft and place.is_outdated:
        return Sides(place.draft.base, place.draft.markdown, place.published)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def conflict(request: HttpRequest, lesson_id: int, language: str) -> HttpResponse:
    """Two changed the same text: see both and what they began from, and decide."""
    place = place_of(request, lesson_id, language)
    sides = _sides(place)
    if sides is None:
        return redirect("admin:lessons_text_edit", lesson_id, language)
    parts = stretches(sides.base, sides.mine, sides.theirs)
    form = TextForm(request.POST or None, initial={"markdown": merged(parts), "seen": mark_of(sides.theirs)})
    if request.method == "POST" and form.is_valid():
        chosen = {"mine": sides.mine, "theirs": sides.theirs, "merged": form.cleaned_data["markdown"]}
        markdown = chosen.get(request.POST.get("do", ""))
        if markdown is not None and _decide(request, place, markdown, form):
            return redirect("admin:lessons_text_edit", lesson_id, language)
    return _page(
        request,
        "admin/lessons/text/conflict.html",
        place,
        {"sides": sides, "rows": in_columns(parts), "form": form, "is_draft": not place.in_conflict},
    )


def _decide(request: HttpRequest, place: Place, markdown: str, form: TextForm) -> bool:
    decided: dict[str, Any] = {
        "markdown": markdown,
        "seen": form.cleaned_data["seen"],
        "author": request.user,
    }
    try:
        if place.in_conflict and place.text:
            note = form.cleaned_data["note"] or _("Decided between the site and the files")
            actions.settle_conflict(text=place.text, note=note, **decided)
            messages.success(request, _published())
        elif place.draft:
            actions.bring_up_to_date(draft=place.draft, **decided)
            messages.success(request, _("Saved as a draft. Readers do not see it yet."))
    except actions.ChangedMeanwhile:
        messages.error(request, _("The text changed once more. This is how it stands now: decide again."))
        return False
    except actions.Unfit as error:
        for fault in error.faults:
            form.add_error("markdown", fault.message)
        return False
    return True


# --- The outline ----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new lesson or chapter."""
    if not request.user.has_perm("lessons.add_lesson"):
        raise Http404
    form = NewLessonForm(request.POST or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        draft = actions.create_lesson(**form.cleaned_data, author=request.user)
        return redirect("admin:lessons_text_edit", draft.lesson_id, draft.language)
    context = {**admin.site.each_context(request), "opts": Lesson._meta, "form": form}
    return render(
        request, "admin/lessons/lesson/add.html", {**context, "title": _("A new lesson or chapter")}
    )


@require_POST
def move(request: HttpRequest, lesson_id: int, way: str) -> HttpResponse:
    """One place up or down among its siblings."""
    if not request.user.has_perm("lessons.change_lesson") or way not in {"up", "down"}:
        raise Http404
    lesson = get_object_or_404(Lesson, pk=lesson_id)
    actions.move(lesson=lesson, steps=1 if way == "down" else -1, author=request.user)
    return redirect("admin:lessons_lesson_changelist")
