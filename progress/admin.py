"""Runs, what is said about them, progress and listing checks in the admin, to look up; and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from lessons.audit import NotesEditor
from lessons.models import LessonText
from progress import actions, comments
from progress.models import Cohort, LessonProgress, LineComment, ListingCheck, Notification, Submission
from sandbox.languages import LANGUAGES

if TYPE_CHECKING:  # only the stubs' admin classes take type arguments
    SubmissionModelAdmin = admin.ModelAdmin[Submission]
    ListingCheckModelAdmin = admin.ModelAdmin[ListingCheck]
    CohortModelAdmin = admin.ModelAdmin[Cohort]
    LessonProgressModelAdmin = admin.ModelAdmin[LessonProgress]
    LineCommentModelAdmin = admin.ModelAdmin[LineComment]
    NotificationModelAdmin = admin.ModelAdmin[Notification]
else:
    SubmissionModelAdmin = ListingCheckModelAdmin = admin.ModelAdmin
    CohortModelAdmin = LessonProgressModelAdmin = admin.ModelAdmin
    LineCommentModelAdmin = NotificationModelAdmin = admin.ModelAdmin

# What a run holds in bulk, and lists do without.
BULKY = ["code", "prelude", "files", "stdin", "output"]


# A lesson's name is its title where its texts are loaded, else its slug.
WITH_TITLES = Prefetch("lesson__texts", LessonText.objects.defer("markdown"))


class ReadOnly:
    """Rows that programs write and nobody edits."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LanguageFilter(admin.SimpleListFilter):
    """Of programs: the languages there are, instead of those among all rows, which would be read for it."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in LANGUAGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(language=self.value()) if self.value() else queryset


@admin.register(Submission)
class SubmissionAdmin(ReadOnly, SubmissionModelAdmin):
    """Every run. It can be deleted, as a learner may ask for, not altered."""

    list_display = ["id", "learner", "lesson", "status", "outcome", "wall_time", "host", "created_at"]
    list_filter = ["status", "outcome", LanguageFilter, "lesson__course", "created_at"]
    list_select_related = ["learner", "lesson"]
    list_per_page = 30
    show_full_result_count = False
    search_fields = ["id", "learner__username", "learner__email", "lesson__slug", "host"]
    search_help_text = _("Search ids, learners, lessons and hosts.")
    date_hierarchy = "created_at"
    exclude = ["guest_key"]  # whoever has it is that guest

    def delete_model(self, request: HttpRequest, obj: Submission) -> None:
        actions.delete_submission(submission=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        for submission in queryset:
            actions.delete_submission(submission=submission)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        found = super().get_queryset(request)
        shows_one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return found if shows_one else found.defer(*BULKY).prefetch_related(WITH_TITLES)


@admin.register(ListingCheck)
class ListingCheckAdmin(ReadOnly, ListingCheckModelAdmin):
    """What `check_listings` last found; it writes them anew each time."""

    list_display = ["source", "lesson", "language", "outcome", "reason", "checked_at"]
    list_filter = ["outcome", "language", "lesson__course"]
    list_select_related = ["lesson"]
    search_fields = ["source", "reason", "lesson__slug"]
    date_hierarchy = "checked_at"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Cohort)
class CohortAdmin(NotesEditor, CohortModelAdmin):
    """Classes. Instructors see the work of the learners in their own ones."""

    list_display = ["name", "size", "created_at", "archived_at"]
    list_filter = ["archived_at"]
    search_fields = ["name", "instructors__username", "learners__username"]
    date_hierarchy = "created_at"
    autocomplete_fields = ["instructors", "learners"]
    readonly_fields = ["invitation", "created_at", "created_by", "updated_at", "updated_by"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cohort]:
        return Cohort.objects.counted()

    @admin.display(description=_("learners"), ordering="size")
    def size(self, cohort: Any) -> int:
        """As counted above for the whole list."""
        return int(cohort.size)


@admin.register(LessonProgress)
class LessonProgressAdmin(ReadOnly, LessonProgressModelAdmin):
    """How far learners are with lessons: to look up."""

    list_display = ["learner", "lesson", "status", "started_at", "completed_at", "updated_at"]
    list_filter = ["status", "lesson__course"]
    list_select_related = ["learner", "lesson"]
    list_per_page = 30
    show_full_result_count = False
    search_fields = ["learner__username", "learner__email", "lesson__slug"]
    date_hierarchy = "updated_at"


@admin.register(LineComment)
class LineCommentAdmin(ReadOnly, LineCommentModelAdmin):
    """What was said about runs. It can be deleted, not put in other words."""

    list_display = ["submission", "author", "first_line", "last_line", "created_at", "edited_at"]
    list_filter = ["created_at"]
    list_select_related = ["author"]
    list_per_page = 30
    show_full_result_count = False
    search_fields = ["text", "author__username", "submission__learner__username"]
    date_hierarchy = "created_at"

    def delete_model(self, request: HttpRequest, obj: LineComment) -> None:
        comments.delete_comment(comment=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LineComment]) -> None:
        for comment in queryset:
            comments.delete_comment(comment=comment)


@admin.register(Notification)
class NotificationAdmin(ReadOnly, NotificationModelAdmin):
    """Who was told of what, and when it was mailed and read: to look up."""

    list_display = ["recipient", "kind", "comment", "created_at", "mailed_at", "read_at"]
    list_filter = ["kind", "created_at"]
    list_select_related = ["recipient", "comment"]
    list_per_page = 30
    show_full_result_count = False
    search_fields = ["recipient__username", "recipient__email"]
    date_hierarchy = "created_at"
