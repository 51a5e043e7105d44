"""Look whether learners' code can run here and is walled in."""

import json
import logging
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from sandbox.diagnosis import Check, diagnose
from sandbox.engines import Limits


@contextmanager
def quiet_pool() -> Iterator[None]:
    """Without the pool's warnings: the checks break containers on purpose, and tell what is wrong."""
    logger = logging.getLogger("sandbox.pool")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class Command(BaseCommand):
    help = (
        "Check engine, image, walls and limits of the sandbox by running programs in it, and say how to mend "
        "each failure. The exit code is 1 when something is wrong."
    )
    requires_system_checks = ()  # it must also work when the rest of the site does not

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        checks = []
        with quiet_pool():
            for check in diagnose(Limits.from_settings()):
                checks.append(check)
                if not options["json"]:
                    self._print(check)
        all_well = all(check.ok for check in checks)
        if options["json"]:
            report = {"ok": all_well, "checks": [asdict(check) for check in checks]}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        if not all_well:
            sys.exit(1)

    def _print(self, check: Check) -> None:
        mark = self.style.SUCCESS("ok  ") if check.ok else self.style.ERROR("FAIL")
        self.stdout.write(f"{mark} {check.name:<18} {check.detail}")
        if check.mend and check.mend not in check.detail:
            self.stdout.write(f"     to mend: {check.mend}")
        self.stdout.flush()
