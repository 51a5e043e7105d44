"""What staff sends from the pages of lessons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lessons.models import Course, Lesson

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
        chapter: Any = self.fields["chapter"]
        chapter.queryset = (
            Lesson.objects.chapters()
            .select_related("course")
            .prefetch_related("texts", "text_drafts")
            .order_by("course__position", "course", "position")
        )
        chapter.label_from_instance = _chapter_name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chapter, course = cleaned.get("chapter"), cleaned.get("course")
        if chapter and course and chapter.course_id != course.pk:
            self.add_error("chapter", _("This chapter is of another course."))
        return cleaned


def _chapter_name(chapter: Lesson) -> str:
    texts = {text.language: text.title for text in chapter.texts.all()}
    title = texts.get(chapter.course.default_language) or next(iter(texts.values()), chapter.slug)
    return f"{chapter.course.slug}: {chapter.number} {title}"
