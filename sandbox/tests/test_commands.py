"""build_sandbox_image, sandbox_doctor and sandbox_bench, as an operator calls them."""

from __future__ import annotations

import gc
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from sandbox import benchmark, diagnosis
from sandbox.engines.docker import images
from sandbox.engines.docker.connection import connect
from sandbox.image import context

BOTH_ENGINES = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
]


def output_of(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=io.StringIO(), no_color=True)
    return out.getvalue()


# --- build_sandbox_image --------------------------------------------------------------------------


@pytest.fixture
def reference(settings: Settings) -> Iterator[str]:
    """A name for the plain image of this test, which is removed afterwards."""
    reference = f"helloagents-sandbox:test-{os.getpid()}"
    settings.SANDBOX_ENGINE, settings.SANDBOX_IMAGE = "docker", reference
    yield reference
    with connect() as client:
        if images.labels(client, reference) is not None:
            client.remove_image(reference, force=True)


@pytest.mark.docker
def test_building_on_a_given_local_base(settings: Settings, request: pytest.FixtureRequest) -> None:
    base = settings.SANDBOX_IMAGE
    reference = request.getfixturevalue("reference")
    out = output_of("build_sandbox_image", "--image", "python", "--base", base)
    assert f"Building {reference} on {base}" in out
    with connect() as client:
        labels = images.labels(client, reference)
    assert labels is not None
    assert labels[images.DIGEST_LABEL] == context.digest()
    again = output_of("build_sandbox_image", "--image", "python", "--base", base)
    assert again == "All was up to date.\n"


@pytest.mark.docker
def test_a_base_that_cannot_be_had_is_told_with_a_way_out(reference: str) -> None:
    with pytest.raises(CommandError, match=r"no image registry\.invalid/nothing:1 .*\n.*docker load"):
        output_of("build_sandbox_image", "--image", "python", "--base", "registry.invalid/nothing:1")


@pytest.mark.docker
def test_a_base_without_python_is_told(reference: str) -> None:
    empty = f"helloagents-test:empty-{os.getpid()}"
    with connect() as client, context.as_tar() as tar:
        images.import_root(client, tar, empty)  # any files but a Python
        try:
            with pytest.raises(CommandError, match="RUN find"):
                output_of("build_sandbox_image", "--image", "python", "--base", empty)
        finally:
            client.remove_image(empty, force=True)


def test_building_without_an_engine_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SANDBOX_ENGINE = "docker"
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(CommandError, match=r"unix:///nowhere/docker\.sock.*systemctl start docker"):
        output_of("build_sandbox_image", "--image", "python")


def test_the_build_context_is_the_same_for_the_same_files() -> None:
    with context.as_tar() as once, context.as_tar() as again:
        assert once.read() == again.read()


