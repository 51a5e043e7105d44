"""What staff sends from the pages of lessons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from lessons.authoring.texts import heading_line
from lessons.models import Course, Lesson, LessonText

_LONGEST_TEXT = 1_000_000  # characters


class TextForm(forms.Form):
    """A text, why it is changed, and the mark of what its page began with."""

    markdown = forms.CharField(
        label=_("Markdown"),
        max_length=_LONGEST_TEXT,
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "true"}),
    )
    note = forms.CharField(
        label=_("Why (for the history)"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    seen = forms.CharField(widget=forms.HiddenInput)


class ScheduleForm(forms.Form):
    """A time to come."""

    use_required_attribute = False  # most buttons beside it do without

    publish_at = forms.DateTimeField(
        label=_("Publish at"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_publish_at(self) -> Any:
        at = self.cleaned_data["publish_at"]
        if at <= timezone.now():
            raise forms.ValidationError(_("This time has passed. Publish now, or give a later one."))
        return at


class NewLessonForm(forms.Form):
    """Where a new lesson or chapter belongs, and what it is called."""

    course = forms.ModelChoiceField(Course.objects.all(), label=_("Course"), empty_label=None)
    chapter = forms.ModelChoiceField(
        Lesson.objects.none(), label=_("Chapter"), required=False, empty_label=_("— a new chapter —")
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    number = forms.CharField(label=_("Number"), max_length=20, required=False, help_text=_("Such as 4.2."))
    title = forms.CharField(label=_("Title"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or settings.LANGUAGE_CODE
        course: Any = self.fields["course"]
        course.queryset = Course.objects.titled(language)
        course.label_from_instance = lambda course: course.title
        titles = {course.pk: course.title for course in course.queryset}
        chapter: Any = self.fields["chapter"]
        chapter.queryset = (
            Lesson.objects.chapters()
            .prefetch_related(Prefetch("texts", LessonText.objects.preferring(language).defer("markdown")))
            .order_by("course__position", "course", "position")
        )
        chapter.label_from_instance = lambda chapter: f"{titles.get(chapter.course_id)}: {chapter}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chapter, course = cleaned.get("chapter"), cleaned.get("course")
        if chapter and course and chapter.course_id != course.pk:
            self.add_error("chapter", _("This chapter is of another course."))
        if not self.errors and (number := cleaned["number"]):
            self._check_number(number)
        return cleaned

    def _check_number(self, number: str) -> None:
        """That the text's heading can say it, and nobody else in the place has it."""
        said = self.cleaned_data
        chapter = said["chapter"]
        if not heading_line(number, said["title"], is_chapter=chapter is None, language=said["language"]):
            self.add_error("number", _("This is no number such as 4 or 4.2."))
        siblings = Lesson.objects.filter(course=said["course"], parent=chapter, number=number)
        if siblings.filter(Q(is_retired=False) | Q(text_drafts__isnull=False)).exists():
            self.add_error("number", _("There is one with this number already."))
