"""`manage.py evaluate_tutor`: how often the tutor keeps its rules, with each of the site's models."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor import choosing
from tutor.evaluation import hints, judging, labelled, talks
from tutor.evaluation.judging import Judged, Rates

ByKind = Mapping[str, Sequence[Judged]]

_KINDS: Mapping[str, Callable[[str], Sequence[Judged]]] = {"hints": hints.evaluate, "talks": talks.evaluate}


class Command(BaseCommand):
    help = (
        "Measure the guardrail on labelled answers, and put situations to each model provider of the site to "
        "count how often it keeps the tutor's rules. That costs what some forty short calls cost."
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
        judged = {
            name: {kind: evaluate(name) for kind, evaluate in _KINDS.items()}
            for name in ([wanted] if wanted else names)
        }
        if options["json"]:
            report = {"guardrail": _guardrail(guardrail), "providers": _providers(judged)}
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(_in_words(guardrail, judged)))


def _guardrail(rates: labelled.Rates) -> dict[str, Any]:
    return {
        "too_much": rates.too_much,
        "missed": [f"{each.exercise}: {each.kind}" for each in rates.missed],
        "harmless": rates.harmless,
        "false_alarms": [f"{each.exercise}: {each.kind}" for each in rates.false_alarms],
    }


def _providers(judged: Mapping[str, ByKind]) -> dict[str, Any]:
    return {
        name: {kind: _report(judged_ones) for kind, judged_ones in by_kind.items()}
        for name, by_kind in judged.items()
    }


def _report(judged: Sequence[Judged]) -> dict[str, Any]:
    by_situation = judging.rates_by_situation(judged)
    return {
        "rates": _shares(judging.rates(judged)),
        "situations": {name: _shares(rates) for name, rates in by_situation.items()},
        "answers": [
            {
                "situation": one.situation,
                "variant": one.variant,
                "language": one.language,
                "answer": one.answer,
                "trouble": one.trouble,
                "broken": [rule for rule, kept in one.kept.items() if not kept],
            }
            for one in judged
        ],
    }


def _shares(rates: Rates) -> dict[str, Any]:
    return {rule: {"kept": kept, "of": of} for rule, (kept, of) in rates.items()}


def _in_words(guardrail: labelled.Rates, judged: Mapping[str, ByKind]) -> Iterator[str]:
    yield f"Guardrail: missed {len(guardrail.missed)} of {guardrail.too_much} answers that say too much,"
    yield f"           withheld something of {len(guardrail.false_alarms)} of {guardrail.harmless} others"
    for name, by_kind in judged.items():
        for kind, each in by_kind.items():
            yield f"{name}, {kind}:"
            yield from _lines(judging.rates(each))
            for situation, rates in judging.rates_by_situation(each).items():
                yield f"  in the situation “{situation}”:"
                yield from (f"  {line}" for line in _lines(rates))
            for trouble in sorted({one.trouble for one in each if one.trouble}):
                yield f"  no answer: {trouble}"
    if not judged:
        yield "No model provider is configured, so no prompt was tried (MODEL_PROVIDERS)."


def _lines(rates: Rates) -> Iterator[str]:
    for rule, (kept, of) in rates.items():
        yield f"  {rule:20} {kept:3} of {of:3}  {100 * kept / of:4.0f} %"
