"""Measure how long a run takes, beside the ways the pool replaces."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox.benchmark import Latency, Report, SiteFailed, measure
from sandbox.engines import Limits
from sandbox.engines.selection import select_engine
from sandbox.errors import SandboxError
from sandbox.image import PYTHON, SHIPPED
from sandbox.pool import Pool

CLIENTS = 4


class Command(BaseCommand):
    help = "Measure how long a run takes at the pool's door and through a running site, beside yardsticks."
    requires_system_checks = ()  # needs no site, unless one is named

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON for programs")
        parser.add_argument("--runs", type=int, default=500, help="runs of each client (default: 500)")
        parser.add_argument("--image", choices=SHIPPED, default=PYTHON.name, help="(default: python)")
        parser.add_argument("--door-only", action="store_true", help="leave out the yardsticks")
        parser.add_argument("--site", metavar="URL", help="also measure through the site that answers at URL")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["runs"] < 1:
            raise CommandError("--runs takes a number above 0.")
        tell = self.stderr.write if options["json"] else self.stdout.write
        try:
            report = self._measure(tell, options)
        except (SandboxError, SiteFailed) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        else:
            self._print(report)

    def _measure(self, tell: Any, options: dict[str, Any]) -> Report:
        engine = select_engine()
        image = SHIPPED[options["image"]]
        engine.check(image)
        pool = Pool(
            engine,
            limits=Limits.from_settings(image),
            initial=CLIENTS,
            minimum=CLIENTS,
            maximum=CLIENTS,
            image=image,
        )
        try:
            pool.wait_until_filled(30)
            return measure(
                pool,
                runs=options["runs"],
                clients=CLIENTS,
                door_only=options["door_only"],
                site=options["site"],
                tell=tell,
            )
        finally:
            pool.close()

    def _print(self, report: Report) -> None:
        ratios = report.ratios()
        where = f"{report.engine} engine, image {report.image}"
        self.stdout.write(f"\nOne run of a program that prints a word, {where}, milliseconds:")
        self.stdout.write(f"{'':<28}{'runs':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'pool is':>16}")
        self._row("pool", report.door)
        for name, latency in report.yardsticks.items():
            self._row(name, latency, f"{ratios[name]:.1f} × faster")
        if report.site:
            self._row("through the site", report.site)
        for name in report.left_out:
            self.stdout.write(f"{name:<28}  left out: it needs the Docker engine")
        self.stdout.write("\nHeld against the bars:")
        for bar in report.bars():
            mark = self.style.SUCCESS("met   ") if bar.met else self.style.ERROR("missed")
            wanted = f"at least {bar.least:g}" if bar.least else f"at most {bar.most:g}"
            self.stdout.write(f"{mark} {bar.name:<36}{bar.value:>9.1f} {bar.unit} ({wanted})")

    def _row(self, name: str, latency: Latency, note: str = "") -> None:
        figures = "".join(f"{seconds * 1000:>9.2f}" for seconds in (latency.p50, latency.p95, latency.p99))
        self.stdout.write(f"{name:<28}{latency.runs:>6}{figures}{note:>16}")
