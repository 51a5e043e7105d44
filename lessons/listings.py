"""The Python listings of a lesson: found in its Markdown, put together into programs that run.

Books show a program in pieces: a class goes on in the next listing, a module is named in a first-line
comment, a prompt stands in an unmarked fence, output is pasted below the code. `extract` reads the pieces of
one lesson, `assemble` gives the program that one piece of a chapter is part of. Nothing is run here.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from pathlib import PurePosixPath

from lessons.fences import scan
from lessons.names import name_use, without_main_guard

PYTHON = frozenset({"python", "python3", "py", "py3", "pycon"})
# Fences an author uses for text; a prompt template in one of them is still part of the program.
TEXT = frozenset({"", "bash", "shell", "sh", "plain", "plaintext", "text", "txt"})

_PROMPT = re.compile(r">>>( |$)")
_FILE_COMMENT = re.compile(
    r"#\s*(?:file(?:name)?\s*[:：]\s*|文件名?\s*[:：]\s*)?(?P<path>[\w./-]+\.py)\s*$", re.IGNORECASE
)
# "# Continue adding in my_simple_agent.py": the listing goes on with a file shown before.
_CONTINUES_FILE = re.compile(
    r"#.*(?:\bcontinu\w*|继续|接着).*?(?P<path>[\w./-]+\.py)\b", re.IGNORECASE | re.ASCII
)
# Imports that authors forget, or made in a chapter before. What is not here, a listing imports itself.
_FORGOTTEN_MODULES = frozenset(
    {"ast", "asyncio", "datetime", "json", "math", "os", "random", "re", "sys", "time"}
)
_FORGOTTEN_TYPES = frozenset(
    {"Any", "Callable", "Dict", "Iterator", "List", "Optional", "Set", "Tuple", "Union"}
)
_FORGOTTEN_PYDANTIC = frozenset({"BaseModel", "Field"})
_ELLIPSIS_COMMENT = re.compile(r"\s*#.*(\.\.\.|…)")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A Python listing of a lesson."""

    index: int  # in the lesson, from 0
    info: str  # the fence's info string as written: "python", "Python", "bash", ""
    code: str
    expected_output: str  # what the author pasted after `>>>`; empty when nothing
    line: int  # of the code's first line in the Markdown, from 1
    filename: str | None  # from a first-line comment such as `# my_llm.py`; a relative, safe path
    lesson: str = ""  # its lesson's number: "4.2"

    @property
    def name(self) -> str:
        """What tracebacks call it: "4.2-listing-3.py" is the third listing on the page of 4.2."""
        return f"{self.lesson}-listing-{self.index + 1}.py".removeprefix("-")


@dataclass(frozen=True, kw_only=True)
class Program:
    """A listing with everything it needs to run.

    `prelude` is (name, code) pairs to run first in the same namespace; `files` are modules (relative
    path → text) to be importable beside the program.
    """

    code: str
    name: str
    prelude: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


# --- Finding listings -----------------------------------------------------------------------------


def extract(markdown: str, lesson: str = "") -> list[Listing]:
    """Every Python listing of a lesson, in order; `lesson` is its number.

    A fence marked as Python that holds something else, pseudocode or output, is not a listing.
    """
    listings: list[Listing] = []
    for fence in scan(markdown):
        code, expected_output = _without_output(fence.code)
        if (fence.language in PYTHON and _is_python(code)) or (
            fence.language in TEXT and _assigns_text(fence.code)
        ):
            listing = Listing(
                index=len(listings),
                info=fence.info,
                code=code,
                expected_output=expected_output,
                line=fence.line + 1,
                filename=_filename(code),
                lesson=lesson,
            )
            listings.append(listing)
    return listings


def _is_python(code: str) -> bool:
    """Whether it is a program, or at least a piece out of the middle of one."""
    piece = _without_leading_comments(code)
    width = len(piece) - len(piece.lstrip(" "))
    around = "".join(f"{' ' * level}if 1:\n" for level in range(0, width, 4))
    return _is_syntax(code) or _is_syntax(around + piece)


