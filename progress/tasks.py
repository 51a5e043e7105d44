"""What the workers do: run submissions, free those that were left behind, and send mail."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerUnavailable

from progress import events, lifecycle, mailing, orders
from progress.checking.evidence import Stopped
from progress.checking.verdict import judge
from progress.completion import note_run
from progress.model_calls import ModelLine
from progress.models import Notification, Submission
from sandbox import hosts, tracing
from sandbox.control import RunControl
from sandbox.errors import EngineUnavailable, SandboxError
from sandbox.execution import AwaitingInput, Outcome, Output, RunEvent, RunResult, Started
from sandbox.pools import Pools, get_pool
from tutor.trace import steps_of

log = structlog.get_logger(__name__)

_DATABASE_PATIENCE = 60  # seconds that a result is held while the database is away
_RECOVERED_AT_ONCE = 500


def enqueue(submission: Submission) -> None:
    """Send the task; when the broker is away, close the submission rather than leave it waiting."""
    try:
        run_submission.delay(str(submission.pk))
        log.info("run_queued", run=str(submission.pk), language=submission.language)
    except BrokerUnavailable as error:
        log.error("broker_unavailable", submission=str(submission.pk), error=str(error))
        lifecycle.close_as_broken(submission)


# --- Running --------------------------------------------------------------------------------------


@shared_task
def run_submission(submission_id: str) -> None:
    """Run one submission in the sandbox. Safe to be delivered twice: the row is claimed first."""
    if orders.leaving():  # it had been delivered just before
        run_submission.delay(submission_id)
        return
    try:
        with orders.claiming(UUID(submission_id)) as hold:
            if hold.submission:
                with structlog.contextvars.bound_contextvars(run=submission_id):
                    _run_to_its_end(hold.submission, hold.control)
    except (OperationalError, InterfaceError) as error:
        log.warning("database_unavailable", error=str(error))
        _persist(partial(_take_back, UUID(submission_id)))


def _take_back(run_id: UUID) -> bool:
    """Have a run taken again that the database went away from; it may be claimed though we never heard so."""
    if any(submission.pk == run_id for submission, _ in orders.held()):
        return False  # delivered twice; another thread of ours has it
    waiting = lifecycle.take_back(run_id)
    if waiting:
        enqueue(waiting)
    return waiting is not None


def _run_to_its_end(submission: Submission, control: RunControl) -> None:
    """The edge of the process: what nobody foresaw is a fault of the platform, and leaves no run open."""
    try:
        _run(submission, control)
    except (OperationalError, InterfaceError):
        raise  # the run is taken back, see there
    except Exception as error:  # noqa: BLE001 - see above
        _persist(partial(_give_up, submission, error))


def _run(submission: Submission, control: RunControl) -> None:
    with (
        tracing.step("run", run=str(submission.pk), language=submission.language) as step,
        closing(ModelLine(submission)) as line,
    ):
        try:
            pool = get_pool()
            result = pool.run(
                lifecycle.request_of(submission),
                on_event=partial(_publish, submission),
                control=control,
                answer=line.answer,
            )
            result, verdict = _check(submission, result, line.calls, pool, control)
        except SandboxError as error:
            step.set_attribute("outcome", "broken")
            _persist(partial(_give_up, submission, error))
        else:
            step.set_attributes({"outcome": result.outcome, "calls": line.calls})
            if _persist(partial(lifecycle.finish, submission, result, calls=line.calls, **verdict)):
                _persist(partial(note_run, submission))
                waited = _latency(submission, result)
                log.info(
                    "run_ended",
                    outcome=result.outcome,
                    ms=round(result.wall_time * 1000, 1),
                    waited_ms=round(waited * 1000, 1),
                    calls=line.calls,
                )
                hosts.note_run(
                    waited,
                    language=submission.language,
                    outcome=result.outcome,
                    seconds=result.wall_time,
                )


def _check(
    submission: Submission, result: RunResult, calls: int, pool: Pools, control: RunControl
) -> tuple[RunResult, dict[str, Any]]:
    """The verdict as `lifecycle.finish` takes it; none where none is wanted, or it was stopped."""
    if not submission.is_checked or result.outcome is Outcome.CANCELLED:
        return result, {}
    events.publish_soon(submission.pk, "checking")
    steps = steps_of(submission.pk) if calls else []
    try:
        verdict = judge(submission, result, calls=steps, pool=pool, control=control)
    except Stopped:
        return replace(result, outcome=Outcome.CANCELLED), {}
    return result, {"checks": verdict.rows, "passed": verdict.passed}


def _give_up(submission: Submission, error: Exception) -> bool:
    if orders.leaving():
        return hand_over(submission)  # its container went with the host; that is no fault
    unforeseen = None if isinstance(error, SandboxError) else error
    log.error(
        "run_broken",
        submission=str(submission.pk),
        attempt=submission.attempts,
        error=repr(error),
        exc_info=unforeseen,
    )
    hosts.note_fault(what=type(error).__name__, detail=str(error))
    # Without an engine a second try is as vain as the first; the learner hears it now.
    if not isinstance(error, EngineUnavailable) and lifecycle.requeue(submission):
        enqueue(submission)
        return True
    return _close(submission)


def _close(submission: Submission) -> bool:
    closed = lifecycle.close_as_broken(submission)
    if closed:
        hosts.note_broken(language=submission.language)
    return closed


def hand_over(submission: Submission) -> bool:
    """Give a run that this host holds to another one; False when it is not this attempt's any more."""
    if not lifecycle.hand_over(submission):
        return False
    log.info("run_handed_over", submission=str(submission.pk))
    enqueue(submission)
    return True


