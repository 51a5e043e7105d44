"""Which names a piece of Python defines, changes and needs, read from its syntax alone."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}


@dataclass(frozen=True)
class NameUse:
    """The names of one piece of code, as sets.

    `bound` are defined at the top level; `changed` are those whose value a top-level statement may alter
    (`names.append(…)`, `prices["a"] = 1`); `free` are used, in functions too, but not defined by the piece
    itself; `imported` are modules, dotted as written.
    """

    bound: frozenset[str]
    changed: frozenset[str]
    free: frozenset[str]
    imported: frozenset[str]


NOTHING = NameUse(frozenset(), frozenset(), frozenset(), frozenset())


@lru_cache(maxsize=2048)
def name_use(code: str) -> NameUse:
    """The names of a piece of code; none when it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
            table = symtable.symtable(code, "listing", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return NOTHING
    bound = frozenset(
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()
    ) | frozenset(_declared_global(table))
    used = frozenset(_globals_used(table))
    early = _used_before_bound(tree)
    return NameUse(
        bound=bound,
        changed=frozenset(_changed(tree)),
        free=((used - bound) | early) - _BUILTINS,
        imported=frozenset(_imported(tree)),
    )


def without_main_guard(code: str) -> str:
    """The code as it runs when it is imported: blank lines where `if __name__ == "__main__":` blocks were."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    lines = code.split("\n")
    for guard in filter(_is_main_guard, tree.body):
        last = guard.end_lineno or guard.lineno
        lines[guard.lineno - 1 : last] = [""] * (last - guard.lineno + 1)
    return "\n".join(lines)


def _globals_used(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals_used(child)


def _declared_global(table: symtable.SymbolTable) -> Iterator[str]:
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                yield symbol.get_name()
        yield from _declared_global(child)


def _used_before_bound(tree: ast.Module) -> frozenset[str]:
    """Names a piece reads at its top level before it binds them: `total = total + 1`, `class A(A)`."""
    bound: set[str] = set()
    early: set[str] = set()
    for statement in tree.body:
        loads, stores = _loads_and_stores(statement)
        early |= loads - bound
        bound |= stores
    return frozenset(early & bound)


def _loads_and_stores(statement: ast.stmt) -> tuple[set[str], set[str]]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        heads: list[ast.AST] = list(statement.decorator_list)
        if isinstance(statement, ast.ClassDef):
            heads += statement.bases
        loads = {node.id for head in heads for node in ast.walk(head) if isinstance(node, ast.Name)}
        return loads, {statement.name}
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    stores = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        return {node.id for node in names}, stores
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr):
        return {node.id for node in names if isinstance(node.ctx, ast.Load)}, stores
    return set(), stores  # a loop or branch may bind before it reads: not decidable from here


def _changed(tree: ast.Module) -> Iterator[str]:
    for statement in _top_level(tree.body):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Await):
            call = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                yield from _root(call.func)
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AugAssign):
            targets = [statement.target]
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript):
                yield from _root(target)


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run with the piece, those in its loops and branches too, not in functions."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield statement
        for part in ("body", "orelse", "finalbody"):
            yield from _top_level(getattr(statement, part, []))


def _is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test)
    )


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
