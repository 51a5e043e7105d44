"""Shapes of what the page sends. Rules are the actions' business."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from progress.models import COMMENT_LIMIT, LessonProgress, LineComment
from sandbox.languages import LANGUAGES
from tutor import pictures
from tutor.models.talks import TITLE_LIMIT
from tutor.prompting import QUESTION_LIMIT

WHOLE_SENTENCE = "invalid_request"


def sentence(message: StrPromise) -> ValidationError:
    """A problem that says by itself what is wrong; others need the name of the field before them."""
    return ValidationError(message, code=WHOLE_SENTENCE)


class TextField(forms.CharField):
    """Text kept exactly as sent, refused when no database or pipe could carry it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        if value is not None and not isinstance(value, str):
            raise ValidationError(_("This must be text."), code="type")
        # "" is a text: an emptied editor, input that is over at once. Only what is absent is `empty_value`.
        return value if value == "" else super().to_python(value)

    def validate(self, value: str) -> None:
        super().validate(value)
        try:
            (value or "").encode()
        except UnicodeEncodeError as error:
            raise ValidationError(
                _("The text holds half of a character (a lone surrogate)."), code="unicode"
            ) from error


class CodeForm(forms.Form):
    """Code to look at, in the light of a lesson's policy."""

    code = TextField(required=False)
    lesson = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class RunForm(CodeForm):
    """A program to run: `code`, or listing number `listing` of the lesson, or both; or code for an exercise.

    Absent `code` is None, so that an empty program is told from none.
    """

    code = TextField(required=False, empty_value=None)
    listing = forms.IntegerField(required=False, min_value=0, max_value=10_000)
    exercise = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    check = forms.BooleanField(required=False)  # by the exercise's checks
    language_version = forms.ChoiceField(required=False, choices=settings.LANGUAGES)
    language = forms.ChoiceField(required=False, choices=[(name, name) for name in LANGUAGES])
    stdin = TextField(required=False, empty_value=None, max_length=100_000)
    timeout = forms.IntegerField(required=False, min_value=1, max_value=settings.RUN_TIMEOUT_MAX)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("listing") is not None and cleaned.get("lesson") is None:
            self.add_error("lesson", sentence(_("A listing belongs to a lesson; name the lesson.")))
        if cleaned.get("listing") is not None and cleaned.get("language") not in ("", "python", None):
            self.add_error("language", sentence(_("A lesson's listings are in Python.")))
        if not self.errors and cleaned.get("listing") is None and cleaned.get("code") is None:
            self.add_error("code", sentence(_("There is no code to run.")))
        return cleaned


class TextsField(forms.Field):
    """A list of texts."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def clean(self, value: Any) -> list[str]:
        texts = value or []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValidationError(_("This must be a list of texts."), code="type")
        if len(texts) > self.most:
            raise ValidationError(
                _("There are more than %(most)s."), code="max_length", params={"most": self.most}
            )
        return texts


class PanelForm(forms.Form):
    """What the tutor's panel is to show."""

    lesson = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    conversation = forms.UUIDField(required=False)


class QuestionForm(forms.Form):
    """A question to the tutor, with what it is about; `replaces` is an earlier one, put in other words."""

    message = TextField(max_length=QUESTION_LIMIT)
    conversation = forms.UUIDField(required=False)
    lesson = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    replaces = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    code = TextField(required=False, max_length=settings.RUN_CODE_MAX_BYTES)
    run = forms.UUIDField(required=False)
    images = TextsField(required=False, most=pictures.MOST)


class ConversationForm(forms.Form):
    """A new title for a conversation."""

    title = forms.CharField(max_length=TITLE_LIMIT)


class InputForm(forms.Form):
    """A piece of standard input, or its end."""

    text = TextField(required=False, max_length=100_000)
    eof = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("text") and not cleaned.get("eof"):
            self.add_error("text", sentence(_("There is no input to pass on.")))
        return cleaned


class AnswerForm(forms.Form):
    """The answer to a question."""

    answer = TextField(required=False, max_length=10_000)
    language_version = forms.ChoiceField(required=False, choices=settings.LANGUAGES)


class DraftForm(forms.Form):
    """The editor's content, the revision it grew from (0: none yet), and the listing it belongs to."""

    code = TextField(required=False)
    revision = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    listing = forms.IntegerField(required=False, min_value=0, max_value=10_000)
    language_version = forms.ChoiceField(required=False, choices=settings.LANGUAGES)


class StudyForm(forms.Form):
    """What an open lesson says from time to time."""

    seconds = forms.IntegerField(min_value=0, max_value=24 * 3600)


class ClassForm(forms.Form):
    """What a class is called."""

    name = forms.CharField(label=_("Name of the class"), max_length=200)


class InstructorForm(forms.Form):
    """Who shall teach a class, too."""

    login = forms.CharField(label=_("User name or e-mail address of an instructor"), max_length=254)


class ProseField(forms.CharField):
    """Text whose line breaks are one character each, however the browser sent them."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class CommentForm(forms.Form):
    """A comment that ends at `line`, and begins where its author `chooses`; or new words for a `comment`."""

    first_line = forms.IntegerField(label=_("From line"), required=False, min_value=1)
    text = ProseField(
        label=_("Comment"),
        max_length=COMMENT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "required": _("Write something first."),
            "max_length": _("This is too long: %(show_value)d characters, and %(limit_value)d fit."),
        },
    )

    def __init__(
        self,
        data: Any = None,
        *,
        line: int | None = None,
        chooses: bool = False,
        comment: LineComment | None = None,
    ) -> None:
        number = comment.pk if comment else line
        kept = f"{'edit' if comment else 'line'}-{number}"  # several stand on one page
        super().__init__(
            data,
            auto_id=f"{kept}-%s",
            initial={"text": comment.text} if comment else {"first_line": line},
        )
        # It would cut what is pasted, without a word.
        self.fields["text"].widget.attrs.pop("maxlength", None)
        self.fields["text"].widget.attrs["autofocus"] = True
        if comment or not chooses or line == 1:
            del self.fields["first_line"]
        else:
            self.last_line = line
            self.fields["first_line"].widget.attrs["max"] = line

    def clean_first_line(self) -> int | None:
        first: int | None = self.cleaned_data["first_line"]
        if first is not None and first > (self.last_line or 0):
            raise ValidationError(_("The first line comes before the last one."))
        return first


class MarkForm(forms.Form):
    """How far a reader is with a lesson, as the reader says."""

    status = forms.ChoiceField(choices=LessonProgress.Status.choices)


class ShareForm(forms.Form):
    """For how long a link shall lead somewhere; empty: until it is withdrawn."""

    days = forms.IntegerField(required=False, min_value=1, max_value=365)