def _is_syntax(code: str) -> bool:
    """Whether it parses, even if it may not stand alone: a `return`, an `await` outside a function."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _without_output(text: str) -> tuple[str, str]:
    """Split a fence's text into code and the output pasted into it.

    Two forms are known: code, a `>>>`, then its output; and a transcript where every input line has a
    `>>>` or `...` in front.
    """
    lines = text.splitlines(keepends=True)
    prompts = [number for number, line in enumerate(lines) if _PROMPT.match(line)]
    if not prompts or parses(text):  # a `>>>` inside a docstring parses
        return text, ""
    if not "".join(lines[: prompts[0]]).strip():
        return _transcript(lines[prompts[0] :])
    code = "".join(lines[: prompts[0]])
    return code.rstrip() + "\n", "".join(lines[prompts[0] :]).removeprefix(">>>").lstrip("\n")


def _transcript(lines: Sequence[str]) -> tuple[str, str]:
    code = "".join(line[4:] or "\n" for line in lines if _is_input(line))
    output = "".join(line for line in lines if not _is_input(line))
    return code, output


def _is_input(line: str) -> bool:
    return line.startswith((">>> ", "... ")) or line.rstrip() in {">>>", "..."}


def _assigns_text(code: str) -> bool:
    """Whether the code is nothing but `NAME = \"\"\"…\"\"\"`: a prompt template."""
    if '"""' not in code and "'''" not in code:
        return False
    tree = _tree(code)
    return tree is not None and bool(tree.body) and all(_is_text_assignment(node) for node in tree.body)


def _is_text_assignment(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Assign)
        and all(isinstance(target, ast.Name) for target in node.targets)
        and (
            isinstance(node.value, ast.JoinedStr)
            or (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str))
        )
    )


def _filename(code: str) -> str | None:
    first = code.lstrip("\n").split("\n", 1)[0].strip()
    match = _FILE_COMMENT.match(first) or _CONTINUES_FILE.match(first)
    if not match:
        return None
    path = PurePosixPath(match["path"])
    parts_are_names = all(part.removesuffix(".py").isidentifier() for part in path.parts)
    return str(path) if parts_are_names and not path.is_absolute() else None


# --- Putting programs together --------------------------------------------------------------------


def assemble(chapter_listings: Sequence[Listing], target: int, code: str | None = None) -> Program:
    """The program that runs `chapter_listings[target]`, the listings of a chapter being given in order.

    `code` replaces the target's own text when the learner edited it. The prelude holds those earlier
    listings the target builds on, directly or through another: the ones that define or change a name it
    uses. Others are left out, so that a listing that needs nothing runs alone. The learner's own code is
    called `main.py`, the author's `Listing.name`. A listing that continues a class is run as the whole class
    so far, under its own name; what a learner wrote below such a piece is the program, and the class its
    prelude. Imports that the author forgot are made up for; a learner's are not.
    """
    texts = [listing.code for listing in chapter_listings[:target]]
    own = chapter_listings[target].code if code is None else code
    name = chapter_listings[target].name if code is None else "main.py"
    pieces, joined = _joined([*texts, own])
    if joined is not None:  # the target goes on with an earlier listing
        own, name = pieces.pop(joined), chapter_listings[target].name
    elif not parses(own):
        pieces, own = _continued_above(texts, own) or (pieces, _outdented(own))
    pieces.pop(target, None)
    own, pieces = _reopened(own, pieces)
    earlier_files = _files(chapter_listings[:target])
    later_files = _files(chapter_listings[target + 1 :])
    chosen, imported = _needed(own, pieces, {**later_files, **earlier_files})
    prelude = [(chapter_listings[position].name, pieces[position]) for position in chosen]
    authors = [chapter_listings[target].code, *(text for _, text in prelude)]
    if forgotten := _forgotten_imports(authors):
        prelude.insert(0, ("imports.py", forgotten))
    return Program(code=own, name=name, prelude=tuple(prelude), files=imported)


