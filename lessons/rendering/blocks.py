"""The block structure of a text, in the form Python-Markdown reads.

Authors write CommonMark: nested lists indented to the text of their item, a list or table right below a
paragraph, Markdown inside `<div>`. Python-Markdown wants four spaces and blank lines. This pass reads the
lines as CommonMark does (https://spec.commonmark.org/0.31.2/), writes them the other way, and leaves a
placeholder where code was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from html import unescape

from lessons.fences import Fence, scan
from lessons.rendering.tags import BLOCK, TAG, VOID, Tag

_ITEM = re.compile(r"(?P<marker>[-*+]|\d{1,9}[.)])(?P<space>[ ]+|$)(?P<rest>.*)")
_RULE = re.compile(r"(?:(?:-[ ]*){3,}|(?:\*[ ]*){3,}|(?:_[ ]*){3,})$")
_HEADING = re.compile(r"#{1,6}(?:[ ]|$)")
_UNDERLINE = re.compile(r"(?:=+|-+)$")
_TABLE_RULE = re.compile(r"\|?[ ]*:?-+:?[ ]*(?:\|[ ]*:?-+:?[ ]*)*\|?$")
_NOTE = re.compile(
    r"(?:\[\^[^\]]+\]:|!!![ ]+\w)"
)  # a footnote's text, an admonition: what is indented belongs to it
_REFERENCE = re.compile(r"\[[^\]^][^\]]*\]:[ ]*\S")
_BLOCK_TAG = re.compile(rf"(?=</?(?:{'|'.join(sorted(BLOCK))})\b)(?:{TAG})", re.IGNORECASE)
_BLOCK_TAG_START = re.compile(rf"</?(?:{'|'.join(sorted(BLOCK))})\b", re.IGNORECASE)
_RAW_HEADING = re.compile(r"<h(?P<level>[1-6])\b[^>]*>(?P<title>.*?)</h(?P=level)>", re.IGNORECASE)
_COMMENT = re.compile(r"^[ ]{0,3}<!--.*?-->[ \t]*$", re.MULTILINE | re.DOTALL)
_PRE = re.compile(r"^[ \t]*<pre\b[^>]*>(?P<code>.*?)</pre>[ \t]*$", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_DEPTH = 20  # lists and quotes nested deeper than anyone reads are not nested further
_FORMULA_LINES = 60  # a `$$` that is not closed within so many lines is text


class _Last(Enum):
    """What the line before was."""

    BLANK = auto()
    PARAGRAPH = auto()
    ITEM = auto()  # a list item's own first paragraph
    BLOCK = auto()


def arranged(markdown: str, *, keep_code: Callable[[Fence], str], keep_tag: Callable[[Tag], str]) -> str:
    """The text with its blocks rearranged; `keep_code` and `keep_tag` give the placeholders."""
    lines = markdown.split("\n")
    kept: list[str] = []
    words: set[str] = set()

    def keep(fence: Fence) -> str:
        word = keep_code(fence)
        words.add(word)
        return word

    at = 0
    for fence in scan(markdown):
        kept += [*lines[at : fence.line - 1], fence.prefix + keep(fence)]
        at = fence.end - 1
    text = _COMMENT.sub("", "\n".join([*kept, *lines[at:]]))
    text = _PRE.sub(lambda match: keep(_preformatted(match["code"])), text)
    return "\n".join(_Arrangement(text.split("\n"), words, keep, keep_tag).run())


def _preformatted(html: str) -> Fence:
    code = unescape(_ANY_TAG.sub("", html)).strip("\n")
    return Fence(line=0, end=0, prefix="", info="", code=f"{code}\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


class _Arrangement:
    """One pass over the lines of a text, or of a quotation in it."""

    def __init__(
        self,
        lines: Sequence[str],
        words: set[str],
        keep_code: Callable[[Fence], str],
        keep_tag: Callable[[Tag], str],
        depth: int = 0,
    ) -> None:
        self._depth = depth
        self._lines = [line.expandtabs(4) for line in lines]
        self._words = words
        self._keep_code = keep_code
        self._keep_tag = keep_tag
        self._at = 0
        self._out: list[str] = []
        self._contents: list[int] = []  # for each open list item: the column its text starts in
        self._ordered: dict[int, bool] = {}  # by depth: whether the list there is a numbered one
        self._last = _Last.BLANK
        self._open_tags = 0

    def run(self) -> list[str]:
        while self._at < len(self._lines):
            self._line()
        return self._out

    def _line(self) -> None:
        line = self._joined_formula()
        text = line.strip()
        if not text:
            self._at += 1
            self._out.append("")
            self._last = _Last.BLANK
        elif self._last in {_Last.PARAGRAPH, _Last.ITEM} and not self._starts_block(text):
            self._continue_paragraph(line, text)
        else:
            self._start_block(line, text)

    def _continue_paragraph(self, line: str, text: str) -> None:
        self._at += 1
        if self._last is _Last.PARAGRAPH and _UNDERLINE.match(text):
            title = self._out.pop().strip()
            self._block(f"{'#' if text[0] == '=' else '##'} {title}")
            return
        self._out.append(self._pad() + self._paragraph_line(line))

    def _start_block(self, line: str, text: str) -> None:
        while self._contents and _indent(line) < self._contents[-1]:
            self._contents.pop()
        beyond = _indent(line) - (self._contents[-1] if self._contents else 0)
        item = None if _RULE.match(text) else _ITEM.match(text)
        if (
            beyond >= 4
            and self._last is _Last.BLANK
            and not self._open_tags
            and not (item and self._contents)
        ):
            self._indented_code(_indent(line) - beyond + 4)
            return
        self._at += 1
        if text in self._words:
            self._block(text)
        elif item:
            self._item(item, _indent(line))
        elif text.startswith(">"):
            self._quote(text)
        elif _RULE.match(text):
            self._block("---")
        elif _HEADING.match(text) or _REFERENCE.match(text):
            self._block(text)
        elif _NOTE.match(text):
            self._block(text)
            self._out.pop()
            self._contents.append(_indent(line) + 4)
            self._last = _Last.ITEM
        elif _BLOCK_TAG_START.match(text):
            self._tags(text)
        elif self._heads_table(text, self._at):
            self._table(text)
        else:
            self._out.append(self._pad() + self._paragraph_line(line))
            self._last = _Last.PARAGRAPH

    def _starts_block(self, text: str) -> bool:
        """Whether the line ends the paragraph above it."""
        if (
            text in self._words
            or text.startswith(">")
            or _HEADING.match(text)
            or _BLOCK_TAG_START.match(text)
        ):
            return True
        if _RULE.match(text):
            return not (self._last is _Last.PARAGRAPH and _UNDERLINE.match(text))
        item = _ITEM.match(text)
        if item:  # in running text only a list that begins with 1 is one
            in_list = bool(self._contents) or self._last is _Last.ITEM
            return in_list or (bool(item["rest"]) and item["marker"] in {"-", "*", "+", "1.", "1)"})
        return bool(_NOTE.match(text)) or self._heads_table(text, self._at + 1)

    # --- Kinds of blocks ---

    def _pad(self) -> str:
        return "    " * len(self._contents)

    def _block(self, *lines: str) -> None:
        """Write lines as a block of their own, blank lines around it."""
        if self._out and self._out[-1].strip():
            self._out.append("")
        self._out += [self._pad() + line if line else "" for line in lines]
        self._out.append("")
        self._last = _Last.BLOCK

    def _paragraph_line(self, line: str) -> str:
        text = line.strip()
        if text.startswith("#"):
            text = "\\" + text  # "#tag" is no heading
        if text.endswith("\\") and not text.endswith("\\\\"):
            return text[:-1] + "  "
        return text + ("  " if line.endswith("  ") else "")

    def _item(self, item: re.Match[str], indent: int) -> None:
        ordered, depth = item["marker"][-1] in ".)", len(self._contents)
        other_list = self._ordered.get(depth, ordered) is not ordered
        if self._last is _Last.PARAGRAPH or (self._last is _Last.ITEM and other_list):
            self._out.append("")
        self._ordered = {
            **{level: kind for level, kind in self._ordered.items() if level < depth},
            depth: ordered,
        }
        marker, space, rest = item["marker"], len(item["space"]), item["rest"]
        width = space if rest and 1 <= space <= 4 else 1
        if _ITEM.match(rest):
            rest = f"\\{rest}" if rest[0] in "-*+" else rest  # "- - a": a list of lists is not meant
        written = f"{marker[:-1]}." if ordered else "-"
        self._out.append(f"{self._pad()}{written} {rest}")
        if depth < _DEPTH:
            self._contents.append(indent + len(marker) + width)
        self._last = _Last.ITEM

    def _quote(self, text: str) -> None:
        if self._depth == _DEPTH:
            self._block(text.lstrip("> "))
            return
        inner = [text[1:].removeprefix(" ")]
        while self._at < len(self._lines) and self._lines[self._at].strip():
            line = self._lines[self._at].strip()
            if not line.startswith(">") and self._starts_block(line):
                break
            inner.append(line[1:].removeprefix(" ") if line.startswith(">") else line)
            self._at += 1
        arrangement = _Arrangement(inner, self._words, self._keep_code, self._keep_tag, self._depth + 1)
        self._block(*(f"> {line}" for line in arrangement.run()))

    def _indented_code(self, width: int) -> None:
        code: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() and _indent(line) < width:
                break
            code.append(line[width:])
            self._at += 1
        text = "\n".join(code).rstrip() + "\n"
        self._block(self._keep_code(Fence(line=0, end=0, prefix="", info="", code=text)))

    def _heads_table(self, text: str, at: int) -> bool:
        """Whether the line is a table's first row, `at` being where the line after it stands."""
        following = self._lines[at].strip() if at < len(self._lines) else ""
        return "|" in text and "-" in following and bool(_TABLE_RULE.match(following))

    def _table(self, text: str) -> None:
        rows = [text]
        while self._at < len(self._lines) and "|" in self._lines[self._at]:
            rows.append(self._lines[self._at].strip())
            self._at += 1
        self._block(*rows)

    def _tags(self, text: str) -> None:
        """A line that begins with a block-level tag: each such tag becomes a block, the rest paragraphs."""
        while (
            text.count("<") > text.count(">")
            and self._at < len(self._lines)
            and self._lines[self._at].strip()
        ):
            text = f"{text} {self._lines[self._at].strip()}"
            self._at += 1
        text = _RAW_HEADING.sub(
            lambda match: f"\n{'#' * int(match['level'])} {match['title'].strip()}\n", text
        )
        end = 0
        for match in _BLOCK_TAG.finditer(text):
            self._text_between_tags(text[end : match.start()])
            self._tag(Tag(match[0]))
            end = match.end()
        self._text_between_tags(text[end:])

    def _text_between_tags(self, text: str) -> None:
        for line in filter(None, (part.strip() for part in text.split("\n"))):
            if _HEADING.match(line):
                self._block(line)
            else:
                self._out.append(self._pad() + line)
                self._last = _Last.PARAGRAPH

    def _tag(self, tag: Tag) -> None:
        if tag.name == "p":  # paragraphs are Markdown's own
            self._block()
            return
        if tag.name not in VOID:
            self._open_tags = max(0, self._open_tags + (-1 if tag.closes else 1))
        self._block(self._keep_tag(tag))

    def _joined_formula(self) -> str:
        """The current line, with the lines a `$$` on it goes on over: no line of a formula is a block."""
        line = self._lines[self._at]
        if not self._opens_formula(line):
            return line
        for end in range(self._at + 1, min(self._at + _FORMULA_LINES, len(self._lines))):
            if "$$" in self._lines[end]:
                parts = [part.strip() for part in self._lines[self._at : end + 1]]
                joined = line[: _indent(line)] + " ".join(part for part in parts if part)
                self._lines[self._at : end + 1] = [joined]
                return joined
        return line

    def _opens_formula(self, line: str) -> bool:
        return "$$" in line and _CODE_SPAN.sub("", line).count("$$") % 2 == 1
