"""A hint without a model: from the code's own syntax tree and errors. The same code gets the same hint."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from django.utils.translation import gettext as _

from tutor.hints.reading import Place

POINT, QUESTION, CONCEPT, EXAMPLE = 1, 2, 3, 4  # rungs of the ladder


@dataclass(frozen=True)
class OwnHint:
    hint: str
    example: str | None
    concepts: tuple[str, ...]
    search: str  # what to look for in the lessons
    more: bool = False  # whether a higher rung says something else


def own_hint(place: Place, *, rung: int) -> OwnHint:
    """What the code tells: an error, an unknown name, an empty body, and last where the cursor is."""
    if place.problem:
        concept = _("syntax")
        hint = _(
            "Python cannot read line %(line)s and says: %(message)s. Look at that line and the one above "
            "it: is a bracket, a quotation mark, a colon or an indentation missing?"
        ) % {"line": place.problem.line, "message": place.problem.message}
        return OwnHint(hint, None, (concept,), "syntax error")
    if place.tree and (found := next(_unknown_names(place.tree), None)):
        return OwnHint(_of_unknown(place.tree, found), None, (_("variables"),), found.id)
    if place.tree and (empty := next(_empty_functions(place.tree), None)):
        hint = _(
            "%(name)s() on line %(line)s does nothing yet. What should it give back for a small example? "
            "Write that down as a comment first, then the one line that comes closest."
        ) % {"name": empty.name, "line": empty.lineno}
        return OwnHint(
            hint, EXAMPLES["def"] if rung >= EXAMPLE else None, (_("functions"),), empty.name, rung < EXAMPLE
        )
    return _of_place(place, rung)


def _of_place(place: Place, rung: int) -> OwnHint:
    kind = place.statement if place.statement in EXAMPLES else ""
    kind = kind or next((word for word, _name in reversed(place.around) if word in EXAMPLES), "")
    concept = concept_of(kind)
    variables = _variables_of_line(place.tree, place.line) if place.tree else []
    if kind and place.tree and not variables:
        rung = min(rung + 1, EXAMPLE)  # there is nothing to print
    if variables and (rung <= POINT or not kind):
        hint = _(
            "Look closely at line %(line)s. Print %(variables)s right before it and run: is it what you "
            "expect?"
        ) % {"line": place.line, "variables": ", ".join(variables)}
    elif not kind and place.tree:
        hint = _(
            "Nothing stands out on line %(line)s. Run the program, find the first line whose result is not "
            "what you expect, and ask there."
        ) % {"line": place.line}
    elif rung <= POINT or not kind:
        hint = _(
            "Look closely at line %(line)s. Print what is in its variables right before it and run: is "
            "it what you expect?"
        ) % {"line": place.line}
    elif rung == QUESTION:
        hint = question_about(kind)
    else:
        hint = _(
            "This is about: %(concept)s. Read that part of the lesson again and compare it with line "
            "%(line)s."
        ) % {"concept": concept, "line": place.line}
    example = EXAMPLES[kind] if kind and rung >= EXAMPLE else None
    search = f"{concept} {place.text}"
    return OwnHint(hint, example, (concept,) if concept else (), search, bool(kind) and rung < EXAMPLE)


def _variables_of_line(tree: ast.Module, line: int) -> list[str]:
    """What the line reads and the program has given a value, functions and modules aside."""
    here = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.lineno == line]
    given = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _is_stored(node)}
    given |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return list(dict.fromkeys(node.id for node in here if not _is_stored(node) and node.id in given))


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def question_about(kind: str) -> str:
    return {
        "for": _("What does the loop’s variable hold in the first round, and what in the last?"),
        "while": _("What in the loop makes its condition false one day?"),
        "if": _("For which value is the condition true, and for which false? Try one of each."),
        "def": _(
            "What goes into the function, and what has to come out? Does every way through it end in a "
            "return?"
        ),
        "class": _("What does one object of the class have to remember between two calls?"),
        "try": _("Which line can fail here, with which error, and what should happen then?"),
        "with": _("What is opened here, and who closes it?"),
        "return": _("What type does the caller expect, and what type is this?"),
    }[kind]


def concept_of(kind: str) -> str:
    return {
        "for": _("loops"),
        "while": _("loops"),
        "if": _("conditions"),
        "def": _("functions"),
        "class": _("classes"),
        "try": _("exceptions"),
        "with": _("context managers"),
        "return": _("return values"),
    }.get(kind, "")


# Of another task each: the last rung shows the idea, not the answer.
EXAMPLES = {
    "for": 'total = 0\nfor price in [3, 5, 8]:\n    total = total + price\nprint(total)',
    "while": "number = 100\nwhile number > 1:\n    number = number // 2\n    print(number)",
    "if": 'age = 17\nif age >= 18:\n    print("adult")\nelse:\n    print("minor")',
    "def": "def area(width, height):\n    return width * height\n\n\nprint(area(3, 4))",
    "class": (
        "class Counter:\n    def __init__(self):\n        self.count = 0\n\n"
        "    def step(self):\n        self.count += 1"
    ),
    "try": 'try:\n    age = int("seven")\nexcept ValueError:\n    age = 0',
    "with": 'with open("notes.txt", "w") as file:\n    file.write("hello")',
    "return": "def double(number):\n    return number * 2\n\n\nprint(double(4) + 1)",
}  # fmt: skip


def _unknown_names(tree: ast.Module) -> Iterator[ast.Name]:
    """Names that are read although nothing in the program gives them a value, in order of lines."""
    known = set(dir(builtins)) | {"__name__", "__file__", "__doc__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            known.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.alias):
            if node.name == "*":
                return  # anything may come from there
            known.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            known.add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            known.update(node.names)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            known.add(node.rest)
    read = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id not in known)
    yield from sorted(read, key=lambda node: (node.lineno, node.col_offset))


def _of_unknown(tree: ast.Module, found: ast.Name) -> str:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id != found.id}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    close = get_close_matches(found.id, sorted(names | set(dir(builtins))), n=1, cutoff=0.75)
    values = {"name": found.id, "line": found.lineno}
    if close:
        return _("“%(name)s” on line %(line)s has no value. Did you mean “%(other)s”?") % {
            **values,
            "other": close[0],
        }
    return (
        _(
            "“%(name)s” is used on line %(line)s, but nothing before gives it a value. Where should it come "
            "from?"
        )
        % values
    )


def _empty_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [
                line
                for line in node.body
                if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            ]
            if all(isinstance(line, ast.Pass) for line in body):
                yield node
