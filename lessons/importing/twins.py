"""Link the editions of a course: which chapter, and which section in it, is the same in every language."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TypeVar

from lessons.importing.problems import Problem
from lessons.importing.similarity import kinship
from lessons.importing.source import Chapter, Edition, Section

T = TypeVar("T")
Key = Callable[[T], Hashable]


@dataclass
class LinkedSection:
    """A section, by language."""

    sections: dict[str, Section]

    @property
    def first(self) -> Section:
        return next(iter(self.sections.values()))

    @property
    def number(self) -> str:
        return self.first.number


@dataclass
class LinkedChapter:
    """A chapter, by language; of an unreadable one only what the sidebar says is known."""

    chapters: dict[str, Chapter]
    sections: list[LinkedSection] = field(default_factory=list)

    @property
    def overviews(self) -> dict[str, Section]:
        """Readable editions of the chapter's own text."""
        return {language: item.overview for language, item in self.chapters.items() if item.overview}

    @property
    def first(self) -> Chapter:
        readable = (chapter for chapter in self.chapters.values() if chapter.overview)
        return next(readable, next(iter(self.chapters.values())))

    @property
    def number(self) -> str:
        return self.first.number


def link_editions(editions: Sequence[Edition]) -> tuple[list[LinkedChapter], list[Problem]]:
    """The chapters of a course in order, each with all its languages, and where editions differ."""
    linked: list[LinkedChapter] = []
    for edition in editions:
        linked = _merge_chapters(linked, edition)
    problems = []
    for chapter in linked:
        for language, item in chapter.chapters.items():
            chapter.sections = _merge_sections(chapter.sections, language, item.sections)
        if len(editions) > 1:
            problems += _differences(chapter, [edition.language for edition in editions])
    return linked, problems


def _merge_chapters(linked: list[LinkedChapter], edition: Edition) -> list[LinkedChapter]:
    def folder(chapter: Chapter) -> str:
        return posixpath.dirname(chapter.path)

    old_chapters = [chapter.first for chapter in linked]
    alone = Counter(map(folder, old_chapters)) | Counter(map(folder, edition.chapters))
    pairs = _pair(
        old_chapters,
        list(edition.chapters),
        keys=[
            lambda chapter: chapter.path,
            lambda chapter: chapter.number and (chapter.number, folder(chapter)),
            lambda chapter: folder(chapter) if alone[folder(chapter)] < 2 else "",
            lambda chapter: chapter.number,
        ],
        text=lambda chapter: chapter.overview.markdown if chapter.overview else "",
    )
    merged = []
    for old, new in pairs:
        chapter = LinkedChapter({}) if old is None else linked[old]
        if new is not None:
            chapter.chapters[edition.language] = edition.chapters[new]
        merged.append(chapter)
    return merged


def _merge_sections(
    linked: list[LinkedSection], language: str, sections: Sequence[Section]
) -> list[LinkedSection]:
    pairs = _pair(
        [section.first for section in linked],
        list(sections),
        keys=[lambda section: section.number],
        text=lambda section: section.markdown,
    )
    merged = []
    for old, new in pairs:
        section = LinkedSection({}) if old is None else linked[old]
        if new is not None:
            section.sections[language] = sections[new]
        merged.append(section)
    return merged


def _pair(
    left: Sequence[T], right: Sequence[T], *, keys: Iterable[Key[T]], text: Callable[[T], str]
) -> list[tuple[int | None, int | None]]:
    """Indexes of the same thing in two lists, in the order of the left; None where one side lacks it.

    First by each key in turn (an empty key is none; the second of several equal ones meets the second),
    then, among what is left between the same neighbours, by order.
    """
    partner: dict[int, int] = {}
    for key in keys:
        partner.update(_pair_by_key(left, right, partner, key))
    partner.update(_pair_by_order(left, right, partner, text))
    return _interleave(len(left), len(right), partner)


def _pair_by_key(
    left: Sequence[T], right: Sequence[T], partner: dict[int, int], key: Key[T]
) -> dict[int, int]:
    taken = set(partner.values())
    waiting: dict[Hashable, list[int]] = {}
    for index, item in enumerate(right):
        if index not in taken:
            waiting.setdefault(key(item), []).append(index)
    found = {}
    for index, item in enumerate(left):
        if index not in partner and key(item) and waiting.get(key(item)):
            found[index] = waiting[key(item)].pop(0)
    return found


