"""What a question to the tutor is about: the code in the editor, and how the last run went."""

from __future__ import annotations

from typing import Any

from lessons.models import Exercise
from progress.models import Submission
from tutor.prompting import CODE_LIMIT

_TOLD = ("name", "expected", "actual", "message")
_TOLD_OF_HIDDEN = ("name", "actual", "message")
_OUTPUT_LIMIT = 8_000  # characters, the last ones


def attached(*, code: str, run: Submission | None, history: Any = None) -> dict[str, Any]:
    """As `asking.ask` keeps it."""
    kept: dict[str, Any] = {}
    if code.strip():
        kept["code"] = code[:CODE_LIMIT]
    if run is not None and run.is_over:
        kept["run"] = run_json(run)
    if history:
        kept["history"] = history
    return kept


def run_json(run: Submission) -> dict[str, Any]:
    """What a model is told of a run. Nothing of hidden checks but that they failed, and no solution."""
    output = "".join(text for _, text in run.output)
    failed = [_told(check, run) for check in run.checks if check["passed"] is False]
    return {"outcome": run.outcome or run.status, "output": output[-_OUTPUT_LIMIT:], "failed_checks": failed}


def _told(check: dict[str, Any], run: Submission) -> dict[str, str]:
    """As the learner sees it; but of a question for the output what is expected is the solution."""
    is_prediction = run.exercise is not None and run.exercise.kind == Exercise.Kind.PREDICT
    names = _TOLD_OF_HIDDEN if check["hidden"] or is_prediction else _TOLD
    return {name: str(check[name]) for name in names if check.get(name)}
