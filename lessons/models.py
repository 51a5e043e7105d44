"""Courses and lessons: a projection of Markdown files, with the identity that learners' work hangs on.

A `Lesson` is language-neutral: drafts, runs and progress belong to it. What the author wrote is in its
`LessonText`, one per language. Chapters are lessons without a parent; their text is the chapter's overview.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from lessons.audit import Edited
from lessons.exercises import CODE, PREDICT, Definition, in_language, read_exercise


class CourseQuerySet(models.QuerySet["Course"]):
    def for_readers(self) -> Self:
        """Courses of which readers see anything."""
        chapters = Lesson.objects.published().chapters().filter(course=OuterRef("pk"), texts__isnull=False)
        return self.filter(Exists(chapters))

    def titled(self, language: str) -> Self:
        """Adds `title` and `description` in this language, for want of it in the course's own."""

        def text(field: str) -> Coalesce:
            texts = CourseText.objects.filter(course=OuterRef("pk")).values(field)
            return Coalesce(
                Subquery(texts.filter(language=language)[:1]),
                Subquery(texts.filter(language=OuterRef("default_language"))[:1]),
                F("slug") if field == "title" else Value(""),
                output_field=models.TextField(),
            )

        return self.annotate(title=text("title"), description=text("description"))


# One package with an exact version, as pip takes it: numpy==2.4.6, "uvicorn[standard]==0.54.0".
PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._, -]+\])?==[A-Za-z0-9.!+_-]+")


def validate_pinned(packages: str) -> None:
    """Each line one package with an exact version, so that what ran once runs again."""
    for line in packages.splitlines():
        if line.strip() and not PINNED.fullmatch(line.strip()):
            raise ValidationError(
                _("“%(line)s” is no package with its exact version, such as numpy==2.4.6."),
                params={"line": line.strip()},
            )


class Course(Edited):
    """A book of lessons, in one or more languages."""

    class CodeImage(models.TextChoices):
        """What programs find installed. The values are the sandbox's names."""

        PYTHON = "python", _("plain Python")
        AGENT = "agent", _("Python for agents")

    class CodePolicy(models.TextChoices):
        """What happens to a learner's risky calls before a run. Isolation never depends on it."""

        OFF = "off", _("off")
        WARN = "warn", _("warn")
        BLOCK = "block", _("block")

    slug = models.SlugField(_("slug"), unique=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    default_language = models.CharField(_("default language"), max_length=10, choices=settings.LANGUAGES)
    code_policy = models.CharField(
        _("code policy"), max_length=5, choices=CodePolicy.choices, default=CodePolicy.WARN
    )
    image = models.CharField(_("image"), max_length=10, choices=CodeImage.choices, default=CodeImage.AGENT)
    packages = models.TextField(
        _("packages"),
        blank=True,
        validators=[validate_pinned],
        help_text=_(
            "One a line with its exact version, such as numpy==2.4.6. They come before those of the image; "
            "manage.py build_sandbox_image brings them there."
        ),
    )
    # What exercises practise: {slug: {language: name}}.
    concepts = models.JSONField(_("concepts"), default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = CourseQuerySet.as_manager()

    class Meta:
        ordering = ["position", "slug"]
        verbose_name = _("course")
        verbose_name_plural = _("courses")

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        return reverse("course", kwargs={"course": self.slug})


class CourseText(models.Model):
    """A course's title and description in one language."""

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="texts", verbose_name=_("course")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "language"], name="one_course_text_per_language"),
        ]
        verbose_name = _("course text")
        verbose_name_plural = _("course texts")

    def __str__(self) -> str:
        return self.title


class LessonQuerySet(models.QuerySet["Lesson"]):
    def published(self) -> Self:
        """Lessons that readers see: those the source still has and staff has not taken off."""
        return self.filter(is_retired=False)

    def chapters(self) -> Self:
        return self.filter(parent=None)


