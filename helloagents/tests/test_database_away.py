"""While the database is away: pages say so soon, with a status that proxies and programs understand."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import override_settings
from django.urls import path


def away(request: HttpRequest) -> HttpResponse:
    raise OperationalError("host=db.example.org password=hunter2: couldn't get a connection after 3 s")


def away_from_programs(request: HttpRequest) -> HttpResponse:
    return away(request)


away_from_programs.answers_json = True  # type: ignore[attr-defined] # as progress.answers.json_endpoint says it

urlpatterns = [path("page/", away), path("data/", away_from_programs)]
handler500 = "helloagents.views.server_error"


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


@override_settings(ROOT_URLCONF=__name__)
def test_a_page_says_that_the_site_needs_a_moment(visitor: Client) -> None:
    page = visitor.get("/page/")

    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert b"The site needs a moment" in page.content
    assert b"hunter2" not in page.content


@override_settings(ROOT_URLCONF=__name__)
def test_a_program_hears_it_in_the_form_of_errors(visitor: Client) -> None:
    answer = visitor.get("/data/")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert answer["Retry-After"] == "5"
