"""Compare a course's files with what is stored and say what to create, change, keep and retire.

Rows are changed in memory only; `write` saves them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Prefetch
from django.urls import reverse
from django.utils.text import slugify

from lessons.importing import exercises, figures, scripts
from lessons.importing.headings import heading_of
from lessons.importing.matching import (
    CHAPTER_KEYS,
    LESSON_KEYS,
    Features,
    Matching,
    TextFeatures,
    features_of,
)
from lessons.importing.ordering import arranged
from lessons.importing.problems import Problem
from lessons.importing.source import CourseSource, Section
from lessons.importing.twins import LinkedChapter, LinkedSection, link_editions
from lessons.models import (
    Course,
    CourseFile,
    CourseText,
    Divergence,
    Exercise,
    Image,
    Lesson,
    LessonText,
    ModelScript,
)

_BOOKKEEPING = {"source_line"}  # of no concern to anybody who reads or writes
_SLUG_LIMIT = 100  # of 120, to leave room for a suffix

Place = Mapping[str, int | None]  # `position` and `source_position` of a lesson


@dataclass
class Row:
    """A row to save when it is new or changed. `fields` are those an import sets."""

    instance: Any
    fields: tuple[str, ...]
    is_new: bool
    is_changed: bool
    differing: frozenset[str] = frozenset()  # the fields whose values are other than before

    @property
    def is_written(self) -> bool:
        return self.is_told or bool(self.differing)

    @property
    def is_told(self) -> bool:
        """Whether it is counted and dated, which a text that only moved down its file is not."""
        return self.is_new or self.is_changed


@dataclass
class PlannedLesson:
    """A chapter or lesson with its texts; `gone` are texts whose language no longer has it."""

    row: Row
    number: str  # in the files
    texts: list[Row] = field(default_factory=list)
    gone: list[LessonText] = field(default_factory=list)

    @property
    def lesson(self) -> Lesson:
        lesson: Lesson = self.row.instance
        return lesson

    @property
    def is_new(self) -> bool:
        return self.row.is_new

    @property
    def is_changed(self) -> bool:
        return any(row.is_told for row in (self.row, *self.texts)) or bool(self.gone)


@dataclass
class PlannedChapter:
    title: str
    chapter: PlannedLesson
    lessons: list[PlannedLesson] = field(default_factory=list)

    @property
    def all(self) -> list[PlannedLesson]:
        return [self.chapter, *self.lessons]


@dataclass
class PlannedImage:
    row: Row
    path: str
    picture: figures.Picture


@dataclass
class Plan:
    """What an import will do. `skipped` counts what was kept although the source cannot give it now."""

    course: Row
    texts: list[Row] = field(default_factory=list)
    chapters: list[PlannedChapter] = field(default_factory=list)
    images: list[PlannedImage] = field(default_factory=list)
    retired: list[Row] = field(default_factory=list)
    gone_images: list[Image] = field(default_factory=list)
    exercises: list[Row] = field(default_factory=list)
    retired_exercises: list[Row] = field(default_factory=list)
    scripts: list[Row] = field(default_factory=list)
    gone_scripts: list[ModelScript] = field(default_factory=list)
    moved: list[Row] = field(default_factory=list)  # lessons that only make room for others
    divergences: list[Row] = field(default_factory=list)
    settled: list[Divergence] = field(default_factory=list)
    files: list[Row] = field(default_factory=list)
    gone_files: list[CourseFile] = field(default_factory=list)
    conflicts: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """The course as the database has it, read in eight queries."""

    course: Course | None
    course_texts: Mapping[str, CourseText]
    lessons: Sequence[Lesson]
    images: Mapping[str, Image]
    exercises: Mapping[str, Exercise]
    scripts: Mapping[str, ModelScript]
    files: Mapping[str, CourseFile]

    @classmethod
    def read(cls, slug: str) -> Stored:
        """Locks the course's row where the database can, so that two imports take turns."""
        course = Course.objects.select_for_update().filter(slug=slug).first()
        if course is None:
            return cls(None, {}, [], {}, {}, {}, {})
        texts = Prefetch("texts", LessonText.objects.select_related("divergence"))
        return cls(
            course,
            {text.language: text for text in course.texts.all()},
            list(course.lessons.prefetch_related(texts, "text_drafts").order_by("position", "pk")),
            {image.path: image for image in course.images.all()},
            {exercise.slug: exercise for exercise in course.exercises.select_related("lesson")},
            {
                script.source_path: script
                for script in course.model_scripts.select_related("lesson", "exercise")
            },
            {file.path: file for file in course.files.all()},
        )


def make_plan(source: CourseSource, *, slug: str, prune: bool, force: bool) -> Plan:
    """Plan the import of a course's files as the course `slug`."""
    return _Planner(source, Stored.read(slug), slug, prune=prune, force=force).plan()


class _Planner:
    def __init__(self, source: CourseSource, stored: Stored, slug: str, *, prune: bool, force: bool) -> None:
        self.source = source
        self.stored = stored
        self.slug = slug
        self.prune = prune
        self.force = force
        self.languages = [edition.language for edition in source.editions]
        # Files that are listed but could not be read: what came from them before is kept.
        self.unreadable = {
            (edition.language, chapter.path)
            for edition in source.editions
            for chapter in edition.chapters
            if not chapter.overview
        }
        self.taken: dict[int | None, set[str]] = {}
        self._children: dict[int | None, list[Lesson]] = {}
        for lesson in stored.lessons:
            self._children.setdefault(lesson.parent_id, []).append(lesson)
            self.taken.setdefault(lesson.parent_id, set()).add(lesson.slug)

    def plan(self) -> Plan:
        linked, differences = link_editions(self.source.editions)
        plan = Plan(self._course(), problems=[*self.source.problems, *differences])
        plan.texts = self._course_texts(plan.course.instance)
        readable = [chapter for chapter in linked if chapter.overviews]
        plan.skipped["chapters"] = len(linked) - len(readable)
        chapter_of, lesson_of = self._match(readable)
        chapters = [chapter_of.get(id(chapter)) for chapter in linked]
        where = (linked[0].first.entry_path, linked[0].first.entry_line)
        places = self._places(plan, self._children.get(None, []), chapters, where=where)
        for place, chapter in zip(places, linked, strict=True):
            if chapter.overviews:
                plan.chapters.append(self._chapter(plan, chapter, place, chapter_of, lesson_of))
        self._plan_vanished(plan)
        self._plan_images(plan)
        self._plan_exercises(plan)
        self._plan_scripts(plan)
        self._plan_files(plan)
        return plan

    def _row(self, instance: models.Model, values: Mapping[str, Any]) -> Row:
        is_new = instance.pk is None
        differing = frozenset(name for name, value in values.items() if getattr(instance, name) != value)
        for name, value in values.items():
            setattr(instance, name, value)
        is_changed = not is_new and (bool(differing - _BOOKKEEPING) or self.force)
        return Row(instance, tuple(values), is_new, is_changed, differing)

    # --- The course -------------------------------------------------------------------------------

    def _course(self) -> Row:
        # What an operator set stays, but where course.toml says something; a new course gets the language of
        # its first edition.
        course = self.stored.course or Course(slug=self.slug, default_language=self.languages[0])
        row = self._row(course, self.source.settings)
        return Row(course, row.fields, row.is_new, is_changed=row.is_changed and bool(row.fields))

    def _course_texts(self, course: Course) -> list[Row]:
        rows = []
        for edition in self.source.editions:
            language = edition.language
            text = self.stored.course_texts.get(language) or CourseText(course=course, language=language)
            rows.append(self._row(text, {"title": edition.title, "description": edition.description}))
        return rows

    # --- Chapters and lessons ---------------------------------------------------------------------

    def _match(self, chapters: Sequence[LinkedChapter]) -> tuple[dict[int, Lesson], dict[int, Lesson]]:
        """Stored lessons by the identity (`id`) of the linked chapter or section they are found in again."""
        top = Matching(
            [(lesson, _stored_features(lesson)) for lesson in self._children.get(None, [])],
            [(chapter, features_of(chapter.number, chapter.overviews)) for chapter in chapters],
        )
        top.by_keys(CHAPTER_KEYS)
        top.by_path()
        top.by_likeness()
        top.by_number()
        chapter_of = {id(chapter): lesson for lesson, chapter in top.pairs}
        return chapter_of, self._match_lessons(chapters, chapter_of)

    def _match_lessons(
        self,
        chapters: Sequence[LinkedChapter],
        chapter_of: Mapping[int, Lesson],
    ) -> dict[int, Lesson]:
        pairs: list[tuple[Lesson, LinkedSection]] = []
        inside: list[Matching[Lesson, LinkedSection]] = []
        for chapter in chapters:
            own = chapter_of.get(id(chapter))
            matching = Matching(
                [(lesson, _stored_features(lesson)) for lesson in self._children.get(own.pk, [])]
                if own
                else [],
                [(section, features_of(section.number, section.sections)) for section in chapter.sections],
            )
            matching.by_keys(LESSON_KEYS)
            matching.by_likeness()
            inside.append(matching)
        matched = {own.pk for own in chapter_of.values()}
        homeless = [
            (lesson, _stored_features(lesson))
            for lesson in self.stored.lessons
            if lesson.parent_id
            and lesson.parent_id not in matched
            and not any(self._may_come_back(text) for text in lesson.texts.all())
        ]
        # Moved to another chapter: told by the text alone, and before a number may claim the place.
        moved = Matching(
            homeless + [item for matching in inside for item in matching.stored],
            [item for matching in inside for item in matching.new],
        )
        moved.by_likeness()
        gone = {lesson.pk for lesson, _ in moved.pairs}
        found = {id(section) for _, section in moved.pairs}
        for matching in inside:
            matching.stored = [item for item in matching.stored if item[0].pk not in gone]
            matching.new = [item for item in matching.new if id(item[0]) not in found]
            matching.by_number()
            pairs += matching.pairs
        return {id(section): lesson for lesson, section in [*pairs, *moved.pairs]}

    def _chapter(
        self,
        plan: Plan,
        linked: LinkedChapter,
        place: Place,
        chapter_of: Mapping[int, Lesson],
        lesson_of: Mapping[int, Lesson],
    ) -> PlannedChapter:
        stored = chapter_of.get(id(linked))
        chapter = self._lesson(plan, stored, linked.number, linked.overviews, place, parent=None)
        planned = PlannedChapter(_name(linked.number, linked.first.title), chapter)
        found = [lesson_of.get(id(section)) for section in linked.sections]
        siblings = self._children.get(stored.pk, []) if stored else []
        where = (linked.first.path, 1)
        places = self._places(plan, siblings, found, where=where)
        for section, own, place_inside in zip(linked.sections, found, places, strict=True):
            planned.lessons.append(
                self._lesson(plan, own, section.number, section.sections, place_inside, parent=chapter.lesson)
            )
        return planned

    def _places(
        self,
        plan: Plan,
        siblings: Sequence[Lesson],
        found: Sequence[Lesson | None],
        *,
        where: tuple[str, int],
    ) -> list[Place]:
        """Where what the files list stands among its siblings; `found` are its rows, in the files' order."""
        if all(lesson.source_position is None and not _is_made_here(lesson) for lesson in siblings):
            return [{"position": number, "source_position": None} for number in range(1, len(found) + 1)]
        of_files = [lesson for lesson in siblings if not _is_made_here(lesson)]
        known = {lesson.pk for lesson in siblings}
        now = [
            lesson.pk if lesson and lesson.pk in known else -number for number, lesson in enumerate(found, 1)
        ]  # a newcomer goes by its number in the files, which is nobody's key
        order, in_conflict = arranged(
            site=[lesson.pk for lesson in siblings],
            before=[lesson.pk for lesson in sorted(of_files, key=_source_position)],
            now=now,
            prefer_files=self.force,
        )
        if in_conflict:
            what = "orders its lessons anew, and so did staff on the site, whose order is kept."
            plan.problems.append(Problem(*where, what, "Order them alike, or run with --force."))
            plan.conflicts += 1
        position = {key: number for number, key in enumerate(order, 1)}
        plan.moved += [
            self._row(lesson, {"position": position[lesson.pk]})
            for lesson in siblings
            if lesson.pk not in now and lesson.position != position[lesson.pk]
        ]
        # In a conflict what the files said before is what they are compared with again.
        said = {lesson.pk: _source_position(lesson) for lesson in siblings} if in_conflict else {}
        in_files = {key: said.get(key, number) for number, key in enumerate(now, 1)}
        return [
            {
                "position": position[key],
                "source_position": None if in_files[key] == position[key] else in_files[key],
            }
            for key in now
        ]

    def _lesson(
        self,
        plan: Plan,
        found: Lesson | None,
        number: str,
        sections: Mapping[str, Section],
        place: Place,
        parent: Lesson | None,
    ) -> PlannedLesson:
        course = plan.course.instance
        lesson = found or Lesson(course=course, parent=parent)
        stored = {text.language: text for text in lesson.texts.all()} if found else {}
        texts = [
            self._text(plan, stored.get(language) or LessonText(lesson=lesson, language=language), section)
            for language, section in sections.items()
        ]
        values: dict[str, Any] = dict(place)
        if "markdown" in texts[0].fields:  # else staff's own heading says the number
            values["number"] = number
        if not lesson.is_withdrawn:
            values["is_retired"] = False
        if parent is not None and lesson.parent_id != parent.pk:
            values["parent"] = parent
        if not found or "parent" in values:
            wanted = found.slug if found else _slug(number, sections)
            values["slug"] = self._free_slug(wanted, parent)
        elif parent is not None:
            lesson.parent = parent
        planned = PlannedLesson(self._row(lesson, values), number, texts)
        self._plan_gone_texts(
            plan, planned, [text for text in stored.values() if text.language not in sections]
        )
        return planned

    def _text(self, plan: Plan, text: LessonText, section: Section) -> Row:
        """Take what the file says, but never over what staff wrote: then its words go to the divergence."""
        divergence = text.diverging
        is_ours = divergence is not None or not text.is_from_files
        values = {**_text_values(section), "is_from_files": True}
        if not is_ours or self.force or text.markdown == section.markdown:
            if text.markdown != section.markdown:
                values["updated_by"] = None
                self._warn_of_draft(plan, text, section)
            if divergence:
                plan.settled.append(divergence)
            return self._row(text, values)
        divergence = divergence or Divergence(text=text, base="")
        source = None if section.markdown == divergence.base else section.markdown
        plan.divergences.append(self._row(divergence, {"source": source}))
        if source is not None:
            plan.conflicts += 1
            what = (
                f"changed “{section.title}” ({text.language}), and so did staff on the site; both are kept."
            )
            place = reverse("admin:lessons_text_conflict", args=[text.lesson_id, text.language])
            mend = f"Decide at {place} or run with --force to take the file's."
            plan.problems.append(Problem(section.path, section.line, what, mend))
        del values["title"], values["markdown"]
        return self._row(text, values)

    def _warn_of_draft(self, plan: Plan, text: LessonText, section: Section) -> None:
        """A draft begun from the old words is not published over the new ones without a look."""
        drafts = text.lesson.text_drafts.all() if text.pk else []
        if any(draft.language == text.language for draft in drafts):
            what = f"changed “{section.title}” ({text.language}), of which there is a draft on the site."
            plan.problems.append(
                Problem(section.path, section.line, what, "Compare the two before the draft is published.")
            )

    def _free_slug(self, wanted: str, parent: Lesson | None) -> str:
        # A new parent has no key yet; its object stands for it.
        taken = self.taken.setdefault(None if parent is None else parent.pk or -id(parent), set())
        slug = wanted
        suffix = 2
        while slug in taken:
            slug = f"{wanted}-{suffix}"
            suffix += 1
        taken.add(slug)
        return slug

    # --- What the source no longer has ------------------------------------------------------------

    def _plan_gone_texts(self, plan: Plan, planned: PlannedLesson, texts: Iterable[LessonText]) -> None:
        """Texts of a lesson that is still there in another language."""
        for text in texts:
            if self._may_come_back(text) or not text.is_from_files:
                continue
            if self.prune:
                planned.gone.append(text)
            else:
                plan.skipped["texts"] += 1
                plan.problems.append(self._vanished(text))

    def _plan_vanished(self, plan: Plan) -> None:
        kept = {planned.lesson.pk for chapter in plan.chapters for planned in chapter.all}
        for lesson in self.stored.lessons:
            texts = list(lesson.texts.all())
            if lesson.pk in kept or lesson.is_retired or _is_made_here(lesson):
                continue
            kind = "lessons" if lesson.parent_id else "chapters"
            if any(self._may_come_back(text) for text in texts):
                # A chapter whose file is listed was counted with the sidebar's entries.
                is_listed = any((text.language, text.source_path) in self.unreadable for text in texts)
                plan.skipped[kind] += 0 if kind == "chapters" and is_listed else 1
            elif self.prune:
                plan.retired.append(self._row(lesson, {"is_retired": True}))
            else:
                plan.skipped[kind] += 1
                plan.problems.append(self._vanished(texts[0]))

    def _may_come_back(self, text: LessonText) -> bool:
        """Whether the source merely cannot be read, or says nothing in this language at all."""
        return text.language not in self.languages or (text.language, text.source_path) in self.unreadable

    def _vanished(self, text: LessonText) -> Problem:
        what = f"no longer has “{text.title}” ({text.language}); the lesson is kept."
        return Problem(
            text.source_path, text.source_line, what, "Put it back, or run with --prune to retire it."
        )

    # --- Images -----------------------------------------------------------------------------------

    def _plan_images(self, plan: Plan) -> None:
        for figure in self.source.figures:
            stored = self.stored.images.get(figure.path)
            try:
                picture = self._picture(figure.path, stored)
            except figures.UnusableImage as error:
                plan.skipped["images"] += 1
                what = f"shows {figure.path}, which {error.what}"
                plan.problems.append(Problem(figure.user, figure.line, what, error.mend))
                continue
            image = stored or Image(course=plan.course.instance, path=figure.path)
            values = {
                "digest": picture.digest,
                "content_type": picture.content_type,
                "width": picture.width,
                "height": picture.height,
            }
            plan.images.append(PlannedImage(self._row(image, values), figure.path, picture))
        shown = {figure.path for figure in self.source.figures}
        unused = [image for path, image in self.stored.images.items() if path not in shown]
        if self.prune and not self.unreadable and self._has_all_languages():
            plan.gone_images = unused
        else:
            plan.skipped["images"] += len(unused)

    # --- Exercises and scripted models ------------------------------------------------------------

    def _plan_exercises(self, plan: Plan) -> None:
        """One that is gone is retired: learners' work hangs on it, and it may come back under its id."""
        by_number = _numbered_lessons(plan)
        course = plan.course.instance
        kept: set[str] = set()
        for file in self.source.exercises.files:
            said = file.definition
            kept.add(said.id)
            plan.problems += exercises.unknown_concepts(file, course.concepts)
            lesson = by_number.get(said.lesson)
            if lesson is None:
                plan.problems.append(exercises.no_such_lesson(file))
                plan.skipped["exercises"] += 1
                continue
            values = {
                "lesson": lesson,
                "position": file.position,
                "kind": said.kind,
                "optional": said.optional,
                "concepts": list(said.concepts),
                "text": file.text,
                "source_path": file.path,
                "is_retired": False,
            }
            exercise = self.stored.exercises.get(said.id) or Exercise(
                course=course, lesson=lesson, slug=said.id
            )
            plan.exercises.append(self._row(exercise, values))
        plan.skipped["exercises"] += len(self.source.exercises.unusable)
        for slug, exercise in self.stored.exercises.items():
            is_unusable = exercise.source_path in self.source.exercises.unusable
            if slug not in kept and not is_unusable and not exercise.is_retired:
                plan.retired_exercises.append(self._row(exercise, {"is_retired": True}))

    def _plan_scripts(self, plan: Plan) -> None:
        """A script that is gone goes: nothing of a learner's hangs on it."""
        by_number = _numbered_lessons(plan)
        # Also those whose file cannot be used at the moment.
        by_id = {
            slug: exercise for slug, exercise in self.stored.exercises.items() if not exercise.is_retired
        }
        by_id |= {row.instance.slug: row.instance for row in plan.exercises}
        kept = set(self.source.scripts.unusable)
        for file in self.source.scripts.files:
            lesson, exercise = by_number.get(file.lesson), by_id.get(file.exercise)
            if (file.lesson and lesson is None) or (file.exercise and exercise is None):
                plan.problems.append(scripts.no_such_place(file))
                continue
            kept.add(file.path)
            script = self.stored.scripts.get(file.path)
            script = script or ModelScript(course=plan.course.instance, source_path=file.path)
            values = {"name": file.name, "lesson": lesson, "exercise": exercise, "text": file.text}
            plan.scripts.append(self._row(script, values))
        plan.gone_scripts = [script for path, script in self.stored.scripts.items() if path not in kept]

    # --- What an export needs ---------------------------------------------------------------------

    def _plan_files(self, plan: Plan) -> None:
        for kept in self.source.kept:
            file = self.stored.files.get(kept.path)
            file = file or CourseFile(course=plan.course.instance, path=kept.path)
            values = {"language": kept.language, "text": kept.text, "has_bom": kept.has_bom}
            plan.files.append(self._row(file, values))
        now = {kept.path for kept in self.source.kept}
        plan.gone_files = [
            file
            for path, file in self.stored.files.items()
            # A file that cannot be read now may be mended.
            if path not in now and (path not in self.source.folder.files or not file.text)
        ]

    def _has_all_languages(self) -> bool:
        return set(self.stored.course_texts) <= set(self.languages)

    def _picture(self, path: str, stored: Image | None) -> figures.Picture:
        if stored and not self.force and figures.digest_of(self.source.folder, path) == stored.digest:
            return figures.Picture(stored.digest, stored.content_type, stored.width, stored.height)
        return figures.examine(self.source.folder, path)


