"""Find sections of lessons: the database says which match, this module in which order they are shown.

The order is nearly the same on both databases: sections with all the words before those with some, the
reader's language before others, and within that by where the words stand: heading, lesson's title, text;
together or apart. The database's own score only tells sections apart that are alike in this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import override

from lessons.lesson_ids import lesson_id
from lessons.models import Course, Lesson, LessonText, Section
from lessons.search.fulltext import Wanted, all_of, any_of, best_matches
from lessons.search.tokens import LONGEST_WORD, MOST_TERMS, is_cjk, plain, query_terms, runs

MOST_FOUND = 100  # sections; who has not found it by then asks otherwise
_ENOUGH = 40  # with all the words; with fewer, those with some of them follow
LONGEST_QUERY = 200  # characters
SNIPPET = 160  # characters
_BEFORE = 40  # of them before the first word that was found
_PLACES = 60  # of found words that are looked at for a snippet
# Words of questions that say nothing of what is asked; without them, "some of the words" would be anything.
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be but by can could do does for from had has have how i if in into is it its me
        my of on or should so that the their then there they this to was we what when where which who why will
        with would you your 什么 怎么 如何 么样 怎样 为什 是什 一个 这个 那个 可以 的是 哪些 请问 我的""",
    )
)
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class SectionHit:
    """A section that was found. `url` leads to its heading; the HTML is safe, with found words in <mark>."""

    section_id: str  # stable while the lesson keeps its number and the section its heading
    lesson: Lesson
    title: str  # of the lesson
    chapter: str  # the title of the lesson's chapter in the same language; "" where it has none
    heading: str  # the lesson's title at its beginning
    anchor: str
    language: str
    url: str
    heading_html: SafeString
    snippet_html: SafeString
    rank: float
    has_all_words: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """A stretch of what was found; `total` counts all of it, up to MOST_FOUND."""

    total: int
    hits: Sequence[SectionHit]


@dataclass(frozen=True)
class _Query:
    """A query as it is looked for in texts."""

    text: str
    terms: Sequence[str]

    @classmethod
    def read(cls, text: str) -> _Query:
        text = text.replace("\x00", " ")[:LONGEST_QUERY]
        return cls(plain(text), query_terms(text))

    @property
    def telling_terms(self) -> Sequence[str]:
        """Its words without those that every question has, if any others are left."""
        return [term for term in self.terms if term not in _EMPTY_WORDS] or self.terms

    def marks_in(self, text: str) -> re.Pattern[str]:
        """What is marked there: the whole query, its words, of a run of Chinese what stands there of it."""
        words = chain.from_iterable(
            _pieces(run, text) if is_cjk(run) else [run] for run in runs(self.text)[:MOST_TERMS]
        )
        telling = sorted({word for word in words if word not in _EMPTY_WORDS}, key=len, reverse=True)
        return re.compile("|".join(map(_mark, [self.text, *telling])), re.IGNORECASE)


def find_sections(
    query: str, *, language: str, course: Course | None = None, limit: int = 20
) -> list[SectionHit]:
    """The best sections for a query, those in `language` first; fewer or none when little matches."""
    return list(search(query, language=language, course=course, limit=limit).hits)


def search(
    query: str,
    *,
    language: str,
    course: Course | None = None,
    only_language: str | None = None,
    first: int = 0,
    limit: int = 20,
) -> Found:
    """A stretch of the sections for a query, for a reader of `language`."""
    asked = _Query.read(query)
    if not asked.terms:
        return Found(total=0, hits=[])
    ranked = _ranked(asked, _readable(course, only_language), language)
    shown = ranked[first : first + limit]
    return Found(total=len(ranked), hits=_hits(shown, asked, language))


def sections_named(section_ids: Iterable[str], *, language: str) -> dict[str, Section]:
    """Section id → the section, for those ids that there are; in `language` where it has that id there."""
    wanted = {section_id: _parts(section_id) for section_id in section_ids}
    condition = Q(pk=None)
    for slug, name, anchor in filter(None, wanted.values()):
        condition |= Q(text__lesson__course__slug=slug, anchor=anchor) & _called(name)
    rows = (
        _readable(None, None)
        .filter(condition)
        .select_related("text__lesson__course", "text__lesson__parent")
        .defer("heading_words", "title_words", "body_words", "text__markdown")
    )
    found: dict[str, Section] = {}
    for section in sorted(rows, key=lambda each: each.text.language != language):
        found.setdefault(section_id(section), section)
    return {each: found[each] for each in wanted if each in found}


