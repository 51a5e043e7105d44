"""What a test may need of the machine. Missing, the test is skipped with the reason; in CI it fails."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable
from typing import NoReturn

import pytest
from django.db import connection
from django.utils import translation

from deploy.dev import isolation

CI = os.environ.get("CI", "").lower() == "true"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that touch the database, so that `make test` can run them on a second one.

    Those of the sandbox are put into groups that may run side by side: one for the Docker engine, where each
    process removes the containers of those that ended, and one for each file that starts a site of its own on
    bubblewrap.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures):
            item.add_marker("database")
        if config.getoption("loadgroup", False) and (group := group_of(item)):
            # What xdist 3.8 makes of its marker `xdist_group`, where pytest 9.2 does not look any more.
            item._id = type(item._id).parse(f"{item.nodeid}@{group}")


def pytest_collection_finish() -> None:
    """What was loaded stays to the end: Python need not look for garbage among it after each test."""
    gc.freeze()


def group_of(item: pytest.Item) -> str | None:
    """Names the tests that one process runs together with this one; None where any may run it."""
    if docker := item.get_closest_marker("docker"):
        return item.path.stem if docker.kwargs.get("own_engine") else "docker"
    if item.get_closest_marker("bubblewrap"):
        return "bubblewrap" if "sandbox" in item.path.parts else item.path.stem
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
        skip_or_fail("DATABASE_URL names no PostgreSQL")
    if item.get_closest_marker("docker") and not docker_is_ready():
        skip_or_fail("no Docker engine answers, or `manage.py build_sandbox_image` has not been run on it")
    if item.get_closest_marker("bubblewrap") and not bubblewrap_is_ready():
        skip_or_fail("bubblewrap is not installed, or this kernel does not let it make namespaces")


@pytest.fixture(autouse=True)
def default_language() -> None:
    """A request leaves its language behind in the thread; the next test begins without."""
    translation.deactivate()


@pytest.fixture(scope="session")
def missing() -> Callable[[str], NoReturn]:
    """To call with what is missing on this machine."""
    return skip_or_fail


def skip_or_fail(reason: str) -> NoReturn:
    if CI:
        pytest.fail(f"CI skips nothing, but {reason}", pytrace=False)
    pytest.skip(reason)


@functools.cache
def docker_is_ready() -> bool:
    return isolation.docker_engine_answers() and isolation.sandbox_image_exists()


@functools.cache
def bubblewrap_is_ready() -> bool:
    return isolation.bubblewrap_works()
