"""Whether what a program did is what an exercise asks for: comparisons of plain data, without I/O."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.exercises import (
    ByLanguage,
    CodeCheck,
    OutputCheck,
    TraceCheck,
    ValueCheck,
    in_language,
)
from progress.checking.evidence import Behaviour, Seen
from sandbox.execution import Outcome
from tutor.conversations import text_of

_TOOL = re.compile(r"[\w.-]+(?=\s*[\[(])|[\w.-]+$")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came of a check. `said` is a sentence of our own, for want of one of the author's."""

    passed: bool
    expected: str | None = None
    actual: str | None = None
    said: str = ""


# --- Output ---------------------------------------------------------------------------------------


def compare_output(check: OutputCheck, behaviour: Behaviour, *, language: str, matches: bool) -> Finding:
    """`matches`: whether the pattern, if there is one, was found; it is looked for in the sandbox."""
    if behaviour.outcome is not Outcome.OK:
        return Finding(passed=False, actual=behaviour.output, said=how_it_ended(behaviour))
    output = behaviour.output
    if check.equals:
        expected = in_language(check.equals, language, "")
        return Finding(passed=tidy(output) == tidy(expected), expected=expected, actual=output)
    wanted = in_language(check.contains, language, ())
    if missing := [text for text in wanted if text not in output]:
        return Finding(
            passed=False,
            expected="\n".join(wanted),
            actual=output,
            said=_is_missing(missing, _("the output")),
        )
    if found := [text for text in in_language(check.lacks, language, ()) if text in output]:
        said = _("The output should do without: %(texts)s.") % {"texts": _listed(found)}
        return Finding(passed=False, actual=output, said=said)
    if check.lines is not None and (lines := _line_count(output)) != check.lines:
        return Finding(passed=False, actual=output, said=_line_words(check.lines, lines))
    if check.matches and not matches:
        said = _("The output has not got the form that it should have.")
        return Finding(passed=False, actual=output, said=said)
    return Finding(passed=True, expected="\n".join(wanted) or None, actual=output)


def tidy(text: str) -> str:
    """Without white space at the ends of lines and at the end: nobody sees that."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def how_it_ended(behaviour: Behaviour) -> str:
    """In a sentence, for a run that did not end well."""
    last = behaviour.error.strip().splitlines()[-1:] or [""]
    if behaviour.outcome is Outcome.FAILED and last[0]:
        return _("The program ended with an error: %(error)s") % {"error": last[0][:500]}
    return _ended(behaviour.outcome)


def _ended(outcome: Outcome) -> str:
    words = {
        Outcome.FAILED: _("The program ended with an error."),
        Outcome.TIMEOUT: _("The program took too long."),
        Outcome.MEMORY: _("The program used too much memory."),
        Outcome.OUTPUT_LIMIT: _("The program printed too much."),
        Outcome.PROCESS_LIMIT: _("The program started too many processes."),
    }
    return words.get(outcome, _("The program ended before this could be looked at."))


def _line_count(output: str) -> int:
    text = tidy(output)
    return text.count("\n") + 1 if text else 0


def _line_words(wanted: int, found: int) -> str:
    return ngettext(
        "There should be %(wanted)s line of output; there are %(found)s.",
        "There should be %(wanted)s lines of output; there are %(found)s.",
        wanted,
    ) % {"wanted": wanted, "found": found}


# --- Values ---------------------------------------------------------------------------------------


def compare_value(check: ValueCheck, seen: Seen, *, language: str) -> Finding:
    if seen.outcome is not None:
        return Finding(passed=False, expected=_expected(check, language), said=_ended(seen.outcome))
    if check.raises:
        passed = check.raises in seen.kinds and _prints(check, seen, language)
        return Finding(passed=passed, expected=check.raises, actual=seen.raised or seen.shown)
    if seen.raised:
        said = ""
        if seen.program_raised:  # then this is most likely but a consequence
            said = _("The program ended with an error: %(error)s") % {"error": seen.program_raised}
        return Finding(passed=False, expected=_expected(check, language), actual=seen.raised, said=said)
    passed = (
        (not check.equals or (seen.is_plain and same(in_language(check.equals, language, None), seen.value)))
        and (check.approx is None or (seen.is_plain and near(check.approx, seen.value, check.tolerance)))
        and (not check.type or seen.type == check.type)
        and (not check.contains or holds(seen, in_language(check.contains, language, None)))
        and _prints(check, seen, language)
    )
    return Finding(passed=passed, expected=_expected(check, language), actual=_actual(check, seen))


def same(expected: Any, actual: Any) -> bool:
    """Equality as Python has it, but true is not 1; tables, lists and sets by what is in them."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, int | float) and isinstance(actual, int | float):
        return expected == actual
    if type(expected) is not type(actual):
        return {type(expected), type(actual)} == {set, frozenset} and expected == actual
    if isinstance(expected, list | tuple):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, dict):
        return expected.keys() == actual.keys() and all(same(expected[key], actual[key]) for key in expected)
    return bool(expected == actual)


