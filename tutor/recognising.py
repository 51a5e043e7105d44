"""Thought, Action, Observation: what agents' texts say about themselves, in English and Chinese.

Three ways of working are known, by the forms that textbooks use: ReAct (marked lines), Plan-and-Solve (a list
of steps, then one step at a time) and Reflection (a review, then a better version).
"""

from __future__ import annotations

import ast
import re
from typing import Any

Part = dict[str, str]

_LIMIT = 5000  # characters of a part
_SEARCHED = 100_000  # characters of a text that are looked at

# What is searched is a learner's, and while a pattern backtracks the whole worker stands still. So no two
# repetitions here may fight over the same characters: `*+` gives nothing back.
_WORDS = {
    "thought": "thought|thinking|思考|想法|推理",
    "action": "action|行动|动作|操作",
    "observation": "observation|观察结果|观察|执行结果",
    "finish": "final answer|最终答案|最终回答",
}
# A marked line: "Thought: …", "**Action 2:** …", "🤔 思考：…", "Action Input: …".
_MARKED = re.compile(
    r"^[^\w\n`]{0,6}(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in _WORDS.items()) + r")"
    r"(?P<input>\s*+input|输入)?\s*+\d{0,3}\s*+(?:[(（][^()（）\n]{0,30}[)）])?"
    r"\s*+\*{0,2}\s*+[:：]\s*+\*{0,2}[ \t]*+",
    re.IGNORECASE | re.MULTILINE,
)
_FINISH = re.compile(
    r"^[`\s]*(?:finish|finally|完成|结束)\s*(?:\[(?P<brackets>.*)\]|\((?P<parens>.*)\))[`\s]*$", re.I | re.S
)
_NAMED = re.compile(r"^\s*(?:answer|答案)\s*=\s*(?P<quote>[\"'])(?P<text>.*)(?P=quote)\s*$", re.I | re.S)
_PLAN = re.compile(r"```(?:python|json)?\s*+(\[(?:(?!```).)*\])\s*```|^\s*(\[.*\])\s*$", re.S)
_CURRENT_STEP = re.compile(
    r"^#*+[^\S\n]*+(?:current step|当前步骤)\s*[:：]\s*\n?(?P<step>[^\n]+)", re.I | re.M
)
_REVIEW = re.compile(
    r"(?P<role>code review|reviewer|critique|评审专家|代码评审|评审员|反思)|feedback|反馈|bottleneck|瓶颈",
    re.I,
)
_REVIEW_WITHIN = 400  # characters from the role to what is asked of it
_REFINES = re.compile(r"(?:reviewer'?s? feedback|feedback from|评审员的反馈|根据.{0,20}反馈)", re.I)
_NOTHING_TO_IMPROVE = re.compile(r"no (?:further )?improvements? (?:is |are )?needed|无需改进", re.I)


def parts_of(answer: str, asked: str = "") -> list[Part]:
    """The parts of an answer: {"kind": thought, action, finish or text, "text"}, some with a "label".

    `asked` is the last user message: some answers tell what they are only by what was asked.
    """
    answer = answer[:_SEARCHED].strip()
    if not answer:
        return []
    marked = _marked(answer)
    if any(part["kind"] != "text" for part in marked):
        return [part for part in marked if part["kind"] != "observation"]  # an invented one is none
    if plan := _plan(answer):
        return [_part("thought", "\n".join(f"{n}. {step}" for n, step in enumerate(plan, 1)), label="plan")]
    asked = asked[:_SEARCHED]
    if step := _CURRENT_STEP.search(asked):
        return [_part("action", step["step"], label="step"), _part("observation", answer, label="result")]
    if _asks_for_review(asked) and not _REFINES.search(asked):
        kind = "finish" if _NOTHING_TO_IMPROVE.search(answer) else "thought"
        return [_part(kind, answer, label="reflection")]
    return [_part("text", answer)]


def observations_in(text: str) -> list[Part]:
    """The observations that a prompt's new text reports."""
    return [part for part in _marked(text[:_SEARCHED]) if part["kind"] == "observation" and part["text"]]


def _marked(text: str) -> list[Part]:
    """The text cut at its marked lines; what stands before the first is plain text."""
    found = list(_MARKED.finditer(text))
    parts = []
    start = found[0].start() if found else len(text)
    if before := text[:start].strip():
        parts.append(_part("text", before))
    for number, mark in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        kind = next(kind for kind in _WORDS if mark[kind])
        content = text[mark.end() : end].strip()
        if kind == "action" and mark["input"] and parts and parts[-1]["kind"] == "action":
            parts[-1] = _part("action", f"{parts[-1]['text']}[{content}]")
        elif kind == "action" and (answer := _finish(content)) is not None:
            parts.append(_part("finish", answer))
        elif content:
            parts.append(_part(kind, content))
    return parts


def _finish(action: str) -> str | None:
    """The answer of `Finish[…]` or `finish(answer="…")`; None for another action."""
    found = _FINISH.match(action)
    if not found:
        return None
    inner = found["brackets"] if found["brackets"] is not None else found["parens"]
    named = _NAMED.match(inner)
    return (named["text"] if named else inner).strip()


def _plan(answer: str) -> list[str]:
    """The steps of an answer that is a list of texts."""
    found = _PLAN.search(answer)
    try:
        steps: Any = ast.literal_eval(found[1] or found[2]) if found else []
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return steps if isinstance(steps, list) and all(isinstance(step, str) for step in steps) else []


def _asks_for_review(asked: str) -> bool:
    role_ends = -_REVIEW_WITHIN - 1
    for word in _REVIEW.finditer(asked):
        if word["role"]:
            role_ends = word.end()
        elif word.start() - role_ends <= _REVIEW_WITHIN:
            return True
    return False


def _part(kind: str, text: str, *, label: str = "") -> Part:
    text = text.strip()
    part = {"kind": kind, "text": text if len(text) <= _LIMIT else text[:_LIMIT] + " […]"}
    return part | ({"label": label} if label else {})
