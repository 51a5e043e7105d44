"""Faults by a closed set of names, whatever was raised."""

from __future__ import annotations

import time

from sandbox import dashboard, errors
from sandbox.metrics import _runs


def test_faults_that_nobody_foresaw_are_counted_together() -> None:
    counts = {("faults", "ContainerLost"): 2.0, ("faults", "KeyError"): 3.0, ("faults", "OddError"): 4.0}
    (faults,) = [metric for metric in _runs(counts) if metric.name == "helloagents_platform_faults"]

    assert {sample.labels["fault"]: sample.value for sample in faults.samples} == {
        "ContainerLost": 2,
        "other": 7,
    }


def test_the_dashboard_has_words_for_each_fault() -> None:
    def words(what: str) -> str:
        fault = {"at": time.time(), "host": "east", "what": what, "detail": ""}
        return str(dashboard._fault(fault)["words"])

    run_errors = {"ContainerLost", "ContainerUnclean", "ContainerSilent"}
    run_errors |= {"PoolExhausted", "EngineUnavailable", "ImageMissing"}
    assert all(hasattr(errors, name) and words(name) != words("KeyError") for name in run_errors)
    assert words("KeyError") == words("OddError") == "Something unforeseen"
