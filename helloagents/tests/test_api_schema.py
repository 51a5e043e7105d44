"""The API's description: complete, and true of whatever is asked, sound or not."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis import CheckFunction, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from helloagents.api import sessions
from helloagents.celery import app as celery
from progress import tasks
from progress.models import Submission
from progress.tests.makers import make_learner, make_lesson, make_result, make_submission
from tutor import background
from tutor.configured import Budget
from tutor.providers.clients import close_all
from tutor.tests.makers import fake_provider

Operation = APIOperation[Any, Any, Any, Any]

# Requests of one kind to one operation. SQLite is the second database that tests run on: a look will do.
EXAMPLES = {"postgresql": 8, "sqlite": 3}
# No schema can say that a password is a common one, or like the name, and which texts are pictures.
BEYOND_A_SCHEMA: dict[str, list[CheckFunction]] = {
    "POST /api/v1/users": [positive_data_acceptance],
    "POST /api/v1/chat": [positive_data_acceptance],
    "POST /api/v1/chat/stream": [positive_data_acceptance],
    "DELETE /api/v1/conversations/batch": [positive_data_acceptance],  # OpenAPI describes no body for it
}


class TirelessPool:
    """Every program prints a word and ends."""

    def run(self, request: Any, **_options: Any) -> Any:
        return make_result()


@pytest.fixture
def busy_site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Programs run at once, guests may run them, and a model answers."""
    settings.GUESTS_MAY_RUN_CODE = True
    monkeypatch.setattr(tasks, "get_pool", TirelessPool)
    celery.conf.task_always_eager = True
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        settings.MODEL_BUDGETS = dict.fromkeys(settings.MODEL_BUDGETS, Budget())
        yield
        background.run(close_all(), seconds=5)
    celery.conf.task_always_eager = False


def operations() -> list[Operation]:
    config = schemathesis.Config.from_dict(
        {
            "generation": {"allow-x00": False, "codec": "utf-8"},
            "checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 413]}},
        }
    )
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema", WSGIHandler(), config=config)
    found = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        found.append(result.ok())
    return found


def ask(operation: Operation, mode: GenerationMode, known: dict[str, str], headers: dict[str, str]) -> None:
    """Send requests of this mode; `known` are values for the address that lead somewhere."""

    turns = itertools.count(1)

    @hypothesis_settings(
        max_examples=EXAMPLES[connection.vendor],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Any]) -> None:
        if next(turns) % 3:  # most addresses lead somewhere
            for name in set(known) & set(case.path_parameters or {}):
                case.path_parameters[name] = known[name]
        with warnings.catch_warnings():
            # The stream of events, read by a client that is not asynchronous.
            warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume asynchronous")
            case.call_and_validate(headers=headers, excluded_checks=BEYOND_A_SCHEMA.get(operation.label))

    send()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("caller", ["guest", "learner"])
def test_every_operation_answers_as_described(busy_site: None, caller: str) -> None:
    learner = make_learner()
    lesson = make_lesson()
    submission = make_submission(
        learner=learner, lesson=lesson, status=Submission.Status.FINISHED, outcome="ok", wall_time=0.1
    )
    known = {"user_id": str(learner.pk), "lesson_id": lesson.number, "run_id": str(submission.pk)}
    headers = (
        {"Authorization": f"Bearer {sessions.begin(user=learner).access}"} if caller == "learner" else {}
    )

    problems = []
    for operation in operations():
        has_input = operation.body or operation.query
        for mode in [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if has_input else [])]:
            try:
                ask(operation, mode, known, headers)
            except FailureGroup as failures:
                problems += [f"{operation.label}, {mode.value}: {failure}" for failure in failures.exceptions]

    assert problems == [], "\n".join(problems)


@pytest.mark.django_db
def test_the_description_is_complete(client: Client) -> None:
    GENERATOR_STATS.reset()

    schema = client.get("/api/v1/schema").json()

    assert not GENERATOR_STATS
    assert sorted(schema["paths"]) == [
        "/api/v1/auth/token",
        "/api/v1/auth/token/refresh",
        "/api/v1/auth/token/revoke",
        "/api/v1/chat",
        "/api/v1/chat/stream",
        "/api/v1/code/execute",
        "/api/v1/code/hint",
        "/api/v1/conversations",
        "/api/v1/conversations/batch",
        "/api/v1/conversations/search",
        "/api/v1/conversations/{conversation_id}",
        "/api/v1/lessons",
        "/api/v1/lessons/search",
        "/api/v1/lessons/{lesson_id}",
        "/api/v1/progress/{user_id}",
        "/api/v1/runs",
        "/api/v1/runs/{run_id}",
        "/api/v1/runs/{run_id}/events",
        "/api/v1/runs/{run_id}/stdin",
        "/api/v1/sandbox/pool/stats",
        "/api/v1/submissions",
        "/api/v1/submissions/{user_id}",
        "/api/v1/users",
        "/api/v1/users/me",
        "/api/v1/users/{user_id}",
        "/api/version",
    ]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert "429" in operation["responses"], (method, path)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/redoc"])
def test_the_pages_of_the_description_fetch_nothing_from_elsewhere(client: Client, path: str) -> None:
    page = client.get(path).content.decode()

    assert "https://" not in page
    assert "<style" not in page
    assert "/api/v1/schema" in page
    assert page.count("<script") == page.count("<script src=")
