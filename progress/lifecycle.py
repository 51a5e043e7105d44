"""A submission's way from queued to ended, each step a filtered update so that it happens once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from lessons.models import Lesson
from progress import events
from progress.completion import note_checked
from progress.error_lines import error_line
from progress.images import image_for
from progress.models import Submission, SubmissionQuerySet, statements
from sandbox import hosts
from sandbox.execution import Outcome, RunRequest, RunResult, Source
from tutor.streams import Event

MAX_FAULTS = 2  # the first fault of the platform is made good by another try, the second is told
_TOLD_CHARACTERS = 10_000  # more output than this is read from the database when the end is told
UNSENT_SECONDS = 10  # for a message to be on its way, and for clocks to differ


def claim(submission_id: UUID) -> Submission | None:
    """Take a queued submission for this worker; None when another has it or it is over."""
    claimed = statements.update_returning(
        Submission,
        where={"id": submission_id, "status": Submission.Status.QUEUED, "deleted_at": None},
        values={
            "status": Submission.Status.RUNNING,
            "host": hosts.own_id(),
            "started_at": timezone.now(),
        },
        plus_one="attempts",
    )
    if not claimed:
        return None
    (submission,) = claimed
    if submission.lesson_id:  # of which a run needs what its course says about images
        courses = Lesson.objects.select_related("course").only("course", "course__image", "course__packages")
        submission.lesson = courses.get(pk=submission.lesson_id)
    return submission


def finish(
    submission: Submission,
    result: RunResult,
    *,
    calls: int = 0,
    checks: list[dict[str, Any]] | None = None,
    passed: bool | None = None,
) -> bool:
    """Write the result, the number of model calls, and the verdict where there is one.

    False when it is no longer this attempt's to write.
    """
    end: dict[str, Any] = {
        "status": Submission.Status.FINISHED,
        "outcome": result.outcome,
        "exit_code": result.exit_code,
        "output": [[piece.stream, storable(piece.text)] for piece in result.output],
        "truncated": result.truncated,
        "wall_time": result.wall_time,
        "cpu_time": result.cpu_time,
        "peak_memory": result.peak_memory,
        "calls": calls,
        "error": "" if result.outcome == Outcome.OK else error_line(result.output),
    }
    if passed is None:
        written = _write_end(submission, end)
    else:
        end |= {"checks": checks or [], "passed": passed}
        written = _finish_checked(submission, end)
    if written:
        is_short = sum(len(piece.text) for piece in result.output) <= _TOLD_CHARACTERS
        events.publish(submission.pk, "finished", **(end if is_short else {}))
    return bool(written)


def _finish_checked(submission: Submission, end: dict[str, Any]) -> int:
    with transaction.atomic():
        written = _write_end(submission, end)
        if written:
            for name, value in end.items():
                setattr(submission, name, value)
            note_checked(submission)
    return written


def _write_end(submission: Submission, end: dict[str, Any]) -> int:
    """As `_this_attempt` would, which is the slow way."""
    same = {
        "id": submission.pk,
        "status": Submission.Status.RUNNING,
        "attempts": submission.attempts,
        "deleted_at": None,
    }
    return statements.update(Submission, where=same, values={**end, "finished_at": timezone.now()})


def take_end(submission: Submission, event: Event) -> None:
    """Bring the row in memory up to date after its last event, which mostly says what was written."""
    if not event.data:
        submission.refresh_from_db()
    for name, value in event.data.items():
        setattr(submission, name, value)


def requeue(submission: Submission) -> bool:
    """Back into the queue after a fault of ours; False at the last fault, or when it is not ours."""
    if submission.faults + 1 >= MAX_FAULTS:
        return False
    return _back_to_queue(submission, faults=submission.faults + 1)


def hand_over(submission: Submission) -> bool:
    """Back into the queue because this host is leaving, which is no fault; False when it is not ours."""
    return _back_to_queue(submission, faults=submission.faults)


def _back_to_queue(submission: Submission, *, faults: int) -> bool:
    return bool(
        _this_attempt(submission).update(
            status=Submission.Status.QUEUED, faults=faults, queued_at=timezone.now(), started_at=None
        )
    )


def take_back(run_id: UUID) -> Submission | None:
    """Free a run that this host has claimed and does not hold; the run, if it waits for somebody now."""
    claimed = Submission.objects.running().filter(pk=run_id, host=hosts.own_id())
    claimed.update(status=Submission.Status.QUEUED, queued_at=timezone.now(), started_at=None)
    return Submission.objects.waiting().filter(pk=run_id).first()


def mark_sent_again(submission: Submission) -> bool:
    """Note that a waiting submission gets a new message; False when somebody else saw to it meanwhile."""
    same = Submission.objects.waiting().filter(pk=submission.pk, queued_at=submission.queued_at)
    return bool(same.update(queued_at=timezone.now()))


def close_as_broken(submission: Submission) -> bool:
    """The platform could not run it; that says nothing about the program."""
    same = Submission.objects.unfinished().filter(pk=submission.pk, attempts=submission.attempts)
    closed = same.update(status=Submission.Status.BROKEN, finished_at=timezone.now())
    if closed:
        events.publish(submission.pk, "broken")
    return bool(closed)


def close_as_stopped(run_id: UUID, *, host: str) -> bool:
    """What its learner stopped on `host`, which does not hold it: the host is gone, or has lost it."""
    same = Submission.objects.running().filter(pk=run_id, host=host)
    closed = same.update(
        status=Submission.Status.FINISHED, outcome=Outcome.CANCELLED, finished_at=timezone.now()
    )
    if closed:
        events.publish(run_id, "finished")
    return bool(closed)


def left_running(*, lost_hosts: Collection[str]) -> SubmissionQuerySet:
    """Submissions whose host is lost, or that have run for longer than anything may."""
    overdue = Q(started_at__lt=_ago(settings.RUN_STALE_SECONDS))
    return Submission.objects.running().filter(overdue | Q(host__in=lost_hosts))


def left_waiting(*, queue_is_empty: bool) -> SubmissionQuerySet:
    """Submissions whose message is lost, as far as can be told; to send one twice does no harm.

    The queue is first in, first out. So a message is lost when its row waits though the queue is empty, or
    though one that was sent later is running already.
    """
    latest = timezone.now() if queue_is_empty else Submission.objects.running().latest_queued_at()
    if latest is None:
        return Submission.objects.none()
    return Submission.objects.waiting().filter(queued_at__lt=latest - timedelta(seconds=UNSENT_SECONDS))


def is_hopeless(submission: Submission) -> bool:
    """Whether nobody has run it for so long that its learner should hear so."""
    waits = submission.status == Submission.Status.QUEUED
    return waits and submission.created_at < _ago(settings.RUN_WAIT_MAX_SECONDS)


def close_if_hopeless(submission: Submission) -> None:
    """What a living host does with `hopeless` ones, for the learner who looks while none lives."""
    if is_hopeless(submission) and close_as_broken(submission):
        submission.refresh_from_db()


def hopeless() -> SubmissionQuerySet:
    """Those that wait and `is_hopeless`."""
    return Submission.objects.waiting().filter(created_at__lt=_ago(settings.RUN_WAIT_MAX_SECONDS))


def _ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def request_of(submission: Submission) -> RunRequest:
    """The stored program as the sandbox takes it."""
    return RunRequest(
        code=submission.code,
        name=submission.name,
        language=submission.language,
        image=image_for(submission.lesson),
        timeout=submission.timeout,
        stdin=submission.stdin,
        prelude=tuple(Source(**piece) for piece in submission.prelude),
        files=submission.files,
    )


def storable(text: str) -> str:
    """PostgreSQL stores no NUL; show it as the symbol for it."""
    return text.replace("\x00", "\u2400")


def _this_attempt(submission: Submission) -> SubmissionQuerySet:
    # The attempt's number fences out a worker that was given up for dead and comes back.
    return Submission.objects.filter(
        pk=submission.pk, status=Submission.Status.RUNNING, attempts=submission.attempts
    )
