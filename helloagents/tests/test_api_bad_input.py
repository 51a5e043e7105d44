"""What no client should send: told in the error format, everywhere alike, and never a fault of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from helloagents.api import sessions
from helloagents.api.codes import table
from helloagents.celery import app as celery
from helloagents.tests.api_site import Caller, TwoPrograms, make_course
from lessons.models import Course
from progress import actions, tasks
from progress.answers import STATUS_OF_CODE
from progress.models import Submission
from progress.tests.makers import make_learner, make_submission
from sandbox import hosts

NOWHERE = "00000000-0000-4000-8000-000000000000"

pytestmark = pytest.mark.django_db

BODIES = {
    "empty": (b"", 400),
    "no JSON": (b"{code: 1}", 400),
    "no object": (b'["code"]', 400),
    "cut": (b'{"code": "1', 400),
    "deep": (b"[" * 100_000, 400),
    "deep object": (b'{"code":' * 40_000 + b"1" + b"}" * 40_000, 400),
    "no UTF-8": (b'{"code": "\xff"}', 400),
    "huge integer": (b'{"code": "1", "timeout": ' + b"9" * 5000 + b"}", 400),
    "large": (b'{"code": "' + b" " * 500_000 + b'"}', 413),
    "larger than anybody reads": (b'{"code": "' + b" " * 3_000_000 + b'"}', 413),
}
FIELDS: dict[str, dict[str, Any]] = {
    "NUL": {"code": "a\x00b"},
    "half a character": {"code": "\ud800"},
    "no code": {"code": ""},
    "a number for a text": {"code": 7},
    "a list for a text": {"code": ["1"]},
    "null": {"code": None},
    "a text for a number": {"code": "1", "timeout": "5"},
    "a fraction": {"code": "1", "timeout": 1.5},
    "true for a number": {"code": "1", "timeout": True},
    "infinity": {"code": "1", "timeout": 1e999},
    "too long a time": {"code": "1", "timeout": 61},
    "no time": {"code": "1", "timeout": 0},
    "a large number": {"code": "1", "timeout": 10**400},
    "an unknown language": {"code": "1", "language": "cobol"},
    "a NUL in a name": {"code": "1", "lesson_id": "\x00"},
}


@pytest.fixture
def learner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    make_course()
    monkeypatch.setattr(tasks, "get_pool", TwoPrograms)
    celery.conf.task_always_eager = True
    yield make_learner()
    celery.conf.task_always_eager = False


def readers_of_bodies(learner: Any) -> list[str]:
    running = make_submission(learner=learner, status="running", attempts=1)
    return [
        *("/api/v1/auth/token", "/api/v1/auth/token/refresh", "/api/v1/auth/token/revoke", "/api/v1/users"),
        *("/api/v1/code/execute", "/api/v1/runs", f"/api/v1/runs/{running.pk}/stdin"),
        *(f"/api/v1/progress/{learner.pk}", "/api/v1/submissions", "/api/execute"),
    ]


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_read(learner: Any, name: str) -> None:
    body, status = BODIES[name]
    token = sessions.begin(user=learner).access

    for path in readers_of_bodies(learner):
        answer = Client().post(
            path, body, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        )

        if name == "empty" and path.endswith("/stdin"):
            continue  # nothing is needed there: an empty body is one without input
        assert answer.status_code == status, (path, answer.content)
        error = answer.json()["error"]
        assert STATUS_OF_CODE[error["code"]] == status
        assert error["path"] == path


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_body_of_another_kind(learner: Any, kind: str) -> None:
    for path in readers_of_bodies(learner):
        token = sessions.begin(user=learner).access
        answer = Client().post(
            path, b"code=1", content_type=kind, headers={"Authorization": f"Bearer {token}"}
        )

        assert answer.status_code == 400, path
        assert "Content-Type" in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("path", ["/api/v1/code/execute", "/api/v1/runs"])
def test_a_field_that_cannot_be(learner: Any, path: str, name: str) -> None:
    answer = Caller.of(learner).call("POST", path, FIELDS[name])

    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == list(FIELDS[name])[-1]
    assert not Submission.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_code_may_have_100_kb_of_utf_8(learner: Any) -> None:
    caller = Caller.of(learner)

    fits = caller.call("POST", "/api/v1/code/execute", {"code": "#" * (100 * 1024)})
    letters = caller.call("POST", "/api/v1/code/execute", {"code": "学" * 40_000})
    over = caller.call("POST", "/api/v1/code/execute", {"code": "#" * (100 * 1024 + 1)})

    assert fits.status_code == 200
    assert letters.status_code == over.status_code == 413
    assert over.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/lessons/%00", "/api/v1/lessons/%ED%A0%80", "/api/v1/lessons/:",
        "/api/v1/lessons/..%2F..", "/api/v1/lessons/" + "9" * 500,
        "/api/v1/lessons/nowhere:1", "/api/v1/lessons?course=nowhere",
        "/api/v1/runs/1", f"/api/v1/runs/{NOWHERE}", f"/api/v1/runs/{NOWHERE}/events",
        "/api/v1/progress/99999999999999999999", "/api/v1/submissions/x", "/api/v1/users/%00",
        "/api/v1/rooms", "/api/v1/", "/api/", "/api/v2/lessons",
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere(learner: Any, path: str) -> None:
    answer = Caller.of(learner).call("GET", path)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=1e2", "offset=-1", "offset=" + "9" * 5000, "limit=%00"],
)
def test_a_query_that_cannot_be(learner: Any, query: str) -> None:
    answer = Caller.of(learner).call("GET", f"/api/v1/submissions/{learner.pk}?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["validation_errors"]


def test_a_method_that_does_not_work_is_told_in_full_everywhere(learner: Any, client: Client) -> None:
    for answer in (
        Caller().call("PUT", "/api/v1/lessons"),
        Caller().call("GET", "/api/v1/auth/token"),
        client.get("/en/runs/"),  # a page's own endpoint
    ):
        assert answer.status_code == 405
        assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
        assert answer["Allow"]
        assert "OPTIONS" not in answer.json()["error"]["message"] + answer["Allow"]
    refused = Caller().call("OPTIONS", "/api/v1/lessons")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("body", [b"{}", b"no JSON"])
def test_where_a_list_is_wanted_that_is_said(learner: Any, method: str, body: bytes) -> None:
    client = Client(headers={"Authorization": f"Bearer {sessions.begin(user=learner).access}"})

    answer = client.generic(method, "/api/v1/conversations/batch", body, content_type="application/json")

    assert answer.status_code == 400
    assert "JSON array" in answer.json()["error"]["message"]


def test_a_full_queue_and_a_busy_learner_are_told_apart(learner: Any, settings: Any) -> None:
    caller = Caller.of(learner)
    settings.RUN_QUEUE_PER_LEARNER = 0
    busy = caller.call("POST", "/api/v1/code/execute", {"code": "1"})
    settings.RUN_QUEUE_MAX = 1
    hosts.client().lpush(settings.CELERY_TASK_DEFAULT_QUEUE, "a message")
    full = caller.call("POST", "/api/v1/code/execute", {"code": "1"})
    hosts.client().delete(settings.CELERY_TASK_DEFAULT_QUEUE)

    assert (busy.status_code, busy.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert (full.status_code, full.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(busy["Retry-After"]) > 0
    assert int(full["Retry-After"]) > 0


def test_a_program_the_platform_could_not_run_is_our_fault(
    learner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*, taken: bool) -> Any:
        def submit(**_fields: Any) -> Submission:
            return make_submission(learner=learner, status="broken", attempts=int(taken))

        monkeypatch.setattr(actions, "submit_code", submit)
        return Caller.of(learner).call("POST", "/api/v1/code/execute", {"code": "1"})

    assert broken(taken=True).json()["error"]["code"] == "SANDBOX_EXECUTION_ERROR"
    assert broken(taken=False).json()["error"]["code"] == "CONTAINER_POOL_ERROR"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (OperationalError("host=db password=hunter2"), "DATABASE_ERROR"),
        (RuntimeError("hunter2"), "INTERNAL_ERROR"),
    ],
)
def test_a_fault_of_ours_leaks_nothing(
    learner: Any,
    fault: Exception,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise fault

    monkeypatch.setattr(Course.objects, "filter", fail)
    answer = Client(raise_request_exception=False).get("/api/v1/lessons?course=course")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == code
    assert "hunter2" not in answer.content.decode()
    assert "api_failed" in caplog.text


def test_every_code_is_explained(settings: Any, client: Client) -> None:
    """In the API's description, which programs and Swagger read, and in the documents alike."""
    page = (settings.BASE_DIR / "docs" / "api-errors.md").read_text()
    described = client.get("/api/v1/schema").json()["info"]["description"]
    rows = re.findall(r"^\| (\w+) \| (\d{3}) \| [^|]+ \| [^|]+ \| [^|]+ \|$", described, flags=re.MULTILINE)

    assert [(code, int(status)) for code, status in rows] == list(STATUS_OF_CODE.items())
    assert table() in page
    assert table() in described
    assert "docs/" not in described


@pytest.mark.parametrize("path", ["/api/version", "/api/v1/lessons"])
def test_a_forged_host_is_refused_in_the_format(settings: Any, path: str) -> None:
    settings.DEBUG = False

    answer = Client(SERVER_NAME="evil.example.org").get(path)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"


def test_a_fault_before_the_view_is_told_in_the_format(
    settings: Any, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    def fail(*_arguments: Any) -> Any:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("helloagents.limits.note", fail)
    client.raise_request_exception = False

    program, page = client.get("/api/version"), client.get("/en/accounts/login/")

    assert program.status_code == page.status_code == 500
    assert program.json()["error"]["code"] == "INTERNAL_ERROR"
    assert page["Content-Type"].startswith("text/html")
    assert b"hunter2" not in program.content + page.content
