"""Rate limits: exact over several processes, told in headers, by the address trusted proxies vouch for."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client, RequestFactory

from deploy.dev import services
from deploy.dev.processes import PYTHON, Process, running, wait_until
from helloagents import limits
from helloagents.celery import app as celery
from helloagents.proxies import TrustedProxies
from helloagents.rates import DEFAULTS, read_rates
from helloagents.tests.api_site import Caller, TwoPrograms
from progress import tasks
from progress.tests.makers import CODE_EXERCISE, QUESTION, make_exercise, make_learner, make_lesson
from tutor.configured import Unreadable

VERSION = "/api/version"


@pytest.fixture
def rates(settings: Any) -> dict[str, str | None]:
    """The limits in force; a test sets those it is about. Windows are days, so that none ends in a test."""
    caches["limits"].clear()
    settings.RATE_LIMITS = rates = read_rates(["off"])
    return rates


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


# --- What is counted ------------------------------------------------------------------------------


def test_the_limits_are_those_that_were_promised() -> None:
    assert dict(DEFAULTS) == {
        "address": "100/m", "user": "1000/h", "runs": "60/m", "runs_guest": "10/m",
        "chat": "20/m", "hint": "60/m", "exercise": "60/m", "exercise_guest": "20/m",
        "signin": "20/m", "signup": "20/m",
    }  # fmt: skip
    assert read_rates(["runs=5/10s", "user=off"]) == {**DEFAULTS, "runs": "5/10s", "user": None}
    assert set(read_rates(["off"]).values()) == {None}
    for wrong in ("runs", "runs=", "runs=0/m", "runs=5", "runs=5/w", "walks=5/m"):
        with pytest.raises(Unreadable):
            read_rates([wrong])


@pytest.mark.django_db
def test_an_address_has_so_many_requests_and_is_told(client: Client, rates: dict[str, Any]) -> None:
    rates["address"] = "3/d"

    answers = [client.get(VERSION) for _ in range(5)]
    elsewhere = client.get(VERSION, REMOTE_ADDR="192.0.2.7")

    assert statuses(answers) == [200, 200, 200, 429, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert {answer["X-RateLimit-Limit"] for answer in answers} == {"3"}
    refused = answers[-1]
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    assert int(refused["Retry-After"]) == error["details"]["retry_after"] > 0
    assert refused["X-RateLimit-Reset"] == refused["Retry-After"]
    assert refused["X-API-Version"] == "v1"
    assert elsewhere.status_code == 200


@pytest.mark.django_db
def test_an_account_has_so_many_requests_wherever_it_is(rates: dict[str, Any]) -> None:
    rates["user"] = "2/d"
    ada = make_learner()
    first, second, eve = Caller.of(ada), Caller.of(ada), Caller.of(make_learner("eve"))
    path = "/api/v1/users/me"

    answers = [caller.call("GET", path) for caller in (first, second, first, second)]

    assert statuses(answers) == [200, 200, 429, 429]
    assert eve.call("GET", path).status_code == 200
    assert "X-RateLimit-Limit" not in Caller().call("GET", VERSION)


@pytest.mark.django_db(transaction=True)
def test_runs_are_counted_together_whether_from_a_page_or_by_a_program(
    rates: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GUESTS_MAY_RUN_CODE = True
    monkeypatch.setattr(tasks, "get_pool", TwoPrograms)
    celery.conf.task_always_eager = True
    rates.update(runs="3/d", runs_guest="2/d")
    guest, ada = Client(), make_learner()
    browser, program = Client(), Caller.of(ada)
    browser.force_login(ada)

    def on_page(client: Client) -> Any:
        return client.post("/en/runs/", json.dumps({"code": "1"}), content_type="application/json")

    try:
        guests = [on_page(guest), on_page(Client()), on_page(guest)]
        learners = [on_page(browser), program.call("POST", "/api/v1/code/execute", {"code": "1"})]
        learners += [on_page(browser), program.call("POST", "/api/v1/runs", {"code": "1"}), on_page(browser)]
    finally:
        celery.conf.task_always_eager = False

    assert statuses(guests) == [201, 201, 429]
    assert guests[-1].json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert statuses(learners) == [201, 200, 201, 429, 429]
    assert learners[0]["X-RateLimit-Remaining"] == "2"


@pytest.mark.django_db
def test_authors_hints_count_with_the_tutors_and_answers_by_themselves(rates: dict[str, Any]) -> None:
    rates.update(hint="2/d", exercise="2/d", exercise_guest="1/d")
    lesson = make_lesson()
    code, question = make_exercise(CODE_EXERCISE, lesson=lesson), make_exercise(QUESTION, lesson=lesson)
    ada = make_learner()
    browser, guest, program = Client(), Client(), Caller.of(ada)
    browser.force_login(ada)

    def on_page(client: Client, what: str, exercise: Any) -> Any:
        path = f"/en/exercises/{exercise.pk}/{what}/"
        if what == "solution":
            return client.get(path)
        return client.post(path, json.dumps({"answer": "2"}), content_type="application/json")

    hints = [on_page(browser, "hint", code), program.call("POST", "/api/v1/code/hint", {})]
    hints += [on_page(browser, "hint", code), program.call("POST", "/api/v1/code/hint", {})]
    answers = [on_page(browser, what, each) for what, each in (("answer", question), ("solution", code))]
    answers += [on_page(browser, what, each) for what, each in (("answer", question), ("solution", code))]
    guests = [on_page(guest, "answer", question), on_page(guest, "answer", question)]

    assert statuses(hints) == [200, 400, 429, 429]
    assert hints[2]["Retry-After"]
    assert hints[2].json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert statuses(answers) == [200, 404, 429, 429]
    assert statuses(guests) == [200, 429]
    assert guests[0]["X-RateLimit-Remaining"] == "0"


@pytest.mark.django_db
def test_a_guest_in_a_browser_gets_a_page_and_a_learner_reads_on(rates: dict[str, Any]) -> None:
    rates["address"] = "1/d"
    guest, learner = Client(), Client()
    learner.force_login(make_learner())

    guest.get("/en/")
    refused = guest.get("/en/")

    assert refused.status_code == 429
    assert refused["Content-Type"].startswith("text/html")
    assert "That was too much at once" in refused.content.decode()
    assert int(refused["Retry-After"]) > 0
    assert statuses([learner.get("/en/") for _ in range(3)]) == [200, 200, 200]
    assert guest.get("/robots.txt").status_code == 200


@pytest.mark.django_db
def test_a_network_of_version_6_counts_as_one_address(rates: dict[str, Any]) -> None:
    rates["address"] = "1/d"

    answers = [
        Client(REMOTE_ADDR=address).get(VERSION)
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:1::1", "::ffff:192.0.2.1", "192.0.2.1")
    ]

    assert statuses(answers) == [200, 429, 200, 200, 429]


@pytest.mark.django_db
def test_without_redis_nobody_is_refused_and_the_log_says_so(
    client: Client, rates: dict[str, Any], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    rates["address"] = "1/d"
    settings.CACHES = {
        **settings.CACHES,
        "limits": {**settings.CACHES["limits"], "LOCATION": "redis://127.0.0.1:1/0"},
    }

    answers = [client.get(VERSION) for _ in range(3)]

    assert statuses(answers) == [200, 200, 200]
    assert "count requests" in caplog.text


# --- Behind proxies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded_for", "client_address"),
    [
        ([], "192.0.2.1", "10.9.9.9", "192.0.2.1"),
        (["1"], "10.0.0.1", "192.0.2.1", "192.0.2.1"),
        (["1"], "10.0.0.1", "10.9.9.9, 192.0.2.1", "192.0.2.1"),
        (["2"], "10.0.0.1", "10.9.9.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        (["2"], "10.0.0.1", "192.0.2.1", "192.0.2.1"),
        (["1"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        (["10.0.0.0/8"], "192.0.2.1", "6.6.6.6", "192.0.2.1"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
        (["10.0.0.0/8", "::1"], "::1", "[2001:db8::5]:4711, 10.0.0.2:80", "2001:db8::5"),
        (["10.0.0.0/8"], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ],
)
def test_only_trusted_proxies_say_who_asks(
    trusted: list[str], peer: str, forwarded_for: str, client_address: str
) -> None:
    proxies = TrustedProxies.parse(trusted)

    found = proxies.client(peer, forwarded_for) if proxies.trusts_peer(peer) else peer

    assert found == client_address


@pytest.mark.django_db
def test_a_forged_header_opens_no_new_account_of_requests(rates: dict[str, Any], settings: Any) -> None:
    rates["address"] = "1/d"

    def ask(forwarded_for: str) -> int:
        return (
            Client(REMOTE_ADDR="10.0.0.1")
            .get(VERSION, headers={"X-Forwarded-For": forwarded_for})
            .status_code
        )

    assert [ask("6.6.6.1"), ask("6.6.6.2")] == [200, 429]

    settings.TRUSTED_PROXIES = TrustedProxies.parse(["10.0.0.0/8"])
    assert [ask("6.6.6.1, 192.0.2.1"), ask("6.6.6.2, 192.0.2.1"), ask("6.6.6.2, 192.0.2.2")] == [
        200,
        429,
        200,
    ]


@pytest.mark.django_db
def test_https_is_believed_of_trusted_proxies_alone(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    headers = {"X-Forwarded-Proto": "https"}
    visitor = Client(REMOTE_ADDR="10.0.0.1")

    assert visitor.get("/en/", headers=headers).status_code == 301
    settings.TRUSTED_PROXIES = TrustedProxies.parse(["1"])
    assert visitor.get("/en/", headers=headers).status_code == 200


def test_proxies_that_cannot_be_are_refused() -> None:
    for wrong in (["ten"], ["10.0.0.1/8"], ["1", "10.0.0.0/8"]):
        with pytest.raises(Unreadable):
            TrustedProxies.parse(wrong)


def test_an_address_that_is_none_is_counted_all_the_same() -> None:
    assert limits.address_key(RequestFactory(REMOTE_ADDR="").get("/")) == "unknown"


# --- Over several processes -----------------------------------------------------------------------


def test_fifty_clients_at_once_over_two_processes_get_exactly_their_share(tmp_path: Path) -> None:
    with two_web_processes(tmp_path, RATE_LIMITS="address=60/d") as addresses, ThreadPoolExecutor(50) as pool:
        asked = list(pool.map(lambda number: status_of(addresses[number % 2] + VERSION), range(200)))

    assert Counter(asked) == {200: 60, 429: 140}


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@contextmanager
def two_web_processes(folder: Path, **variables: str) -> Iterator[list[str]]:
    """Two uvicorn processes on one Redis of their own; yields their addresses."""
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "helloagents.settings",  # those of tests have a Redis for each process
        "DEBUG": "true",
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        **variables,
    }
    uvicorn = [PYTHON, "-m", "uvicorn", "helloagents.asgi:application", "--log-level", "warning"]
    with ExitStack() as stack:
        env["REDIS_URL"] = stack.enter_context(services.redis())
        ports = [services.free_port(), services.free_port()]
        processes = [
            stack.enter_context(
                running(
                    Process("web", [*uvicorn, "--no-proxy-headers", "--port", str(port)], env=env), grace=3
                )
            )
            for port in ports
        ]
        for port, process in zip(ports, processes, strict=True):
            wait_until(partial(services.answers, port), process, seconds=60)
        yield [f"http://127.0.0.1:{port}" for port in ports]
