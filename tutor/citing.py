"""Citations in an answer, such as [[course:1.2#the-loop]]: only of sections that the model was given.

A model makes ids up as it makes up everything else. Those are taken out before anybody sees them. In code,
double brackets are lists, and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tutor.sections import Section

_ID_LIMIT = 500  # characters
_PIECE = re.compile(r"`+|\n|\[\[|[^`\n\[]+|\[")
_CITED = re.compile(r"\[\[([^\[\]\n]{1,500})\]\]")
_NUMBERS = re.compile(r"[\d\s.,+\-*/]*")  # a matrix in the text
_FENCE = 3


class Citations:
    """Filters an answer as it streams. What may still become a citation is held back."""

    def __init__(self, sections: Mapping[str, Section]) -> None:
        self.cited: list[Section] = []  # each once, in the order they were cited
        self._sections = sections
        self._held = ""
        self._fence = ""  # the backticks that will end the code we are in

    def feed(self, text: str) -> str:
        """What of the answer so far can be shown now."""
        self._held += text
        return "".join(self._settled(is_end=False))

    def end(self) -> str:
        """The rest."""
        return "".join(self._settled(is_end=True))

    def _settled(self, *, is_end: bool) -> Iterator[str]:
        at = 0
        while match := _PIECE.match(self._held, at):
            piece, rest = match[0], self._held[match.end() :]
            if not is_end and not rest and piece[0] in "`[":
                break  # it may go on
            if piece == "[[" and not self._fence:
                cited = _CITED.match(self._held, at)
                if cited:
                    at = cited.end()
                    yield self._judged(cited[1])
                    continue
                if not is_end and self._may_become_one(at):
                    break
            elif piece[0] == "`":
                self._note_code(piece)
            elif piece == "\n" and len(self._fence) < _FENCE:
                self._fence = ""  # code within a line ends with it
            at = match.end()
            yield piece
        self._held = self._held[at:]

    def _may_become_one(self, at: int) -> bool:
        rest = self._held[at + 2 :]
        return len(rest) < _ID_LIMIT and not re.search(r"\n|\[|\][^\]]", rest)

    def _note_code(self, ticks: str) -> None:
        if not self._fence:
            self._fence = ticks
        elif len(ticks) >= len(self._fence):
            self._fence = ""

    def _judged(self, name: str) -> str:
        section = self._sections.get(name.strip())
        if section is None:
            return f"[[{name}]]" if _NUMBERS.fullmatch(name) else ""
        if section not in self.cited:
            self.cited.append(section)
        return f"[[{section.id}]]"


def cited_in(text: str) -> Iterator[tuple[str, str]]:
    """A text that went through `Citations`, in pieces of ("text", …) and ("cited", id). Code stays text."""
    code, at = "", 0
    for match in re.finditer(r"`+|\n|\[\[([^\[\]\n]{1,500})\]\]", text):
        if match[0][0] == "`":
            code = match[0] if not code else "" if len(match[0]) >= len(code) else code
        elif match[0] == "\n":
            code = code if len(code) >= _FENCE else ""
        elif not code and not _NUMBERS.fullmatch(match[1]):
            yield "text", text[at : match.start()]
            yield "cited", match[1]
            at = match.end()
    yield "text", text[at:]
