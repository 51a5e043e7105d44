"""Runs a learner's program and then says what some expressions give in its namespace.

Which expressions, it reads from its standard input when the program has ended; that reads from a file.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import json
import linecache
import os
import sys
import tempfile
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

from .plain_data import LONGEST, encode

_SHOWN = 2_000  # characters of a value as text
_PRINTED = 40_000  # characters of what it prints


def collect(namespace: dict[str, Any], name: str, stdin: str) -> NoReturn:
    """Run the program in the file `name` with this input; then answer each question with a line of JSON."""
    questions, answers = os.dup(0), os.dup(1)
    _redirect(stdin)
    problem = _run(namespace, name)
    told = b""
    while piece := os.read(questions, 65536):
        told += piece
    asked = json.loads(told)
    for number, question in enumerate(asked["questions"]):
        answer = {"program": problem, **_answer(namespace, question)}
        line = f"\n{asked['token']} {number} {json.dumps(answer)}\n".encode()
        while line:
            line = line[os.write(answers, line) :]
    os._exit(0)


def _redirect(stdin: str) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    with tempfile.TemporaryFile() as file:
        file.write(stdin.encode("utf-8", "replace"))
        file.seek(0)
        os.dup2(file.fileno(), 0)
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - for the program


def _run(namespace: dict[str, Any], name: str) -> dict[str, Any] | None:
    path = Path(name).resolve()
    code = path.read_text(encoding="utf-8")
    sys.argv = [name]
    namespace["__file__"] = str(path)
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    try:
        _do(compile(code, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), namespace)
    except SystemExit:
        return None
    except BaseException as error:  # noqa: BLE001 - the edge: whatever a program raises is told
        return _raised(error)
    return None


def _answer(namespace: dict[str, Any], question: dict[str, str]) -> dict[str, Any]:
    printed = io.StringIO()
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with redirect_stdout(printed):
            _do(compile(question["setup"], "setup", "exec", flags, dont_inherit=True), namespace)
            printed.truncate(0)
            printed.seek(0)
            expression = compile(question["expression"].strip(), "value", "eval", flags, dont_inherit=True)
            value = _do(expression, namespace)
            told = {"type": type(value).__name__, "shown": repr(value)[:_SHOWN]}
    except BaseException as error:  # noqa: BLE001 - as above
        return {"raised": _raised(error), "prints": printed.getvalue()[:_SHOWN]}
    try:
        encoded = encode(value)
        if len(json.dumps(encoded)) <= LONGEST:
            told["value"] = encoded
    except (ValueError, RecursionError):
        pass  # it is told by what it shows
    return {**told, "prints": printed.getvalue()[:_PRINTED]}


def _do(code: Any, namespace: dict[str, Any]) -> Any:
    result = eval(code, namespace)  # noqa: S307 - running it is the point
    if code.co_flags & inspect.CO_COROUTINE:
        return asyncio.run(result)
    return result


def _raised(error: BaseException) -> dict[str, Any]:
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind is not object]
    text = "".join(traceback.format_exception_only(error))
    return {"kinds": kinds, "text": text.strip()[:_SHOWN]}