def _joined(texts: Sequence[str]) -> tuple[dict[int, str], int | None]:
    """Join listings that continue a class into the listing where it begins.

    Returns the pieces that parse by position, and where the last text went when it was joined.
    """
    pieces: dict[int, str] = {}
    begun: dict[int, _Continued] = {}
    went: int | None = None
    for position, text in enumerate(texts):
        went = None
        if parses(text):
            pieces[position] = text
            begun[position] = _Continued(text)
            continue
        for start in sorted(begun, reverse=True):
            if begun[start].join(text):
                pieces[start], went = begun[start].text, start
                break
    return pieces, went


def _continued_above(texts: Sequence[str], own: str) -> tuple[dict[int, str], str] | None:
    """The pieces and the program, where `own` first goes on with an earlier listing and then begins anew.

    So do those who write the lines that use a class below its last piece. None where it is not so.
    """
    if not _begins_indented(own):
        return None
    lines = own.splitlines(keepends=True)
    # The comment that such a piece begins with stands outside, too.
    first = len(lines) - len(_without_leading_comments(own).splitlines())
    places = [number for number in range(first, len(lines)) if _is_outermost(lines[number])]
    for place in places:
        pieces, joined = _joined([*texts, "".join(lines[:place])])
        program = "\n" * place + "".join(lines[place:])  # its lines keep their numbers
        if joined is not None and parses(program):
            return pieces, program
    return None


def _begins_indented(text: str) -> bool:
    return _without_leading_comments(text)[:1].isspace()


def _is_outermost(line: str) -> bool:
    return bool(line.strip()) and not line[0].isspace()


def _reopened(own: str, pieces: Mapping[int, str]) -> tuple[str, dict[int, str]]:
    """Let a class that a later piece opens again (`# ... the methods above`) keep what it had.

    The later class becomes a subclass of the earlier one of the same name; lines keep their numbers.
    """
    known: set[str] = set()
    texts: list[str] = []
    for text in [*pieces.values(), own]:
        tree = _tree(text)
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)] if tree else []
        lines = text.split("\n")
        for node in classes:
            if node.name in known and _says_it_goes_on(lines, node):
                lines[node.lineno - 1] = re.sub(
                    r"class .*", f"class {node.name}({node.name}):", lines[node.lineno - 1]
                )
        known |= {node.name for node in classes}
        texts.append("\n".join(lines))
    return texts[-1], dict(zip(pieces, texts, strict=False))


def _says_it_goes_on(lines: Sequence[str], node: ast.ClassDef) -> bool:
    """Whether the class's body starts with a comment such as `# ... previous methods`."""
    header, body = lines[node.lineno - 1], lines[node.lineno : node.body[0].lineno - 1]
    on_one_line = header.rstrip().endswith(":")
    return on_one_line and any(_ELLIPSIS_COMMENT.match(line) for line in body)


class _Continued:
    """A listing that ends in an indented block, which later listings may go on with.

    Between two pieces of a method's body an author may show other methods; those are kept apart and put
    after the body, however the listings alternate.
    """

    def __init__(self, text: str) -> None:
        self._body = text
        self._methods: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join([self._body.rstrip("\n"), *self._methods, ""])

    def join(self, fragment: str) -> bool:
        """Take the fragment in when the whole still parses and it is decidable where it belongs."""
        code = _without_leading_comments(fragment)
        if not _begins_indented(code) or not self._ends_indented():
            return False
        if _defines_methods(code):
            return self._take_if_parses(self._body, [*self._methods, code.rstrip("\n")])
        return self._take_if_parses(f"{self._body.rstrip()}\n{code}", self._methods)

    def _take_if_parses(self, body: str, methods: list[str]) -> bool:
        candidate = "\n".join([body.rstrip("\n"), *methods, ""])
        if not parses(candidate):
            return False
        self._body, self._methods = body, methods
        return True

    def _ends_indented(self) -> bool:
        tree = _tree(self._body)
        return tree is not None and bool(tree.body) and isinstance(tree.body[-1], ast.ClassDef)


