"""Running code, from the page's request to the row, against real Redis and a pool of fixed answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from progress import events, lifecycle, orders, tasks
from progress.models import Submission
from progress.tests.makers import FakePool, make_learner, make_lesson, make_result, make_submission
from sandbox import hosts
from sandbox.control import MOST_INPUT
from sandbox.errors import ContainerLost, EngineUnavailable
from sandbox.execution import Outcome, Source
from tutor.streams import Event

pytestmark = pytest.mark.django_db(transaction=True)

Answers = Callable[..., FakePool]


@pytest.fixture(autouse=True)
def guests_may_run(settings: Any) -> None:
    settings.GUESTS_MAY_RUN_CODE = True


def post(client: Client, url: str, body: Any) -> Any:
    return client.post(url, data=json.dumps(body), content_type="application/json")


def start(client: Client, **body: Any) -> Any:
    return post(client, reverse("runs"), body)


def test_a_quick_program_is_answered_in_the_response(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(make_result(stdout="hi\n"))

    response = start(client, code="print('hi')")

    assert response.status_code == 201
    run = response.json()
    assert (run["status"], run["outcome"], run["output"]) == ("finished", "ok", [["stdout", "hi\n"]])
    assert pool.requests[0].code == "print('hi')"
    stored = Submission.objects.get()
    assert (stored.status, stored.outcome, stored.attempts) == ("finished", "ok", 1)
    assert client.get(run["url"]).json() == run


def test_a_quick_program_may_print_much(client: Client, pool_answers: Answers) -> None:
    pool_answers(make_result(stdout="hi\n" * 10_000))

    run = start(client, code="print('hi\\n' * 10_000)").json()

    assert (run["status"], run["output"]) == ("finished", [["stdout", "hi\n" * 10_000]])
    assert client.get(run["url"]).json() == run


def test_a_run_belongs_to_the_browser_or_account_that_started_it(
    client: Client, pool_answers: Answers
) -> None:
    pool_answers(make_result(), make_result())
    guest_run = start(client, code="1").json()
    learner = Client()
    learner.force_login(make_learner())
    learner_run = start(learner, code="1").json()

    other = Client()
    other.force_login(make_learner("eve"))
    for stranger, run in [
        (Client(), guest_run),
        (other, guest_run),
        (other, learner_run),
        (client, learner_run),
    ]:
        assert stranger.get(run["url"]).status_code == 404
        assert stranger.get(run["events_url"]).status_code == 404
        assert stranger.post(run["cancel_url"]).status_code == 404
        assert post(stranger, run["stdin_url"], {"text": "x"}).status_code == 404


def test_guests_run_only_where_the_operator_allows_it(client: Client, settings: Any) -> None:
    settings.GUESTS_MAY_RUN_CODE = False

    response = start(client, code="1")

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "AUTHENTICATION_ERROR"
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "code"),
        ({"code": None}, "code"),
        ({"code": 7}, "code"),
        ({"code": "a\x00b"}, "code"),
        ({"code": "\ud800"}, "code"),
        ({"code": "1", "timeout": 0}, "timeout"),
        ({"code": "1", "timeout": 61}, "timeout"),
        ({"code": "1", "timeout": 10**400}, "timeout"),
        ({"code": "1", "lesson": "x"}, "lesson"),
        ({"listing": 0}, "lesson"),
        ({"code": "1", "stdin": ["x"]}, "stdin"),
    ],
)
def test_a_bad_request_is_told_which_field_is_wrong(client: Client, body: Any, field: str) -> None:
    response = post(client, reverse("runs"), body)

    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert field in {problem["field"] for problem in error["details"]["validation_errors"]}
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "There is no code to run."),
        ({"listing": 0}, "A listing belongs to a lesson; name the lesson."),
        ({"code": 7}, "code: This must be text."),
        ({"code": "1", "timeout": 61}, "timeout: Ensure this value is less than or equal to 60."),
    ],
)
def test_a_bad_request_is_told_its_first_problem_in_words(client: Client, body: Any, message: str) -> None:
    assert start(client, **body).json()["error"]["message"] == message


def json_endpoints(learner: Any) -> list[tuple[str, str]]:
    """Method and address of all that read a body."""
    lesson, run = make_lesson(), make_submission(learner=learner, status="running", attempts=1)
    return [
        ("post", reverse("runs")),
        ("post", reverse("check-code")),
        ("post", reverse("run-stdin", args=[run.pk])),
        ("put", reverse("draft", args=[lesson.pk])),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 400, "VALIDATION_ERROR"),
        ("not json", 400, "VALIDATION_ERROR"),
        ("[1]", 400, "VALIDATION_ERROR"),
        ("[" * 100_000, 400, "VALIDATION_ERROR"),
        (b"\xff\xfe\xff", 400, "VALIDATION_ERROR"),
        (f'{{"code": "{500_000 * " "}"}}', 413, "PAYLOAD_TOO_LARGE"),
        (f'{{"code": "{3_000_000 * " "}"}}', 413, "PAYLOAD_TOO_LARGE"),  # Django itself reads no such body
    ],
)
def test_a_body_that_cannot_be_read_is_told_so_everywhere(
    client: Client, body: str | bytes, status: int, code: str
) -> None:
    learner = make_learner()
    client.force_login(learner)

    for method, url in json_endpoints(learner):
        response = client.generic(method.upper(), url, body, content_type="application/json")

        assert response.status_code == status, url
        error = response.json()["error"]
        assert error["code"] == code
        assert error["path"] == url
        assert error["request_id"] == response.headers["X-Request-ID"]
        assert ("JSON" in error["message"]) == (status == 400)


def test_what_is_not_there_is_told_in_json(client: Client) -> None:
    client.force_login(make_learner())
    nowhere = uuid4()

    answers = [
        start(client, code="1", lesson=10**6),
        post(client, reverse("check-code"), {"code": "1", "lesson": 10**6}),
        client.get(reverse("draft", args=[10**6])),
        client.get(reverse("run", args=[nowhere])),
        client.get(reverse("run-events", args=[nowhere])),
        client.post(reverse("run-cancel", args=[nowhere])),
    ]

    for answer in answers:
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "RESOURCE_NOT_FOUND"
    messages = [answer.json()["error"]["message"] for answer in answers]
    assert messages == ["There is no such lesson."] * 3 + ["There is no such run."] * 3


def test_a_missing_token_is_told_in_json_and_as_a_page_elsewhere() -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = start(strict, code="1")
    page = strict.post(reverse("account_login"), {"login": "ada"})

    assert answer.status_code == page.status_code == 403
    assert answer.json()["error"]["code"] == "AUTHORIZATION_ERROR"
    assert page.headers["Content-Type"].startswith("text/html")
    assert not Submission.objects.exists()


def test_events_are_only_read(client: Client) -> None:
    assert client.post(reverse("run-events", args=[uuid4()])).status_code == 405


def test_no_input_is_told_so(client: Client) -> None:
    learner = make_learner()
    client.force_login(learner)
    submission = make_submission(learner=learner, status="running", attempts=1)

    response = post(client, reverse("run-stdin", args=[submission.pk]), {})

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "There is no input to pass on."


def test_code_over_the_limit_is_refused_in_words(client: Client) -> None:
    response = start(client, code="#" * (100 * 1024 + 1))

    assert response.status_code == 413
    assert "100 KB" in response.json()["error"]["message"]


def test_a_listing_runs_with_the_earlier_ones_of_its_chapter(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(make_result(), make_result())
    lesson = make_lesson()

    start(client, lesson=lesson.pk, listing=1)
    start(client, lesson=lesson.pk, listing=1, code="print(greet('me'))")

    as_printed, edited = pool.requests
    assert as_printed.code.strip() == 'print(greet("you"))'
    assert edited.code == "print(greet('me'))"
    for request in pool.requests:
        assert [type(piece) for piece in request.prelude] == [Source]
        assert "def greet" in request.prelude[0].code


def test_a_run_remembers_its_listing_and_language(client: Client, pool_answers: Answers) -> None:
    pool_answers(make_result(), make_result())
    lesson = make_lesson()

    of_listing = start(client, lesson=lesson.pk, listing=1, language_version="en").json()
    alone = start(client, code="1").json()

    stored = Submission.objects.get(pk=of_listing["id"])
    assert (stored.listing, stored.language_version) == (1, "en")
    stored = Submission.objects.get(pk=alone["id"])
    assert (stored.listing, stored.language_version) == (None, "")


def test_an_emptied_editor_runs_as_an_empty_program(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(*[make_result(stdout="")] * 3)
    lesson = make_lesson()

    answers = [
        start(client, code=""),
        start(client, code="", lesson=lesson.pk),
        start(client, code="", lesson=lesson.pk, listing=1),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert [request.code for request in pool.requests] == ["", "", ""]
    assert [run.code for run in Submission.objects.all()] == ["", "", ""]


def test_absent_code_is_the_listings_own(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(make_result(), make_result())
    lesson = make_lesson()

    start(client, lesson=lesson.pk, listing=1)
    start(client, lesson=lesson.pk, listing=1, code=None)

    assert [request.code.strip() for request in pool.requests] == ['print(greet("you"))'] * 2


def test_an_unknown_lesson_or_listing_is_not_found(client: Client) -> None:
    lesson = make_lesson()

    assert start(client, lesson=lesson.pk, listing=9).status_code == 404
    assert start(client, lesson=lesson.pk + 1, listing=0).status_code == 404


def test_a_course_may_block_risky_code(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers()
    lesson = make_lesson(code_policy="block")

    run = start(client, lesson=lesson.pk, code="import os\nos.system('ls')").json()

    assert (run["status"], run["outcome"]) == ("finished", "rejected")
    assert "main.py:2:" in run["output"][0][1]
    assert pool.requests == []


def test_the_gutter_hears_of_syntax_errors_and_risks(client: Client) -> None:
    response = post(client, reverse("check-code"), {"code": "import os\nos.system('ls')\nprint("})

    findings = response.json()["findings"]
    assert findings[0]["code"] == "syntax"
    assert findings[0]["line"] == 3


def test_a_fault_of_the_platform_is_tried_once_more(client: Client, pool_answers: Answers) -> None:
    pool_answers(ContainerLost("gone"), make_result())

    run = start(client, code="1").json()

    assert (run["status"], run["outcome"]) == ("finished", "ok")
    assert Submission.objects.get().attempts == 2


def test_a_second_fault_is_told_and_is_not_the_learners(client: Client, pool_answers: Answers) -> None:
    pool_answers(ContainerLost("gone"), ContainerLost("gone again"))

    run = start(client, code="1").json()

    assert (run["status"], run["outcome"]) == ("broken", None)


def test_a_fault_that_nobody_foresaw_is_one_of_the_platform(
    client: Client, pool_answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    pool_answers(RuntimeError("a bug"), make_result())
    once = start(client, code="1").json()
    pool_answers(RuntimeError("a bug"), RuntimeError("a bug"))
    twice = start(client, code="1").json()

    assert [(run["status"], run["outcome"]) for run in (once, twice)] == [
        ("finished", "ok"),
        ("broken", None),
    ]
    assert not Submission.objects.unfinished().exists()
    told: list[Any] = [record.msg for record in caplog.records if "run_broken" in str(record.msg)]
    assert [(each["level"], type(each["exc_info"])) for each in told] == [("error", RuntimeError)] * 3
    assert "a bug" in hosts.recent_faults()[0]["detail"]


def test_without_an_engine_the_learner_hears_it_at_once(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(EngineUnavailable("start it"))

    assert start(client, code="1").json()["status"] == "broken"
    assert len(pool.requests) == 1


def test_without_a_broker_the_run_is_closed_not_left_waiting(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.run_submission, "delay", refuse)

    assert start(client, code="1").json()["status"] == "broken"


def test_a_task_delivered_twice_runs_once(pool_answers: Answers) -> None:
    pool = pool_answers(make_result(), make_result())
    submission = make_submission()

    tasks.run_submission(str(submission.pk))
    tasks.run_submission(str(submission.pk))

    assert len(pool.requests) == 1


def test_a_worker_given_up_for_dead_writes_nothing_when_it_comes_back() -> None:
    submission = make_submission()
    first = lifecycle.claim(submission.pk)
    assert first is not None
    assert lifecycle.requeue(first)
    second = lifecycle.claim(submission.pk)
    assert second is not None

    assert not lifecycle.finish(first, make_result(stdout="late"))
    assert lifecycle.finish(second, make_result(stdout="right"))

    submission.refresh_from_db()
    assert submission.output == [["stdout", "right"]]


def test_output_with_nul_is_stored_readably(client: Client, pool_answers: Answers) -> None:
    pool_answers(make_result(stdout="a\x00b"))

    assert start(client, code="1").json()["output"] == [["stdout", "a\u2400b"]]


def test_a_waiting_run_is_stopped_at_once_and_never_runs(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(make_result())
    learner = make_learner()
    client.force_login(learner)
    submission = make_submission(learner=learner)

    run = client.post(reverse("run-cancel", args=[submission.pk])).json()
    tasks.run_submission(str(submission.pk))

    assert (run["status"], run["outcome"]) == ("finished", "cancelled")
    assert pool.requests == []


@pytest.mark.parametrize("lives", [False, True])
def test_a_run_that_nobody_holds_any_more_can_be_stopped(
    client: Client, monkeypatch: pytest.MonkeyPatch, lives: bool
) -> None:
    """Its host is gone; or it lives and has lost the run, as it sees when the order comes."""
    hosts.client().flushdb()
    if lives:
        hosts.client().zadd("sandbox:hosts", {hosts.own_id(): hosts.now()})
        monkeypatch.setattr(events, "order", lambda run_id, kind: orders._obey(run_id, kind, ""))
    learner = make_learner()
    client.force_login(learner)
    submission = make_submission(learner=learner, status="running", attempts=1, host=hosts.own_id())

    run = client.post(reverse("run-cancel", args=[submission.pk])).json()

    assert (run["status"], run["outcome"]) == ("finished", "cancelled")


def test_a_run_that_is_held_is_stopped_by_who_holds_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.client().flushdb()
    hosts.client().zadd("sandbox:hosts", {hosts.own_id(): hosts.now()})
    monkeypatch.setattr(events, "order", lambda run_id, kind: orders._obey(run_id, kind, ""))
    learner = make_learner()
    client.force_login(learner)
    submission = make_submission(learner=learner)

    with orders.claiming(submission.pk) as hold:
        run = client.post(reverse("run-cancel", args=[submission.pk])).json()
        is_cancelled = hold.control.cancelled

    assert (run["status"], is_cancelled) == ("running", True)


def test_stopping_a_finished_run_changes_nothing(client: Client) -> None:
    learner = make_learner()
    client.force_login(learner)
    submission = make_submission(learner=learner, status="finished", outcome=Outcome.OK)

    assert client.post(reverse("run-cancel", args=[submission.pk])).json()["outcome"] == "ok"


def test_input_for_a_program_that_does_not_run_is_a_conflict(client: Client) -> None:
    learner = make_learner()
    client.force_login(learner)
    submission = make_submission(learner=learner)

    response = post(client, reverse("run-stdin", args=[submission.pk]), {"text": "x\n"})

    assert response.status_code == 409


def test_a_program_takes_so_much_input_and_then_none(client: Client) -> None:
    learner = make_learner()
    client.force_login(learner)
    submission = make_submission(learner=learner, status="running", attempts=1)
    url = reverse("run-stdin", args=[submission.pk])
    piece = {"text": "x" * 100_000}

    assert {post(client, url, piece).status_code for _ in range(MOST_INPUT // 100_000)} == {200}
    refused = post(client, url, piece)

    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert post(client, url, {"text": "x"}).status_code == 413, "input with a gap would mislead"
    assert post(client, url, {"text": "", "eof": True}).status_code == 200


def test_what_a_dead_worker_left_is_run_again_then_closed(pool_answers: Answers, settings: Any) -> None:
    pool_answers(make_result())
    long_ago = timezone.now() - timedelta(seconds=settings.RUN_STALE_SECONDS + 1)
    once = make_submission(status="running", attempts=1, started_at=long_ago)
    twice = make_submission(status="running", attempts=2, faults=1, started_at=long_ago)
    fresh = make_submission(status="running", attempts=1, started_at=timezone.now())

    tasks.recover_stale_submissions()

    states = [Submission.objects.get(pk=row.pk).status for row in (once, twice, fresh)]
    assert states == ["finished", "broken", "running"]


def test_a_message_lost_on_the_way_is_sent_again_but_not_for_ever(pool_answers: Answers) -> None:
    pool = pool_answers(make_result())
    lost = make_submission()
    hopeless = make_submission()
    Submission.objects.filter(pk=lost.pk).update(queued_at=timezone.now() - timedelta(seconds=30))
    Submission.objects.filter(pk=hopeless.pk).update(created_at=timezone.now() - timedelta(hours=4))

    tasks.recover_stale_submissions()

    assert [Submission.objects.get(pk=row.pk).status for row in (lost, hopeless)] == ["finished", "broken"]
    assert len(pool.requests) == 1


# --- Live events ----------------------------------------------------------------------------------


def read_events(
    learner: Any, submission: Submission, **headers: str
) -> list[tuple[str, dict[str, Any], str]]:
    """All events of the run's stream as (event, data, id), until the server ends it."""

    async def read() -> str:
        client = AsyncClient()
        await client.aforce_login(learner)
        response: Any = await client.get(reverse("run-events", args=[submission.pk]), headers=headers)
        assert response["Content-Type"] == "text/event-stream"
        return "".join([chunk.decode() async for chunk in response.streaming_content])

    found = []
    for message in async_to_sync(read)().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in message.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"]), fields.get("id", "")))
    return found


def test_a_page_that_connects_late_misses_nothing_and_resumes_where_it_was() -> None:
    run_id = uuid4()
    events.publish(run_id, "started")
    events.publish(run_id, "output", stream="stdout", text="one\n")
    events.publish(run_id, "output", stream="stdout", text="two\n")
    events.publish(run_id, "finished")

    async def follow(after: str) -> list[Event]:
        return [event async for event in events.follow(run_id, after=after, idle_seconds=5) if event]

    everything = async_to_sync(follow)("0")
    rest = async_to_sync(follow)(everything[1].id)

    assert [event.kind for event in everything] == ["started", "output", "output", "finished"]
    assert [event.data.get("text") for event in rest] == ["two\n", None]


@pytest.mark.parametrize("after", ["", "1-2-3", "-", "--1", "9" * 26, "1-" + "9" * 26, "\u0663", "$"])
def test_whoever_resumes_from_nowhere_gets_everything(after: str) -> None:
    run_id = uuid4()
    events.publish(run_id, "started")
    events.publish(run_id, "finished")

    async def kinds() -> list[str]:
        found = []
        async with aclosing(events.follow(run_id, after=after, idle_seconds=0.1)) as following:
            async for event in following:
                if event is None:
                    break  # nothing came
                found.append(event.kind)
        return found

    assert async_to_sync(kinds)() == ["started", "finished"]


def test_the_stream_of_a_run_that_is_over_is_its_end() -> None:
    learner = make_learner()
    submission = make_submission(
        learner=learner, status="finished", outcome="ok", output=[["stdout", "hi\n"]]
    )

    [(kind, data, _)] = read_events(learner, submission)

    assert kind == "finished"
    assert data["output"] == [["stdout", "hi\n"]]


def test_without_redis_the_stream_reads_the_database(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    learner = make_learner()
    submission = make_submission(learner=learner, status="running", attempts=1)

    async def read() -> list[object]:
        seen: list[object] = []
        async for event in events.follow(submission.pk, after="0", idle_seconds=0.01):
            seen.append(event)
            if len(seen) == 2:
                break
        return seen

    assert async_to_sync(read)() == [None, None]