def _persist(write: Callable[[], bool]) -> bool:
    """Write what became of a run, waiting for a database that is away: its result exists only here."""
    deadline = time.monotonic() + _DATABASE_PATIENCE
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            log.warning("database_unavailable", error=str(error))
            connection.close()
            time.sleep(0.5)


def _latency(submission: Submission, result: RunResult) -> float:
    """Seconds that the learner waited beyond what the program itself took."""
    return (timezone.now() - submission.created_at).total_seconds() - result.wall_time


def _publish(submission: Submission, event: RunEvent) -> None:
    run_id = submission.pk
    match event:
        case Started():
            events.publish_soon(run_id, "started")
            log.info("run_started", attempt=submission.attempts)
        case Output(stream, text):
            events.publish_soon(run_id, "output", stream=stream, text=lifecycle.storable(text))
        case AwaitingInput():
            events.publish_soon(run_id, "input")


# --- Recovering -----------------------------------------------------------------------------------


@shared_task
def recover_stale_submissions() -> None:
    """The same as the hosts do for each other at every heartbeat, should none of them get to it."""
    recover()


def recover() -> None:
    """Send again what lost hosts and lost messages left behind; close it when that was tried.

    Raises RedisError: without Redis nobody can tell who lives.
    """
    suspects = set(Submission.objects.running().values_list("host", flat=True).distinct()) - {""}
    lost = hosts.lost(suspects - {hosts.own_id()})
    for submission in lifecycle.left_running(lost_hosts=lost)[:_RECOVERED_AT_ONCE]:
        log.error("run_left_behind", submission=str(submission.pk), host=submission.host)
        fault = "HostLost" if submission.host in lost else "RunOverdue"
        if lifecycle.requeue(submission):
            hosts.note_fault(what=fault, detail=f"{submission.host}: run again on another host")
            enqueue(submission)
        elif _close(submission):
            hosts.note_fault(what=fault, detail=f"{submission.host}: closed")
    for submission in lifecycle.left_waiting(queue_is_empty=hosts.waiting() == 0)[:_RECOVERED_AT_ONCE]:
        if lifecycle.mark_sent_again(submission):
            enqueue(submission)
    for submission in lifecycle.hopeless()[:_RECOVERED_AT_ONCE]:
        _close(submission)


# --- Mail -----------------------------------------------------------------------------------------


def enqueue_mail(notification: Notification, *, site: str) -> None:
    """Send the task; when the broker is away there is no mail, and still the notification on the site."""
    try:
        mail_notification.delay(notification.pk, site)
    except BrokerUnavailable as error:
        log.error("broker_unavailable", notification=notification.pk, error=str(error))


@shared_task
def mail_notification(notification_id: int, site: str) -> None:
    """Mail about a comment if that is wanted and due. Safe to be delivered twice: the row is claimed."""
    mailing.mail_about_comment(notification_id, site=site)
