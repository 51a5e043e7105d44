"""The queue: bounded, fair, with places that count down; and what becomes of runs that are lost in it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as site_settings
from django.db import connection
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from progress import places, tasks
from progress.models import Submission
from progress.tests.makers import FakePool, make_learner, make_result, make_submission
from sandbox import hosts

pytestmark = pytest.mark.django_db(transaction=True)

Answers = Callable[..., FakePool]


@pytest.fixture(autouse=True)
def empty_queue(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """No worker takes anything; what one test queued is gone for the next."""
    settings.GUESTS_MAY_RUN_CODE = True
    settings.RUN_INLINE_WAIT_SECONDS = 0.01
    monkeypatch.setattr(places, "_read_at", float("-inf"))
    hosts.client().flushdb()
    yield
    hosts.client().flushdb()


def start(client: Client, code: str = "1") -> Any:
    return client.post(reverse("runs"), data=json.dumps({"code": code}), content_type="application/json")


def make_queue(number: int) -> list[Submission]:
    now = timezone.now()
    rows = [
        Submission(code="1", queued_at=now - timedelta(seconds=5 - each / 1000)) for each in range(number)
    ]
    return Submission.objects.bulk_create(rows)


# --- Bounds ---------------------------------------------------------------------------------------


def test_a_full_queue_refuses_in_words_and_stores_nothing(client: Client, settings: Any) -> None:
    settings.RUN_QUEUE_MAX = 3
    assert [start(Client()).status_code for _ in range(3)] == [201, 201, 201]

    response = start(client)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "15"
    error = response.json()["error"]
    assert error["code"] == "SERVICE_UNAVAILABLE"
    assert "Your code is kept" in error["message"]
    assert "15 seconds" in error["message"]
    assert Submission.objects.count() == 3

    hosts.client().rpop(settings.CELERY_TASK_DEFAULT_QUEUE)  # a worker takes one
    assert start(client).status_code == 201


def test_one_learner_cannot_fill_the_queue(client: Client, settings: Any) -> None:
    learner = make_learner()
    client.force_login(learner)
    runs = [start(client).json() for _ in range(settings.RUN_QUEUE_PER_LEARNER)]

    response = start(client)

    assert response.status_code == 429
    assert response.headers["Retry-After"]
    assert response.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert Submission.objects.count() == settings.RUN_QUEUE_PER_LEARNER
    assert start(Client()).status_code == 201  # others are not held up

    client.post(runs[0]["cancel_url"])
    assert start(client).status_code == 201


def test_a_guest_is_held_to_the_same_by_the_browsers_key(client: Client, settings: Any) -> None:
    answers = [start(client).status_code for _ in range(settings.RUN_QUEUE_PER_LEARNER + 1)]

    assert answers == [201] * settings.RUN_QUEUE_PER_LEARNER + [429]
    assert start(Client()).status_code == 201


@pytest.mark.postgresql
def test_requests_at_once_do_not_slip_past_the_limit(settings: Any) -> None:
    learner = make_learner()
    answers: list[int] = []

    def click() -> None:
        browser = Client()
        browser.force_login(learner)
        answers.append(start(browser).status_code)
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(12)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert sorted(answers) == [201] * settings.RUN_QUEUE_PER_LEARNER + [429] * 9
    assert Submission.objects.count() == settings.RUN_QUEUE_PER_LEARNER


def test_the_bounds_cost_one_query(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make_learner())
    make_queue(50)

    # Session, user, the bound of all, the row itself in its savepoint, the place.
    with django_assert_max_num_queries(7):
        start(client)


def test_the_bound_of_one_learner_costs_a_second_try(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make_learner())
    make_queue(50)
    start(client)

    with django_assert_max_num_queries(11):
        start(client)


# --- Places ---------------------------------------------------------------------------------------


def test_the_answer_names_the_place(client: Client) -> None:
    make_queue(3)

    run = start(client).json()

    assert (run["status"], run["queue_position"]) == ("queued", 4)


def test_places_count_down_and_each_is_told_once(
    monkeypatch: pytest.MonkeyPatch, pool_answers: Answers
) -> None:
    pool_answers(*[make_result()] * 3)
    monkeypatch.setattr("progress.stream._IDLE_SECONDS", 0.01)
    monkeypatch.setattr(places, "_FRESH_SECONDS", 0.02)
    queue = iter(make_queue(2))
    learner = make_learner()
    mine = make_submission(learner=learner)

    async def watch() -> list[str]:
        client = AsyncClient()
        await client.aforce_login(learner)
        response: Any = await client.get(reverse("run-events", args=[mine.pk]))
        seen = []
        silence = 0
        async for chunk in response.streaming_content:
            seen.append(chunk.decode())
            silence = silence + 1 if seen[-1].startswith(":") else 0
            if silence == 5:  # so many looks at an unchanged queue told nothing new
                await sync_to_async(tasks.run_submission)(str(next(queue, mine).pk))
        return [message for message in seen if not message.startswith(":")]

    seen = async_to_sync(watch)()

    places_told = [message for message in seen if message.startswith("event: queued")]
    assert places_told == [
        f'event: queued\ndata: {{"position": {place}, "workers": 0}}\n\n' for place in (3, 2, 1)
    ]
    assert seen[-1].startswith("event: finished")


def test_two_hundred_who_wait_cost_one_look_a_second(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    waiting = make_queue(200)
    places.place_of(waiting[0])

    with django_assert_max_num_queries(1):
        found = [places.place_at_hand(each.pk) or places.place_of(each) for each in waiting]

    assert found == list(range(1, 201))


# --- Lost messages --------------------------------------------------------------------------------


def age(*submissions: Submission, seconds: float) -> None:
    then = timezone.now() - timedelta(seconds=seconds)
    Submission.objects.filter(pk__in=[each.pk for each in submissions]).update(queued_at=then)


def test_an_emptied_redis_loses_no_run(client: Client) -> None:
    start(client)
    hosts.client().flushdb()
    age(Submission.objects.get(), seconds=11)

    tasks.recover()
    tasks.recover()

    assert hosts.waiting() == 1  # sent again, once


def test_a_run_that_only_waits_is_not_sent_again(client: Client) -> None:
    start(client)
    age(Submission.objects.get(), seconds=100)

    tasks.recover()

    assert hosts.waiting() == 1


def test_a_run_that_was_overtaken_is_sent_again(client: Client) -> None:
    """Its message went down with the host that had just taken it, and the queue is not empty."""
    start(client)
    lost = make_submission()
    age(lost, seconds=60)
    make_submission(status="running", attempts=1, host=hosts.own_id(), started_at=timezone.now())

    tasks.recover()

    assert hosts.client().llen(site_settings.CELERY_TASK_DEFAULT_QUEUE) == 2


def test_a_run_without_an_end_is_called_overdue_where_its_host_lives(client: Client, settings: Any) -> None:
    since = timezone.now() - timedelta(seconds=settings.RUN_STALE_SECONDS + 1)
    make_host("east")
    stuck = make_submission(status="running", attempts=1, host="east", started_at=since)

    tasks.recover()

    stuck.refresh_from_db()
    assert (stuck.status, stuck.faults) == ("queued", 1)
    assert [fault["what"] for fault in hosts.recent_faults()] == ["RunOverdue"]


def test_a_run_that_nobody_takes_is_closed_in_the_end(client: Client, settings: Any) -> None:
    start(client)
    long_ago = timezone.now() - timedelta(seconds=settings.RUN_WAIT_MAX_SECONDS + 1)
    Submission.objects.update(created_at=long_ago)

    tasks.recover()

    assert Submission.objects.get().status == "broken"


# --- Nobody serves the queue ----------------------------------------------------------------------


def make_host(name: str, *, leaving: bool = False, silent_for: float = 0) -> None:
    """A worker's heartbeat, as the sandbox writes it."""
    report = {"id": name, "name": name, "started_at": 0, "leaving": leaving}
    hosts.client().set(f"sandbox:host:{name}", json.dumps(report))
    hosts.client().zadd("sandbox:hosts", {name: hosts.now() - silent_for})


