"""Courses and lessons in the admin: their outline, and the way to the pages where lessons are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Coalesce
from django.forms import Textarea
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from lessons.audit import NotesEditor
from lessons.authoring import actions as authoring
from lessons.authoring import views
from lessons.authoring.removing import is_worked_in
from lessons.importing.headings import heading_of
from lessons.models import Course, CourseText, Divergence, Image, Lesson, LessonDraft, LessonText

if TYPE_CHECKING:  # only the stubs' admin classes take type arguments
    CourseTextRows = admin.TabularInline[CourseText, Course]
    CourseModelAdmin = admin.ModelAdmin[Course]
    LessonModelAdmin = admin.ModelAdmin[Lesson]
    ImageModelAdmin = admin.ModelAdmin[Image]
else:
    CourseTextRows = admin.TabularInline
    CourseModelAdmin = LessonModelAdmin = ImageModelAdmin = admin.ModelAdmin

_IS_WORKED_IN = _(
    "Learners have work in this course, which would be deleted with it. To hide the course instead, take its "
    "chapters off under “Lessons”: it is in the catalogue while at least one is published."
)


class FromFiles:
    """Rows that only an import makes and removes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CourseTextInline(CourseTextRows):
    """What a course is called in each language: its files say it, or else whoever may change the course."""

    model = CourseText
    formfield_overrides = {TextField: {"widget": Textarea(attrs={"rows": 3, "cols": 50})}}
    max_num = len(settings.LANGUAGES)

    def get_extra(self, request: HttpRequest, obj: Course | None = None, **kwargs: Any) -> int:
        return len(_untitled(obj))

    def has_view_permission(self, request: HttpRequest, obj: Course | None = None) -> bool:
        return bool(request.user.has_perm("lessons.view_course"))

    def has_change_permission(self, request: HttpRequest, obj: Course | None = None) -> bool:
        may = request.user.has_perm("lessons.change_course" if obj else "lessons.add_course")
        return bool(may and not _comes_from_files(obj))

    has_add_permission = has_delete_permission = has_change_permission


def _comes_from_files(course: Course | None) -> bool:
    texts = LessonText.objects.filter(lesson__course=course, is_from_files=True)
    return course is not None and texts.exists()


def _untitled(course: Course | None) -> list[str]:
    """The languages in which the course has no title yet."""
    titled = set(course.texts.values_list("language", flat=True)) if course else set()
    return [code for code, _name in settings.LANGUAGES if code not in titled]


@admin.register(Course)
class CourseAdmin(NotesEditor, CourseModelAdmin):
    list_display = ["slug", "titles", "default_language", "code_policy", "position", "updated_at"]
    list_editable = ["position"]
    search_fields = ["slug", "texts__title"]
    inlines = [CourseTextInline]
    actions = None  # deleted one by one, each with a look at what goes with it

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new course comes last: the first one is what programs mean when they name none."""
        last = Course.objects.aggregate(last=Max("position"))["last"]
        position = 0 if last is None else last + 1
        return {
            "position": position,
            "default_language": get_language(),
        } | super().get_changeform_initial_data(request)

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        languages = _untitled(obj if obj.pk else None)
        return {**kwargs, "initial": [{"language": language} for language in languages]}

    @transaction.atomic
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        course = self.get_object(request, unquote(object_id))
        may = course is not None and self.has_delete_permission(request, course)
        if course and may and is_worked_in(course, by_others_than=request.user):
            self.message_user(request, _IS_WORKED_IN, messages.ERROR)
            return redirect("admin:lessons_course_change", course.pk)
        return super().delete_view(request, object_id, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its lessons and images go with it, though they cannot be deleted by themselves."""
        listed, counts, _lacking, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), protected

    def get_queryset(self, request: HttpRequest) -> QuerySet[Course]:
        return super().get_queryset(request).prefetch_related("texts")

    @admin.display(description=_("title"))
    def titles(self, course: Course) -> str:
        return " · ".join(text.title for text in course.texts.all())


class WhatIsUp(admin.SimpleListFilter):
    """What staff is in the middle of."""

    title = _("work in hand")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("draft", _("with a draft")),
            ("scheduled", _("to be published by itself")),
            ("conflict", _("changed here and in the files")),
            ("edited", _("changed here")),
            ("withdrawn", _("not for readers")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lesson]) -> QuerySet[Lesson]:
        drafts = LessonDraft.objects.filter(lesson=OuterRef("pk"))
        differing = Divergence.objects.filter(text__lesson=OuterRef("pk"))
        conditions: dict[str | None, Any] = {
            "draft": Exists(drafts),
            "scheduled": Exists(drafts.filter(publish_at__isnull=False)),
            "conflict": Exists(differing.filter(source__isnull=False)),
            "edited": Exists(differing),
            "withdrawn": Q(is_retired=True),
        }
        wanted = conditions.get(self.value())
        return queryset if wanted is None else queryset.filter(wanted)