def _defines_methods(code: str) -> bool:
    """Whether the indented code is nothing but functions, at one level."""
    tree = _tree(textwrap.dedent(code))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return tree is not None and bool(tree.body) and all(isinstance(node, kinds) for node in tree.body)


def _without_leading_comments(code: str) -> str:
    lines = code.splitlines(keepends=True)
    leading = list(takewhile(lambda line: not line.strip() or line.startswith("#"), lines))
    return "".join(lines[len(leading) :])


def _outdented(code: str) -> str:
    """Code that is indented as a whole, without that; lines keep their numbers."""
    lines = code.split("\n")
    indented = [line for line in lines if line.strip() and not line.startswith("#")]
    width = min((len(line) - len(line.lstrip(" ")) for line in indented), default=0)
    moved = "\n".join(line[width:] if not line.startswith("#") else line for line in lines)
    return moved if width and parses(moved) else code


# --- What a listing needs of the others -----------------------------------------------------------


def _files(listings: Sequence[Listing]) -> dict[str, str]:
    """The modules that listings name in their first line; several listings of one module are joined."""
    parts: dict[str, list[str]] = {}
    for listing in listings:
        if listing.filename:
            parts.setdefault(listing.filename, []).append(listing.code)
    modules = {path: _module(texts) for path, texts in parts.items()}
    return {path: text for path, text in modules.items() if text.strip()}


def _module(texts: Sequence[str]) -> str:
    pieces, _ = _joined(texts)
    _, pieces = _reopened("", pieces)
    return "\n".join(pieces.values())


def _needed(
    code: str, pieces: Mapping[int, str], modules: Mapping[str, str]
) -> tuple[list[int], dict[str, str]]:
    """Those pieces (by position) and modules the code builds on, directly or through one another."""
    use = name_use(code)
    wanted, imported = set(use.free), set(use.imported)
    chosen: list[int] = []
    for position in sorted(pieces, reverse=True):
        piece = name_use(without_main_guard(pieces[position]))
        if wanted.isdisjoint(piece.bound | piece.changed):
            continue
        chosen.insert(0, position)
        wanted = (wanted - piece.bound) | piece.free
        imported |= piece.imported
    return chosen, dict(_imported_modules(imported, modules))


def _forgotten_imports(texts: Sequence[str]) -> str:
    """Imports of well-known names that some text uses and none defines."""
    uses = [name_use(text) for text in texts]
    missing = frozenset().union(*(use.free for use in uses)) - frozenset().union(*(use.bound for use in uses))
    modules = [f"import {name}\n" for name in sorted(missing & _FORGOTTEN_MODULES)]
    types = [f"from typing import {name}\n" for name in sorted(missing & _FORGOTTEN_TYPES)]
    # Last, as not every image has it.
    models = [f"from pydantic import {name}\n" for name in sorted(missing & _FORGOTTEN_PYDANTIC)]
    return "".join(modules + types + models)


def _imported_modules(imported: set[str], modules: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    todo, seen = sorted(imported), set(imported)
    while todo:
        path = f"{todo.pop().replace('.', '/')}.py"
        if path not in modules:
            continue
        yield path, modules[path]
        more = name_use(modules[path]).imported - seen
        seen |= more
        todo += sorted(more)


def parses(code: str) -> bool:
    """Whether the code is valid Python (top-level `await` is not)."""
    return _tree(code) is not None


@lru_cache(maxsize=2048)
def _tree(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an author's "\d" is a SyntaxWarning, not our business
            tree = ast.parse(code)
            compile(tree, "listing", "exec", dont_inherit=True)  # finds a `return` outside a function
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree
