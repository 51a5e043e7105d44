"""Budgets hold against races, restarts and lost counters, and say clearly when they are used up."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tutor import budgets
from tutor.configured import Budget
from tutor.errors import Refusal
from tutor.gateway import Caller
from tutor.models import ModelCall
from tutor.tests.makers import answers, ask, chat, fails, fake_provider, make_learner

pytestmark = pytest.mark.django_db


def limit(settings: Any, **budgets_: Budget) -> None:
    settings.MODEL_BUDGETS = {**settings.MODEL_BUDGETS, **budgets_}


def used(owner: str, window: str = "day") -> dict[str, Any]:
    [found] = [usage for usage in budgets.usage_of(owner) if usage["window"] == window]
    return {measure["name"]: measure["used"] for measure in found["measures"]}


def test_a_call_is_counted_by_what_it_used(settings: Any) -> None:
    learner = make_learner()
    with fake_provider(answers("Hi")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        ask(chat("Hi"), caller=Caller(user_id=learner.pk))

    expected = {"requests": 1, "tokens": 150, "money": 0.0002}
    assert used(f"user:{learner.pk}") == expected
    assert used(f"user:{learner.pk}", "minute") == expected
    assert used("site") == expected


def test_what_failed_costs_no_tokens(settings: Any) -> None:
    with fake_provider(fails(400)) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        ask(chat("Hi"))

    assert used("site") == {"requests": 1, "tokens": 0, "money": 0}


@pytest.mark.parametrize(
    ("which", "budget", "code"),
    [
        ("USER_MINUTE", Budget(requests=1), "user_budget_exceeded"),
        ("USER_DAY", Budget(tokens=9000), "user_budget_exceeded"),
        ("SITE_MINUTE", Budget(requests=1), "site_budget_exceeded"),
        ("SITE_DAY", Budget(money=16_500), "site_budget_exceeded"),  # a call reserves 0.0164 and more
    ],
)
def test_beyond_the_budget_programs_get_429(settings: Any, which: str, budget: Budget, code: str) -> None:
    limit(settings, **{which: budget})
    big = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
    with fake_provider(answers("Hi", usage=big)) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        first, second = ask(chat("Hi")), ask(chat("Hi"))

    assert first.line.status == 200
    assert (second.line.status, second.error["code"]) == (429, code)
    assert second.error["type"] == "rate_limit_error"
    assert 0 <= int(second.line.headers["retry-after"]) <= 25 * 3600
    assert len(provider.requests) == 1
    assert ModelCall.objects.filter(http_status=429).count() == 1


def test_as_much_is_reserved_as_can_be_used(settings: Any) -> None:
    """A token may be a single byte; what a picture costs has nothing to do with its address."""
    settings.MODEL_MAX_ANSWER_TOKENS = 100
    dense = "[]{}" * 500
    pictures = [
        {"type": "image_url", "image_url": {"url": url}}
        for url in ("https://x.example/a.png", "data:image/png;base64," + "A" * 50_000)
    ]
    with fake_provider(answers("Hi")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        ask(chat(dense))
        ask({"model": "m", "messages": [{"role": "user", "content": pictures}]})

    text, seen = ModelCall.objects.order_by("pk").values_list("reserved_tokens", flat=True)
    assert 2000 + 100 <= text < 10_000
    assert 6000 + 100 <= seen < 8_000


def test_scripted_answers_are_free(settings: Any) -> None:
    limit(settings, USER_DAY=Budget(requests=1), SITE_DAY=Budget(requests=1))
    body = {"model": "any", "input": "text"}

    statuses = [ask(body, path="/v1/embeddings").line.status for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert used("site")["requests"] == 0


def test_one_persons_use_is_not_anothers(settings: Any) -> None:
    limit(settings, USER_DAY=Budget(requests=1))
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        statuses = [ask(chat("Hi"), caller=Caller(user_id=None, visitor=who)).line.status for who in "aba"]

    assert statuses == [200, 200, 429]


def test_lost_counters_are_restored_from_the_ledger(settings: Any) -> None:
    limit(settings, USER_DAY=Budget(requests=2))
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        caller = Caller(user_id=make_learner().pk)
        before = [ask(chat("Hi"), caller=caller).line.status for _ in range(2)]
        for key in budgets.client().scan_iter("budget:*"):
            budgets.client().delete(key)
        after = ask(chat("Hi"), caller=caller).line.status

    assert (before, after) == ([200, 200], 429)
    assert used(f"user:{caller.user_id}") == {"requests": 2, "tokens": 300, "money": 0.0004}


def test_without_redis_nobody_is_asked(settings: Any, monkeypatch: Any) -> None:
    nowhere = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(budgets, "client", lambda: nowhere)
    monkeypatch.setattr(budgets, "_script", nowhere.register_script)
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi"))

    assert (asked.line.status, asked.error["code"]) == (503, "budget_unavailable")
    assert provider.requests == []


def _reserve(number: int) -> bool:
    """In a process of its own: one of many calls at once."""
    budgets.client.cache_clear()
    budgets._script.cache_clear()
    try:
        budgets.reserve(owner="user:77", own_key=False, tokens=100, money=1000)
    except Refusal:
        return False
    return True


def test_fifty_calls_at_once_from_several_processes_cannot_exceed_the_budget(settings: Any) -> None:
    limit(settings, USER_MINUTE=Budget(tokens=1050), USER_DAY=Budget(tokens=1050))
    # The counters exist, so that the processes need no database.
    settled = budgets.reserve(owner="user:77", own_key=False, tokens=0, money=0)
    assert settled.tokens == 0

    with multiprocessing.get_context("fork").Pool(5) as pool:
        granted = pool.map(_reserve, range(50), chunksize=1)

    assert sum(granted) == 10
    assert used("user:77")["tokens"] == 1000