class Level(admin.SimpleListFilter):
    """Chapters or their lessons."""

    title = _("level")
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("chapters", _("chapters")), ("lessons", _("lessons"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lesson]) -> QuerySet[Lesson]:
        if self.value() in {"chapters", "lessons"}:
            return queryset.filter(parent__isnull=self.value() == "chapters")
        return queryset


@admin.register(Lesson)
class LessonAdmin(NotesEditor, FromFiles, LessonModelAdmin):
    """The course's outline: chapters in order, each followed by its lessons, and their texts' own pages."""

    list_display = ["outline_title", "course_title", "languages", "state", "edited", "order"]
    list_display_links = None
    list_filter = [
        *("course", WhatIsUp, "texts__language", Level),
        ("texts__updated_by", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["course", "parent"]
    list_per_page = 200
    date_hierarchy = "updated_at"
    search_fields = ["number", "slug", "texts__title", "texts__markdown", "text_drafts__markdown"]
    search_help_text = _("Search numbers, titles and texts in every language.")
    actions = ["withdraw", "put_back"]
    # All but the slug is what the texts and the order of the outline say.
    readonly_fields = [
        *("course_title", "chapter", "number", "position", "state"),
        *("created_at", "created_by", "updated_at", "updated_by"),
    ]
    fields = ["slug", *readonly_fields]

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Reading order: a chapter, then its lessons."""
        return [
            "course__position",
            "course_id",
            Coalesce("parent__position", "position"),
            Coalesce("parent_id", "id"),
            F("parent_id").asc(nulls_first=True),
            "position",
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lesson]:
        texts = LessonText.objects.select_related("divergence", "updated_by")
        texts = texts.defer("markdown", "divergence__base", "divergence__source")
        texts = texts.annotate(in_conflict=Q(divergence__source__isnull=False))
        drafts = LessonDraft.objects.select_related("updated_by").defer("base")
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("texts", texts), Prefetch("text_drafts", drafts), "course__texts")
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("lessons.add_lesson")

    # --- Pages ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": _("Lessons"), **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        def page(address: str, view: Any, name: str) -> Any:
            return path(address, self.admin_site.admin_view(view), name=f"lessons_{name}")

        text = "<int:lesson_id>/<str:language>"
        return [
            page("add/", views.add, "lesson_add"),
            page(f"{text}/edit/", views.edit, "text_edit"),
            page(f"{text}/preview/", views.preview, "text_preview"),
            page(f"{text}/discard/", views.discard, "text_discard"),
            page(f"{text}/history/", views.history, "text_history"),
            page(f"{text}/history/<int:version>/restore/", views.restore, "text_restore"),
            page(f"{text}/conflict/", views.conflict, "text_conflict"),
            page("<int:lesson_id>/move/<str:way>/", views.move, "lesson_move"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        lesson = self.get_object(request, object_id)
        editions = [self._edition(lesson, code) for code, _name in settings.LANGUAGES] if lesson else []
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "editions": editions}
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """A lesson's history is that of its texts, in the language of this page if there is one."""
        lesson = self.get_object(request, unquote(object_id))
        shown = lesson and self._shown(lesson)
        if lesson and isinstance(shown, LessonText):
            return redirect("admin:lessons_text_history", lesson.pk, shown.language)
        return super().history_view(request, object_id, extra_context)

    # --- Columns ---

    @admin.display(description=_("title"))
    def outline_title(self, lesson: Lesson) -> SafeString:
        shown = self._shown(lesson)
        language = shown.language if shown else lesson.course.default_language
        return format_html(
            '<a class="outline-{}" href="{}">{}</a>',
            "chapter" if lesson.is_chapter else "lesson",
            reverse("admin:lessons_text_edit", args=[lesson.pk, language]),
            self._name(lesson, shown),
        )

    @admin.display(description=_("course"), ordering="course__position")
    def course_title(self, lesson: Lesson) -> str:
        """In the language of this page, else the course's own."""
        titles = {text.language: text.title for text in lesson.course.texts.all()}
        own = titles.get(lesson.course.default_language) or lesson.course.slug
        return titles.get(get_language() or "") or own

    @admin.display(description=_("chapter"))
    def chapter(self, lesson: Lesson) -> str | None:
        """The one it stands in; of a chapter there is none."""
        if lesson.parent is None:
            return None
        text = lesson.parent.texts.preferring(get_language() or "").defer("markdown").first()
        return f"{lesson.parent.number} {text.title if text else lesson.parent.slug}".strip()

    @admin.display(description=_("languages"))
    def languages(self, lesson: Lesson) -> SafeString:
        editions = [self._edition(lesson, code) for code, _name in settings.LANGUAGES]
        return format_html_join(
            " ",
            '<a class="edition edition-{}" href="{}" title="{}">{}</a>',
            (
                (edition["kind"], edition["url"], edition["state"], edition["language"])
                for edition in editions
            ),
        )

    @admin.display(description=_("for readers"))
    def state(self, lesson: Lesson) -> SafeString:
        if not lesson.is_retired:
            return format_html("{}", _("published"))
        words = _("no longer in the files")
        if lesson.is_withdrawn:
            words = _("taken off") if lesson.texts.all() else _("not published yet")
        return format_html('<span class="quiet">{}</span>', words)

    @admin.display(description=_("last edited"), ordering="updated_at")
    def edited(self, lesson: Lesson) -> SafeString:
        written = [*lesson.texts.all(), *lesson.text_drafts.all()]
        last = max(written, key=lambda each: each.updated_at, default=lesson)
        who = last.updated_by.get_username() if last.updated_by else _("import")
        at = timezone.localtime(last.updated_at)
        day, time = (formats.date_format(at, kind) for kind in ("SHORT_DATE_FORMAT", "TIME_FORMAT"))
        return format_html('{} <span class="quiet" title="{}">{}</span>', who, time, day)

    @admin.display(description=_("order"))
    def order(self, lesson: Lesson) -> SafeString:
        """Buttons of the form that the list stands in."""
        ways = (("up", _("Up"), "↑"), ("down", _("Down"), "↓"))
        return format_html_join(
            "",
            '<button class="move" formaction="{}" aria-label="{}" title="{}">{}</button>',
            (
                (reverse("admin:lessons_lesson_move", args=[lesson.pk, way]), label, label, sign)
                for way, label, sign in ways
            ),
        )

    @staticmethod
    def _shown(lesson: Lesson) -> LessonText | LessonDraft | None:
        """In the language of this page, else the course's own; a draft where no text is published."""
        ranks = {lesson.course.default_language: 1, get_language(): 0}
        written: list[LessonText | LessonDraft] = [*lesson.texts.all(), *lesson.text_drafts.all()]
        return min(written, key=lambda each: (ranks.get(each.language, 2), each.language), default=None)

    @staticmethod
    def _name(lesson: Lesson, shown: LessonText | LessonDraft | None) -> str:
        """Number and title."""
        title = shown.title if isinstance(shown, LessonText) else ""
        if isinstance(shown, LessonDraft) and (heading := heading_of(shown.markdown)):
            title = heading.title
        return f"{lesson.number} {title or lesson.slug}".strip()

    @staticmethod
    def _edition(lesson: Lesson, language: str) -> dict[str, Any]:
        """One language of a lesson, and what is the matter with it."""
        text: Any = next((text for text in lesson.texts.all() if text.language == language), None)
        draft = next((draft for draft in lesson.text_drafts.all() if draft.language == language), None)
        kind, state = "none", _("not written yet")
        if text and text.in_conflict:
            kind, state = "conflict", _("changed here and in the files")
        elif draft and draft.publish_at:
            kind, state = "scheduled", _("to be published by itself")
        elif draft:
            kind, state = "draft", _("with a draft")
        elif text:
            is_edited = text.diverging or not text.is_from_files
            kind, state = ("edited", _("changed here")) if is_edited else ("published", _("as in the files"))
        return {
            "language": dict(settings.LANGUAGES)[language],
            "title": text.title if text else "",
            "kind": kind,
            "state": state,
            "url": reverse("admin:lessons_text_edit", args=[lesson.pk, language]),
            "history": reverse("admin:lessons_text_history", args=[lesson.pk, language]) if text else "",
        }

    # --- Actions ---

    @admin.action(description=_("Take off for readers"), permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Lesson]) -> None:
        for lesson in queryset:
            authoring.withdraw(lesson=lesson, author=request.user)
        self.message_user(request, _("Taken off. What learners made with these lessons is kept."))

    @admin.action(description=_("Show to readers again"), permissions=["change"])
    def put_back(self, request: HttpRequest, queryset: QuerySet[Lesson]) -> None:
        for lesson in queryset:
            authoring.put_back(lesson=lesson, author=request.user)
        self.message_user(request, _("Readers see these lessons again."))


@admin.register(Image)
class ImageAdmin(FromFiles, ImageModelAdmin):
    list_display = ["path", "course", "content_type", "width", "height"]
    list_filter = ["course", "content_type"]
    list_select_related = ["course"]
    search_fields = ["path", "digest"]
    readonly_fields = ["course", "path", "digest", "content_type", "width", "height"]
    ordering = ["course", "path"]