# --- sandbox_doctor -------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", BOTH_ENGINES)
def test_the_doctor_finds_all_well(engine: str, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.SANDBOX_ENGINE = engine
    report = json.loads(output_of("sandbox_doctor", "--json"))
    assert [check for check in report["checks"] if not check["ok"]] == []
    assert report["ok"] is True
    assert not [
        record for record in caplog.records if record.name == "sandbox.pool"
    ]  # nothing that looks bad
    names = {check["name"] for check in report["checks"]}
    of_images = {"image agent", "image javascript"}
    assert names == {"engine", "run"} | of_images | set(diagnosis.WALLS) | set(diagnosis.LIMITS)


@pytest.mark.bubblewrap
def test_the_doctor_misses_the_packages_of_an_image(settings: Settings, tmp_path: Path) -> None:
    settings.SANDBOX_ENGINE, settings.SANDBOX_PACKAGES_DIR = "bubblewrap", tmp_path
    with pytest.raises(SystemExit):
        call_command("sandbox_doctor", stdout=(out := io.StringIO()), no_color=True)
    failed = [line for line in out.getvalue().splitlines() if line.startswith("FAIL")]
    assert [line.split()[1:3] for line in failed] == [["image", "agent"], ["image", "javascript"]]
    assert all("manage.py build_sandbox_image" in line for line in failed)


@pytest.mark.docker
def test_the_doctor_sees_a_limit_that_is_not_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SANDBOX_ENGINE = "docker"
    settings.SANDBOX_TMP_MB = 10
    real = diagnosis.LIMITS["temporary files"]
    # The container is as it should be; it is the operator who is promised less.
    monkeypatch.setitem(
        diagnosis.LIMITS,
        "temporary files",
        lambda pool, limits: real(pool, replace(limits, tmp=limits.tmp // 2)),
    )
    with pytest.raises(SystemExit) as end:
        call_command("sandbox_doctor", stdout=(out := io.StringIO()), no_color=True)
    assert end.value.code == 1
    failed = [line for line in out.getvalue().splitlines() if line.startswith("FAIL")]
    assert [line.split()[1] for line in failed] == ["temporary"]
    assert "to mend: SANDBOX_TMP_MB" in out.getvalue()


def test_the_doctor_without_any_engine_says_how_to_mend_each(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SANDBOX_ENGINE = "docker"
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SystemExit) as end:
        call_command("sandbox_doctor", stdout=(out := io.StringIO()), no_color=True)
    assert end.value.code == 1
    assert "FAIL docker" in out.getvalue()
    assert "systemctl start docker" in out.getvalue()


def make_facts(**differences: Any) -> dict[str, Any]:
    sound = {
        "uids": [20_001],
        "supervisor_uid": 0,
        "capabilities": [0, 0, 0, 0],
        "no_new_privs": 1,
        "seccomp": 2,
        "interfaces": ["lo"],
        "outside": "Network is unreachable",
        "metadata": "Network is unreachable",
        "writable": [],
        "engines": [],
        "environment": {"HOME": "/tmp/work", "PATH": "/bin", "LLM_MODEL_ID": "default"},
        "supervisor_open": [],
        "signals_supervisor": False,
    }
    return sound | differences


@pytest.mark.parametrize(
    ("wall", "differences"),
    [
        ("user", {"uids": [0]}),
        ("user", {"uids": [0, 20_001]}),
        ("capabilities", {"capabilities": [0, 0, 0x400, 0]}),
        ("no new privileges", {"no_new_privs": 0}),
        ("seccomp", {"seccomp": 0}),
        ("network", {"interfaces": ["eth0", "lo"]}),
        ("network", {"outside": ""}),
        ("network", {"metadata": ""}),
        ("read-only root", {"writable": ["/etc"]}),
        ("engine socket", {"engines": ["/run/docker.sock"]}),
        ("environment", {"environment": {"PATH": "/bin", "SECRET_KEY": "secret"}}),
        ("environment", {"environment": {"PATH": "/bin", "OPENAI_API_KEY": "sk-somebody-s"}}),
        ("supervisor", {"supervisor_open": ["environ"]}),
        ("supervisor", {"signals_supervisor": True}),
    ],
)
def test_each_broken_wall_is_seen(wall: str, differences: dict[str, Any]) -> None:
    broken = [name for name, look in diagnosis.WALLS.items() if not look(make_facts(**differences))[0]]
    assert broken == [wall]


def test_sound_walls_are_not_suspected() -> None:
    assert all(look(make_facts())[0] for look in diagnosis.WALLS.values())


# --- sandbox_bench --------------------------------------------------------------------------------


@pytest.mark.docker
# What the SDK does for exec_run leaves its sockets to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning"
)
def test_the_benchmark_sets_the_pool_beside_its_yardsticks(settings: Settings) -> None:
    settings.SANDBOX_ENGINE = "docker"
    report = json.loads(output_of("sandbox_bench", "--json", "--runs", "10"))
    assert report["engine"] == "docker"
    assert set(report["yardsticks"]) == {benchmark.PYTHON, benchmark.EXEC_RUN, benchmark.DOCKER_RUN}
    assert 0 < report["door"]["p50"] <= report["door"]["p95"] <= report["door"]["p99"]
    # The point of the pool; by how much is what `make bench` is for.
    assert report["ratios"][benchmark.EXEC_RUN] > 1
    assert report["ratios"][benchmark.DOCKER_RUN] > 1
    assert report["left_out"] == []
    gc.collect()


@pytest.mark.bubblewrap
def test_the_benchmark_says_what_it_leaves_out_without_docker(settings: Settings) -> None:
    settings.SANDBOX_ENGINE = "bubblewrap"
    out = output_of("sandbox_bench", "--runs", "5")
    for name in (benchmark.EXEC_RUN, benchmark.DOCKER_RUN):
        assert f"{name:<28}  left out" in out


@pytest.mark.docker
def test_the_soak_tells_latency_and_memory_as_runs_add_up(settings: Settings) -> None:
    settings.SANDBOX_ENGINE = "docker"
    _, *stretches = output_of("sandbox_soak", "--runs", "30").splitlines()
    figures = [[float(word) for word in line.split()] for line in stretches]
    assert [line[0] for line in figures] == list(range(3, 31, 3))
    for _, p50, p95, worker, container in figures:
        assert 0 < p50 <= p95
        assert worker > 1
        assert container > 1


@pytest.mark.parametrize(
    ("command", "runs", "words"),
    [
        ("sandbox_bench", -5, "above 0"),
        ("sandbox_bench", 0, "above 0"),
        ("sandbox_soak", 0, "10 or more"),
        ("sandbox_soak", 9, "10 or more"),
    ],
)
def test_what_cannot_be_measured_is_refused(command: str, runs: int, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command(command, runs=runs)


def test_percentiles_are_nearest_rank() -> None:
    latency = benchmark.Latency.of([n / 1000 for n in range(100, 0, -1)])
    assert (latency.runs, latency.p50, latency.p95, latency.p99) == (100, 0.05, 0.095, 0.099)
    assert benchmark.Latency.of([1.0]).p99 == 1.0


def test_a_site_that_is_not_there_is_told() -> None:
    with pytest.raises(benchmark.SiteFailed, match=r"http://127\.0\.0\.1:9 does not answer"):
        benchmark.measure_site("http://127.0.0.1:9", runs=1)