def section_id(section: Section) -> str:
    """`course-slug:4.2#anchor`, the same in each language where headings are."""
    lesson = lesson_id(section.text.lesson, default=None)
    return f"{lesson}#{section.anchor}" if section.anchor else lesson


def _parts(section_id: str) -> tuple[str, str, str] | None:
    if len(section_id) > 800 or "\x00" in section_id:
        return None
    lesson, _, anchor = section_id.partition("#")
    slug, colon, name = lesson.partition(":")
    return (slug, name, anchor) if colon and name else None


def _called(name: str) -> Q:
    chapter, dot, slug = name.partition(".")
    by_slug = (
        Q(text__lesson__parent__slug=chapter, text__lesson__slug=slug)
        if dot
        else Q(text__lesson__parent=None, text__lesson__slug=name)
    )
    return Q(text__lesson__number=name) | by_slug & Q(text__lesson__number="")


def _readable(course: Course | None, language: str | None) -> QuerySet[Section]:
    lessons = Lesson.objects.published()
    if course:
        lessons = lessons.filter(course=course)
    sections = Section.objects.filter(text__lesson__in=lessons)
    return sections.filter(text__language=language) if language else sections


# --- Order ---


@dataclass(frozen=True)
class _Ranked:
    """A section in its order, before it is known whether it is shown."""

    pk: int
    language: str
    rank: float
    has_all_words: bool


def _ranked(asked: _Query, rows: QuerySet[Section], language: str) -> list[_Ranked]:
    """At most MOST_FOUND sections, best first."""
    scores = _best(rows, all_of(asked.terms), language, MOST_FOUND)
    whole = set(scores)
    if len(asked.terms) > 1 and len(whole) < _ENOUGH:
        # Those with all the words are in it once more and stay what they are.
        scores = _best(rows, any_of(asked.telling_terms), language, _ENOUGH) | scores
    best = max(scores.values(), default=1.0) or 1.0
    texts = Section.objects.filter(pk__in=scores).values_list(
        "pk", "text__language", "text__lesson__number", "text__title", "heading", "body"
    )
    ranked = [
        _Ranked(pk, written, _rank(asked, f"{number} {title}", heading, body, scores[pk] / best), pk in whole)
        for pk, written, number, title, heading, body in texts
    ]
    return sorted(
        ranked, key=lambda each: (not each.has_all_words, each.language != language, -each.rank, each.pk)
    )


def _best(rows: QuerySet[Section], wanted: Wanted, language: str, most: int) -> dict[int, float]:
    """Those in the reader's language before those in others, however well these match."""
    scores = best_matches(rows.filter(text__language=language), wanted, most=most)
    if len(scores) < most:
        scores |= best_matches(rows.exclude(text__language=language), wanted, most=most - len(scores))
    return scores


def _rank(asked: _Query, title: str, heading: str, body: str, score: float) -> float:
    """`score` is the database's, as a share of the best. A text counts less than the names it has."""
    title, heading = plain(title), plain(heading)
    body = body.lower().replace("-", " ").replace("_", " ")  # a quicker `plain`, for a long text
    terms = asked.telling_terms
    present = sum(term in body or term in heading or term in title for term in terms)
    return (
        60 * _share(asked, heading or title)
        + 30 * _share(asked, title)
        + (0 if heading else 5)  # where a lesson begins
        + min(20, 10 * body.count(asked.text))
        + 30 * present / len(terms)
        + 10 * score
    )


def _share(asked: _Query, name: str) -> float:
    """How much of a heading or title a query is: 1 when it is all of it, 0 when nothing of it is there."""
    if asked.text in name:
        return 0.5 + 0.5 * len(asked.text) / len(name)
    terms = asked.telling_terms
    return 0.35 * sum(term in name for term in terms) / len(terms)