def _pair_by_order(
    left: Sequence[T], right: Sequence[T], partner: dict[int, int], text: Callable[[T], str]
) -> dict[int, int]:
    gaps_left = _gaps(len(left), set(partner))
    gaps_right = _gaps(len(right), set(partner.values()))
    found: dict[int, int] = {}
    for ours, theirs in zip_longest(gaps_left, gaps_right, fillvalue=()):
        if len(ours) == len(theirs):
            found.update(zip(ours, theirs, strict=True))
        elif len(ours) < len(theirs):
            found.update(
                _best_in_order([text(left[i]) for i in ours], [text(right[i]) for i in theirs], ours, theirs)
            )
        else:
            turned = _best_in_order(
                [text(right[i]) for i in theirs], [text(left[i]) for i in ours], theirs, ours
            )
            found.update({ours_index: index for index, ours_index in turned.items()})
    return found


def _gaps(length: int, taken: set[int]) -> list[tuple[int, ...]]:
    """Untaken indexes, grouped by how many taken ones come before."""
    gaps: list[list[int]] = [[]]
    for index in range(length):
        if index in taken:
            gaps.append([])
        else:
            gaps[-1].append(index)
    return [tuple(gap) for gap in gaps]


def _best_in_order(
    few: Sequence[str], many: Sequence[str], few_indexes: Sequence[int], many_indexes: Sequence[int]
) -> dict[int, int]:
    """Give each of the few its likeliest counterpart among the many, keeping the order of both."""
    # best[i][j]: the greatest total kinship of the first i of the few within the first j of the many.
    best = [[0.0] * (len(many) + 1) for _ in range(len(few) + 1)]
    for i in range(1, len(few) + 1):
        best[i][:i] = [float("-inf")] * i
        for j in range(i, len(many) + 1):
            best[i][j] = max(best[i][j - 1], best[i - 1][j - 1] + kinship(few[i - 1], many[j - 1]))
    pairs = {}
    i, j = len(few), len(many)
    while i:
        if j > i and best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs[few_indexes[i]] = many_indexes[j]
    return pairs


def _interleave(left: int, right: int, partner: dict[int, int]) -> list[tuple[int | None, int | None]]:
    """All indexes in the left's order; what only the right has follows its right-hand predecessor."""
    order: list[tuple[int | None, int | None]] = [(index, partner.get(index)) for index in range(left)]
    place = {new: at for at, (_, new) in enumerate(order) if new is not None}
    for index in range(right):
        if index not in place:
            at = place[index - 1] + 1 if index else 0
            order.insert(at, (None, index))
            place = {new: at for at, (_, new) in enumerate(order) if new is not None}
    return order


def _differences(chapter: LinkedChapter, languages: Sequence[str]) -> list[Problem]:
    """What one edition of a chapter has and another lacks. Unreadable files have been reported already."""
    problems = []
    item = chapter.first
    for language in languages:
        if language not in chapter.chapters:
            what = f"lists {item.path}, which has no counterpart in {language}."
            mend = f"Add the chapter to the {language} sidebar, at the same place."
            problems.append(Problem(item.entry_path, item.entry_line, what, mend))
    if len(chapter.overviews) < 2:
        return problems
    for linked in chapter.sections:
        problems += _section_differences(linked, list(chapter.overviews))
    return problems


def _section_differences(linked: LinkedSection, languages: Sequence[str]) -> list[Problem]:
    first = linked.first
    name = f"{first.number} {first.title}".strip()
    problems = []
    for language in languages:
        twin = linked.sections.get(language)
        if twin is None:
            what = f"has the section “{name}”, which the {language} file lacks."
            mend = "Give both files the same sections in the same order."
            problems.append(Problem(first.path, first.line, what, mend))
        elif twin.number != first.number:
            own = f"{twin.number} {twin.title}".strip()
            what = f"calls a section “{own}”; its twin in {first.path}:{first.line} is “{name}”."
            problems.append(Problem(twin.path, twin.line, what, "Number both alike."))
    return problems
