"""Pieces of a page that Markdown and the sanitiser must not touch, and the words that stand for them.

An author cannot write such a word: it holds a number drawn anew for every page.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """`html` goes into the page; `source` into an attribute or code; `text` is what search reads.

    A `block` stands by itself, not in a paragraph.
    """

    html: str
    source: str
    text: str
    block: bool


class Placeholders:
    """The pieces taken out of one page."""

    def __init__(self) -> None:
        self._word = f"zq{secrets.token_hex(8)}"
        self._pieces: list[Piece] = []
        self._pattern = re.compile(rf"{self._word}n(\d+)z")
        self._alone = re.compile(rf"<p>\s*{self._word}n(\d+)z\s*</p>")

    def put(self, html: str, *, source: str = "", text: str = "", block: bool = False) -> str:
        """Keep a piece; returns the word that stands for it."""
        self._pieces.append(Piece(html, source, text, block))
        return f"{self._word}n{len(self._pieces) - 1}z"

    def unwrap(self, html: str) -> str:
        """The HTML without the paragraphs that hold nothing but a block."""

        def bare(match: re.Match[str]) -> str:
            number = int(match[1])
            return f"{self._word}n{number}z" if self._pieces[number].block else match[0]

        return self._alone.sub(bare, html)

    def html_in(self, html: str) -> str:
        return self._replace(html, lambda piece: piece.html)

    def source_in(self, text: str) -> str:
        return self._replace(text, lambda piece: piece.source)

    def text_in(self, text: str) -> str:
        return self._replace(text, lambda piece: piece.text)

    def _replace(self, text: str, what: Callable[[Piece], str]) -> str:
        if self._word not in text:
            return text
        return self._pattern.sub(lambda match: what(self._pieces[int(match[1])]), text)
