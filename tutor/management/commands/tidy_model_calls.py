"""manage.py tidy_model_calls: close calls whose worker died, forget what old ones said. For cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tutor.actions import tidy_ledger


class Command(BaseCommand):
    help = (
        "Closes calls whose worker died, and forgets what was asked and answered over MODEL_TRACE_DAYS ago."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        closed, forgotten = tidy_ledger()
        self.stdout.write(f"{closed} closed, the contents of {forgotten} forgotten.")
