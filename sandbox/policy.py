"""Reads a program before it runs and says where it is broken or asks for something the sandbox refuses.

This is advice to the learner, and in a course that wants it (`PolicyMode.BLOCK`) a rule; it is not a
wall. Names can be hidden from any reader of source text, so isolation is the container's work alone.

Syntax is judged by the Python this process runs on. A newer Python in the image may accept more, which
is one reason why a syntax error is only shown and never keeps a program from running.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

MAX_BLOCK_DEPTH = 12  # if, for, while, with, try, def and class inside one another
MAX_LOOP_DEPTH = 4  # loops and comprehension clauses inside one another
MAX_NODES = 50_000  # of the syntax tree; hand-written code has some ten a line
MAX_FINDINGS = 100  # more than that helps nobody


class PolicyMode(StrEnum):
    """What a course does about findings."""

    OFF = "off"
    WARN = "warn"
    BLOCK = "block"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One remark about a program. `line` and `column` count from 1; columns are Unicode code points.

    `code` is the stable name of the rule (`syntax`, `size`, `nesting`, `loops`, `process`,
    `dynamic-code`, `socket`, `native-code`, `signal`); `message` is for the learner, in the language active
    when it was found.
    """

    line: int
    column: int
    code: str
    message: str
    severity: Severity


MESSAGES = {
    "syntax": gettext_noop("Python cannot read this line: %(detail)s."),
    "size": gettext_noop("This program is too long to be checked. Split it into smaller ones."),
    "nesting": gettext_noop(
        "The code is nested too deep to follow. Move the inner part into a function of its own."
    ),
    "loops": gettext_noop(
        "So many loops inside one another take very long. Move the inner loops into a function, or use a "
        "dictionary to look things up."
    ),
    "process": gettext_noop(
        "“%(detail)s” starts another program, which may not work here. Do the work with a Python function "
        "instead."
    ),
    "dynamic-code": gettext_noop(
        "“%(detail)s” runs any text as code, also text that a user or a model wrote. Call a function you "
        "wrote, or read data with json.loads or ast.literal_eval."
    ),
    "socket": gettext_noop(
        "“%(detail)s” opens a network connection, and programs here have no network. Use the data the "
        "lesson gives you."
    ),
    "native-code": gettext_noop(
        "“%(detail)s” reaches past Python into the machine, where a mistake ends the program without a "
        "message. Use an ordinary Python module instead."
    ),
    "signal": gettext_noop(
        "“%(detail)s” sends or catches signals of the operating system. To stop a program, return from "
        "its function or call sys.exit."
    ),
}

# Modules that are of no other use than what the rule is about: the import itself is a finding.
RISKY_MODULES = {
    "subprocess": "process",
    "multiprocessing": "process",
    "pty": "process",
    "socket": "socket",
    "socketserver": "socket",
    "_socket": "socket",
    "ctypes": "native-code",
    "_ctypes": "native-code",
    "cffi": "native-code",
    "signal": "signal",
}

_SUBPROCESS = ("run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput")
_EXEC_SUFFIXES = ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")
RISKY_NAMES = {
    **dict.fromkeys(("os.system", "os.popen", "os.fork", "os.forkpty", "os.startfile"), "process"),
    **dict.fromkeys((f"os.exec{suffix}" for suffix in _EXEC_SUFFIXES), "process"),
    **dict.fromkeys((f"os.spawn{suffix}" for suffix in _EXEC_SUFFIXES), "process"),
    **dict.fromkeys(("os.posix_spawn", "os.posix_spawnp"), "process"),
    **dict.fromkeys((f"subprocess.{name}" for name in _SUBPROCESS), "process"),
    **dict.fromkeys(("multiprocessing.Process", "multiprocessing.Pool", "pty.spawn"), "process"),
    **dict.fromkeys(("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"), "process"),
    "concurrent.futures.ProcessPoolExecutor": "process",
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), "dynamic-code"),
    **dict.fromkeys(("importlib.import_module", "importlib.__import__"), "dynamic-code"),
    **dict.fromkeys(("runpy.run_path", "runpy.run_module"), "dynamic-code"),
    **dict.fromkeys(("asyncio.open_connection", "asyncio.start_server"), "socket"),
    **dict.fromkeys(("socket.socket", "socket.create_connection", "socket.create_server"), "socket"),
    **dict.fromkeys(("os.kill", "os.killpg", "os.abort"), "signal"),
}

