"""`manage.py model_bench`: what a model call costs a program here, beside asking the provider itself."""

from __future__ import annotations

from argparse import ArgumentParser
from statistics import median, quantiles
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from progress.call_benchmark import Times, measure
from sandbox.engines import Limits
from sandbox.engines.selection import select_engine
from sandbox.errors import SandboxError
from sandbox.image import PYTHON
from sandbox.pool import Pool

MOST = 5.0  # milliseconds more to the first piece, in the median


class Command(BaseCommand):
    help = "Measure what sandbox and gateway add to a model call: the same client, the same local server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--calls", type=int, default=500, help="each way (default: 500)")
        parser.add_argument(
            "--think",
            type=float,
            default=50,
            help="milliseconds the local server takes before it answers, as a quick model does (default: 50)",
        )

    def handle(self, *args: Any, calls: int, think: float, **options: Any) -> None:
        if not 10 <= calls <= 5000:
            raise CommandError("--calls must be between 10 and 5000.")
        if not 0 <= think <= 1000:
            raise CommandError("--think must be between 0 and 1000.")
        try:
            engine = select_engine()
            engine.check(PYTHON)
            pool = Pool(engine, limits=Limits.from_settings(PYTHON), initial=1, minimum=1, maximum=1)
            try:
                through, direct = measure(pool, calls, think=think / 1000)
            finally:
                pool.close()
        except SandboxError as error:
            raise CommandError(str(error)) from error
        self._print(through, direct)

    def _print(self, through: Times, direct: Times) -> None:
        self.stdout.write(f"{'milliseconds':<42}{'calls':>7}{'p50':>9}{'p95':>9}")
        for name, times in (("through sandbox and gateway", through), ("directly", direct)):
            self._row(f"first piece, {name}", times.first)
            self._row(f"later pieces, {name}", times.later)
        more = (median(through.first) - median(direct.first)) * 1000
        mark = self.style.SUCCESS("met   ") if more <= MOST else self.style.ERROR("missed")
        self.stdout.write(f"{mark} first piece: {more:.2f} ms more in the median (at most {MOST:g})")

    def _row(self, name: str, seconds: list[float]) -> None:
        p95 = quantiles(seconds, n=20)[-1]
        self.stdout.write(f"{name:<42}{len(seconds):>7}{median(seconds) * 1000:>9.2f}{p95 * 1000:>9.2f}")
