"""Write a course back as the folder of Markdown it is imported from.

What nobody changed on the site comes out byte for byte as it went in; imported again, the folder gives the
course as readers see it. Drafts, and lessons that were taken off or retired, stay behind.
"""

from __future__ import annotations

import codecs
import json
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from django.core.files.storage import default_storage

from lessons.images import stored_name
from lessons.importing.addresses import as_markdown, is_elsewhere, resolve
from lessons.importing.course_file import COURSE_FILE
from lessons.importing.folder import natural
from lessons.importing.headings import heading_words
from lessons.importing.sidebar import Entry, read_entries
from lessons.models import Course, CourseFile, Exercise, Lesson, LessonText

_LESSON_LINE = re.compile(r"""^([ \t]*lesson[ \t]*=[ \t]*)(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)


@dataclass(frozen=True)
class Written:
    """A file of the export: whether the folder had it so already."""

    path: str
    is_unchanged: bool


class NotAFolder(Exception):
    """Nothing can be written there. The message says why."""


def export_course(course: Course, root: Path, *, language: str | None = None) -> Iterator[Written]:
    """Write a course's files below `root`, in one language or all. Raises NotAFolder, OSError.

    Files that are there and not the course's are left alone.
    """
    if root.exists() and not root.is_dir():
        raise NotAFolder(f"{root} is a file. Give a folder, existing or new.")
    base = root.resolve()
    for path, content in _contents(course, language):
        target = (base / path).resolve()
        if not target.is_relative_to(base):
            raise NotAFolder(f"{path} leads out of {root} by a link there. Remove the link.")
        is_unchanged = target.is_file() and target.read_bytes() == content
        if not is_unchanged:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield Written(path, is_unchanged)


def _contents(course: Course, language: str | None) -> Iterator[tuple[str, bytes]]:
    """Every file's path and bytes."""
    kept = {file.path: file for file in course.files.all()}
    texts = {
        path: file.text
        for path, file in kept.items()
        if (file.text or file.language) and language in {None, file.language or language}
    }
    texts |= _chapter_files(course, language)
    texts |= _beside_lessons(course)
    texts |= _sidebars(course, language, kept)
    texts |= _course_file(course, texts)
    for path, text in sorted(texts.items()):
        bom = codecs.BOM_UTF8 if path in kept and kept[path].has_bom else b""
        yield path, bom + text.encode()
    for image in course.images.order_by("path"):
        with default_storage.open(stored_name(image.digest, image.content_type)) as stored:
            yield image.path, stored.read()


# --- Texts ----------------------------------------------------------------------------------------


def _chapter_files(course: Course, language: str | None) -> dict[str, str]:
    files = _by_file(course, language)
    return {path: _joined([text.markdown for text in texts]) for path, texts in files.items()}


def _beside_lessons(course: Course) -> dict[str, str]:
    """Exercises and scripted models, each with the number that its lesson has by now."""
    found: dict[str, str] = {}
    for exercise in Exercise.objects.published().filter(course=course).select_related("lesson"):
        found[exercise.source_path] = _of_lesson(exercise.lesson.number, exercise.text)
    for script in course.model_scripts.select_related("lesson"):
        text = _of_lesson(script.lesson.number, script.text) if script.lesson else script.text
        found[script.source_path] = text
    return found


def _of_lesson(number: str, text: str) -> str:
    said = tomllib.loads(text).get("lesson")
    if said in {None, number}:
        return text
    return _LESSON_LINE.sub(lambda match: f"{match[1]}{json.dumps(number)}", text, count=1)


def _by_file(course: Course, language: str | None) -> dict[str, list[LessonText]]:
    rows = LessonText.objects.filter(lesson__course=course, lesson__is_retired=False)
    rows = rows.select_related("lesson__parent").order_by("source_path", "source_line", "pk")
    if language:
        rows = rows.filter(language=language)
    shown = (row for row in rows if row.lesson.parent is None or not row.lesson.parent.is_retired)
    files = {path: list(group) for path, group in groupby(shown, key=lambda row: row.source_path)}
    for group in files.values():
        # As the files had it, which may differ between languages, unless staff ordered it.
        if any(row.lesson.source_position is not None or not row.is_from_files for row in group):
            group.sort(key=lambda row: (not row.lesson.is_chapter, row.lesson.position))
    return files


def _joined(slices: Sequence[str]) -> str:
    whole = ""
    for piece in slices:
        if whole and not whole.endswith(("\n", "\r")):
            whole += "\n\n"  # what ended its file without a line end has a successor now
        whole += piece
    return whole


# --- Sidebars -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chapter:
    path: str
    label: str
    part: str


def _sidebars(course: Course, language: str | None, kept: Mapping[str, CourseFile]) -> dict[str, str]:
    """The sidebar of each language; none for a plain folder, whose files come in the order of their names.

    A course or a language that was made on the site gets a README, too, which says what it is called.
    """
    old = {file.language: file for file in kept.values() if file.language}
    chapters = _chapters(course)
    is_imported = LessonText.objects.filter(lesson__course=course, is_from_files=True).exists()
    if is_imported and not old and len(chapters) == 1 and all(map(_is_plain, chapters.values())):
        return {}
    gone = set(
        LessonText.objects.filter(
            lesson__course=course, lesson__parent=None, lesson__is_retired=True
        ).values_list("source_path", flat=True)
    )
    files: dict[str, str] = {}
    for code, listed in chapters.items():
        if language not in {None, code}:
            continue
        if code in old:
            files[old[code].path] = _sidebar(old[code].text, old[code].path, listed, gone)
            continue
        is_own = code == course.default_language
        readme = "README.md" if is_own else f"README_{code}.md"
        title, about = _title(course, code)
        if readme not in kept:
            files[readme] = f"# {title}\n\n{about}".rstrip() + "\n"
        beginning = f"- [{title}]({readme})\n"
        path = "_sidebar.md" if is_own else f"_sidebar_{code}.md"
        files[path] = _sidebar(beginning, path, listed, gone)
    return files


def _title(course: Course, language: str) -> tuple[str, str]:
    [titled] = Course.objects.filter(pk=course.pk).titled(language)
    return titled.title, titled.description  # type: ignore[attr-defined] # annotated by `titled`


def _chapters(course: Course) -> dict[str, list[_Chapter]]:
    """By language what its sidebar has to list, in order."""
    lessons = Lesson.objects.published().chapters().filter(course=course).order_by("position", "pk")
    chapters: dict[str, list[_Chapter]] = {}
    for lesson in lessons.prefetch_related("texts"):
        for text in lesson.texts.all():
            # As the file itself is headed: an import asks that the two agree.
            label = heading_words(text.markdown) or f"{lesson.number} {text.title}".strip()
            chapters.setdefault(text.language, []).append(_Chapter(text.source_path, label, text.part))
    return chapters


def _is_plain(chapters: Sequence[_Chapter]) -> bool:
    paths = [chapter.path for chapter in chapters]
    return paths == sorted(paths, key=natural) and not any(chapter.part for chapter in chapters)


def _sidebar(old: str, path: str, chapters: Sequence[_Chapter], gone: set[str]) -> str:
    """The sidebar as it was, or written anew where the course's chapters are others by now."""
    entries = [(_place(entry, path), entry) for entry in read_entries(old)]
    wanted = {chapter.path: chapter.part for chapter in chapters}
    parts: dict[str, str] = {}
    for place, entry in entries:
        if place in wanted:
            parts.setdefault(place, entry.part)
    if list(parts.items()) == list(wanted.items()) and not gone & {place for place, _ in entries}:
        return old
    return _new_sidebar(entries, path, chapters, gone)


def _new_sidebar(
    entries: Sequence[tuple[str, Entry]], path: str, chapters: Sequence[_Chapter], gone: set[str]
) -> str:
    wanted = {chapter.path for chapter in chapters}
    labels = {place: entry.label for place, entry in reversed(entries)}
    behind: dict[str, list[Entry]] = {}  # what leads to no chapter stays behind the one it stood behind
    before = ""
    for place, entry in entries:
        if place in wanted:
            before = place
        elif place not in gone:
            behind.setdefault(before, []).append(entry)
    lines = [_line(entry.label, entry.address, "") for entry in behind.get("", [])]
    part = ""
    for chapter in chapters:
        if chapter.part and chapter.part != part:
            lines.append(f"- {chapter.part}")
        part = chapter.part
        address = posixpath.relpath(chapter.path, posixpath.dirname(path) or ".")
        lines.append(_line(labels.get(chapter.path, chapter.label), address, part))
        lines += [_line(entry.label, entry.address, part) for entry in behind.get(chapter.path, [])]
    return "\n".join(lines) + "\n"


def _line(label: str, address: str, part: str) -> str:
    return f"{'  ' if part else ''}- [{label}]({address})"


def _place(entry: Entry, sidebar: str) -> str:
    """The file an entry leads to, as the import understands it; "" for an address elsewhere."""
    if is_elsewhere(entry.address):
        return ""
    try:
        path = resolve(entry.address, source=sidebar).path
    except ValueError:
        return ""
    return as_markdown(path, {f"{path}.md"} if not path.endswith(".md") else {path})


# --- course.toml ----------------------------------------------------------------------------------


def _course_file(course: Course, texts: Mapping[str, str]) -> dict[str, str]:
    """The file with, before all it says, what an operator set and it says nothing of."""
    text = texts.get(COURSE_FILE, "")
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}  # the import has told its author
    usual = Course()
    lines = [
        f"{name} = {_toml(getattr(course, name))}\n"
        for name in ("image", "packages", "code_policy")
        if name not in said and getattr(course, name) != getattr(usual, name)
    ]
    return {COURSE_FILE: "".join(lines) + text} if lines else {}


def _toml(value: str) -> str:
    """A field's value as course.toml has it: packages, one a line, are a list there."""
    if "==" in value:
        return json.dumps([line.strip() for line in value.splitlines() if line.strip()])
    return json.dumps(value)