_BLOCKS = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match,
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef,
)  # fmt: skip
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_NEWLINE = re.compile(r"\r\n|\r|\n")  # what ends a line for Python; str.splitlines knows more

# `catch_warnings` changes state of the whole process, so one thread at a time is inside it.
_parsing = threading.Lock()


def check(code: str, *, mode: PolicyMode) -> list[Finding]:
    """Remarks on `code`, in the order of the text, at most `MAX_FINDINGS`. Never raises.

    In `BLOCK` mode a broken rule has severity error, otherwise warning; a syntax error always is one.
    `refusal` says which of them keep the program from running.
    """
    if mode is PolicyMode.OFF:
        return []
    severity = Severity.ERROR if mode is PolicyMode.BLOCK else Severity.WARNING
    return sorted(_find(code, severity))[:MAX_FINDINGS]


def refusal(findings: Iterable[Finding]) -> list[Finding]:
    """Those findings that reject a run: broken rules in `BLOCK` mode, but not syntax errors.

    Of a syntax error Python itself tells the learner, as it would anywhere else.
    """
    return [
        finding for finding in findings if finding.severity is Severity.ERROR and finding.code != "syntax"
    ]


def _find(code: str, severity: Severity) -> Iterator[Finding]:
    def finding(rule: str, line: int = 1, column: int = 1, detail: str = "") -> Finding:
        message = gettext(MESSAGES[rule]) % {"detail": detail}
        return Finding(line, column, rule, message, Severity.ERROR if rule == "syntax" else severity)

    if len(code) > settings.RUN_CODE_MAX_BYTES or len(_utf8(code)) > settings.RUN_CODE_MAX_BYTES:
        yield finding("size")
        return
    try:
        tree = _parse(code)
    except SyntaxError as error:
        yield finding("syntax", error.lineno or 1, max(error.offset or 1, 1), error.msg.rstrip("."))
        return
    except ValueError as error:  # NUL bytes, half of a surrogate pair
        yield finding("syntax", detail=str(error).rstrip("."))
        return
    except (RecursionError, MemoryError):  # what the parser answers to nesting it has no room for
        yield finding("nesting")
        return
    survey = _survey(tree)
    if survey.nodes > MAX_NODES:
        yield finding("size")
    lines = _NEWLINE.split(code)
    for rule, node, detail in survey.breaches():
        # The tree counts columns in bytes of UTF-8.
        column = len(_utf8(lines[node.lineno - 1])[: node.col_offset].decode("utf-8", "replace")) + 1
        yield finding(rule, node.lineno, column, detail)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _parse(code: str) -> ast.Module:
    """The syntax tree, without the warnings that Python would print about, say, a `"\\d"`."""
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)


_Located = ast.stmt | ast.expr


@dataclass
class _Survey:
    """What one walk over the tree gathered."""

    nodes: int = 0
    imports: dict[str, str] = field(default_factory=dict)  # local name → dotted name it stands for
    bound: set[str] = field(default_factory=set)  # names the program gives a meaning of its own
    imported: list[tuple[str, _Located]] = field(default_factory=list)
    names: list[ast.Name] = field(default_factory=list)
    attributes: list[ast.Attribute] = field(default_factory=list)
    nested: list[tuple[str, _Located]] = field(default_factory=list)  # rule, place

    def breaches(self) -> Iterator[tuple[str, _Located, str]]:
        """Rule, place and the risky name as its module knows it."""
        for rule, place in self.nested:
            yield rule, place, ""
        for module, statement in self.imported:
            if rule_of_module := RISKY_MODULES.get(module.partition(".")[0]):
                yield rule_of_module, statement, module
        for node in (*self.names, *self.attributes):
            if (name := self._dotted(node)) and (rule_of_name := RISKY_NAMES.get(name)):
                yield rule_of_name, node, name

    def _dotted(self, node: ast.expr) -> str | None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        if node.id in self.imports:
            parts.append(self.imports[node.id])
        elif node.id not in self.bound:
            parts.append(node.id)
        else:
            return None
        return ".".join(reversed(parts)).removeprefix("builtins.")


