"""See whether runs stay as quick and as small after thousands of them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox.engines import Limits
from sandbox.engines.selection import select_engine
from sandbox.errors import SandboxError
from sandbox.pool import Pool
from sandbox.soak import STRETCHES, Stretch, soak
from sandbox.upkeep import Upkeep

CONTAINERS = 2


class Command(BaseCommand):
    help = (
        "Run thousands of programs, telling now and then how long a run takes and how much memory is in use."
    )
    requires_system_checks = ()  # needs no site

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--runs", type=int, default=10_000, help="in all (default: 10000)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["runs"] < STRETCHES:
            raise CommandError(f"--runs takes {STRETCHES} or more: they are told in as many stretches.")
        try:
            self._soak(options["runs"])
        except SandboxError as error:
            raise CommandError(str(error)) from error

    def _soak(self, runs: int) -> None:
        pool = Pool(
            select_engine(),
            limits=Limits.from_settings(),
            initial=CONTAINERS,
            minimum=CONTAINERS,
            maximum=CONTAINERS,
            upkeep=Upkeep(runs_per_container=2 * runs),  # none is to be replaced
        )
        try:
            pool.wait_until_filled(30)
            self.stdout.write(f"{'runs':>8}{'p50 ms':>10}{'p95 ms':>10}{'worker MB':>12}{'container MB':>14}")
            for stretch in soak(pool, runs=runs, containers=CONTAINERS):
                self._tell(stretch)
        finally:
            pool.close()

    def _tell(self, stretch: Stretch) -> None:
        container = stretch.container_memory
        self.stdout.write(
            f"{stretch.until:>8}"
            f"{stretch.latency.p50 * 1000:>10.2f}"
            f"{stretch.latency.p95 * 1000:>10.2f}"
            f"{stretch.worker_memory / 1e6:>12.1f}"
            f"{'unknown' if container is None else f'{container / 1e6:.1f}':>14}"
        )