class Lesson(Edited):
    """A chapter or one of its lessons, the same in every language."""

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="lessons", verbose_name=_("course")
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        related_name="children",
        null=True,
        blank=True,
        verbose_name=_("chapter"),
    )
    slug = models.SlugField(_("slug"), max_length=120, allow_unicode=True)
    number = models.CharField(
        _("number"), max_length=20, blank=True
    )  # as the author numbered it: "4", "4.2", ""
    position = models.PositiveIntegerField(_("position"))  # among its siblings
    # Where the files have it among its siblings, once staff put these into another order.
    source_position = models.PositiveIntegerField(_("position in the files"), null=True, blank=True)
    # Not for readers, and kept because learners' work hangs on it: no longer in the source, or …
    is_retired = models.BooleanField(_("retired"), default=False)
    # … taken off by staff, or not yet published: then an import does not put it back.
    is_withdrawn = models.BooleanField(_("withdrawn"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = LessonQuerySet.as_manager()

    class Meta:
        ordering = ["course", "parent__position", "position"]
        constraints = [
            models.UniqueConstraint(fields=["parent", "slug"], name="lesson_slug_unique_in_chapter"),
            models.UniqueConstraint(
                fields=["course", "slug"], condition=Q(parent=None), name="chapter_slug_unique_in_course"
            ),
        ]
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")

    def __str__(self) -> str:
        return f"{self.number} {self._loaded_title() or self.slug}".strip()

    def _loaded_title(self) -> str:
        """In this page's language, else another; "" where no texts are loaded: lists would ask for each."""
        texts = getattr(self, "_prefetched_objects_cache", {}).get("texts", ())
        titles = {text.language: text.title for text in texts}
        return titles.get(get_language() or "") or next(iter(titles.values()), "")

    def get_absolute_url(self) -> str:
        if self.parent is None:
            return reverse("chapter", args=[self.course.slug, self.slug])
        return reverse("lesson", args=[self.course.slug, self.parent.slug, self.slug])

    @property
    def is_chapter(self) -> bool:
        return self.parent_id is None


class LessonTextQuerySet(models.QuerySet["LessonText"]):
    def preferring(self, language: str) -> Self:
        """Those in this language first."""
        return self.order_by(Case(When(language=language, then=0), default=1), "language")


class LessonText(Edited):
    """What readers read of a lesson in one language: its author's words, byte for byte (less a BOM).

    Its history has every version that was published here or imported.
    """

    lesson = models.ForeignKey(
        Lesson, on_delete=models.CASCADE, related_name="texts", verbose_name=_("lesson")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    title = models.CharField(_("title"), max_length=300)  # without its number
    part = models.CharField(_("part"), max_length=300, blank=True)  # chapters only: "Part I: …"
    markdown = models.TextField(_("Markdown"))  # from the heading line on
    source_path = models.CharField(_("source file"), max_length=500)  # relative to the course folder
    source_line = models.PositiveIntegerField(_("source line"), default=1)  # 1-based, of the first line
    is_from_files = models.BooleanField(_("from the files"), default=True)  # or was written on the site
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = LessonTextQuerySet.as_manager()
    history: Any = HistoricalRecords(
        verbose_name=_("version of a lesson text"),
        verbose_name_plural=_("versions of lesson texts"),
        excluded_fields=[
            *("source_path", "source_line", "is_from_files"),
            *("created_by", "updated_by", "updated_at"),
        ],
        history_change_reason_field=models.CharField(_("why"), max_length=200, null=True),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lesson", "language"], name="one_lesson_text_per_language"),
        ]
        verbose_name = _("lesson text")
        verbose_name_plural = _("lesson texts")

    def __str__(self) -> str:
        return self.title

    @property
    def diverging(self) -> Divergence | None:
        """What its file says, where that is something else."""
        return getattr(self, "divergence", None)


class Divergence(models.Model):
    """What the file of a text says that staff changed here; gone as soon as both say the same again.

    `source` is what the file says since, with which nobody has dealt yet: a conflict.
    """

    text = models.OneToOneField(
        LessonText, on_delete=models.CASCADE, related_name="divergence", verbose_name=_("lesson text")
    )
    base = models.TextField(_("as imported"))
    source = models.TextField(_("as the file has it now"), null=True, blank=True)  # noqa: DJ001 - "" is a text
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("difference from the files")
        verbose_name_plural = _("differences from the files")

    def __str__(self) -> str:
        return str(self.text_id)


def make_draft_token() -> str:
    return secrets.token_urlsafe(24)


class LessonDraftQuerySet(models.QuerySet["LessonDraft"]):
    def due(self, now: datetime) -> Self:
        """Those whose time to be published has come."""
        return self.filter(publish_at__lte=now).order_by("publish_at", "pk")


class LessonDraft(Edited):
    """A text in the making, which readers do not see until it is published."""

    lesson = models.ForeignKey(
        Lesson, on_delete=models.CASCADE, related_name="text_drafts", verbose_name=_("lesson")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    markdown = models.TextField(_("Markdown"))
    base = models.TextField(_("begun from"), blank=True)  # the text that readers had then
    note = models.CharField(_("why"), max_length=200, blank=True)
    # Whoever has it may read the draft; "" after the link was withdrawn.
    token = models.CharField(_("token"), max_length=64, default=make_draft_token, blank=True)
    publish_at = models.DateTimeField(_("to be published at"), null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = LessonDraftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lesson", "language"], name="one_draft_per_lesson_text"),
        ]
        verbose_name = _("lesson draft")
        verbose_name_plural = _("lesson drafts")

    def __str__(self) -> str:
        return f"{self.lesson_id}:{self.language}"


class CourseFile(models.Model):
    """What an export needs of a course's file and no other row keeps.

    The whole text of sidebars, READMEs and course.toml; of other files only that they begin with a BOM.
    """

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="files", verbose_name=_("course")
    )
    path = models.CharField(_("path"), max_length=500)  # relative to the course folder
    language = models.CharField(_("language"), max_length=10, blank=True)  # of a sidebar
    text = models.TextField(_("text"), blank=True)  # without the BOM
    has_bom = models.BooleanField(_("begins with a byte order mark"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "path"], name="course_file_path_unique"),
        ]
        verbose_name = _("course file")
        verbose_name_plural = _("course files")

    def __str__(self) -> str:
        return self.path


class Image(models.Model):
    """A figure of a course, stored under the digest of its bytes."""

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="images", verbose_name=_("course")
    )
    path = models.CharField(_("path"), max_length=500)  # in the course folder: "images/4-figures/4-1.png"
    digest = models.CharField(_("digest"), max_length=64)  # SHA-256, hexadecimal; names the stored file
    content_type = models.CharField(_("content type"), max_length=50)
    width = models.PositiveIntegerField(_("width"))  # pixels
    height = models.PositiveIntegerField(_("height"))  # pixels

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "path"], name="image_path_unique_in_course"),
        ]
        verbose_name = _("image")
        verbose_name_plural = _("images")

    def __str__(self) -> str:
        return self.path


