"""What is done to the ledger and to talks from time to time."""

from __future__ import annotations

from celery import shared_task

from tutor import actions, asking


@shared_task
def tidy_ledger() -> None:
    """Close calls whose worker died; forget what old ones said."""
    actions.tidy_ledger()


@shared_task
def tidy_talks() -> None:
    """Close answers whose process has ended; forget what was sent for old ones."""
    asking.close_lost_answers()
    asking.forget_contexts()
