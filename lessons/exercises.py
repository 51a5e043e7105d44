"""Exercises: files in a course that say what a learner is to write, how it is checked, and what helps.

An exercise is TOML (docs/authoring.md). This module reads it and names every mistake with its line. It does
not check programs (`progress.checking` does) and does not know which lessons exist.

What people read is kept by language, `""` holding for those without a text of their own; `in_language`
chooses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, TypeVar

from django.conf import settings

from lessons.toml_files import (
    BadFile,
    Mistake,
    Reader,
    Unfit,
    number,
    one_of,
    parse,
    pattern,
    slug,
    table,
    text,
    texts,
    whole,
    yes_or_no,
)

T = TypeVar("T")

SUFFIX = ".exercise.toml"
CODE, PREDICT = "code", "predict"
KINDS = (CODE, PREDICT)
# What a program may be asked to use or to lack; any other word is a name that it calls or reads.
CONSTRUCTS = (
    *(
        "assert",
        "async",
        "await",
        "class",
        "comprehension",
        "def",
        "for",
        "fstring",
        "global",
        "if",
        "import",
    ),
    *("lambda", "match", "raise", "return", "try", "while", "with", "yield"),
)

_CODE_LIMIT = 50_000  # characters
_PROSE_LIMIT = 20_000
_ITEMS_LIMIT = 50  # checks, hints or mistakes
_FILES_LIMIT = 20
_NAME = re.compile(r"[A-Za-z_][\w.]*")


# --- What an exercise says ------------------------------------------------------------------------

ByLanguage = Mapping[str, T]


def in_language(by_language: ByLanguage[T], language: str, default: T) -> T:
    """What holds in this language: its own text, the one for all, else the first there is."""
    for key in (language, "", *by_language):
        if key in by_language:
            return by_language[key]
    return default


@dataclass(frozen=True, kw_only=True)
class OutputCheck:
    """What the program prints. What is empty or None is not asked."""

    equals: ByLanguage[str] = field(default_factory=dict)
    contains: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    lacks: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    matches: ByLanguage[str] = field(default_factory=dict)
    lines: int | None = None


@dataclass(frozen=True, kw_only=True)
class ValueCheck:
    """What an expression gives in the program's namespace. `equals` is None, or by language plain data."""

    expression: ByLanguage[str]
    setup: ByLanguage[str] = field(default_factory=dict)
    equals: ByLanguage[Any] = field(default_factory=dict)
    approx: Any = None  # a number or a list of numbers
    tolerance: float = 1e-6  # relative or absolute
    type: str = ""
    contains: ByLanguage[Any] = field(default_factory=dict)
    raises: str = ""
    prints: ByLanguage[str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TraceCheck:
    """What the program asks of its model."""

    least: int | None = None  # calls
    most: int | None = None
    tools: tuple[str, ...] | None = None  # called, in this order
    any_tools: tuple[str, ...] = ()  # called, in any
    not_tools: tuple[str, ...] = ()
    asked: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    system: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    finish: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    observed: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    streamed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class CodeCheck:
    """What the program's text has, by its syntax tree: names, or words of CONSTRUCTS."""

    calls: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PythonCheck:
    """The author's own Python, which sees the evidence as `result`."""

    code: str
    probes: ByLanguage[tuple[str, ...]] = field(default_factory=dict)  # expressions whose values it wants


@dataclass(frozen=True, kw_only=True)
class Check:
    """One `[[check]]`."""

    line: int
    name: ByLanguage[str]
    hidden: bool = False
    message: ByLanguage[str] = field(default_factory=dict)
    stdin: str | None = None  # the program is run anew with this
    what: OutputCheck | ValueCheck | TraceCheck | CodeCheck | PythonCheck


@dataclass(frozen=True, kw_only=True)
class Hint:
    """One `[[hint]]`; `line_contains` finds the line of the learner's code that it points at."""

    line: int
    text: ByLanguage[str]
    line_contains: ByLanguage[str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CommonMistake:
    """One `[[mistake]]`: an example of it, how it is told, and what to say. All conditions must hold."""

    line: int
    message: ByLanguage[str]
    code: ByLanguage[str]
    check: int | None = None  # 1 for the first: it failed
    code_contains: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    code_matches: ByLanguage[str] = field(default_factory=dict)
    output_contains: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    error_contains: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    actual_contains: ByLanguage[tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What an exercise's file says."""

    id: str
    lesson: str  # its number
    title: ByLanguage[str]
    prompt: ByLanguage[str]  # Markdown
    position: int | None = None
    kind: str = CODE
    optional: bool = False
    concepts: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 10  # seconds
    listing: int | None = None  # 1 for the lesson's first
    starter: ByLanguage[str] = field(default_factory=dict)
    solution: ByLanguage[str] = field(default_factory=dict)
    model: str = ""  # path of a script, relative to the exercise's file
    checks: tuple[Check, ...] = ()
    hints: tuple[Hint, ...] = ()
    mistakes: tuple[CommonMistake, ...] = ()
    code: ByLanguage[str] = field(default_factory=dict)  # from here on: of the kind PREDICT
    answer: ByLanguage[str] = field(default_factory=dict)
    choices: ByLanguage[tuple[str, ...]] = field(default_factory=dict)
    explanation: ByLanguage[str] = field(default_factory=dict)


def exercise_languages() -> list[str]:
    return [code for code, _ in settings.LANGUAGES]


# --- Reading it -----------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def read_exercise(text: str) -> Definition:
    """The exercise that a file's text holds. Raises BadFile."""
    return _Reader(text).exercise(parse(text))


class _Reader(Reader):
    """Turns the parsed file into a Definition and collects mistakes on the way."""

    def exercise(self, said: Mapping[str, Any]) -> Definition:
        head = {key: value for key, value in said.items() if key not in ("check", "hint", "mistake")}
        values = self.take(head, _HEAD, 0, "the head of an exercise")
        kind = values.get("kind", CODE)
        self.need(said, ("id", "lesson", "title", "prompt", *_NEEDED[kind]), 0, f"An exercise of kind {kind}")
        for key in sorted(set(said) & set(_OF_OTHER_KIND[kind])):
            what = f"sets {key}, which no exercise of kind {kind} has."
            self.add(self.line_of(key, 0), what, "Leave it out.")
        checks = [self.check(item, start) for item, start in self.tables(said, "check")]
        hints = [self.hint(item, start) for item, start in self.tables(said, "hint")]
        mistakes = [self.mistake(item, start, len(checks)) for item, start in self.tables(said, "mistake")]
        if kind == CODE and not said.get("check"):
            self.add(1, "has no check.", "Write at least one [[check]].")
        self.compare_choices(values)
        if self.mistakes:
            raise BadFile(sorted(set(self.mistakes)))
        return Definition(checks=tuple(checks), hints=tuple(hints), mistakes=tuple(mistakes), **values)

    def add(self, line: int, what: str, mend: str) -> None:
        self.mistakes.append(Mistake(line, what, mend))

    def need(self, said: Mapping[str, Any], keys: Sequence[str], start: int, place: str) -> None:
        for key in keys:
            if key not in said:
                self.add(start + 1, f"does not set {key}.", f"{place} needs it.")

    def tables(self, said: Mapping[str, Any], name: str) -> list[tuple[Mapping[str, Any], int]]:
        """The tables of a list with the lines (from 0) where they begin."""
        found = said.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            self.add(self.line_of(name, 0), f"sets {name}.", f"Write it as [[{name}]], as often as need be.")
            return []
        if len(found) > _ITEMS_LIMIT:
            self.add(1, f"has {len(found)} of [[{name}]].", f"An exercise takes up to {_ITEMS_LIMIT}.")
        starts = self.starts_of(name)
        return [(item, starts[at] if at < len(starts) else 0) for at, item in enumerate(found)]

    def check(self, said: Mapping[str, Any], start: int) -> Check:
        kinds = [key for key in _CHECK_KINDS if key in said]
        known = dict(_CHECK)
        if len(kinds) == 1:
            known |= _CHECK_KINDS[kinds[0]]
        else:
            known |= {key: _anything for fields in _CHECK_KINDS.values() for key in fields}
            found = f"is a check on {' and '.join(kinds)}." if kinds else "is a check on nothing."
            self.add(start + 1, found, f"Use exactly one of {', '.join(_CHECK_KINDS)}.")
        values = self.take(said, known, start, f"a check on {kinds[0]}" if len(kinds) == 1 else "a check")
        self.need(said, ["name"], start, "A check")
        about = {key: values.pop(key) for key in list(values) if key not in _CHECK}
        what = self.what(kinds[0], about, set(said), start) if len(kinds) == 1 else CodeCheck()
        if isinstance(what, CodeCheck) and "stdin" in said:
            self.add(self.line_of("stdin", start), "sets stdin in a check on code.", "Leave it out.")
        return Check(line=start + 1, what=what, **{"name": {}, **values})

    def what(
        self, kind: str, about: dict[str, Any], keys: set[str], start: int
    ) -> OutputCheck | ValueCheck | TraceCheck | CodeCheck | PythonCheck:
        """The check of a kind; `about` has what fitted, `keys` are all that were set."""
        if kind == "value":
            return self.value_check(about, keys & _EXPECTATIONS, start)
        if kind == "python":
            return PythonCheck(code=about.get("python", ""), probes=about.get("probe", {}))
        fields = {"output": _OUTPUT, "trace": _TRACE, "code": _CODE}[kind]
        said = about.get(kind, {})
        values = self.take(said, fields, self.line_of(kind, start) - 1, kind)
        if not said:
            self.add(self.line_of(kind, start), f"says nothing of {kind}.", f"Use {', '.join(fields)}.")
        if kind == "output":
            return OutputCheck(**values)
        if kind == "code":
            return CodeCheck(**values)
        least, most = values.pop("calls", (None, None))
        return TraceCheck(least=least, most=most, **values)

    def value_check(self, about: dict[str, Any], expected: set[str], start: int) -> ValueCheck:
        if not expected:
            mend = "Use equals, equals_python, approx, type, contains, raises or prints."
            self.add(start + 1, "says of a value nothing that must be so.", mend)
        elif "raises" in expected and expected - {"raises", "prints"}:
            what = "asks for an exception and for a value."
            self.add(self.line_of("raises", start), what, "Make them two checks.")
        elif {"equals", "equals_python"} <= expected:
            self.add(self.line_of("equals_python", start), "sets equals twice.", "Use one of the two.")
        expression = about.pop("value", {})
        if "equals_python" in about:
            about["equals"] = about.pop("equals_python")
        return ValueCheck(expression=expression, **about)

    def hint(self, said: Mapping[str, Any], start: int) -> Hint:
        values = self.take(said, _HINT, start, "a hint")
        self.need(said, ["text"], start, "A hint")
        return Hint(line=start + 1, **{"text": {}, **values})

    def mistake(self, said: Mapping[str, Any], start: int, checks: int) -> CommonMistake:
        values = self.take(said, _MISTAKE, start, "a mistake")
        self.need(said, ["message", "code"], start, "A mistake")
        when = values.pop("when", {})
        conditions = self.take(when, _WHEN, start, "when")
        if conditions.get("check", 0) > checks:
            mend = f"The exercise has {checks}."
            self.add(self.line_of("when.check", start), f"speaks of check {conditions['check']}.", mend)
        return CommonMistake(line=start + 1, **{"message": {}, "code": {}, **values}, **conditions)

    def compare_choices(self, values: Mapping[str, Any]) -> None:
        choices: ByLanguage[tuple[str, ...]] = values.get("choices", {})
        answer: ByLanguage[str] = values.get("answer", {})
        for language in {*choices, *answer} if choices and answer else ():
            given = in_language(answer, language, "")
            if given not in in_language(choices, language, ()):
                said = f" in {language}" if language else ""
                mend = "Give the answer as one of the choices, letter by letter."
                self.add(self.line_of("answer", 0), f"has an answer that is no choice{said}.", mend)


# --- What fits ------------------------------------------------------------------------------------


def by_language(check: Callable[[Any], T]) -> Callable[[Any], dict[str, T]]:
    """Takes a value for all languages, or a table of them by language."""

    def read(value: Any) -> dict[str, T]:
        if not isinstance(value, dict):
            return {"": check(value)}
        languages = exercise_languages()
        for language in value:
            if language not in languages:
                raise Unfit(f"Give texts by language: {', '.join(languages)}", at=language)
        if not value:
            raise Unfit("Give a text, or texts by language")
        read = {}
        for language, item in value.items():
            try:
                read[language] = check(item)
            except Unfit as error:
                raise Unfit(str(error), at=language) from None
        return read

    return read


def _data_by_language(value: Any) -> dict[str, Any]:
    """Plain data for all languages; a table whose keys are all languages holds it for each."""
    if isinstance(value, dict) and value and set(value) <= set(exercise_languages()):
        return {language: _plain(item) for language, item in value.items()}
    return {"": _plain(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if not isinstance(value, bool | int | float | str):
        raise Unfit("Give a number, a text, true or false, a list or a table")
    return value


def _literal(value: Any) -> Any:
    said = text(_CODE_LIMIT)(value)
    try:
        return ast.literal_eval(said)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise Unfit("Give a literal of Python in quotes, such as \"{'a', 1.5, None}\"") from None


def _filled(limit: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not text(limit)(value).strip():
            raise Unfit("Give it words")
        return str(value)

    return check


def _python(mode: str) -> Callable[[Any], str]:
    """Code that parses; `mode` is exec or eval."""

    def check(value: Any) -> str:
        said = text(_CODE_LIMIT)(value)
        try:
            compile(
                said.strip() if mode == "eval" else said, "exercise", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            )
        except (SyntaxError, ValueError) as error:
            where = f" (its line {error.lineno})" if isinstance(error, SyntaxError) and mode == "exec" else ""
            raise Unfit(f"Give Python; this is none{where}: {error.args[0]}") from None
        return said

    return check


def _pattern_text(value: Any) -> str:
    return pattern(value).pattern


def _number_or_numbers(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, int | float) and not isinstance(item, bool) for item in items):
        raise Unfit("Give a number or a list of numbers")
    return value


def _tolerance(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise Unfit("Give a number from 0 on")
    return float(value)


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Unfit("Give a name of Python, in quotes")
    return value


def _identifiers(value: Any) -> tuple[str, ...]:
    return tuple(_identifier(item) for item in texts(value))


def _slugs(value: Any) -> tuple[str, ...]:
    return tuple(slug(item) for item in texts(value))


def _call_count(value: Any) -> tuple[int | None, int | None]:
    if isinstance(value, int) and not isinstance(value, bool):
        return whole(0, 1000)(value), value
    said = table(value)
    if not said or set(said) - {"min", "max"}:
        raise Unfit("Give a number, or a table with min and max")
    read = {key: whole(0, 1000)(item) for key, item in said.items()}
    return read.get("min"), read.get("max")


def _files(value: Any) -> dict[str, str]:
    said = table(value)
    if len(said) > _FILES_LIMIT:
        raise Unfit(f"Give up to {_FILES_LIMIT} files")
    for name, content in said.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name or len(name) > 100:
            raise Unfit("Give each file a path inside the program's folder", at=name)
        if name == "main.py":
            raise Unfit("main.py is the program itself", at=name)
        text(_CODE_LIMIT)(content)
    return dict(said)


def _tools(value: Any) -> tuple[str, ...]:
    return () if value == [] else texts(value)


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value.endswith(".model.toml"):
        raise Unfit("Give the path of a .model.toml, relative to this file")
    return value


def _anything(value: Any) -> Any:
    return value


_HEAD: dict[str, Callable[[Any], Any]] = {
    "id": slug,
    "lesson": number,
    "position": whole(1, 1000),
    "kind": one_of(*KINDS),
    "optional": yes_or_no,
    "concepts": _slugs,
    "files": _files,
    "timeout": whole(1, 60),
    "listing": whole(1, 1000),
    "title": by_language(_filled(200)),
    "prompt": by_language(_filled(_PROSE_LIMIT)),
    "starter": by_language(text(_CODE_LIMIT)),
    "solution": by_language(_python("exec")),
    "model": _path,
    "code": by_language(_python("exec")),
    "answer": by_language(text(_CODE_LIMIT)),
    "choices": by_language(texts),
    "explanation": by_language(_filled(_PROSE_LIMIT)),
}
_NEEDED = {CODE: ("solution",), PREDICT: ("code", "answer")}
_OF_OTHER_KIND = {
    CODE: ("code", "answer", "choices", "explanation"),
    PREDICT: ("starter", "solution", "listing", "check", "mistake"),
}
_CHECK: dict[str, Callable[[Any], Any]] = {
    "name": by_language(_filled(300)),
    "hidden": yes_or_no,
    "message": by_language(_filled(_PROSE_LIMIT)),
    "stdin": text(_CODE_LIMIT),
}
_CHECK_KINDS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "output": {"output": table},
    "value": {
        "value": by_language(_python("eval")),
        "setup": by_language(_python("exec")),
        "equals": _data_by_language,
        "equals_python": by_language(_literal),
        "approx": _number_or_numbers,
        "tolerance": _tolerance,
        "type": _identifier,
        "contains": _data_by_language,
        "raises": _identifier,
        "prints": by_language(text(_CODE_LIMIT)),
    },
    "trace": {"trace": table},
    "code": {"code": table},
    "python": {"python": _python("exec"), "probe": by_language(texts)},
}
_EXPECTATIONS = {"equals", "equals_python", "approx", "type", "contains", "raises", "prints"}
_OUTPUT: dict[str, Callable[[Any], Any]] = {
    "equals": by_language(text(_CODE_LIMIT)),
    "contains": by_language(texts),
    "lacks": by_language(texts),
    "matches": by_language(_pattern_text),
    "lines": whole(0, 10_000),
}
_TRACE: dict[str, Callable[[Any], Any]] = {
    "calls": _call_count,
    "tools": _tools,
    "any_tools": texts,
    "not_tools": texts,
    "asked": by_language(texts),
    "system": by_language(texts),
    "finish": by_language(texts),
    "observed": by_language(texts),
    "streamed": yes_or_no,
}
_CODE: dict[str, Callable[[Any], Any]] = {
    "calls": _identifiers,
    "defines": _identifiers,
    "uses": _identifiers,
    "lacks": _identifiers,
}
_HINT: dict[str, Callable[[Any], Any]] = {
    "text": by_language(_filled(_PROSE_LIMIT)),
    "line_contains": by_language(_filled(200)),
}
_MISTAKE: dict[str, Callable[[Any], Any]] = {
    "message": by_language(_filled(_PROSE_LIMIT)),
    "code": by_language(text(_CODE_LIMIT)),
    "when": table,
}
_WHEN: dict[str, Callable[[Any], Any]] = {
    "check": whole(1, _ITEMS_LIMIT),
    "code_contains": by_language(texts),
    "code_matches": by_language(_pattern_text),
    "output_contains": by_language(texts),
    "error_contains": by_language(texts),
    "actual_contains": by_language(texts),
}