class ExerciseQuerySet(models.QuerySet["Exercise"]):
    def published(self) -> Self:
        """Those that learners see: the source still has them and their lesson."""
        return self.filter(is_retired=False, lesson__is_retired=False)


class Exercise(models.Model):
    """A task of a lesson, the same in every language: the text of its file."""

    class Kind(models.TextChoices):
        CODE = CODE, _("write code")
        PREDICT = PREDICT, _("predict the output")

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="exercises", verbose_name=_("course")
    )
    lesson = models.ForeignKey(
        Lesson, on_delete=models.CASCADE, related_name="exercises", verbose_name=_("lesson")
    )
    slug = models.SlugField(_("slug"))  # its id in the file, on which learners' work hangs
    position = models.PositiveIntegerField(_("position"))  # in its lesson
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.CODE)
    optional = models.BooleanField(_("optional"), default=False)  # does not count for completion
    concepts = models.JSONField(_("concepts"), default=list, blank=True)  # slugs of `Course.concepts`
    text = models.TextField(_("text"))  # TOML that was found right, see lessons/exercises.py
    source_path = models.CharField(_("source file"), max_length=500)  # relative to the course folder
    # No longer in the source, kept because learners' work hangs on it.
    is_retired = models.BooleanField(_("retired"), default=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = ExerciseQuerySet.as_manager()

    class Meta:
        ordering = ["lesson", "position", "slug"]
        constraints = [
            models.UniqueConstraint(fields=["course", "slug"], name="exercise_slug_unique_in_course"),
        ]
        verbose_name = _("exercise")
        verbose_name_plural = _("exercises")

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        return f"{self.lesson.get_absolute_url()}#exercise-{self.slug}"

    @property
    def definition(self) -> Definition:
        """What its file says."""
        return read_exercise(self.text)

    def title_in(self, language: str) -> str:
        return in_language(self.definition.title, language, self.slug)


class ModelScriptQuerySet(models.QuerySet["ModelScript"]):
    def for_lesson(self, lesson: Lesson, *, exercise: int | None = None) -> Self:
        """Those that answer in a lesson: its own first, then its chapter's, then the course's.

        Before all of them that of the exercise with this key, if it has one.
        """
        own = Q(lesson=lesson.pk) | Q(lesson=None)
        if lesson.parent_id:
            own |= Q(lesson=lesson.parent_id)
        nearest = Q(exercise=None) & own
        if exercise is not None:
            nearest |= Q(exercise=exercise)
        nearness = Case(
            When(exercise__isnull=False, then=0),
            When(lesson=lesson.pk, then=1),
            When(lesson=None, then=3),
            default=2,
        )
        return self.filter(nearest, course=lesson.course_id).order_by(nearness)

    def for_course(self, course: int) -> Self:
        """Those that answer wherever in a course."""
        return self.filter(course=course, lesson=None, exercise=None)


class ModelScript(models.Model):
    """A scripted model of a lesson, a chapter, an exercise or (without any) a course: its file's text."""

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="model_scripts", verbose_name=_("course")
    )
    lesson = models.ForeignKey(
        Lesson,
        on_delete=models.CASCADE,
        related_name="model_scripts",
        null=True,
        blank=True,
        verbose_name=_("lesson"),
    )
    exercise = models.ForeignKey(
        "Exercise",
        on_delete=models.CASCADE,
        related_name="model_scripts",
        null=True,
        blank=True,
        verbose_name=_("exercise"),
    )
    name = models.CharField(_("name"), max_length=60)  # learners see it: "scripted:weather"
    text = models.TextField(_("script"))  # TOML that was found right, see lessons/model_scripts.py
    source_path = models.CharField(_("source file"), max_length=500)  # relative to the course folder
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = ModelScriptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "source_path"], name="one_model_script_per_file"),
        ]
        verbose_name = _("scripted model")
        verbose_name_plural = _("scripted models")

    def __str__(self) -> str:
        return self.name


class Section(models.Model):
    """What stands under one heading of a lesson's text, for search. Made anew when the text changes.

    The `…_words` are what `lessons.search.tokens` makes of the texts; the database indexes them by itself.
    """

    text = models.ForeignKey(
        LessonText, on_delete=models.CASCADE, related_name="sections", verbose_name=_("lesson text")
    )
    position = models.PositiveIntegerField(_("position"))  # in its text, from 0
    heading = models.CharField(_("heading"), max_length=300, blank=True)  # empty before the first heading
    anchor = models.CharField(_("anchor"), max_length=310, blank=True)  # as the page has it; empty: its top
    body = models.TextField(_("text"), blank=True)  # without markup
    heading_words = models.TextField(editable=False)
    title_words = models.TextField(editable=False)  # of the lesson: number and title
    body_words = models.TextField(editable=False)

    class Meta:
        ordering = ["text", "position"]
        constraints = [
            models.UniqueConstraint(fields=["text", "position"], name="section_position_unique_in_text"),
        ]
        verbose_name = _("section")
        verbose_name_plural = _("sections")

    def __str__(self) -> str:
        return self.heading or str(self.text)
