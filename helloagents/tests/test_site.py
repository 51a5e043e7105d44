"""What every site answers at fixed addresses, and what it logs of forged requests."""

from __future__ import annotations

import logging
from urllib.robotparser import RobotFileParser

import pytest
from django.test import Client
from django.urls import reverse

from helloagents.tests.test_logging import production_log


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_crawlers_read_lessons_and_nothing_else(client: Client, language: str) -> None:
    answer = client.get("/robots.txt")
    rules = RobotFileParser()
    rules.parse(answer.content.decode().splitlines())

    assert answer["Content-Type"].startswith("text/plain")
    for path in ("/", f"/{language}/", f"/{language}/courses/agents/first-steps/", "/images/ab.png"):
        assert rules.can_fetch("*", path), path
    for path in (
        "/admin/",
        f"/{language}/runs/1/",
        f"/{language}/accounts/login/",
        f"/{language}/submissions/",
    ):
        assert not rules.can_fetch("*", path), path


def test_the_icon_is_found_without_reading_a_page(client: Client) -> None:
    answer = client.get("/favicon.ico")

    assert answer.status_code == 302
    assert answer["Location"] == "/static/img/favicon.svg"


def test_signing_in_keeps_the_language(client: Client) -> None:
    answer = client.get("/zh-hans/submissions/")

    assert answer["Location"] == "/zh-hans/accounts/login/?next=/zh-hans/submissions/"
    assert client.get(reverse("submissions"))["Location"].startswith("/zh-hans/accounts/login/")


def test_a_forged_host_is_refused_in_one_line_of_the_log(client: Client) -> None:
    with production_log() as records:
        answer = client.get("/en/", headers={"Host": "evil.example.org"})

    assert answer.status_code == 400
    (record,) = [record for record in records if record["event"] != "request"]  # each request has that line
    assert (record["event"], record["level"]) == ("request_refused", "warning")
    assert (record["reason"], record["status"]) == ("DisallowedHost", 400)
    assert record["request_id"] == answer["X-Request-ID"]
    assert "evil.example.org" not in str(record)
    assert "exception" not in record


def test_nor_are_other_refusals_errors(admin_client: Client) -> None:
    with production_log() as records:
        answer = admin_client.get("/admin/lessons/lesson/?course__slug__exact=planted")
        strange = Client(enforce_csrf_checks=True).post(
            "/en/accounts/login/", headers={"Origin": "http://planted"}
        )

    assert (answer.status_code, strange.status_code) == (400, 403)
    told = [record for record in records if record["event"] == "request_refused"]
    assert [record["reason"] for record in told] == ["DisallowedModelAdminLookup", "csrf"]
    assert {record["level"] for record in records} <= {"info", "warning"}
    assert "planted" not in str(records)


def test_our_own_failures_keep_their_stack() -> None:
    with production_log() as records:
        try:
            raise ValueError("ours")
        except ValueError:
            logging.getLogger("django.request").exception("Internal Server Error: /en/")

    assert records[0]["exception"][0]["exc_value"] == "ours"