def test_who_waits_hears_how_many_workers_there_are(client: Client, settings: Any) -> None:
    make_host("east")
    make_host("west")
    make_host("going", leaving=True)
    make_host("dead", silent_for=settings.WORKER_LOST_SECONDS + 1)

    run = start(client).json()

    assert (run["status"], run["workers"]) == ("queued", 2)


def test_without_a_worker_a_run_is_kept_and_says_so(client: Client) -> None:
    response = start(client)

    assert response.status_code == 201
    assert (response.json()["status"], response.json()["workers"]) == ("queued", 0)


def test_a_stream_tells_when_the_last_worker_goes_and_one_comes(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("progress.stream._IDLE_SECONDS", 0.01)
    monkeypatch.setattr(places, "_FRESH_SECONDS", 0.02)
    learner = make_learner()
    mine = make_submission(learner=learner)
    make_host("east")
    changes = iter(
        [
            lambda: hosts.client().zrem("sandbox:hosts", "east"),
            lambda: make_host("west"),
            lambda: Submission.objects.update(created_at=timezone.now() - timedelta(hours=1)),
        ]
    )

    async def watch() -> list[str]:
        client = AsyncClient()
        await client.aforce_login(learner)
        response: Any = await client.get(reverse("run-events", args=[mine.pk]))
        seen = []
        silence = 0
        async for chunk in response.streaming_content:
            seen.append(chunk.decode())
            silence = silence + 1 if seen[-1].startswith(":") else 0
            if silence == 5:
                await sync_to_async(next(changes))()
        return [message for message in seen if not message.startswith(":")]

    *waits, end = async_to_sync(watch)()

    assert waits == [
        f'event: queued\ndata: {{"position": 1, "workers": {workers}}}\n\n' for workers in (1, 0, 1)
    ]
    assert end.startswith("event: broken")


def test_a_run_that_nobody_took_ends_for_who_looks_though_no_worker_lives(
    client: Client, settings: Any
) -> None:
    runs = [start(client).json() for _ in range(settings.RUN_QUEUE_PER_LEARNER)]
    assert start(client).status_code == 429
    long_ago = timezone.now() - timedelta(seconds=settings.RUN_WAIT_MAX_SECONDS + 1)
    Submission.objects.update(created_at=long_ago)

    assert start(client).status_code == 201, "they do not hold their places for ever"
    assert client.get(runs[0]["url"]).json()["status"] == "broken"
