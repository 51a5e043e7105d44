"""Parts of a site break while learners run programs: no run is lost, mixed up or told otherwise than it was.

The whole of it, the engine's own faults included, is `make faults`; here is what is quick.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deploy.dev.environment import find
from deploy.dev.faulty_site import FaultySite, faulty_site
from deploy.dev.load import Account, steady_load
from progress import actions, lifecycle, tasks
from progress.models import Submission
from progress.tests.makers import make_submission
from progress.tests.sites import eventually
from sandbox import hosts

LEARNERS = 4


@pytest.fixture(scope="module")
def site(missing: Callable[[str], NoReturn]) -> Iterator[FaultySite]:
    if find("initdb") is None or find("redis-server") is None:
        missing("PostgreSQL and Redis are to be stopped, and are not installed")
    quick = {
        "WORKER_HEARTBEAT_SECONDS": "0.3",
        "WORKER_LOST_SECONDS": "1.5",
        "SANDBOX_CHECK_SECONDS": "1",
        "SANDBOX_REAP_SECONDS": "1",
    }
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    with faulty_site(engine, **quick) as started:
        yield started


@contextmanager
def runs_go_on(site: FaultySite) -> Iterator[Account]:
    """Learners run programs before, through and after the block; then everything is as it should be."""
    with steady_load(site.url, learners=LEARNERS) as account:
        more_runs(site, account)
        yield account
        more_runs(site, account)
    assert account.lost == []
    assert account.mixed_up == []
    assert account.untrue == []
    assert account.accepted == account.finished + account.broken
    eventually(lambda: site.unfinished_runs() == 0)
    eventually(lambda: not site.orphan_containers(), seconds=60)
    eventually(lambda: not site.orphan_processes())


def more_runs(site: FaultySite, account: Account) -> None:
    enough = account.finished + 2 * LEARNERS

    def are_there() -> bool:
        revive_workers(site)
        return account.finished >= enough

    eventually(are_there, seconds=60)


def revive_workers(site: FaultySite) -> None:
    """Start workers that have ended, as whatever manages a site's processes does.

    Now and then a worker ends when Redis restarts: its connection is lost at a moment that kombu cannot mend.
    """
    site.start_worker(*(name for name, worker in site.workers.items() if worker.exit_code is not None))


@pytest.fixture
def two_workers(site: FaultySite) -> FaultySite:
    """The site with both workers up, whatever the test before has done to them."""
    revive_workers(site)
    return site


@pytest.mark.docker
def test_killed_and_removed_containers_are_replaced(site: FaultySite) -> None:
    with runs_go_on(site) as account:
        site.kill_supervisor()
        more_runs(site, account)
        site.remove_container()

    assert account.broken <= 2, "one fault is made good by another try"


@pytest.mark.docker
def test_redis_restarts_and_has_forgotten_everything(site: FaultySite) -> None:
    with runs_go_on(site):
        site.redis.stop()
        site.redis.start()


@pytest.mark.docker
def test_the_database_is_away_for_a_while(site: FaultySite) -> None:
    with runs_go_on(site) as account:
        site.database.stop()
        asked = account.refused + account.unreachable
        eventually(lambda: account.refused + account.unreachable > asked, seconds=40)
        site.database.start()

    assert account.broken == 0
    assert account.rude == []


@pytest.mark.docker
def test_one_worker_is_killed_and_the_other_stops(two_workers: FaultySite) -> None:
    site = two_workers
    with runs_go_on(site) as account:
        site.kill_worker("east")
        site.launch_worker("east")  # takes a while
        more_runs(site, account)  # on the other one
        site.await_worker("east")
        site.stop_worker("west")

    assert account.broken == 0


# --- When the database goes away before a program has begun -----------------------------------------


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.django_db(transaction=True)
def test_a_run_is_sent_again_when_its_claim_was_not_answered(
    monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    hosts.client().flushdb()
    submission = make_submission()
    claim = lifecycle.claim

    def cut_off(run_id: UUID) -> Submission | None:
        if committed:
            claim(run_id)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(lifecycle, "claim", cut_off)
    tasks.run_submission(str(submission.pk))

    submission.refresh_from_db()
    assert (submission.status, submission.faults) == ("queued", 0)
    assert hosts.waiting() == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_that_another_host_has_by_now_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts.client().flushdb()
    submission = make_submission(status="running", attempts=1, host="another", started_at=timezone.now())

    def cut_off(run_id: UUID) -> Submission | None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(lifecycle, "claim", cut_off)
    tasks.run_submission(str(submission.pk))

    submission.refresh_from_db()
    assert (submission.status, submission.host) == ("running", "another")
    assert hosts.waiting() == 0


@pytest.mark.django_db
def test_without_its_data_the_site_says_so_in_words(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GUESTS_MAY_RUN_CODE = True

    def cut_off(**_fields: object) -> Submission:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(actions, "submit_code", cut_off)
    answer = client.post(reverse("runs"), data={"code": "1"}, content_type="application/json")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "Your code is kept" in answer.json()["error"]["message"]
