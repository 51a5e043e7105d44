"""`manage.py evaluate_tutor`: how often the tutor keeps its rules, with each of the site's models."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor import choosing
from tutor.evaluation import labelled, prompts
from tutor.evaluation.labelled import Rates
from tutor.evaluation.prompts import Judged


class Command(BaseCommand):
    help = (
        "Measure the guardrail on labelled answers, and put situations to each model provider of the site to "
        "count how often it keeps the tutor's rules. That costs what some twenty short calls cost."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--provider", metavar="NAME", help="ask this provider alone")
        parser.add_argument("--json", action="store_true", help="print JSON, with every answer")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [provider.name for provider in choosing.site_providers()]
        wanted = options["provider"]
        if wanted and wanted not in names:
            raise CommandError(f"There is no provider “{wanted}”.")
        guardrail = labelled.measure()
        judged = {name: prompts.evaluate(name) for name in ([wanted] if wanted else names)}
        if options["json"]:
            report = {"guardrail": _guardrail(guardrail), "providers": _providers(judged)}
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(_in_words(guardrail, judged)))


def _guardrail(rates: Rates) -> dict[str, Any]:
    return {
        "too_much": rates.too_much,
        "missed": [f"{each.exercise}: {each.kind}" for each in rates.missed],
        "harmless": rates.harmless,
        "false_alarms": [f"{each.exercise}: {each.kind}" for each in rates.false_alarms],
    }


def _providers(judged: Mapping[str, Sequence[Judged]]) -> dict[str, Any]:
    return {
        name: {
            "rates": {rule: {"kept": yes, "of": of} for rule, (yes, of) in prompts.rates(each).items()},
            "answers": [
                {
                    "situation": one.situation.name,
                    "language": one.situation.language,
                    "rung": one.situation.rung,
                    "answer": one.answer,
                    "trouble": one.trouble,
                    "broken": [rule for rule, kept in one.kept.items() if not kept],
                }
                for one in each
            ],
        }
        for name, each in judged.items()
    }


def _in_words(guardrail: Rates, judged: Mapping[str, Sequence[Judged]]) -> Iterator[str]:
    yield f"Guardrail: missed {len(guardrail.missed)} of {guardrail.too_much} answers that say too much,"
    yield f"           withheld something of {len(guardrail.false_alarms)} of {guardrail.harmless} others"
    for name, each in judged.items():
        yield f"{name}:"
        for rule, (yes, of) in prompts.rates(each).items():
            yield f"  {rule:20} {yes:3} of {of:3}  {100 * yes / of:4.0f} %"
        for trouble in sorted({one.trouble for one in each if one.trouble}):
            yield f"  no answer: {trouble}"
    if not judged:
        yield "No model provider is configured, so no prompt was tried (MODEL_PROVIDERS)."
