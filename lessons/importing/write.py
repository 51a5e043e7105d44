"""Import a course: read, plan, and save in one transaction, so that it happens entirely or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from lessons.importing import figures
from lessons.importing.plan import Plan, PlannedChapter, PlannedLesson, Row, make_plan
from lessons.importing.problems import NoCourse, Problem
from lessons.importing.source import CourseSource, read_course
from lessons.models import CourseFile, Divergence, Image, Lesson, LessonText, ModelScript
from lessons.search.indexing import reindex

FROM_FILES = "import"  # why there is a version, in the history; the admin says it in words
KINDS = ("chapters", "lessons", "exercises", "images")


@dataclass
class Tally:
    """How many of a kind ended in which way."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: int = 0


@dataclass
class Report:
    """What an import did, or with `dry_run` would have done."""

    slug: str
    languages: Sequence[str]
    tallies: dict[str, Tally]
    problems: Sequence[Problem]
    conflicts: int  # with what staff wrote on the site
    has_changes: bool


@dataclass
class Progress:
    """One chapter is done: its title, and how its lessons ended."""

    done: int
    total: int
    title: str
    outcomes: Counter[str] = field(default_factory=Counter)


def import_course(
    root: Path,
    *,
    slug: str,
    language: str | None = None,
    dry_run: bool = False,
    prune: bool = False,
    force: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Report:
    """Import the course in a folder as the course `slug`. Raises NoCourse."""
    source = read_course(root, language=language)
    try:
        with transaction.atomic():
            plan = make_plan(source, slug=slug, prune=prune, force=force)
            if not dry_run:
                # Before the rows, so that no row ever lacks its file; a file without a row does no harm.
                _store_images(source, plan)
            _write(plan, dry_run=dry_run, on_progress=on_progress)
    except IntegrityError as error:
        raise NoCourse(
            f"The course “{slug}” was changed by someone else meanwhile; nothing was imported. Try again."
        ) from error
    except figures.UnusableImage as error:
        raise NoCourse(f"An image {error} Nothing was imported.") from error
    return _report(slug, source, plan)


def _store_images(source: CourseSource, plan: Plan) -> None:
    for image in plan.images:
        figures.store(source.folder, image.path, image.picture)


def _write(plan: Plan, *, dry_run: bool, on_progress: Callable[[Progress], None]) -> None:
    if not dry_run:
        if plan.course.is_written:
            plan.course.instance.save()
        _save(plan.texts)
    for done, chapter in enumerate(plan.chapters, 1):
        if not dry_run:
            _write_chapter(chapter)
        outcomes = Counter(_outcome(planned) for planned in chapter.all)
        on_progress(Progress(done, len(plan.chapters), chapter.title, outcomes))
    if not dry_run:
        _save(plan.moved)
        _save(plan.retired)
        _save([image.row for image in plan.images])
        if plan.gone_images:
            Image.objects.filter(pk__in=[image.pk for image in plan.gone_images]).delete()
        _save([*plan.exercises, *plan.retired_exercises])
        _write_scripts(plan)
        _write_for_staff(plan)


def _write_for_staff(plan: Plan) -> None:
    """What the next import, an export and the admin need to know of the files."""
    if plan.settled:
        Divergence.objects.filter(pk__in=[divergence.pk for divergence in plan.settled]).delete()
    _save(plan.divergences)
    if plan.gone_files:
        CourseFile.objects.filter(pk__in=[file.pk for file in plan.gone_files]).delete()
    _save(plan.files)


def _write_scripts(plan: Plan) -> None:
    # First away, then anew: a script that was renamed leaves its lesson to its successor.
    if plan.gone_scripts:
        ModelScript.objects.filter(pk__in=[script.pk for script in plan.gone_scripts]).delete()
    _save(plan.scripts)


def _write_chapter(chapter: PlannedChapter) -> None:
    """The chapter first: its lessons need its key."""
    _save([chapter.chapter.row])
    for planned in chapter.lessons:
        planned.lesson.parent = chapter.chapter.lesson
    _save([planned.row for planned in chapter.lessons])
    _save_texts([row for planned in chapter.all for row in planned.texts])
    gone = [text.pk for planned in chapter.all for text in planned.gone]
    if gone:
        LessonText.objects.filter(pk__in=gone).delete()
    # A section is found by its lesson's number, too.
    reindex(
        *(
            row.instance
            for planned in chapter.all
            for row in planned.texts
            if row.is_told or planned.row.is_told
        )
    )


def _save_texts(rows: list[Row]) -> None:
    """With a version in the history for each whose words are new."""
    _save(rows)
    for are_new in (True, False):
        told = [
            row.instance for row in rows if row.is_new is are_new and {"title", "markdown"} & row.differing
        ]
        if told:
            LessonText.history.bulk_history_create(told, update=not are_new, default_change_reason=FROM_FILES)


def _save(rows: Iterable[Row]) -> None:
    """Create and update rows of one model, in one statement each, and none where nothing changed."""
    written = [row for row in rows if row.is_written]
    if not written:
        return
    manager = type(written[0].instance)._default_manager
    if new := [row.instance for row in written if row.is_new]:
        manager.bulk_create(new)
    changed = [row for row in written if not row.is_new]
    if not changed:
        return
    fields = sorted({name for row in changed for name in row.fields})
    now = timezone.now()
    if hasattr(changed[0].instance, "updated_at"):
        fields.append("updated_at")
        for row in changed:
            if row.is_told:
                row.instance.updated_at = now  # bulk_update leaves auto_now alone
    manager.bulk_update([row.instance for row in changed], fields)


def _outcome(planned: PlannedLesson) -> str:
    if planned.is_new:
        return "created"
    return "updated" if planned.is_changed else "unchanged"


def _outcome_of_row(row: Row) -> str:
    if row.is_new:
        return "created"
    return "updated" if row.is_changed else "unchanged"


def _report(slug: str, source: CourseSource, plan: Plan) -> Report:
    tallies = {kind: Tally(skipped=plan.skipped[kind]) for kind in KINDS}
    for chapter in plan.chapters:
        _count(tallies["chapters"], [_outcome(chapter.chapter)])
        _count(tallies["lessons"], map(_outcome, chapter.lessons))
    _count(tallies["exercises"], map(_outcome_of_row, plan.exercises))
    tallies["exercises"].removed = len(plan.retired_exercises)
    _count(tallies["images"], (_outcome_of_row(image.row) for image in plan.images))
    for row in plan.retired:
        lesson: Lesson = row.instance
        tallies["lessons" if lesson.parent_id else "chapters"].removed += 1
    tallies["images"].removed = len(plan.gone_images)
    tallies["lessons"].skipped += plan.skipped["texts"]
    return Report(
        slug=slug,
        languages=[edition.language for edition in source.editions],
        tallies=tallies,
        problems=sorted(plan.problems),
        conflicts=plan.conflicts,
        has_changes=_has_changes(plan),
    )


def _count(tally: Tally, outcomes: Iterable[str]) -> None:
    for outcome in outcomes:
        setattr(tally, outcome, getattr(tally, outcome) + 1)


def _has_changes(plan: Plan) -> bool:
    rows = [plan.course, *plan.texts, *(image.row for image in plan.images)]
    rows += [*plan.exercises, *plan.retired_exercises, *plan.scripts]
    rows += [*plan.moved, *plan.divergences, *plan.files]
    lessons = [planned for chapter in plan.chapters for planned in chapter.all]
    return (
        any(row.is_written for row in rows)
        or any(planned.is_new or planned.is_changed for planned in lessons)
        or bool(plan.retired or plan.gone_images or plan.gone_scripts)
        or bool(plan.settled or plan.gone_files)
    )
