"""A finished run as programs want it told: whether it went well, what it printed, what was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from progress.models import Submission
from sandbox.execution import Outcome, Stream


@dataclass(frozen=True)
class Result:
    """`output` holds, when all went well, everything printed in its order; else standard output alone.

    `error` is then the rest: the traceback, or in words why the program was stopped. Times in seconds.
    """

    success: bool
    output: str
    error: str | None
    execution_time: float
    outcome: str
    truncated: bool
    run_id: UUID


def result_of(submission: Submission) -> Result | None:
    """None when it is not over, or the platform broke it."""
    if submission.status != Submission.Status.FINISHED:
        return None
    success = submission.outcome == Outcome.OK
    return Result(
        success=success,
        output=_text(submission) if success else _text(submission, Stream.STDOUT),
        error=None if success else _what_was_wrong(submission),
        execution_time=submission.wall_time or 0.0,
        outcome=submission.outcome,
        truncated=submission.truncated,
        run_id=submission.pk,
    )


def _text(submission: Submission, only: Stream | None = None) -> str:
    return "".join(text for stream, text in submission.output if only is None or stream == only)


def _what_was_wrong(submission: Submission) -> str:
    printed = _text(submission, Stream.STDERR)
    reason = _reasons(submission).get(submission.outcome, "")
    return "\n".join(filter(None, [printed.rstrip("\n"), reason])) or _("The program ended with an error.")


def _reasons(submission: Submission) -> dict[str, str]:
    """For what a program does not print itself."""
    return {
        Outcome.TIMEOUT: ngettext(
            "The program was stopped: it ran for longer than %(seconds)s second.",
            "The program was stopped: it ran for longer than %(seconds)s seconds.",
            submission.timeout,
        )
        % {"seconds": submission.timeout},
        Outcome.MEMORY: _("The program was stopped: it used too much memory."),
        Outcome.OUTPUT_LIMIT: _("The program was stopped: it printed too much."),
        Outcome.PROCESS_LIMIT: _("The program was stopped: it started too many processes."),
        Outcome.CANCELLED: _("The program was stopped."),
    }
