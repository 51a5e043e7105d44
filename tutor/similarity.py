"""How much of a program is in another, whatever its names, its literals and the order of its lines.

Programs are compared line by line in a normal form: without comments, docstrings and annotations, names that
author chose as one word, literals as their kind. A line that does not parse, in the middle of an answer or in
another language, is read as tokens. Deterministic: the same two programs are always as alike.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
    | (?P<text>[rbuRBU]{0,2}(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<number>\d[\d_.]*(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<operator>\*\*|//|->|:=|[=!<>+\-*/%&|^]=|<<|>>|[-+*/%&|^~<>=.@\[\]{}])
    """,
    re.VERBOSE,
)
_BUILTINS = frozenset(name for name in dir(builtins) if name.islower())
_WORDS = frozenset(keyword.kwlist) - {"None", "True", "False"}
# A line counts by what it says beyond `x = y`. Imports and such say nothing of how a task is solved.
_SAYS_NOTHING = 2  # tokens
_ALIKE = 0.72  # from this share of equal tokens on, two lines are the same line
_PIECE = 3  # tokens
_TELLING_NUMBER = 2  # digits; 0, 1 and 2 are in every program


@dataclass(frozen=True)
class Program:
    """A program in its normal form: for each line its tokens, and what its author named or wrote out."""

    lines: tuple[tuple[str, ...], ...]
    marks: frozenset[str] = field(compare=False)  # names that are its own, texts, larger numbers


def read(code: str) -> Program:
    """Any piece of code, complete or not."""
    text = _canonical(code)
    return Program(
        tuple(tokens for line in _lines(text) if (tokens := _tokens(line))),
        frozenset(_marks(text)),
    )


def secret_of(solution: Program, starters: Iterable[Program]) -> Program:
    """What a learner has to find: the solution without the lines that the starter has already."""
    given = Counter[tuple[str, ...]]()
    marks: frozenset[str] = frozenset()
    for starter in starters:
        given |= Counter(starter.lines)
        marks |= starter.marks
    left = []
    for line in solution.lines:
        if given[line]:
            given[line] -= 1
        elif _weight(line):
            left.append(line)
    return Program(tuple(left), solution.marks - marks)


def size(program: Program) -> int:
    """How much a program says, in tokens that count."""
    return sum(map(_weight, program.lines))


def shown(secret: Program, lines: Sequence[tuple[str, ...]]) -> float:
    """The share of a secret that is in some lines, from 0 to 1: by whole lines or by pieces of lines."""
    return max(_shown_lines(secret, lines), _shown_pieces(secret, lines))


def _shown_lines(secret: Program, lines: Sequence[tuple[str, ...]]) -> float:
    """By lines that are alike. Each of the lines stands for one of the secret's at most."""
    whole = size(secret)
    if not whole:
        return 0.0
    pairs = sorted(
        (
            (alike, at, other)
            for at, wanted in enumerate(secret.lines)
            for other, given in enumerate(lines)
            if (alike := _alike(wanted, given)) >= _ALIKE
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    taken: set[int] = set()
    found: set[int] = set()
    total = 0.0
    for alike, at, other in pairs:
        if at not in found and other not in taken:
            found.add(at)
            taken.add(other)
            total += alike * _weight(secret.lines[at])
    return total / whole


def _shown_pieces(secret: Program, lines: Sequence[tuple[str, ...]]) -> float:
    """By runs of tokens, wherever they stand: for what was rewritten or is cut off."""
    wanted = _pieces(secret.lines)
    return (wanted & _pieces(lines)).total() / wanted.total() if wanted else 0.0


@lru_cache(maxsize=1000)
def _pieces_of(secret: Program) -> frozenset[tuple[str, ...]]:
    return frozenset(_pieces(secret.lines))


def _pieces(lines: Sequence[tuple[str, ...]]) -> Counter[tuple[str, ...]]:
    return Counter(line[at : at + _PIECE] for line in lines for at in range(len(line) - _PIECE + 1))


def resembles(line: tuple[str, ...], secrets: Iterable[Program]) -> bool:
    """Whether a line could be part of any of the secrets; cheap, for the many lines that cannot."""
    pieces = _pieces([line])
    return any(not pieces.keys().isdisjoint(_pieces_of(secret)) for secret in secrets)


def shared_marks(secret: Program, marks: frozenset[str]) -> float:
    """The share of a secret's own names and literals that are among some; 1 when it has none."""
    return len(secret.marks & marks) / len(secret.marks) if secret.marks else 1.0


@lru_cache(maxsize=100_000)
def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    if one == other:
        return 1.0
    if min(len(one), len(other)) * 2 < max(len(one), len(other)):
        return 0.0  # for speed; they could not be alike
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _weight(line: tuple[str, ...]) -> int:
    if line[0] in ("import", "from", "class") or line[0] == "def":
        return 0
    return max(0, len(line) - _SAYS_NOTHING)


# --- Normal form ----------------------------------------------------------------------------------


def _canonical(code: str) -> str:
    """The code as Python itself would write it; as it is where it does not parse."""
    text = textwrap.dedent(code.replace("\t", "    ")).strip("\n")
    for attempt in (text, f"{text}\n    pass", f"def _():\n{textwrap.indent(text, '    ')}"):
        try:
            tree = ast.parse(attempt)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        try:
            return ast.unparse(_Plain().visit(tree))
        except (ValueError, RecursionError):
            break
    return text


class _Plain(ast.NodeTransformer):
    """Without what says nothing of how a program works, and with one way to say what has two."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def _without_docstring(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.AST:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Pass()
        plain = ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno)
        return self.generic_visit(plain)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        value = ast.BinOp(left=target, op=node.op, right=node.value)
        return self.generic_visit(ast.Assign(targets=[node.target], value=value, lineno=node.lineno))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """`f"{a} and {b}"` as a text with what is put into it."""
        put_in: list[ast.expr] = [
            self.visit(part.value) for part in node.values if isinstance(part, ast.FormattedValue)
        ]
        texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
        return ast.Tuple(elts=[ast.Constant(value="".join(map(str, texts))), *put_in], ctx=ast.Load())


def _lines(text: str) -> list[str]:
    """Lines of code, those that open a bracket joined with what is in it."""
    lines: list[str] = []
    depth = 0
    for line in text.splitlines():
        if depth > 0 and lines and len(lines[-1]) < 2000:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
            depth = 0
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
    return lines


def _tokens(line: str) -> tuple[str, ...]:
    tokens: list[str] = []
    for match in _TOKEN.finditer(line):
        kind, word = match.lastgroup, match[0]
        if kind == "comment":
            break
        if kind == "text":
            tokens.append("s")
        elif kind == "number":
            tokens.append("n")
        elif kind == "operator" or word in _WORDS or word in _BUILTINS or (tokens and tokens[-1] == "."):
            tokens.append(word)
        elif word in ("None", "True", "False"):
            tokens.append("n")
        else:
            tokens.append("v")
    return tuple(tokens)


def _marks(text: str) -> Iterable[str]:
    """Names and literals by which one knows a program again; not what every program has."""
    previous = ""
    for match in _TOKEN.finditer(text):
        kind, word = match.lastgroup, match[0]
        if kind == "text" and len(word) > _TELLING_NUMBER + 2:
            yield word.strip("rbuRBU").strip("\"'").casefold()
        elif (kind == "number" and len(word) >= _TELLING_NUMBER) or (
            kind == "name"
            and len(word) > 2
            and word not in _WORDS
            and word not in _BUILTINS
            and previous != "."
            and word not in ("None", "True", "False", "self")
        ):
            yield word
        previous = word
