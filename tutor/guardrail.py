"""What of an answer may be shown to somebody who is to find the solution alone.

Prose passes at once. Code is held back until it is complete, in a fenced block, between backticks or in
lines that are code without saying so, and compared with the reference solutions; what comes too close is
replaced by a hint. Code that was shown counts together, so a solution in five pieces is one. The bounds are
chosen on labelled answers (evaluation/answers/), see docs/decisions/0017-what-is-too-close-to-a-solution.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from enum import Enum, auto

from django.utils.translation import gettext as _

from tutor import similarity
from tutor.similarity import Program

# The share of a solution from which on code is withheld, by how many of its own names and literals the code
# shares with it: with most of them a part is enough; with hardly any it is an example of the same kind.
CLOSE = 0.5
MOST_MARKS, CLOSE_WITH_MOST_MARKS = 0.66, 0.35
FEW_MARKS, CLOSE_WITH_FEW_MARKS = 0.1, 0.65
# A solution that says so little is in every second snippet: only all of it counts.
TINY, CLOSE_WHEN_TINY = 12, 0.9  # tokens that count

_HELD_LIMIT = 20_000  # characters of one block; what is longer is judged in pieces
_SPAN_LIMIT = 2_000  # characters after a backtick; what is longer is no code within a line
_LINE_LIMIT = 500  # characters from which on a line is no code that anybody writes
_LINES_LIMIT = 300  # lines that count together; no answer has as many that resemble a solution
_FENCE = re.compile(r"(?P<before>[ \t]*(?:(?:>|[-*+]|\d{1,3}[.)])[ \t]*)*)(?P<marks>`{3,}|~{3,})[^`\n]*\n")
_MAY_BE_FENCE = re.compile(
    r"[ \t]*(?:(?:>|[-*+]|\d{1,3}[.)])[ \t]*)*(?:`{0,}|~{0,}|(?:`{3,}|~{3,})[^`\n]*)\Z"
)
_LIST_MARK = re.compile(r"\A[ \t]*(?:(?:>|[-*+]|\d{1,3}[.)])[ \t]+)*")
_PROMPT = re.compile(r"(?:>>>|\.\.\.) ?")
# Words that a line of code begins with; any other word before a word is prose.
_OPENERS = frozenset(
    re.findall(
        r"\w+",
        """async assert await case class def del elif else except finally for from global if import lambda
        match nonlocal not pass raise return try while with yield""",
    )
)
_TWO_WORDS = re.compile(r"(?P<first>[^\W\d]\w*)[ \t]+[^\W\d]")
_NO_CODE = re.compile(r"[*#|!<\"“‘'（(【《「~,.;:，。；：？！?—–…\d-]")
# No name of a program: Chinese with its punctuation, or more letters than anyone writes together.
_LONG_WORD = re.compile(r"[\u3400-\u9fff](?:\w{7}|\w*[，。：；！？、“（《])|\w{32}")
_HEADER = re.compile(
    r"(?:async )?(?:def|class|for|while|if|elif|else|with|try|except|finally|match|case)\b.*:\Z"
)


class _At(Enum):
    LINE_START = auto()
    PROSE = auto()  # within a line that is known to be prose
    FENCE = auto()
    CODE = auto()  # lines of code without a fence


class Guard:
    """Filters an answer as it streams: `feed` gives what can be shown by now, `end` the rest."""

    def __init__(self, solutions: Sequence[str], *, starters: Sequence[str] = ()) -> None:
        """`starters` is what learners were given: no secret, though it is in the solution."""
        given = [similarity.read(starter) for starter in starters]
        secrets = [similarity.secret_of(similarity.read(solution), given) for solution in solutions]
        self._secrets = [secret for secret in secrets if secret.lines]
        self.withheld = 0  # pieces of code
        self._shown: list[tuple[str, ...]] = []  # lines of code that were shown
        self._marks: frozenset[str] = frozenset()
        self._text = ""  # that is not settled yet
        self._held = ""  # code that is not complete yet
        self._fence = ""  # the marks that close it
        self._at = _At.LINE_START
        self._hinted = False  # right before: two pieces withheld in a row get one hint

    def feed(self, text: str) -> str:
        """What of the answer so far can be shown now."""
        if not self._secrets:
            return text
        self._text += text
        return self._settled(is_end=False)

    def end(self) -> str:
        """The rest."""
        return self._settled(is_end=True)

    # --- Reading ----------------------------------------------------------------------------------------

    def _settled(self, *, is_end: bool) -> str:
        steps = {
            _At.LINE_START: self._begin_line,
            _At.PROSE: self._pass_prose,
            _At.FENCE: self._hold_block,
            _At.CODE: self._hold_lines,
        }
        out: list[str] = []
        while self._text or (is_end and self._held):
            piece = steps[self._at](is_end)
            if piece is None:
                break
            out.append(piece)
        return "".join(out)

    def _begin_line(self, is_end: bool) -> str | None:
        """Tell what the line is; None when that cannot be told yet."""
        if fence := _FENCE.match(self._text):
            self._fence, self._at = fence["marks"], _At.FENCE
            return self._hold(fence.end())
        line, newline, _rest = self._text.partition("\n")
        is_whole = bool(newline) or is_end
        if not is_whole and len(line) < _LINE_LIMIT and (_MAY_BE_FENCE.match(line) or not _is_prose(line)):
            return None
        if is_whole and _is_code(line):
            self._at = _At.CODE
            return ""
        self._at = _At.PROSE
        return ""

    def _pass_prose(self, is_end: bool) -> str | None:
        """Prose up to the end of its line, with the code between backticks looked at."""
        match = re.search(r"\n|`+", self._text)
        if match is None:
            return self._take(len(self._text))
        if match.start():
            return self._take(match.start())
        if match[0] == "\n":
            self._at = _At.LINE_START
            return self._take(1)
        if match.end() == len(self._text) < _SPAN_LIMIT and not is_end:
            return None  # more backticks may follow
        closing = re.compile(rf"(?<!`){match[0]}(?!`)").search(self._text, match.end())
        newline = self._text.find("\n", match.end())
        if closing and (newline < 0 or closing.start() < newline):
            if closing.end() == len(self._text) and not is_end:
                return None
            code = self._text[match.end() : closing.start()]
            span = self._take(closing.end())
            return span if self._may_show(code) else self._hint()
        if newline < 0 and not is_end and len(self._text) < _SPAN_LIMIT:
            return None
        return self._take(match.end())

    def _hold_block(self, is_end: bool) -> str | None:
        """A fenced block, until its end."""
        line, newline, _rest = self._text.partition("\n")
        closes = bool(re.fullmatch(rf"[ \t>]*{self._fence[0]}{{{len(self._fence)},}}[ \t]*", line))
        if not newline and not is_end:
            return None
        self._hold(len(line) + len(newline))
        if closes or (is_end and not self._text) or len(self._held) > _HELD_LIMIT:
            block, self._held, self._at = self._held, "", _At.LINE_START
            code = block.partition("\n")[2]
            if closes:
                code = code.rstrip("\n").rpartition("\n")[0]
            return block if self._may_show(_without_marks(code)) else self._hint(block=True)
        return ""

    def _hold_lines(self, is_end: bool) -> str | None:
        """Code without a fence, until a line that is none."""
        line, newline, _rest = self._text.partition("\n")
        if not newline and not is_end and not _is_prose(line):
            return None
        if self._text and (_is_code(line) or (self._held and not line.strip() and newline)):
            self._hold(len(line) + len(newline))
            if self._text or not is_end:
                return ""
        code, self._held, self._at = self._held, "", _At.LINE_START
        return code if self._may_show(_without_marks(code)) else self._hint(block=True)

    def _take(self, length: int) -> str:
        piece, self._text = self._text[:length], self._text[length:]
        if piece.strip():
            self._hinted = False
        return piece

    def _hold(self, length: int) -> str:
        self._held += self._text[:length]
        self._text = self._text[length:]
        return ""

    # --- Judging ----------------------------------------------------------------------------------------

    def _may_show(self, code: str) -> bool:
        """Whether this code, with what was shown before it, leaves something to find."""
        program = similarity.read(code)
        alike = [line for line in program.lines if similarity.resembles(line, self._secrets)]
        if not alike:
            return True
        lines = [*self._shown, *alike][-_LINES_LIMIT:]
        marks = self._marks | program.marks
        if any(_is_too_close(secret, lines, marks) for secret in self._secrets):
            self.withheld += 1
            return False
        self._shown, self._marks = lines, marks
        return True

    def _hint(self, *, block: bool = False) -> str:
        said_already, self._hinted = self._hinted, True
        if said_already:
            return ""
        hint = _(
            "*(Code that comes too close to the solution is left out here: you can find it yourself. Try the "
            "next small step, run it, and ask about what you see.)*"
        )
        return f"\n{hint}\n\n" if block else hint


def _is_too_close(secret: Program, lines: Sequence[tuple[str, ...]], marks: frozenset[str]) -> bool:
    share = similarity.shown(secret, lines)
    shared = similarity.shared_marks(secret, marks)
    if similarity.size(secret) <= TINY:
        return share >= CLOSE_WHEN_TINY
    if shared < FEW_MARKS:
        return share >= CLOSE_WITH_FEW_MARKS
    return share >= (CLOSE_WITH_MOST_MARKS if shared >= MOST_MARKS else CLOSE)


def _without_marks(code: str) -> str:
    """Code out of a list, a quotation or a session with the interpreter."""
    lines = code.splitlines()
    if any(line.lstrip().startswith(">>>") for line in lines):
        lines = [_PROMPT.sub("", line.lstrip(), count=1) for line in lines if _PROMPT.match(line.lstrip())]
    elif lines and all(line.lstrip().startswith(">") for line in lines if line.strip()):
        lines = [line.lstrip()[1:].removeprefix(" ") for line in lines]
    return "\n".join(lines)


def _is_prose(line: str) -> bool:
    """Whether the beginning of a line tells already that it is no code."""
    text = _LIST_MARK.sub("", line, count=1)
    if not text:
        return False
    if text[0] == "`":
        return not _MAY_BE_FENCE.match(line)
    if _NO_CODE.match(text) and not text.startswith((">>>", "...")):
        return True
    words = _TWO_WORDS.match(text)
    if words:
        return words["first"] not in _OPENERS
    return bool(_LONG_WORD.match(text))


def _is_code(line: str) -> bool:
    """Whether a whole line reads as a statement, not as words that happen to parse."""
    text = _PROMPT.sub("", _LIST_MARK.sub("", line, count=1), count=1).strip()
    if not text or _is_prose(text):
        return False
    if _HEADER.fullmatch(text):
        return True
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text.endswith(("(", "[", "{")) or bool(re.fullmatch(r"[)\]}]+,?", text))
    for node in tree.body:
        if isinstance(node, ast.Expr):
            return isinstance(node.value, (ast.Call, ast.Await, ast.Yield))
        return not (isinstance(node, ast.AnnAssign) and node.value is None)
    return False
