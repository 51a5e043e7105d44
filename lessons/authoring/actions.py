"""What staff does to lessons. Who may is asked by the pages; every change of words leaves a version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from lessons.authoring.checking import Remark, as_kept, faults_of, mark_of
from lessons.authoring.texts import heading_line, path_in_files
from lessons.importing.headings import heading_of
from lessons.importing.write import FROM_FILES
from lessons.models import Course, Divergence, Lesson, LessonDraft, LessonText, make_draft_token
from lessons.search.indexing import reindex

_SLUG_LIMIT = 100  # of 120, to leave room for a suffix


class ChangedMeanwhile(Exception):
    """Somebody else changed the text since the page was opened; nothing was written."""


class Outdated(Exception):
    """Readers have another text by now than the one this draft was begun from."""


class Unfit(Exception):
    """The text cannot be published as it is."""

    def __init__(self, faults: Sequence[Remark]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


# --- Drafts ---------------------------------------------------------------------------------------


@transaction.atomic
def save_draft(
    *, lesson: Lesson, language: str, markdown: str, seen: str, author: Any, note: str = ""
) -> LessonDraft:
    """Keep what somebody writes; `seen` is the mark of what the page began with. Raises ChangedMeanwhile."""
    _take_turns(lesson.course_id)
    text = lesson.texts.filter(language=language).first()
    published = text.markdown if text else ""
    draft = lesson.text_drafts.filter(language=language).first()
    if seen != mark_of(draft.markdown if draft else published):
        raise ChangedMeanwhile
    if draft is None:
        draft = LessonDraft(lesson=lesson, language=language, base=published, created_by=author)
    draft.markdown = as_kept(markdown, like=published)
    draft.note = note
    draft.updated_by = author
    draft.save()
    return draft


def discard_draft(*, draft: LessonDraft) -> None:
    """Throw a draft away. A lesson that never was more than that goes with it."""
    with transaction.atomic():
        lesson = draft.lesson
        draft.delete()
        if not (lesson.texts.exists() or lesson.text_drafts.exists() or lesson.children.exists()):
            lesson.delete()


def share_draft(*, draft: LessonDraft) -> LessonDraft:
    """A new preview link; whoever has an old one sees nothing any more."""
    draft.token = make_draft_token()
    draft.save(update_fields=["token"])
    return draft


def withdraw_link(*, draft: LessonDraft) -> None:
    draft.token = ""
    draft.save(update_fields=["token"])


# --- Publishing -----------------------------------------------------------------------------------


@transaction.atomic
def publish(*, draft: LessonDraft, author: Any) -> LessonText:
    """Give readers the draft. Raises Outdated, Unfit."""
    lesson, text = _locked(draft)
    _refuse_unready(lesson, text, draft)
    if text is None:
        text = _new_text(lesson, draft, author)
    if text.markdown != draft.markdown:
        text = _write(text, draft.markdown, author=author, note=draft.note)
    draft.delete()
    return text


@transaction.atomic
def schedule(*, draft: LessonDraft, at: datetime, author: Any) -> None:
    """Have the draft published at a time. Raises Outdated, Unfit: nobody will be there to be told then."""
    _refuse_unready(*_locked(draft), draft)
    draft.publish_at = at
    draft.updated_by = author
    draft.save(update_fields=["publish_at", "updated_by", "updated_at"])


def unschedule(*, draft: LessonDraft) -> None:
    draft.publish_at = None
    draft.save(update_fields=["publish_at", "updated_at"])


@transaction.atomic
def publish_when_due(*, draft_id: int, now: datetime) -> bool:
    """Publish a draft whose time has come; False when it is gone or put off. Raises Outdated, Unfit."""
    draft = LessonDraft.objects.due(now).select_for_update().filter(pk=draft_id).first()
    if draft is None:
        return False
    publish(draft=draft, author=draft.updated_by)
    return True


@transaction.atomic
def restore(*, text: LessonText, version: Any, author: Any) -> LessonText:
    """Give readers an earlier version again, as a new one."""
    _take_turns(text.lesson.course_id)
    text.refresh_from_db()
    when = timezone.localtime(version.history_date)
    note = _("Back to the version of %(when)s") % {"when": f"{when:%Y-%m-%d %H:%M}"}
    return _write(text, version.markdown, author=author, note=note)


def withdraw(*, lesson: Lesson, author: Any) -> None:
    """Take a lesson, or a chapter with its lessons, off for readers; imports leave it off."""
    _set_withdrawn(lesson, True, author)


def put_back(*, lesson: Lesson, author: Any) -> None:
    """Show a lesson that was taken off or retired again, with a chapter its lessons."""
    _set_withdrawn(lesson, False, author)


@transaction.atomic
def _set_withdrawn(lesson: Lesson, is_withdrawn: bool, author: Any) -> None:
    _take_turns(lesson.course_id)
    written = Lesson.objects.filter(models.Q(pk=lesson.pk) | models.Q(parent=lesson.pk))
    # What has never been published waits for that.
    written = written.filter(models.Exists(LessonText.objects.filter(lesson=models.OuterRef("pk"))))
    written.update(
        is_withdrawn=is_withdrawn, is_retired=is_withdrawn, updated_by=author, updated_at=timezone.now()
    )


# --- What the files say too -----------------------------------------------------------------------


@transaction.atomic
def settle_conflict(*, text: LessonText, markdown: str, seen: str, author: Any, note: str = "") -> LessonText:
    """Decide between the site's words and the file's new ones: readers get `markdown`.

    `seen` is the `mark_of` what the file said when this was decided. Raises ChangedMeanwhile, Unfit.
    """
    _take_turns(text.lesson.course_id)
    text = LessonText.objects.select_related("divergence", "lesson__course").get(pk=text.pk)
    divergence = text.diverging
    if divergence is None or divergence.source is None or mark_of(divergence.source) != seen:
        raise ChangedMeanwhile
    is_source = mark_of(markdown) == seen
    markdown = divergence.source if is_source else as_kept(markdown, like=text.markdown)
    if not is_source and (faults := faults_of(text.lesson, markdown)):
        raise Unfit(faults)
    divergence.base, divergence.source = divergence.source, None
    divergence.save()
    return _write(text, markdown, author=author, note=note)


@transaction.atomic
def bring_up_to_date(*, draft: LessonDraft, markdown: str, seen: str, author: Any) -> LessonDraft:
    """Base an outdated draft on what readers have now; `seen` is its `mark_of`. Raises ChangedMeanwhile."""
    _lesson, text = _locked(draft)
    published = text.markdown if text else ""
    if mark_of(published) != seen:
        raise ChangedMeanwhile
    draft.base = published
    draft.markdown = as_kept(markdown, like=published)
    draft.updated_by = author
    draft.save()
    return draft


# --- The outline ----------------------------------------------------------------------------------


@transaction.atomic
def create_lesson(
    *, course: Course, chapter: Lesson | None, language: str, number: str, title: str, author: Any
) -> LessonDraft:
    """A new lesson at the end of a chapter, or a new chapter: a draft until it is published.

    The number is one that a heading can have, or "".
    """
    _take_turns(course.pk)
    siblings = Lesson.objects.filter(course=course, parent=chapter)
    last = siblings.aggregate(last=models.Max("position"))["last"] or 0
    lesson = Lesson.objects.create(
        course=course,
        parent=chapter,
        slug=_free_slug(siblings, number, title),
        number=number,
        position=last + 1,
        is_retired=True,
        is_withdrawn=True,
        created_by=author,
        updated_by=author,
    )
    heading = heading_line(number, title, is_chapter=chapter is None, language=language)
    return LessonDraft.objects.create(
        lesson=lesson, language=language, markdown=f"{heading}\n\n", created_by=author, updated_by=author
    )


@transaction.atomic
def move(*, lesson: Lesson, steps: int, author: Any) -> None:
    """Put a lesson so many places further down among its siblings (up, when negative)."""
    _take_turns(lesson.course_id)
    siblings = list(
        Lesson.objects.filter(course=lesson.course_id, parent=lesson.parent_id).order_by("position", "pk")
    )
    at = siblings.index(lesson)
    siblings.insert(max(0, at + steps), siblings.pop(at))
    for position, sibling in enumerate(siblings, 1):
        in_files = sibling.position if sibling.source_position is None else sibling.source_position
        sibling.source_position = None if in_files == position else in_files
        sibling.position = position
        sibling.updated_at = timezone.now()
    lesson.updated_by = author
    Lesson.objects.filter(pk=lesson.pk).update(updated_by=author)
    Lesson.objects.bulk_update(siblings, ["position", "source_position", "updated_at"])


# --- Inside ---------------------------------------------------------------------------------------


def _take_turns(course_id: int) -> None:
    """One writer of a course at a time, imports among them, where the database can lock a row."""
    Course.objects.select_for_update().get(pk=course_id)


def _locked(draft: LessonDraft) -> tuple[Lesson, LessonText | None]:
    _take_turns(draft.lesson.course_id)
    lesson = Lesson.objects.select_related("parent", "course").get(pk=draft.lesson_id)
    text = lesson.texts.select_related("divergence").filter(language=draft.language).first()
    return lesson, text


def _refuse_unready(lesson: Lesson, text: LessonText | None, draft: LessonDraft) -> None:
    """Raises Outdated, Unfit."""
    if (text.markdown if text else "") != draft.base:
        raise Outdated
    faults = faults_of(lesson, draft.markdown)
    if lesson.parent and not lesson.parent.texts.filter(language=draft.language).exists():
        message = _("Its chapter has no text in this language yet. Publish that first.")
        faults = [Remark(0, message, is_fault=True), *faults]
    if faults:
        raise Unfit(faults)


def _write(text: LessonText, markdown: str, *, author: Any, note: str) -> LessonText:
    """Make `markdown` what readers read."""
    lesson = text.lesson
    is_first = text.pk is None
    if not is_first:
        _remember_divergence(text, markdown)
        _remember_beginning(text)
    heading = heading_of(markdown)
    if heading:
        text.title = heading.title
        _note_number(text, heading.number)
    text.markdown = markdown
    text.updated_by = author
    text._change_reason = note[:200]  # type: ignore[attr-defined] # read by the history
    text._history_user = author  # type: ignore[attr-defined] # read by the history
    text.save()
    if is_first and lesson.is_withdrawn and lesson.texts.count() == 1:
        lesson.is_retired = lesson.is_withdrawn = False
    lesson.updated_by = author
    lesson.save()
    reindex(*lesson.texts.select_related("lesson"))  # all: found by the lesson's number, too
    return text


def _remember_divergence(text: LessonText, markdown: str) -> None:
    divergence = text.diverging
    if not text.is_from_files:
        return
    if divergence is None and markdown != text.markdown:
        Divergence.objects.create(text=text, base=text.markdown)
    elif divergence and divergence.source is None and divergence.base == markdown:
        divergence.delete()


def _remember_beginning(text: LessonText) -> None:
    """A text imported before there were versions gets its first one."""
    if not text.history.exists():
        text.history.bulk_history_create(
            [text], default_change_reason=FROM_FILES, default_date=text.updated_at
        )


def _note_number(text: LessonText, number: str) -> None:
    """The number is that of the course's own language. A chapter without one may have it from the sidebar."""
    lesson = text.lesson
    languages = set(lesson.texts.values_list("language", flat=True)) | {text.language}
    own = lesson.course.default_language
    if text.language == (own if own in languages else min(languages)) and (number or not lesson.is_chapter):
        lesson.number = number


def _new_text(lesson: Lesson, draft: LessonDraft, author: Any) -> LessonText:
    """A lesson's first text in a language, with its place in the course's files."""
    return LessonText(
        lesson=lesson,
        language=draft.language,
        part="" if lesson.parent else _part_before(lesson, draft.language),
        source_path=path_in_files(lesson, draft.language),
        is_from_files=False,
        created_by=author,
    )


def _part_before(chapter: Lesson, language: str) -> str:
    """A new chapter belongs to the part of the one before it."""
    before = LessonText.objects.filter(
        lesson__course=chapter.course_id,
        lesson__parent=None,
        lesson__position__lt=chapter.position,
        language=language,
    )
    return before.order_by("-lesson__position").values_list("part", flat=True).first() or ""


def _free_slug(siblings: models.QuerySet[Lesson], number: str, title: str) -> str:
    wanted = slugify(title, allow_unicode=True) or slugify(number.replace(".", "-")) or "lesson"
    wanted = wanted[:_SLUG_LIMIT].strip("-")
    taken = set(siblings.values_list("slug", flat=True))
    slug, suffix = wanted, 2
    while slug in taken:
        slug, suffix = f"{wanted}-{suffix}", suffix + 1
    return slug
