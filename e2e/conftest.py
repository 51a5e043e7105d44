"""The real site for browser tests: web, worker and beat as processes, on real services, driven in Chromium.

`make test` names the services (DATABASE_URL, REDIS_URL, DOCKER_HOST); without names it is SQLite and a
private Redis.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from psycopg import sql

from deploy.dev import isolation, services
from deploy.dev.environment import find
from deploy.dev.processes import ROOT
from e2e.learn_page import LearnPage
from e2e.visitors import PATIENCE, PHONE, Visitors

HERE = Path(__file__).parent

CHROMIUM_FLAGS = [
    # As root Chromium has no sandbox of its own; the tests open our own pages only.
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]

expect.set_options(timeout=PATIENCE)


def pytest_configure(config: pytest.Config) -> None:
    """A test that fails leaves a picture of its pages."""
    config.option.screenshot = "only-on-failure"
    config.option.output = str(ROOT / "var" / "test" / "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Whether the site stands at all is asked first, before other tests make it write to its terminal.
    items.sort(key=lambda item: item.path != HERE / "test_site.py")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Site]:
    """The running site with the shipped course, its code isolated by whatever this machine has."""
    var = tmp_path_factory.mktemp("site")
    named = os.environ.get("DATABASE_URL")
    env = {
        **os.environ,
        "DATABASE_URL": _own_database(named) if named else f"sqlite:///{var / 'db.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "helloagents.settings",
        "VAR_DIR": str(var),
        "SANDBOX_ENGINE": _engine(),
    }
    services.prepare(env)
    with services.site(port=services.free_port(), env=env) as running:
        yield running


def _own_database(url: str) -> str:
    """Beside the named database, one of this process's own: two sites may stand at the same time."""
    server, _, name = url.rpartition("/")
    own = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'site')}"
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {}"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(own)))
    return f"{server}/{own}"


def _engine() -> str:
    if isolation.docker_engine_answers() and isolation.sandbox_image_exists():
        return "docker"
    return "bubblewrap" if isolation.bubblewrap_works() else "auto"


@pytest.fixture(scope="session")
def base_url(site: services.Site) -> str:
    return site.url


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], missing: Callable[[str], NoReturn]
) -> dict[str, Any]:
    """The system's Chromium: CHROMIUM names another one."""
    chromium = os.environ.get("CHROMIUM") or find("chromium") or find("google-chrome")
    if chromium is None:
        missing("there is no Chromium; set CHROMIUM to where one is")
    return {**browser_type_launch_args, "executable_path": chromium, "args": CHROMIUM_FLAGS}


@pytest.fixture
def visitors(new_context: Callable[..., BrowserContext]) -> Iterator[Visitors]:
    """Browsers of people who visit the site."""
    visitors = Visitors(new_context)
    yield visitors
    assert visitors.complaints == []


@pytest.fixture
def page(visitors: Visitors) -> Page:
    """A guest's page. An error in a script fails the test, and so does a request to another site."""
    return visitors.come()


@pytest.fixture
def learn(page: Page) -> LearnPage:
    """A lesson, open on a desktop."""
    return LearnPage(page).open()


@pytest.fixture
def phone(visitors: Visitors) -> Page:
    """The same on a phone: 390 pixels wide, touched, not clicked."""
    return visitors.come(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
