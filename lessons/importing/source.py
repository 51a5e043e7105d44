"""Read a course's files into editions, chapters and sections. No row is read or written here.

A file that cannot be used becomes a chapter marked unreadable, so that what was imported from it before
is known to be kept, and a problem that says where and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import get_supported_language_variant

from lessons.importing import markdown
from lessons.importing.addresses import README, as_markdown, comparable, image_path, is_elsewhere, resolve
from lessons.importing.course_file import COURSE_FILE, read_course_file
from lessons.importing.exercises import ExerciseFiles, read_exercises
from lessons.importing.folder import CourseFolder, Unreadable
from lessons.importing.numbering import plain_title, split_number
from lessons.importing.problems import NoCourse, Problem
from lessons.importing.scripts import ScriptFiles, read_scripts
from lessons.importing.sidebar import Entry, read_entries

_SIDEBAR = re.compile(
    r"^_sidebar(?:[_.-](?P<language>[A-Za-z]{2,3}(?:[_-][A-Za-z]{2,8})?))?\.md$", re.IGNORECASE
)
_COURSE_TITLE_LIMIT = 200  # characters, as the database keeps them
_PATH_LIMIT = 500
_HAN_SHARE = 0.3  # of characters and Latin words together, above which a text counts as Chinese


@dataclass(frozen=True, kw_only=True)
class Section:
    """A slice of a file, byte for byte, from its heading line on. `line` counts from 1."""

    number: str
    title: str
    markdown: str
    path: str
    line: int
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A chapter file: what stands before its first section, then its sections.

    `entry_path` and `entry_line` say where the course lists it. Without an overview the file could not be
    read, and number and title are those of the listing.
    """

    path: str
    number: str
    title: str
    entry_path: str
    entry_line: int
    overview: Section | None = None
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Edition:
    """The course in one language."""

    language: str
    title: str
    description: str
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class Figure:
    """An image file that lessons show, and where it is first asked for."""

    path: str
    user: str
    line: int


@dataclass(frozen=True)
class KeptFile:
    """A file to be kept for an export: the text that no other row has, and whether it begins with a BOM."""

    path: str
    text: str
    has_bom: bool
    language: str = ""  # of a sidebar


@dataclass(frozen=True)
class CourseSource:
    """All that a course folder says. The first edition is the course's own language."""

    folder: CourseFolder
    editions: tuple[Edition, ...]
    figures: tuple[Figure, ...]
    problems: tuple[Problem, ...]
    settings: Mapping[str, Any]  # fields of `Course` that course.toml sets
    scripts: ScriptFiles
    exercises: ExerciseFiles
    kept: tuple[KeptFile, ...]


def read_course(root: Path, *, language: str | None = None) -> CourseSource:
    """Read the course in a folder: its sidebars, or without any all its Markdown files in order of names.

    `language` is that of the sidebar whose name does not say, or of the plain folder; by default it is
    told from the text. Raises NoCourse.
    """
    if not root.is_dir():
        raise NoCourse(
            f"{root} is not a folder. Give the folder that holds _sidebar.md or the Markdown files."
        )
    reader = _Reader(CourseFolder(root))
    if reader.sidebars():
        editions = reader.read_sidebars(language)
    elif reader.nested_course():
        raise NoCourse(f"{root} is no course, but holds one.{reader.nested_course()}")
    else:
        editions = reader.read_plain_folder(language)
    if not any(chapter.overview for edition in editions for chapter in edition.chapters):
        reasons = "".join(f"\n  {problem}" for problem in reader.problems)
        raise NoCourse(
            f"{root} holds no course: no chapter can be read.{reader.nested_course()} "
            f"Give a folder with a _sidebar.md that links to Markdown files, or with Markdown files.{reasons}"
        )
    figures = reader.check_references(editions)
    course_settings, faults = read_course_file(reader.folder)
    scripts = read_scripts(reader.folder)
    exercises = read_exercises(reader.folder, scripts)
    problems = dict.fromkeys([*reader.problems, *faults, *scripts.problems, *exercises.problems])
    return CourseSource(
        reader.folder,
        tuple(editions),
        tuple(figures),
        tuple(problems),
        course_settings,
        scripts,
        exercises,
        tuple(reader.kept_files()),
    )


