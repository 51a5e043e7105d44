"""The site stands: every process does its part, and a visitor arrives at a lesson."""

from __future__ import annotations

import urllib.request

import pytest
from celery import Celery
from playwright.sync_api import Page, expect

from deploy.dev.services import Site
from sandbox.benchmark import measure_site


def test_the_front_page_leads_to_the_shipped_course(page: Page) -> None:
    page.goto("/")
    expect(page).to_have_url("/en/")
    page.get_by_role("link", name="First agents").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_catalogue_answers_in_each_language(site: Site, language: str) -> None:
    with urllib.request.urlopen(f"{site.url}/{language}/") as response:
        assert response.status == 200
        assert f'<html lang="{language}"' in response.read().decode()
        assert response.headers["X-Request-ID"]


def test_every_process_is_up(site: Site) -> None:
    assert {name: process.exit_code for name, process in site.processes.items()} == {
        "web": None,
        "worker": None,
        "beat": None,
    }


def test_the_worker_hears_what_is_sent_to_it(site: Site) -> None:
    with Celery(broker=site.env["REDIS_URL"]) as celery:
        answers = celery.control.ping(timeout=10, limit=1)

    assert [answer for reply in answers for answer in reply.values()] == [{"ok": "pong"}]


def test_nothing_is_written_to_the_terminal(site: Site, page: Page) -> None:
    page.goto("/")

    assert {name: process.output() for name, process in site.processes.items()} == {
        "web": "",
        "worker": "",
        "beat": "",
    }


def test_the_benchmark_measures_this_site(site: Site) -> None:
    assert len(measure_site(site.url, runs=3)) == 3


@pytest.mark.parametrize("page_of_the_api", ["docs", "redoc"])
def test_the_api_is_explained_here_and_nobody_else_is_asked(
    site: Site, page: Page, page_of_the_api: str
) -> None:
    """Also not in vain: what the policy refuses is an error of the page."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"/api/v1/{page_of_the_api}")

    expect(page.get_by_role("cell", name="METHOD_NOT_ALLOWED").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert problems == []
