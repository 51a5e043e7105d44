"""Orders to the runs this process holds: stop, input. One thread listens for all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connection

from progress import events, lifecycle
from progress.models import Submission
from sandbox import hosts
from sandbox.control import RunControl

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Hold:
    """A run that this process has or tries to get; until it has it, `submission` is None."""

    run_id: UUID
    control: RunControl = field(default_factory=RunControl)
    submission: Submission | None = None


_holds: set[Hold] = set()
_stopping = threading.Event()
_leaving = threading.Event()


@contextmanager
def claiming(run_id: UUID) -> Iterator[Hold]:
    """Claim a queued run, to obey orders until the block ends. Without `submission` it is not to be had."""
    hold = Hold(run_id)
    _holds.add(hold)
    try:
        # Registered first, read second: a stop that came before is in the row, any other comes as an order.
        hold.submission = lifecycle.claim(run_id)
        if hold.submission and hold.submission.cancel_requested:
            hold.control.cancel()
        yield hold
    finally:
        _holds.remove(hold)


def held() -> list[tuple[Submission, RunControl]]:
    """The runs this process holds at the moment."""
    return [(hold.submission, hold.control) for hold in list(_holds) if hold.submission]


def catch_up() -> None:
    """Stop those held runs whose learner wanted it while Redis could not pass it on: the row says so, too."""
    controls = {submission.pk: control for submission, control in held()}
    if not controls:
        return
    unheard = Submission.objects.running().filter(pk__in=controls, cancel_requested=True)
    try:
        for run_id in unheard.values_list("pk", flat=True):
            controls[run_id].cancel()
    except (DatabaseError, InterfaceError) as error:  # the next look will tell
        log.warning("database_unavailable", error=str(error))
    finally:
        connection.close()


def leave() -> None:
    """From now on this process gives away the runs it holds, and cannot take new ones."""
    _leaving.set()


def leaving() -> bool:
    return _leaving.is_set()


def start_listening() -> None:
    """Start the listening thread of this process."""
    _stopping.clear()
    threading.Thread(
        target=events.listen_for_orders,
        args=(_obey,),
        kwargs={"stopped": _stopping.is_set},
        name="run-orders",
        daemon=True,
    ).start()


def stop_listening() -> None:
    """Let the listening thread end; it does within a second."""
    _stopping.set()


def _obey(run_id: UUID, kind: str, text: str) -> None:
    held = [hold for hold in list(_holds) if hold.run_id == run_id]
    if not held and kind == "cancel":
        _close_unheld(run_id)  # most orders are for runs of other workers, or for some that are over
    for hold in held:
        if kind == "cancel":
            hold.control.cancel()
        elif kind == "input" and not hold.control.send_input(text):
            log.warning("input_refused", run=str(run_id))  # the page has asked already whether it fits
        elif kind == "eof":
            hold.control.close_input()


def _close_unheld(run_id: UUID) -> None:
    """End a run that the row says is ours though no thread here has it."""
    try:
        if lifecycle.close_as_stopped(run_id, host=hosts.own_id()):
            log.error("run_not_held", submission=str(run_id))
    except (DatabaseError, InterfaceError) as error:  # the thread that listens has to go on
        log.warning("database_unavailable", error=str(error))
    finally:
        connection.close()
