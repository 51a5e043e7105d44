"""Requests have names, in the answer and in the log; production logs one JSON object a line."""

import json
import logging
import logging.config
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, cast

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import override_settings
from django.urls import path

from helloagents import logging as log
from helloagents import sampling


def speak(request: HttpRequest) -> HttpResponse:
    logging.getLogger("lessons").info("read %s", "lesson 4", extra={"lesson": 4})
    return HttpResponse("spoken")


def refuse(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


def fail(request: HttpRequest, word: str) -> HttpResponse:
    raise ValueError("ours")


urlpatterns = [path("speak/", speak), path("refuse/<int:status>/", refuse), path("fail/<str:word>/", fail)]


@contextmanager
def production_log(*, routine_share: float = 1) -> Iterator[list[dict[str, Any]]]:
    """Log as production does. The list holds the records once the block is over."""
    stream, records = StringIO(), list[dict[str, Any]]()
    config = log.configure(debug=False, routine_share=routine_share)
    config["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(config)
    try:
        yield records
    finally:
        logging.config.dictConfig(log.configure(debug=True))
        records += [json.loads(line) for line in stream.getvalue().splitlines()]


@override_settings(ROOT_URLCONF=__name__)
def test_a_log_line_carries_the_request_id(client: Client) -> None:
    with production_log() as records:
        answer = client.get("/speak/")

    record, end = records
    assert record["event"] == "read lesson 4"
    assert record["lesson"] == 4
    assert record["level"] == "info"
    assert record["logger"] == "lessons"
    assert end["event"] == "request"
    assert (end["route"], end["method"], end["status"]) == ("speak/", "GET", 200)
    assert record["request_id"] == end["request_id"] == answer["X-Request-ID"]


@override_settings(ROOT_URLCONF=__name__, SLOW_REQUEST_SECONDS=0.0)
def test_a_slow_request_is_a_warning_without_what_is_in_its_address(client: Client) -> None:
    with production_log() as records:
        client.get("/speak/?token=hunter2-X9kQ")

    slow = records[-1]
    assert (slow["event"], slow["level"], slow["route"]) == ("slow_request", "warning", "speak/")
    assert "hunter2-X9kQ" not in json.dumps(records)


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_answer_that_a_view_chose_is_no_alarm(client: Client, status: int) -> None:
    with production_log() as records:
        client.get(f"/refuse/{status}/?planted")

    request, told = records
    assert (told["level"], told["status_code"]) == ("warning", status)
    assert "refuse/" not in told["event"]
    assert request["route"] == "refuse/<int:status>/"


@override_settings(ROOT_URLCONF=__name__)
def test_an_exception_is_one_without_the_address(client: Client) -> None:
    client.raise_request_exception = False
    with production_log() as records:
        client.get("/fail/planted/")

    told = records[0]
    assert (told["event"], told["level"]) == ("Internal Server Error", "error")
    assert told["exception"][0]["exc_value"] == "ours"
    assert "planted" not in str(records)


def test_of_a_share_of_requests_the_routine_lines_are_kept_whole() -> None:
    with production_log(routine_share=0.3) as records:
        for number in range(200):
            with structlog.contextvars.bound_contextvars(request_id=f"request-{number}"):
                for event in ("run_queued", "run_ended"):
                    structlog.get_logger("progress").info(event)
                structlog.get_logger("progress").warning("run_left_behind")

    kept = Counter(record["request_id"] for record in records if record["level"] == "info")
    assert 20 < len(kept) < 120
    assert set(kept.values()) == {2}
    assert sum(record["level"] == "warning" for record in records) > 0


def test_a_flood_of_one_kind_is_counted_not_written() -> None:
    now = 0.0
    burst = sampling.Burst(clock=lambda: now)
    record = logging.makeLogRecord({"name": "progress", "msg": {"event": "redis_unavailable"}})
    other = logging.makeLogRecord({"name": "django", "msg": "something else"})

    assert sum(burst.filter(record) for _ in range(100)) == sampling.BURST
    assert burst.filter(other)
    now = sampling.WINDOW
    assert burst.filter(record)
    assert cast(dict[str, Any], record.msg)["left_out"] == 100 - sampling.BURST


@override_settings(ROOT_URLCONF=__name__)
def test_a_proxys_request_id_is_kept(client: Client) -> None:
    answer = client.get("/speak/", headers={"X-Request-ID": "edge-0123456789"})

    assert answer["X-Request-ID"] == "edge-0123456789"


@override_settings(ROOT_URLCONF=__name__)
def test_an_unsafe_request_id_is_replaced(client: Client) -> None:
    forged = 'x", "level": "error'
    answer = client.get("/speak/", headers={"X-Request-ID": forged})

    assert answer["X-Request-ID"] != forged
    assert len(answer["X-Request-ID"]) == 32


def test_an_exception_is_part_of_its_line() -> None:
    with production_log() as records:
        try:
            raise ValueError("no such lesson")
        except ValueError:
            structlog.get_logger("progress").exception("run failed", run="r1")

    (record,) = records
    assert record["run"] == "r1"
    assert record["exception"][0]["exc_value"] == "no such lesson"


# --- Secrets --------------------------------------------------------------------------------------

SECRET = "hunter2-X9kQ"


@pytest.mark.parametrize(
    "fields",
    [
        {name: SECRET}
        for name in (
            *("password", "password1", "new_password", "client_secret", "api_key", "apikey", "X-API-Key"),
            *("token", "access_token", "refresh_token", "csrftoken", "Authorization", "Cookie", "set-cookie"),
            *("sessionid", "SECRET_KEY", "otp", "recovery_codes", "credential", "seed"),
        )
    ]
    + [
        {"headers": {"authorization": SECRET}},
        {"bodies": [{"deep": {"password": SECRET}}]},
        {"token": [SECRET]},
    ],
)
def test_values_named_as_secrets_are_masked(fields: dict[str, Any]) -> None:
    with production_log() as records:
        structlog.get_logger("progress").info("saved", **fields)
        logging.getLogger("lessons").info("saved", extra=fields)

    assert SECRET not in json.dumps(records)
    assert "***" in json.dumps(records[0])
    assert len(records) == 2


@pytest.mark.parametrize(
    "text",
    [
        f"login failed for password={SECRET}",
        f'sent {{"password": "{SECRET}", "user": "mei"}}',
        f"GET /callback?code=1&access_token={SECRET}&state=2",
        f"Authorization: Bearer {SECRET}",
        f"Bearer {SECRET}",
        f"Cookie: sessionid={SECRET}; csrftoken=abc",
        f"redis://user:{SECRET}@cache:6379/0 is away",
        f"postgres://:{SECRET}@db/site",
        f"Incorrect API key provided: sk-{SECRET}{SECRET}",
        f"GET /first-admin/{SECRET}/",
        f"GET /en/accounts/password/reset/key/1-{SECRET}/",
        f"token eyJhbGciOi.eyJzdWIiOiIx.{SECRET} refused",
    ],
)
def test_secrets_within_texts_are_masked(text: str) -> None:
    with production_log() as records:
        logging.getLogger("lessons").warning("%s", text)
        try:
            raise ValueError(text)
        except ValueError:
            structlog.get_logger("progress").exception("failed", detail=text)

    assert SECRET not in json.dumps(records)
    assert len(records) == 2


def test_what_is_no_secret_stays_readable() -> None:
    fields = {"tokens": 120, "prompt_tokens": 7, "keys": ["run"], "path": "/en/runs/1/", "lesson": "4.2"}
    with production_log() as records:
        structlog.get_logger("progress").info(
            "120 tokens, monkey=banana, see https://a.example/x:y@z", **fields
        )

    (record,) = records
    assert {name: record[name] for name in fields} == fields
    assert record["event"].startswith("120 tokens, monkey=banana")
