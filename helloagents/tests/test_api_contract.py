"""The contract with existing clients: recorded requests, one after the other, and their answers in full.

In api_contract.json a text such as "<int>" stands for any value of that kind, "<int as user>" keeps it under
a name, and "{user}" is what was kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.test import AsyncClient, Client
from django.urls import reverse

from helloagents.api.urls import OLD
from helloagents.celery import app as celery
from helloagents.tests.api_site import Caller, TwoPrograms, make_course
from progress import tasks
from progress.models import Submission
from progress.tests.makers import make_learner
from tutor import background
from tutor.providers.clients import close_all
from tutor.tests.makers import fake_provider

pytestmark = pytest.mark.django_db(transaction=True)

RECORDS = json.loads((Path(__file__).parent / "api_contract.json").read_text())
KINDS: dict[str, Callable[[Any], Any]] = {
    "any": lambda value: True,
    "int": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "text": lambda value: isinstance(value, str) and value,
    "uuid": lambda value: UUID(value),
    "moment": lambda value: datetime.fromisoformat(value).tzinfo,
}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """A course of two lessons; programs run at once, and a model says hello."""
    cache.clear()  # of failed sign-ins
    make_course()
    settings.GUESTS_MAY_RUN_CODE = False
    monkeypatch.setattr(tasks, "get_pool", TwoPrograms)
    celery.conf.task_always_eager = True
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        yield
        background.run(close_all(), seconds=5)
    celery.conf.task_always_eager = False


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """The recorded value with what was kept put in; alone in a text it stays what it was."""
    if isinstance(value, dict):
        return {name: filled(inner, kept) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, kept) for inner in value]
    if not isinstance(value, str):
        return value
    if value.startswith("{") and value.endswith("}"):
        return kept[value[1:-1]]
    return re.sub(r"\{(\w+)\}", lambda found: str(kept[found[1]]), value)


def check(expected: Any, answer: Any, kept: dict[str, Any], where: str) -> None:
    """Every field that is expected is there and right, and no other."""
    if isinstance(expected, dict):
        assert isinstance(answer, dict), where
        assert list(answer) == list(expected), where
        for name, inner in expected.items():
            check(inner, answer[name], kept, f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(answer) == len(expected), (where, answer)
        for at, (inner, given) in enumerate(zip(expected, answer, strict=True)):
            check(inner, given, kept, f"{where}.{at}")
    elif isinstance(expected, str) and (kind := re.fullmatch(r"<(\w+)(?: as (\w+))?>", expected)):
        assert KINDS[kind[1]](answer), (where, answer)
        if kind[2]:
            kept[kind[2]] = answer
    else:
        assert answer == filled(expected, kept), where


def test_the_recorded_requests_get_the_recorded_answers(site: None) -> None:
    kept: dict[str, Any] = {}
    caller = Caller()

    for record in RECORDS:
        method, path = filled(record["request"], kept)
        answer = caller.call(
            method, path, filled(record.get("body"), kept), token=filled(record.get("token", ""), kept)
        )

        where = f"{record['say']} ({method} {path})"
        assert answer.status_code == record["status"], (where, answer.content)
        check(record["answer"], answer.json(), kept, where)
        assert answer["X-API-Version"] == "v1", where
        assert answer["X-Supported-Versions"] == "v1", where

    assert Submission.objects.filter(learner__username="grace", lesson__number="1.1").count() == 2


def test_every_operation_is_recorded(client: Client) -> None:
    recorded = {(record["request"][0], record["request"][1].partition("?")[0]) for record in RECORDS}
    shapes = {
        (method, re.sub(r"\{\w+\}|(?<=lessons/)(?!search$)[^/]+", "{}", path)) for method, path in recorded
    }
    shapes.add(("GET", "/api/v1/runs/{}/events"))  # no JSON: below
    shapes.add(("POST", "/api/v1/chat/stream"))  # nor this

    described = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, methods in client.get("/api/v1/schema").json()["paths"].items()
        for method in methods
    }

    assert described <= shapes


def test_a_runs_events_end_with_the_run(site: None) -> None:
    caller = Caller.of(make_learner())
    run = caller.call("POST", "/api/v1/runs", {"code": "fail"}).json()
    token = caller._token

    async def read() -> tuple[Any, str]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        response: Any = await AsyncClient().get(run["events_url"], headers=headers)
        return response, "".join([part.decode() async for part in response.streaming_content])

    response, text = async_to_sync(read)()

    assert response["Content-Type"] == "text/event-stream"
    event, data = text.strip().split("\n")
    assert event == "event: finished"
    told = json.loads(data.removeprefix("data: "))
    assert (told["id"], told["success"], told["error"]) == (run["id"], False, "Traceback: it failed")


def test_a_waiting_run_is_stopped(site: None) -> None:
    learner = make_learner()
    waiting = Submission.objects.create(learner=learner, code="1")

    answer = Caller.of(learner).call("DELETE", reverse("api-run", args=[waiting.pk]))

    assert (answer.json()["status"], answer.json()["outcome"]) == ("finished", "cancelled")
    assert answer.json()["error"] == "The program was stopped."


@pytest.mark.parametrize("old", OLD)
def test_old_addresses_answer_the_same_and_name_the_new_ones(site: None, old: str) -> None:
    learner = make_learner()
    caller = Caller.of(learner)
    values = {"<str:lesson_id>": "1.1", "<str:user_id>": str(learner.pk)}
    path, successor = old, OLD[old]
    for name, value in values.items():
        path = path.replace(name, value)
        successor = successor.replace("{" + name[5:-1] + "}", value)

    for method, body in [("GET", None), ("POST", {"code": "fail", "lesson_id": "1", "status": "completed"})]:
        answer = caller.call(method, f"/api/{path}", body)
        new = caller.call(method, f"/api/v1/{successor}", body)

        assert answer.status_code == new.status_code
        assert shape(answer.json()) == shape(new.json())
        assert answer["Deprecation"] == "true"
        assert answer["Link"] == f'<http://testserver/api/v1/{successor}>; rel="successor-version"'
        assert "Deprecation" not in new


def shape(value: Any) -> Any:
    """Names and kinds alone."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def test_a_sane_request_id_of_the_caller_is_kept() -> None:
    answer = Caller().call("GET", "/api/v1/nowhere", **{"X-Request-ID": "trace-4711-abc"})
    other = Caller().call("GET", "/api/v1/nowhere", **{"X-Request-ID": "no good"})

    assert answer.status_code == 404
    assert answer["X-Request-ID"] == answer.json()["error"]["request_id"] == "trace-4711-abc"
    assert other["X-Request-ID"] == other.json()["error"]["request_id"] != "no good"