def _numbered_lessons(plan: Plan) -> Mapping[str, Lesson]:
    return scripts.numbered(
        [(planned.number, planned.lesson) for chapter in plan.chapters for planned in chapter.all]
    )


def _stored_features(lesson: Lesson) -> Features:
    """As the files had it: what staff made of it since does not hide a lesson from its source."""
    number = lesson.number
    texts = {}
    for text in lesson.texts.all():
        title, said = text.title, text.markdown
        if text.diverging and (heading := heading_of(text.diverging.base)):
            said = text.diverging.base
            number, title = heading.number or number, heading.title
        texts[text.language] = TextFeatures(title, text.source_path, said)
    return Features(number, texts)


def _is_made_here(lesson: Lesson) -> bool:
    """Whether the lesson was written on the site and no file has had it."""
    return not any(text.is_from_files for text in lesson.texts.all())


def _source_position(lesson: Lesson) -> int:
    return lesson.position if lesson.source_position is None else lesson.source_position


def _text_values(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "part": section.part,
        "markdown": section.markdown,
        "source_path": section.path,
        "source_line": section.line,
    }


def _slug(number: str, sections: Mapping[str, Section]) -> str:
    """From the English title, which reads well in an address; else from the title as it is."""
    english = next((section for language, section in sections.items() if language.startswith("en")), None)
    title = next(iter(sections.values())).title
    slugs = (
        slugify(english.title) if english else "",
        slugify(title, allow_unicode=True),
        slugify(number.replace(".", "-")),
        "lesson",
    )
    return next(slug for slug in slugs if slug)[:_SLUG_LIMIT].strip("-")


def _name(number: str, title: str) -> str:
    return f"{number} {title}".strip()