def _survey(tree: ast.Module) -> _Survey:
    """Walk the tree without recursion: its depth is the learner's choice."""
    survey = _Survey()
    waiting: list[tuple[ast.AST, int, int]] = [(tree, 0, 0)]  # node, depth in blocks, depth in loops
    while waiting and survey.nodes <= MAX_NODES:
        node, blocks, loops = waiting.pop()
        survey.nodes += 1
        if isinstance(node, ast.expr):
            if isinstance(node, ast.Name):
                _note_name(survey, node)
                continue
            if isinstance(node, ast.Constant):
                continue
            if isinstance(node, ast.Attribute):
                survey.attributes.append(node)
            elif isinstance(node, _COMPREHENSIONS):
                loops = _deeper(survey, node, "loops", loops, MAX_LOOP_DEPTH, by=len(node.generators))
            elif isinstance(node, ast.Lambda):
                loops = 0
        elif isinstance(node, ast.stmt):
            _note_binding(survey, node)
            if isinstance(node, _LOOPS):
                loops = _deeper(survey, node, "loops", loops, MAX_LOOP_DEPTH)
            if isinstance(node, _BLOCKS):
                blocks = _deeper(survey, node, "nesting", blocks, MAX_BLOCK_DEPTH)
            if isinstance(node, _FUNCTIONS):
                loops = 0  # its body runs when it is called, not here
        elif isinstance(node, ast.arg):
            survey.bound.add(node.arg)
        _push_children(waiting, node, blocks, loops)
    return survey


def _push_children(waiting: list[tuple[ast.AST, int, int]], node: ast.AST, blocks: int, loops: int) -> None:
    is_chain = isinstance(node, ast.If)
    for name in node._fields:
        value = getattr(node, name, None)
        if value.__class__ is list:
            # `elif` is an `if` inside `else` for the tree, but not for the reader.
            is_elif = is_chain and name == "orelse" and len(value) == 1 and isinstance(value[0], ast.If)
            depth = blocks - 1 if is_elif else blocks
            waiting.extend([(child, depth, loops) for child in value if isinstance(child, ast.AST)])
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context | ast.operator):
            waiting.append((value, blocks, loops))


def _deeper(survey: _Survey, node: _Located, rule: str, depth: int, limit: int, by: int = 1) -> int:
    """The depth inside `node`; where it first passes the limit, that is noted, once per place."""
    if depth <= limit < depth + by:
        survey.nested.append((rule, node))
    return depth + by


def _note_name(survey: _Survey, node: ast.Name) -> None:
    if isinstance(node.ctx, ast.Load):
        survey.names.append(node)
    else:
        survey.bound.add(node.id)


def _note_binding(survey: _Survey, node: ast.stmt) -> None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        survey.bound.add(node.name)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            survey.imported.append((alias.name, node))
            # `import a.b` binds a; `import a.b as c` binds c to a.b.
            first = alias.name.partition(".")[0]
            survey.imports[alias.asname or first] = alias.name if alias.asname else first
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        survey.imported.append((node.module, node))
        for alias in node.names:
            if alias.name == "*":
                _note_star(survey, node.module)
            else:
                survey.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"


def _note_star(survey: _Survey, module: str) -> None:
    for name in RISKY_NAMES:
        owner, _, last = name.rpartition(".")
        if owner == module:
            survey.imports[last] = name