@dataclass
class _Reader:
    """Collects problems while reading one folder."""

    folder: CourseFolder
    problems: list[Problem] = field(default_factory=list)
    _outlines: dict[str, tuple[list[str], markdown.Outline]] = field(default_factory=dict)
    _whole: dict[str, str] = field(default_factory=dict)  # files kept as they are, with a sidebar's language

    def warn(self, path: str, line: int, what: str, mend: str) -> None:
        self.problems.append(Problem(path, line, what, mend))

    # --- Which editions there are -----------------------------------------------------------------

    def sidebars(self) -> list[tuple[str, str]]:
        """Paths of sidebars with the language code in their name, the plain one first."""
        matches = ((path, _SIDEBAR.match(path)) for path in self.folder.files)
        found = [(path, match["language"] or "") for path, match in matches if match]
        return sorted(found, key=lambda item: (item[1], item[0]))

    def nested_course(self) -> str:
        inner = sorted(path for path in self.folder.files if path.endswith("/_sidebar.md"))
        return f" Is {inner[0].rpartition('/')[0]} inside it meant?" if inner else ""

    def read_sidebars(self, language: str | None) -> list[Edition]:
        editions: dict[str, Edition] = {}
        for path, code in self.sidebars():
            try:
                text = self.folder.read_text(path)
            except Unreadable as error:
                self.problems.append(error.problem)
                continue
            entries = read_entries(text)
            if not entries:
                self.warn(path, 1, "lists no chapter.", "List each chapter as - [Title](path.md).")
                continue
            own = _supported(code) if code else language or _language_of(_words_of(entries))
            if own is None:
                supported = ", ".join(known for known, _ in settings.LANGUAGES)
                self.warn(path, 1, f"is in a language this site lacks ({code}).", f"Use one of {supported}.")
            elif own in editions:
                what = f"is taken for {own}, which another sidebar already is; this one is left out."
                self.warn(
                    path, 1, what, "Name the language in its file name, or give --language for the plain one."
                )
            else:
                editions[own] = self._edition(own, path, entries)
                self._whole[path] = own
        return list(editions.values())

    def _edition(self, language: str, sidebar: str, entries: list[Entry]) -> Edition:
        readme = next(
            (entry for entry in entries if README.match(self._path_of(entry, sidebar, quiet=True))), None
        )
        title, description = self._about(readme, sidebar, language)
        listed: dict[str, int] = {}
        chapters = []
        for entry in entries:
            path = "" if entry is readme or is_elsewhere(entry.address) else self._path_of(entry, sidebar)
            if not path:
                continue
            if path not in listed:
                listed[path] = entry.line
                chapters.append(self._chapter(path, entry, sidebar))
            elif not resolve(entry.address, source=sidebar).fragment:
                what = f"lists {path} again (first in line {listed[path]})."
                self.warn(sidebar, entry.line, what, "Remove one of the entries.")
        return Edition(language=language, title=title, description=description, chapters=tuple(chapters))

    def _path_of(self, entry: Entry, sidebar: str, *, quiet: bool = False) -> str:
        """The file an entry links to, existing or not; "" when it may not be followed."""
        try:
            return as_markdown(resolve(entry.address, source=sidebar).path, self.folder.files)
        except ValueError:
            if not quiet:
                what = f"links to {entry.address}, which is no place inside the course folder; refused."
                self.warn(sidebar, entry.line, what, "Move the file into the course folder.")
            return ""

    def read_plain_folder(self, language: str | None) -> list[Edition]:
        paths = [path for path in self.folder.markdown_files if not path.rpartition("/")[2].startswith("_")]
        readme = next((path for path in paths if "/" not in path and README.match(path)), None)
        entries = [Entry(Path(path).stem, path, "", 1) for path in paths if path != readme]
        chapters = tuple(self._chapter(entry.address, entry, entry.address) for entry in entries)
        texts = "".join(chapter.overview.markdown for chapter in chapters if chapter.overview)
        own = language or _language_of(texts)
        title, description = self._about(
            Entry("", readme, "", 1) if readme else None, readme or "README.md", own
        )
        return [Edition(language=own, title=title, description=description, chapters=chapters)]

    # --- What an edition says ---------------------------------------------------------------------

    def _about(self, readme: Entry | None, sidebar: str, language: str) -> tuple[str, str]:
        """The course's title and description."""
        default = self.folder.root.name.replace("-", " ").replace("_", " ").strip() or language
        path = self._path_of(readme, sidebar, quiet=True) if readme else "README.md"
        label = readme.label if readme else ""
        if path not in self.folder.files:
            if readme:
                self._warn_missing(sidebar, readme.line, path)
            return (label or default)[:_COURSE_TITLE_LIMIT], ""
        try:
            text = self.folder.read_text(path)
        except Unreadable as error:
            self.problems.append(error.problem)
            return (label or default)[:_COURSE_TITLE_LIMIT], ""
        self._whole.setdefault(path, "")
        return (label or _first_title(text) or default)[:_COURSE_TITLE_LIMIT], _first_paragraph(text)

    def _chapter(self, path: str, entry: Entry, listing: str) -> Chapter:
        number, title = split_number(entry.label)
        unread = Chapter(path=path, number=number, title=title, entry_path=listing, entry_line=entry.line)
        if path not in self.folder.files:
            self._warn_missing(listing, entry.line, path)
            return unread
        try:
            text = self.folder.read_text(path)
        except Unreadable as error:
            self.problems.append(error.problem)
            return unread
        if len(path) > _PATH_LIMIT:
            self.warn(listing, entry.line, "links to a path of over 500 characters.", "Shorten it.")
            return unread
        if not text.strip():
            self.warn(path, 1, "is empty.", "Write the chapter; until then the lessons keep what they had.")
            return unread
        return self._read_chapter(text, unread, entry, listing)

    def _warn_missing(self, listing: str, line: int, path: str) -> None:
        hint = self.folder.similar(path)
        self.warn(
            listing,
            line,
            f"links to {path}, which does not exist.",
            f"Add the file or correct the link.{hint}",
        )

    def _read_chapter(self, text: str, listed: Chapter, entry: Entry, listing: str) -> Chapter:
        path = listed.path
        lines = markdown.split_lines(text)
        outline = markdown.outline(lines)
        self._outlines[path] = (lines, outline)
        if outline.unclosed_fence:
            what = "opens a code fence that is never closed; all that follows counts as code."
            self.warn(path, outline.unclosed_fence, what, "Close the fence with as many marks as open it.")
        number, title = self._chapter_title(outline, listed, entry, listing)
        cuts = [heading for heading in outline.headings if heading.level == 2]
        ends = [*(cut.line for cut in cuts), len(lines)][1:]
        sections = []
        for cut, end in zip(cuts, ends, strict=True):
            own_number, own_title = split_number(plain_title(cut.markup))
            if not own_title:
                self.warn(path, cut.line + 1, "is a heading without words.", "Give the section a title.")
            sections.append(
                Section(
                    number=own_number,
                    title=own_title or own_number or "—",
                    markdown="".join(lines[cut.line : end]),
                    path=path,
                    line=cut.line + 1,
                )
            )
        self._warn_duplicate_numbers(sections)
        overview = Section(
            number=number,
            title=title,
            markdown="".join(lines[: cuts[0].line if cuts else None]),
            path=path,
            line=1,
            part=entry.part,
        )
        return Chapter(
            path=path,
            number=number,
            title=title,
            entry_path=listing,
            entry_line=entry.line,
            overview=overview,
            sections=tuple(sections),
        )

    def _chapter_title(
        self, outline: markdown.Outline, listed: Chapter, entry: Entry, listing: str
    ) -> tuple[str, str]:
        """A chapter's number and title: its own heading's; what that lacks, the listing's."""
        heading = next((heading for heading in outline.headings if heading.level == 1), None)
        words = plain_title(heading.markup) if heading else ""
        if not heading or not words:
            self.warn(
                listed.path,
                1,
                f"has no heading of level 1; it is called “{entry.label}”.",
                "Add one: # Title.",
            )
            return listed.number, listed.title
        number, title = split_number(words)
        if listing != listed.path and comparable(words) != comparable(entry.label):
            what = f"says “{entry.label}” where {listed.path} says “{words}”, which is used."
            self.warn(listing, entry.line, what, "Make the two agree.")
        return number or listed.number, title

    def _warn_duplicate_numbers(self, sections: list[Section]) -> None:
        first: dict[str, int] = {}
        for section in sections:
            if section.number and section.number in first:
                what = f"numbers a section {section.number}, as line {first[section.number]} does."
                self.warn(section.path, section.line, what, "Renumber one of them.")
            first.setdefault(section.number, section.line)

    # --- What an export needs ---------------------------------------------------------------------

    def kept_files(self) -> Iterator[KeptFile]:
        """Once everything is read: what of the folder is in no lesson, script or image."""
        whole = dict(self._whole)
        if COURSE_FILE in self.folder.files:
            whole[COURSE_FILE] = ""
        for path, language in whole.items():
            try:
                text = self.folder.read_text(path)
            except Unreadable:
                continue  # reported already
            yield KeptFile(path, text, path in self.folder.with_bom, language)
        for path in sorted(self.folder.with_bom - whole.keys()):
            yield KeptFile(path, "", has_bom=True)

    # --- What lessons link to and show ------------------------------------------------------------

    def check_references(self, editions: list[Edition]) -> list[Figure]:
        """The image files that lessons show; warns of links and images that lead nowhere."""
        figures: dict[str, Figure] = {}
        for path, (lines, outline) in self._outlines.items():
            for reference in markdown.references(lines, outline.hidden):
                if not reference.is_image:
                    self._check_link(path, reference)
                elif figure := self._figure(path, reference):
                    figures.setdefault(figure.path, figure)
        return list(figures.values())

    def _figure(self, path: str, reference: markdown.Reference) -> Figure | None:
        address = reference.address
        if address.startswith("data:"):
            return None
        try:
            found = image_path(address, source=path, files=self.folder.files)
        except ValueError:
            what = f"shows {address}, which is no place inside the course folder; refused."
            self.warn(path, reference.line, what, "Move the image into the course folder.")
            return None
        if found is None:
            what = f"shows {address}, of which the course folder has no file."
            mend = "Add the image to the folder or correct its address."
            self.problems.append(Problem(path, reference.line, what, mend, missing_image=address))
            return None
        return Figure(found, path, reference.line)

    def _check_link(self, path: str, reference: markdown.Reference) -> None:
        address = reference.address
        if is_elsewhere(address):
            return
        try:
            target = resolve(address, source=path)
        except ValueError:
            what = f"links to {address}, which is no place inside the course folder; refused."
            self.warn(path, reference.line, what, "Link to a file of the course.")
            return
        linked = as_markdown(target.path, self.folder.files) if target.path else path
        if linked not in self._outlines and not (README.match(linked) and linked in self.folder.files):
            known = (
                "which is no lesson of the course."
                if linked in self.folder.files
                else "which does not exist."
            )
            mend = (
                f"Correct the link, or give the address of the file on the web.{self.folder.similar(linked)}"
            )
            self.warn(path, reference.line, f"links to {linked}, {known}", mend)
        elif target.fragment and linked in self._outlines and not self._has_heading(linked, target.fragment):
            what = f"links to the heading “{target.fragment}”, which {linked} does not have."
            self.warn(path, reference.line, what, "Correct the part of the link after #.")

    def _has_heading(self, path: str, fragment: str) -> bool:
        lines, outline = self._outlines[path]
        anchors = {comparable(plain_title(heading.markup)) for heading in outline.headings}
        named = any(f'id="{fragment}"' in line or f'name="{fragment}"' in line for line in lines)
        return named or comparable(fragment) in anchors


def _supported(code: str) -> str | None:
    """This site's language for a code in a file name (`zh_CN` → `zh-hans`), or None."""
    try:
        return get_supported_language_variant(code.lower().replace("_", "-"))
    except LookupError:
        return None


def _language_of(text: str) -> str:
    """The site's language that a text is most likely in, told from its script."""
    han = len(re.findall(r"[\u4e00-\u9fff]", text))
    is_chinese = han > _HAN_SHARE * (han + len(re.findall(r"[A-Za-z]+", text)))
    languages = [code for code, _ in settings.LANGUAGES]
    return next((code for code in languages if code.startswith("zh") == is_chinese), settings.LANGUAGE_CODE)


def _words_of(entries: list[Entry]) -> str:
    return " ".join(f"{entry.label} {entry.part}" for entry in entries)


def _first_title(text: str) -> str:
    """A README's title: its first heading of level 1, in Markdown or HTML."""
    html_title = re.search(r"<h1\b[^>]*>(.*?)</h1>", text, re.IGNORECASE | re.DOTALL)
    headings = markdown.outline(markdown.split_lines(text)).headings
    title = next((plain_title(heading.markup) for heading in headings if heading.level == 1), "")
    return title or (plain_title(html_title[1]) if html_title else "")


def _first_paragraph(text: str) -> str:
    """A README's first sentence or so of plain prose, in Markdown or in an HTML paragraph."""
    return next((words for words in _paragraphs(text) if len(words) >= 10), "")


def _paragraphs(text: str) -> Iterator[str]:
    lines = markdown.split_lines(text)
    hidden = markdown.outline(lines).hidden
    prose = "".join("\n" if is_hidden else line for line, is_hidden in zip(lines, hidden, strict=True))
    for block in re.split(r"\n\s*\n", prose):
        for paragraph in re.findall(r"<p\b[^>]*>(.*?)</p>", block, re.IGNORECASE | re.DOTALL):
            yield _words(paragraph)
        if not re.match(r"\s*(?:[#<>|=-]|[*+]\s|\d+[.)]\s|\[?!?\[[^\]]*\]\([^)]*\)\s*$)", block):
            yield _words(block)


def _words(paragraph: str) -> str:
    """A paragraph's words. Unlike a title it may be long, so markup is taken off line by line."""
    return " ".join(plain_title(line) for line in paragraph.splitlines()).strip()