def near(expected: Any, actual: Any, tolerance: float) -> bool:
    """Whether a number, or each of a list or tuple of them, is as good as another."""
    if isinstance(expected, list):
        is_like = isinstance(actual, list | tuple) and len(actual) == len(expected)
        return is_like and all(
            near(one, other, tolerance) for one, other in zip(expected, actual, strict=True)
        )
    if isinstance(actual, bool) or not isinstance(actual, int | float):
        return False
    try:
        return math.isclose(expected, actual, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:  # a whole number that no float holds
        return False


def holds(seen: Seen, wanted: Any) -> bool:
    """Whether a text, list, set or table contains something; of other objects the text they show counts."""
    if not seen.is_plain:
        return isinstance(wanted, str) and wanted in seen.shown
    value = seen.value
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    if isinstance(value, list | tuple | set | frozenset | dict):
        return any(same(wanted, item) for item in value)
    return False


def _prints(check: ValueCheck, seen: Seen, language: str) -> bool:
    return not check.prints or tidy(seen.prints) == tidy(in_language(check.prints, language, ""))


def _expected(check: ValueCheck, language: str) -> str | None:
    if check.equals:
        return repr(in_language(check.equals, language, None))
    if check.approx is not None:
        return f"≈ {check.approx}"
    if check.prints:
        return in_language(check.prints, language, "")
    if check.contains:
        return f"… {in_language(check.contains, language, None)!r} …"
    return check.type or check.raises or None


def _actual(check: ValueCheck, seen: Seen) -> str:
    if check.prints and not (check.equals or check.contains or check.approx is not None):
        return seen.prints
    return f"{seen.type}: {seen.shown}" if check.type and not check.equals else seen.shown


# --- Traces ---------------------------------------------------------------------------------------


def compare_trace(check: TraceCheck, behaviour: Behaviour, *, language: str) -> Finding:
    """The first thing that is not as it should be."""
    calls = behaviour.calls
    if finding := _call_count(check, len(calls)):
        return finding
    tools = list(tools_called(calls))
    actual = ", ".join(tools) or "—"
    if check.tools is not None and tools != list(check.tools):
        return Finding(passed=False, expected=", ".join(check.tools) or "—", actual=actual)
    if missing := [tool for tool in check.any_tools if tool not in tools]:
        said = _("The tool was never called: %(tools)s.") % {"tools": ", ".join(missing)}
        return Finding(passed=False, expected=", ".join(check.any_tools), actual=actual, said=said)
    if found := [tool for tool in check.not_tools if tool in tools]:
        said = _("The tool should not be called: %(tools)s.") % {"tools": ", ".join(found)}
        return Finding(passed=False, actual=actual, said=said)
    places: Sequence[tuple[ByLanguage[tuple[str, ...]], str, str]] = (
        (check.system, _asked(calls, is_system=True), _("the system message")),
        (check.asked, _asked(calls, is_system=False), _("what the model was asked")),
        (check.observed, "\n".join(_observed(calls)), _("what tools gave back")),
        (check.finish, _last_answer(calls), _("the model's last answer")),
    )
    for by_language, text, place in places:
        wanted = in_language(by_language, language, ())
        if missing := [each for each in wanted if each not in text]:
            return Finding(
                passed=False,
                expected="\n".join(wanted),
                actual=text[-2000:],
                said=_is_missing(missing, place),
            )
    if check.streamed is not None and any(call["streamed"] for call in calls) is not check.streamed:
        said = _("The answer should be streamed.") if check.streamed else _("The answer should come whole.")
        return Finding(passed=False, said=said)
    return Finding(passed=True)


def tools_called(calls: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The tools that the model called, by its protocol or as text agents do it (`Action: search[…]`)."""
    for call in calls:
        for part in call["parts"]:
            named = _TOOL.match(part["text"].strip()) if part["kind"] == "action" else None
            if named:
                yield named[0]


def _call_count(check: TraceCheck, count: int) -> Finding | None:
    least, most = check.least or 0, check.most
    if count >= least and (most is None or count <= most):
        return None
    wanted = str(least) if least == most else f"{least}–{'…' if most is None else most}"
    said = _("There should be %(wanted)s calls to the model; the number is %(count)s.")
    return Finding(
        passed=False, expected=wanted, actual=str(count), said=said % {"wanted": wanted, "count": count}
    )


def _asked(calls: Iterable[Mapping[str, Any]], *, is_system: bool) -> str:
    return "\n".join(
        text_of(message.get("content"))
        for call in calls
        for message in call["messages"]
        if (message["role"] in ("system", "developer")) is is_system
    )


def _observed(calls: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for call in calls:
        yield from (result["content"] for result in call["tool_results"])
        yield from (part["text"] for part in call["parts"] if part["kind"] == "observation")


def _last_answer(calls: Sequence[Mapping[str, Any]]) -> str:
    answers = [call["answer"] for call in calls if call["answer"]]
    return str(answers[-1].get("content") or "") if answers else ""


# --- The program's text ---------------------------------------------------------------------------

_NODES: Mapping[str, tuple[type[ast.AST], ...]] = {
    "assert": (ast.Assert,),
    "async": (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith),
    "await": (ast.Await,),
    "class": (ast.ClassDef,),
    "comprehension": (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    "def": (ast.FunctionDef, ast.AsyncFunctionDef),
    "for": (ast.For, ast.AsyncFor),
    "fstring": (ast.JoinedStr,),
    "global": (ast.Global,),
    "if": (ast.If, ast.IfExp),
    "import": (ast.Import, ast.ImportFrom),
    "lambda": (ast.Lambda,),
    "match": (ast.Match,),
    "raise": (ast.Raise,),
    "return": (ast.Return,),
    "try": (ast.Try, ast.TryStar),
    "while": (ast.While,),
    "with": (ast.With, ast.AsyncWith),
    "yield": (ast.Yield, ast.YieldFrom),
}


def compare_code(check: CodeCheck, code: str) -> Finding:
    try:
        return _compare_nodes(check, list(ast.walk(ast.parse(code))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Finding(passed=False, said=_("The program is no Python that can be read."))


def _compare_nodes(check: CodeCheck, nodes: Sequence[ast.AST]) -> Finding:
    calls, defined = set(_called(nodes)), set(_defined(nodes))
    named = calls | {node.id for node in nodes if isinstance(node, ast.Name)}
    used = {word for word, kinds in _NODES.items() if any(isinstance(node, kinds) for node in nodes)} | named
    for wanted, found, words in (
        (check.calls, calls, _("The program should call: %(names)s.")),
        (check.defines, defined, _("The program should define: %(names)s.")),
        (check.uses, used, _("The program should use: %(names)s.")),
    ):
        if missing := [name for name in wanted if name not in found]:
            return Finding(passed=False, said=words % {"names": ", ".join(missing)})
    if unwanted := [name for name in check.lacks if name in used]:
        said = _("The program should do without: %(names)s.") % {"names": ", ".join(unwanted)}
        return Finding(passed=False, said=said)
    return Finding(passed=True)


def _called(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of what is called; of `a.b.c()` the whole and `c`."""
    for node in nodes:
        if isinstance(node, ast.Call):
            name = _dotted(node.func)
            yield name
            yield name.rpartition(".")[2]


def _dotted(node: ast.AST) -> str:
    """`a.b.c`, or `.b.c` of what has no name; step by step, for a learner may write thousands of them."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    names.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(names))


def _defined(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _is_missing(texts: Sequence[str], place: str) -> str:
    return _("This is missing in %(place)s: %(texts)s.") % {"place": place, "texts": _listed(texts)}


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(f"“{text}”" for text in texts)