# --- What is shown ---


def _hits(shown: Sequence[_Ranked], asked: _Query, language: str) -> list[SectionHit]:
    sections = (
        Section.objects.select_related("text__lesson__course", "text__lesson__parent")
        .defer("heading_words", "title_words", "body_words", "text__markdown")
        .in_bulk([each.pk for each in shown])
    )
    lessons = [section.text.lesson for section in sections.values()]
    texts = LessonText.objects.filter(
        lesson__in={key for each in lessons for key in (each.pk, each.parent_id)}
    )
    titles: dict[tuple[int | None, str], str] = {
        (key, written): title for key, written, title in texts.values_list("lesson", "language", "title")
    }

    def hit(ranked: _Ranked) -> SectionHit:
        section = sections[ranked.pk]
        text = section.text
        heading = section.heading or text.title
        marks = asked.marks_in(f"{heading}\n{section.body}")
        return SectionHit(
            section_id=section_id(section),
            lesson=text.lesson,
            title=text.title,
            chapter=titles.get((text.lesson.parent_id, text.language), ""),
            heading=heading,
            anchor=section.anchor,
            language=text.language,
            # A lesson that is in the reader's language, too, shows that text, which has other headings.
            url=section_url(
                section, language=text.language if (text.lesson_id, language) in titles else language
            ),
            heading_html=_marked(heading, marks),
            snippet_html=_snippet(section.body, marks),
            rank=ranked.rank,
            has_all_words=ranked.has_all_words,
        )

    return [hit(each) for each in shown]


def section_url(section: Section, *, language: str) -> str:
    """The section's heading on the lesson's page in this language."""
    with override(language):
        url = section.text.lesson.get_absolute_url()
    return f"{url}#{quote(section.anchor)}" if section.anchor else url


def _snippet(body: str, marks: re.Pattern[str]) -> SafeString:
    """The stretch of a text that holds the most of what was asked for."""
    places = [(found.start(), found[0].lower()) for found in islice(marks.finditer(body), _PLACES)]
    start, most = 0, 0
    for at, (begin, _) in enumerate(places):
        inside = {word for place, word in places[at : at + 8] if place < begin + SNIPPET - _BEFORE}
        if len(inside) > most:
            start, most = begin, len(inside)
    start = _word_start(body, max(0, start - _BEFORE))
    end = _word_end(body, start + SNIPPET)
    before, after = "… " if start else "", " …" if end < len(body) else ""
    text = _SPACE.sub(" ", body[start:end]).strip()
    return mark_safe(f"{before}{_marked(text, marks)}{after}")  # noqa: S308 - escaped there


def _word_start(text: str, at: int) -> int:
    """The beginning of a word close to here."""
    space = text.find(" ", at, at + 15)
    return at if at == 0 or space < 0 else space + 1


def _word_end(text: str, at: int) -> int:
    space = text.rfind(" ", at - 15, at)
    return len(text) if at >= len(text) else at if space < 0 else space


def _marked(text: str, marks: re.Pattern[str]) -> SafeString:
    pieces, at = [], 0
    for found in marks.finditer(text):
        pieces += [escape(text[at : found.start()]), "<mark>", escape(found[0]), "</mark>"]
        at = found.end()
    return mark_safe("".join(map(str, chain(pieces, [escape(text[at:])]))))  # noqa: S308 - escaped piece by piece


def _pieces(run: str, text: str) -> list[str]:
    """The longest pieces of a run of Chinese that stand in a text; none that is only part of another."""
    run = run[: MOST_TERMS + 1]
    found: list[str] = []
    for length in range(len(run), min(len(run), 2) - 1, -1):
        for at in range(len(run) - length + 1):
            piece = run[at : at + length]
            if piece in text and not any(piece in longer for longer in found):
                found.append(piece)
    return found


def _mark(word: str) -> str:
    """A pattern for one thing to mark: of words in letters also what follows, "call" in "calling"."""
    pattern = re.escape(word[:LONGEST_WORD]).replace(r"\ ", r"[\s_-]+")
    return pattern if is_cjk(word) else rf"(?<![^\W_]){pattern}"
