"""Markdown as lessons use it: Python-Markdown, its extensions and this site's own inline rules."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from django.utils.translation import gettext as _
from markdown import Extension, Markdown
from markdown.extensions.admonition import AdmonitionExtension
from markdown.extensions.footnotes import FootnoteExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.inlinepatterns import InlineProcessor
from pymdownx.quotes import QuotesExtension
from pymdownx.tilde import DeleteSubExtension

# Ends before Chinese text and before a placeholder ("zq", sixteen digits of base 16); may follow one ("z").
_ADDRESS = r"(?<![A-Za-y0-9_/])(https?://(?:(?!zq[0-9a-f]{16}n\d)[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%])+)"
_TRAILING = ".,;:!?'*_"
# Chinese has no spaces that the end of a line could stand for.
_CHINESE = r"\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_JOINT = (
    rf"(?:(?<=[{_CHINESE}])|(?<=[{_CHINESE}][*_])|(?<=[{_CHINESE}][*_]{{2}}))\n(?=[*_]{{0,3}}[{_CHINESE}])"
)


def html_of(text: str) -> str:
    """HTML for text from `blocks` and `spans`. Any `<` still in it is text."""
    return _converter().convert(text)


def _converter() -> Markdown:
    return Markdown(
        output_format="html",
        extensions=[
            AdmonitionExtension(),
            FootnoteExtension(BACKLINK_TITLE=_("Back to the text")),
            QuotesExtension(callouts=True),
            SaneListExtension(),
            TableExtension(use_align_attribute=True),
            DeleteSubExtension(subscript=False),
            _LessonExtension(),
        ],
    )


class _LessonExtension(Extension):
    """No raw HTML, no indented code (both are taken out before); an address is a link by itself."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        md.parser.blockprocessors.deregister("code")
        md.inlinePatterns.register(_Address(_ADDRESS, md), "address", 80)
        md.inlinePatterns.register(_Joint(_JOINT, md), "joint", 70)


class _Address(InlineProcessor):
    """An address in running text."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element | None, int | None, int | None]:  # type: ignore[override]  # noqa: N802 - the library's name
        address = m[1].rstrip(_TRAILING)
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(_TRAILING)
        link = Element("a", href=address)
        link.text = address
        return link, m.start(1), m.start(1) + len(address)


class _Joint(InlineProcessor):
    """The end of a line within a Chinese sentence: the next one goes on without a gap."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: N802 - the library's name
        return "", m.start(0), m.end(0)
