"""Where in a program the cursor is, by its syntax tree; by its indentation where it does not parse."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

_LINE_SHOWN = 120  # characters
_HEADER = re.compile(
    r"\s*(?:async )?(?P<word>def|class|for|while|if|elif|else|with|try|except)\b\s*(?P<name>\w*)"
)
_STATEMENTS: dict[type[ast.AST], str] = {
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "def",
    ast.ClassDef: "class",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
    ast.If: "if",
    ast.With: "with",
    ast.Try: "try",
    ast.Return: "return",
    ast.Import: "import",
    ast.ImportFrom: "import",
}


@dataclass(frozen=True)
class Problem:
    """What keeps the program from being read: Python's own words for it."""

    line: int
    message: str


@dataclass(frozen=True)
class Place:
    """Where the cursor is. `around` are the constructs it is in, from the outermost: ("def", "decide")."""

    line: int  # from 1, and one that there is
    text: str  # of the line, without its indentation
    around: Sequence[tuple[str, str]]
    statement: str  # what kind of statement the line begins: "for", "return", …; "" for any other
    tree: ast.Module | None
    problem: Problem | None

    @property
    def context(self) -> str:
        """In words, for the learner."""
        where = _("Line %(line)s") % {"line": self.line}
        names = [
            f"{name}()" if word == "def" else name for word, name in self.around if word in ("def", "class")
        ]
        if names:
            where = _("%(line)s, in %(name)s") % {"line": where, "name": ".".join(names)}
        return f"{where}: {self.text[:_LINE_SHOWN]}" if self.text else where


def read_place(code: str, line: int, *, is_python: bool = True) -> Place:
    lines = code.splitlines() or [""]
    line = min(line, len(lines))
    text = lines[line - 1].strip()
    try:
        tree = ast.parse(code) if is_python else None
    except SyntaxError as error:
        return Place(
            line, text, _around_by_indentation(lines, line), _statement_of(text), None, _problem(error)
        )
    except (ValueError, RecursionError, MemoryError):
        return Place(line, text, _around_by_indentation(lines, line), _statement_of(text), None, None)
    if tree is None:
        return Place(line, text, _around_by_indentation(lines, line), _statement_of(text), None, None)
    around, statement = _around(tree, line)
    return Place(line, text, around, statement, tree, None)


def _problem(error: SyntaxError) -> Problem:
    return Problem(error.lineno or 1, error.msg)


def _around(tree: ast.Module, line: int) -> tuple[list[tuple[str, str]], str]:
    around: list[tuple[str, str]] = []
    statement = ""
    nodes: list[ast.stmt] = tree.body
    while True:
        inside = [node for node in nodes if node.lineno <= line <= (node.end_lineno or node.lineno)]
        if not inside:
            return around, statement
        node = inside[0]
        word = _STATEMENTS.get(type(node), "")
        if node.lineno == line:
            statement = word
        nodes = [child for child in ast.walk(node) if isinstance(child, ast.stmt) and child is not node]
        nodes = [child for child in nodes if _is_child(child, node)]
        if nodes and word:
            around.append((word, getattr(node, "name", "")))


def _is_child(child: ast.stmt, parent: ast.stmt) -> bool:
    bodies = [getattr(parent, field, []) for field in ("body", "orelse", "finalbody")]
    bodies += [handler.body for handler in getattr(parent, "handlers", [])]
    return any(child in body for body in bodies)


def _around_by_indentation(lines: Sequence[str], line: int) -> list[tuple[str, str]]:
    around: list[tuple[str, str]] = []
    depth = _depth(lines[line - 1]) if lines[line - 1].strip() else 1000
    for above in reversed(lines[: line - 1]):
        if above.strip() and _depth(above) < depth:
            depth = _depth(above)
            if match := _HEADER.match(above):
                named = match["name"] if match["word"] in ("def", "class") else ""
                around.insert(0, (match["word"], named))
    return around


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _statement_of(text: str) -> str:
    match = re.match(r"(?:async )?(\w+)", text)
    word = (
        {"elif": "if", "else": "if", "except": "try", "from": "import"}.get(match[1], match[1])
        if match
        else ""
    )
    return word if word in _STATEMENTS.values() else ""
