"""A page put together: the steps from Markdown to HTML, in order."""

from __future__ import annotations

import re
from html import unescape

from django.utils import translation
from django.utils.translation import gettext as _

from lessons.fences import Fence
from lessons.listings import Listing, extract
from lessons.rendering import blocks, spans
from lessons.rendering.code import code_html, listing_html
from lessons.rendering.dialect import html_of
from lessons.rendering.formulas import FormulaError, formula_error_html, formula_html
from lessons.rendering.headings import Anchors
from lessons.rendering.placeholders import Placeholders
from lessons.rendering.records import Heading, Rendered, Resolver
from lessons.rendering.references import References
from lessons.rendering.sanitising import sanitised
from lessons.rendering.tags import BLOCK, Tag

CHINESE_CHARACTERS_A_MINUTE = 300
WORDS_A_MINUTE = 200
CODE_LINES_A_MINUTE = 60  # skimmed at first reading

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HEADING = re.compile(r"<h(?P<level>[1-6])>(?P<inner>.*?)</h(?P=level)>\s*", re.DOTALL)
_ID = re.compile(r'(?<=[\w"]) id="[^"<>]*"(?=[^<>]*>)')
_MARKUP = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"[ \t]*\n\s*")
_SUMMARY = re.compile(r"<summary>\s*<p>((?:(?!</?p>).)*)</p>\s*</summary>", re.DOTALL)
_CALLOUT_TITLE = re.compile(
    r'(?<=<p class="admonition-title">)(?:Note|Tip|Important|Warning|Caution|Danger)(?=</p>)'
)
_TASK = re.compile(r"(<li>\s*(?:<p>)?)\[([ xX])\] ")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z0-9]+(?:['’.-][A-Za-z0-9]+)*")
_BLOCK_END = re.compile(r"</(?:p|li|h[1-6]|td|th|div|pre|summary|dt|dd)>|<br>")
_BETWEEN_CHINESE = re.compile(
    r"(?<=[\u3000-\u303f\u3400-\u9fff\uff00-\uffef])\n(?=[\u3000-\u303f\u3400-\u9fff\uff00-\uffef])"
)


def render(markdown: str, *, resolver: Resolver, language: str) -> Rendered:
    """Render a lesson. Never raises for what an author wrote.

    `language` is the text's own; buttons and titles this program adds are in it.
    """
    with translation.override(language):
        return _Page(resolver).rendered(_cleaned(markdown))


def render_part(markdown: str, *, resolver: Resolver, language: str) -> str:
    """Safe HTML of a text inside a page, such as an answer: no title, no listings, no ids, small headings."""
    with translation.override(language):
        return _Page(resolver).part(_cleaned(markdown))


def _cleaned(markdown: str) -> str:
    return _CONTROL.sub("", markdown.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))


class _Page:
    """One rendering: what was taken out of the text, and what is noted on the way."""

    def __init__(self, resolver: Resolver) -> None:
        self._made = Placeholders()  # by this program: goes in after sanitising
        self._tags = Placeholders()  # the author's: goes in before
        self._anchors = Anchors()
        self._references = References(resolver, self._anchors)
        self._listings: dict[int, Listing] = {}
        self._headings: list[Heading] = []
        self._formula_errors: list[str] = []
        self._code_lines = 0

    def rendered(self, markdown: str) -> Rendered:
        self._listings = {listing.line: listing for listing in extract(markdown)}
        html = self._with_headings(self._sanitised(markdown))
        html = self._references.resolved(html)
        html = _with_callout_titles(_with_wide_tables(_with_tasks(html)))
        words = self._plain_text(html)
        prose = self._plain_prose(html)
        return Rendered(
            html=self._made.html_in(self._made.unwrap(html)).strip(),
            headings=tuple(self._headings),
            text=words,
            reading_minutes=self._reading_minutes(prose),
            dead_links=tuple(self._references.dead_links),
            missing_images=tuple(self._references.missing_images),
            math_errors=tuple(self._formula_errors),
        )

    def part(self, markdown: str) -> str:
        html = _HEADING.sub(_small_heading, _ID.sub("", self._sanitised(markdown)))
        html = _with_callout_titles(_with_wide_tables(_with_tasks(self._references.resolved(html))))
        return self._made.html_in(self._made.unwrap(html)).strip()

    def _sanitised(self, markdown: str) -> str:
        text = blocks.arranged(markdown, keep_code=self._keep_code, keep_tag=self._keep_tag)
        text = spans.taken_out(text, keep_formula=self._keep_formula, keep_tag=self._keep_tag)
        html = self._with_tags(html_of(_BETWEEN_CHINESE.sub("", text)))
        return sanitised(html, plain=self._made.source_in)

    # --- What is taken out of the text ---

    def _keep_code(self, fence: Fence) -> str:
        listing = self._listings.get(fence.line + 1) if fence.line else None
        self._code_lines += fence.code.count("\n")
        if listing:
            html = listing_html(listing)
        elif fence.language == "math":
            return self._keep_formula(fence.code.strip(), True)
        else:
            html = code_html(fence.code, fence.language)
        return self._made.put(html, source=fence.code, text=f"\n{fence.code}", block=True)

    def _keep_formula(self, latex: str, display: bool) -> str:
        try:
            html = formula_html(latex, display=display)
        except FormulaError:
            self._formula_errors.append(latex)
            html = formula_error_html(latex)
        marks = "$$" if display else "$"
        return self._made.put(html, source=f"{marks}{latex}{marks}", text=latex)

    def _keep_tag(self, tag: Tag) -> str:
        return self._tags.put(tag.html(), source=tag.source, block=tag.name in BLOCK)

    def _with_tags(self, html: str) -> str:
        return _SUMMARY.sub(r"<summary>\1</summary>", self._tags.html_in(self._tags.unwrap(html)))

    # --- What is done to the page ---

    def _with_headings(self, html: str) -> str:
        """Give headings their ids and levels; the lesson's own title is left to the page."""
        title = _HEADING.search(html)
        above = 1
        if title and (title["level"] == "1" or not html[: title.start()].strip()):
            html = html[: title.start()] + html[title.end() :]
            above = int(title["level"])

        def heading(match: re.Match[str]) -> str:
            words = " ".join(self._words(match["inner"]).split())
            level = min(6, max(2, int(match["level"]) - above + 1))
            self._headings.append(Heading(level, words, self._anchors.give(words)))
            return f'<h{level} id="{self._headings[-1].anchor}">{match["inner"]}</h{level}>\n'

        return _HEADING.sub(heading, html)

    def _words(self, html: str) -> str:
        return self._made.text_in(unescape(_MARKUP.sub("", html)))

    def _plain_text(self, html: str) -> str:
        return _SPACE.sub("\n", self._words(_BLOCK_END.sub("\n", html))).strip()

    def _plain_prose(self, html: str) -> str:
        return unescape(_MARKUP.sub(" ", html))

    def _reading_minutes(self, prose: str) -> int:
        minutes = (
            len(_CHINESE.findall(prose)) / CHINESE_CHARACTERS_A_MINUTE
            + len(_WORD.findall(prose)) / WORDS_A_MINUTE
            + self._code_lines / CODE_LINES_A_MINUTE
        )
        return max(1, round(minutes))


def _small_heading(match: re.Match[str]) -> str:
    level = min(6, int(match["level"]) + 2)
    return f"<h{level}>{match['inner']}</h{level}>\n"


def _with_tasks(html: str) -> str:
    def box(match: re.Match[str]) -> str:
        done = match[2] != " "
        label = _("done") if done else _("to do")
        checked = " checked" if done else ""
        return f'{match[1]}<input type="checkbox" class="task" disabled{checked} aria-label="{label}"> '

    return _TASK.sub(box, html)


def _with_callout_titles(html: str) -> str:
    """The titles of callouts that have no title of their author's, in the reader's language."""
    titles = {
        "Note": _("Note"),
        "Tip": _("Tip"),
        "Important": _("Important"),
        "Warning": _("Warning"),
        "Caution": _("Caution"),
        "Danger": _("Danger"),
    }
    return _CALLOUT_TITLE.sub(lambda match: titles[match[0]], html)


def _with_wide_tables(html: str) -> str:
    """Let a table that is wider than the text scroll by itself."""
    html = re.sub(r' align="(left|center|right)"', r' class="align-\1"', html)
    return html.replace("<table", '<div class="table-scroll" tabindex="0"><table').replace(
        "</table>", "</table></div>"
    )
