"""What monitors are told when something the site stands on is away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from helloagents import health
from helloagents.health import Part, Status, Trouble, look_at
from progress import events, orders
from progress.tests.sites import eventually
from sandbox import hosts
from tutor.configured import ConfiguredProvider
from tutor.models import ModelCall


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test looks for itself."""
    monkeypatch.setattr(health, "FRESH", -1.0)


@pytest.fixture
def heartbeat() -> Iterator[hosts.Heart]:
    """One worker host that listens and has beaten once, with two containers."""
    hosts.client().flushdb()
    orders.start_listening()
    heart = hosts.Heart(figures=lambda: {"pool": {"total_containers": 2, "message": ""}}, watch=lambda: None)
    heart.start()
    eventually(lambda: hosts.alive() and events.listeners(), seconds=30)
    yield heart
    orders.stop_listening()
    eventually(lambda: events.listeners() == 0)
    heart.stop()


def checks(client: Client, *, path: str = "/health", status: int = 200) -> Any:
    answer = client.get(path)
    assert answer.status_code == status, answer.content
    assert answer["Cache-Control"].startswith("max-age=0")
    return answer.json()


@pytest.mark.parametrize(("number", "words"), [(1, "1 container"), (2, "2 containers")])
def test_what_there_is_is_counted(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    host = SimpleNamespace(pool={"total_containers": number, "message": ""})
    monkeypatch.setattr(hosts, "alive", lambda: [host])

    (part,) = [part for part in health.PARTS if part.name == "container_pool"]
    assert health.look_at([part])[1]["container_pool"].message == words


@pytest.mark.django_db(transaction=True)
def test_everything_works(client: Client, heartbeat: hosts.Heart) -> None:
    told = checks(client)

    assert told["status"] == "healthy", told
    assert told["timestamp"] > 0
    names = {"database", "redis", "broker", "workers", "container_pool", "model_provider"}
    assert set(told["checks"]) == names
    assert all(check["latency_ms"] >= 0 for check in told["checks"].values())


@pytest.mark.django_db(transaction=True)
def test_without_a_worker_lessons_can_be_read(client: Client) -> None:
    hosts.client().flushdb()

    told = checks(client)

    assert told["status"] == "degraded"
    assert told["checks"]["database"]["status"] == "healthy"
    assert told["checks"]["workers"]["status"] == "degraded"
    assert told["checks"]["container_pool"]["message"] == "no worker host has a container"
    assert checks(client, path="/health/ready")["status"] == "healthy"


@pytest.mark.django_db(transaction=True)
def test_workers_that_were_killed_are_missed_at_once(client: Client, heartbeat: hosts.Heart) -> None:
    """Heard of they have been a moment ago; but none listens any more."""
    assert checks(client)["checks"]["workers"]["status"] == "healthy"
    orders.stop_listening()
    eventually(lambda: events.listeners() == 0)

    told = checks(client)
    assert (told["status"], told["checks"]["workers"]["status"]) == ("degraded", "degraded")


@pytest.mark.django_db(transaction=True)
def test_redis_away(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    told = checks(client)

    assert told["status"] == "degraded"
    assert told["checks"]["redis"] == told["checks"]["redis"] | {
        "status": "degraded",
        "message": "out of reach",
    }


def test_database_away(client: Client, django_db_blocker: DjangoDbBlocker) -> None:
    # Without the mark that allows it, the tests' database is as good as away.
    told = checks(client, path="/health/ready", status=503)

    assert told["status"] == "unhealthy"
    assert told["checks"]["database"]["message"] == "out of reach"
    assert checks(client, status=503)["checks"]["database"]["status"] == "unhealthy"
    assert checks(client, path="/health/live")["status"] == "healthy"


@pytest.mark.django_db(transaction=True)
def test_a_model_provider_that_fails(client: Client, settings: Settings, heartbeat: hosts.Heart) -> None:
    settings.MODEL_PROVIDERS = [ConfiguredProvider("deepseek", "openai", "https://example.org/v1", "key", ())]
    for code in ("", *["provider_timeout"] * 4):
        ModelCall.objects.create(
            owner="user:1", purpose="run", provider="deepseek", status="failed", error_code=code
        )
    assert checks(client)["checks"]["model_provider"]["status"] == "healthy"

    ModelCall.objects.create(
        owner="user:1", purpose="run", provider="deepseek", status="failed", error_code="provider_failed"
    )
    told = checks(client)
    assert told["status"] == "degraded"
    assert told["checks"]["model_provider"]["message"] == "the last 5 calls failed"


def test_a_part_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    let_go, looks = threading.Event(), []

    def hang() -> str:
        looks.append(1)
        let_go.wait(30)
        return "back"

    part = Part("slow", hang)
    try:
        assert [look_at([part])[0] for _ in range(3)] == [Status.DEGRADED] * 3
        assert looks == [1]  # however often it is asked for
    finally:
        let_go.set()
    monkeypatch.setattr(health, "PATIENCE", 30.0)
    assert look_at([part])[1]["slow"].message == "back"


def test_the_worst_part_counts() -> None:
    def fail() -> str:
        raise Trouble("it is out")

    good, bad, vital = Part("a", str), Part("b", fail), Part("c", fail, vital=True)

    assert look_at([good])[0] is Status.HEALTHY
    assert look_at([good, bad])[0] is Status.DEGRADED
    assert look_at([bad, vital, good])[0] is Status.UNHEALTHY
    assert look_at([bad])[1]["b"].message == "it is out"
