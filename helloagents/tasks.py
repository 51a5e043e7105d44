"""What beat has done for the whole site."""

from __future__ import annotations

import structlog
from celery import shared_task

from helloagents import retention

log = structlog.get_logger(__name__)


@shared_task
def forget_old_rows() -> None:
    """See `helloagents.retention`."""
    log.info("forgotten", **{label.replace(".", "_"): number for label, number in retention.forget().items()})
