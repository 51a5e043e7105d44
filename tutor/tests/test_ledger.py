"""The ledger as people see it: the counter, the admin's lists and totals, retention, recording."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lessons.model_scripts import read_script
from tutor.configured import Budget
from tutor.gateway import Caller
from tutor.models import ModelCall
from tutor.tests.makers import answers, ask, chat, fake_provider, make_learner, make_lesson

pytestmark = pytest.mark.django_db


def make_model_call(**fields: Any) -> ModelCall:
    values = {"owner": "user:1", "purpose": "run", "status": "ok", "provider": "fake", "model": "large"}
    return ModelCall.objects.create(**{**values, **fields})


def test_the_counter_shows_what_is_used_and_left(client: Client, settings: Any) -> None:
    learner = make_learner()
    client.force_login(learner)
    settings.MODEL_BUDGETS = {**settings.MODEL_BUDGETS, "USER_DAY": Budget(requests=5, money=1_000_000)}
    with fake_provider(answers("Hi")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        ask(chat("Hi"), caller=Caller(user_id=learner.pk))

    answer = client.get(reverse("model-usage"), headers={"accept": "application/json"}).json()
    day = next(window for window in answer["windows"] if window["window"] == "day")
    assert day["measures"] == [
        {"name": "requests", "used": 1, "limit": 5},
        {"name": "tokens", "used": 150, "limit": None},
        {"name": "money", "used": 0.0002, "limit": 1.0},
    ]
    page = client.get(reverse("model-usage"), headers={"accept": "text/html"}, follow=True)
    assert page.redirect_chain == [(reverse("model-key"), 302)]
    assert "of 5" in page.content.decode()


def test_a_guest_has_a_counter_of_their_own(client: Client, settings: Any) -> None:
    session = client.session
    session["guest_key"] = "abc"
    session.save()
    with fake_provider(answers("Hi")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        ask(chat("Hi"), caller=Caller(user_id=None, visitor="abc"))

    answer = client.get(reverse("model-usage"), headers={"accept": "application/json"}).json()
    assert answer["windows"][0]["measures"][0]["used"] == 1
    assert "abc" not in ModelCall.objects.get().owner  # whoever has the key is that guest


@pytest.mark.parametrize("by", ["user", "model", "day"])
def test_totals_take_as_many_queries_for_many_as_for_few(
    admin_client: Client, django_assert_max_num_queries: Any, by: str
) -> None:
    url = reverse("admin:tutor_modelcall_totals") + f"?by={by}"
    for number in range(3):
        make_model_call(user=make_learner(f"u{number}"), model=f"m{number}", prompt_tokens=10, cost="0.5")
    admin_client.get(url)

    with django_assert_max_num_queries(3):  # session, user, totals
        page = admin_client.get(url).content.decode()

    assert "0.5000" in page or "1.5000" in page


def test_the_list_of_calls_takes_as_many_queries_for_many_as_for_few(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        make_model_call(user=make_learner(f"u{number}"))

    with django_assert_max_num_queries(12):
        page = admin_client.get(reverse("admin:tutor_modelcall_changelist")).content.decode()

    assert "u19" in page


def test_old_traces_are_forgotten_and_the_ledger_stays(settings: Any) -> None:
    settings.MODEL_TRACE_DAYS = 30
    old = timezone.now() - timedelta(days=31)
    kept = {"request": {"messages": [{"role": "user", "content": "x"}]}, "answer": {"content": "y"}}
    before = make_model_call(started_at=old, prompt_tokens=7, **kept)
    recent = make_model_call(**kept)

    call_command("tidy_model_calls", stdout=StringIO())

    before.refresh_from_db()
    recent.refresh_from_db()
    assert (before.request, before.answer, before.prompt_tokens) == ({}, None, 7)
    assert recent.answer == {"content": "y"}


def test_calls_of_dead_workers_are_closed() -> None:
    lost = make_model_call(status="running", started_at=timezone.now() - timedelta(hours=1))
    alive = make_model_call(status="running")

    call_command("tidy_model_calls", stdout=StringIO())

    lost.refresh_from_db()
    alive.refresh_from_db()
    assert (lost.status, alive.status) == ("cancelled", "running")


def test_a_real_run_becomes_a_script_that_plays_the_same(settings: Any) -> None:
    run = Caller(user_id=None, visitor="g", run_id=uuid4())
    call_of_tool = {"id": "t1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    texts = ["Thought: it costs $5\nAction: Finish['''quoted''' \\ text]", "二\n行"]
    with fake_provider(answers(texts[0]), answers(tool_calls=[call_of_tool]), answers(texts[1])) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        for number in range(1, 4):
            ask(chat(f"Question {number}"), caller=run, number=number)

    out = StringIO()
    call_command("record_script", str(run.run_id), "--name", "copy", stdout=out)

    assert read_script(out.getvalue()).name == "copy"
    settings.MODEL_PROVIDERS = []
    replay = Caller(
        user_id=None, visitor="g", run_id=uuid4(), lesson_id=make_lesson(script=out.getvalue()).pk
    )
    played = [ask(chat(f"Question {n}"), caller=replay, number=n).line.json for n in range(1, 4)]
    messages = [answer["choices"][0]["message"] for answer in played]
    assert [messages[0]["content"], messages[2]["content"]] == texts
    assert messages[1]["tool_calls"][0]["function"] == call_of_tool["function"]
    assert played[0]["usage"]["prompt_tokens"] == 100


def test_an_answer_that_was_not_heard_out_is_recorded_as_far_as_it_came() -> None:
    run_id = uuid4()
    answer: dict[str, Any] = {"content": "Once upon", "tool_calls": [], "finish_reason": None}
    request = {"messages": [{"role": "user", "content": "A story"}]}
    make_model_call(run_id=run_id, number=1, status="cancelled", request=request, answer=answer)

    out = StringIO()
    call_command("record_script", str(run_id), stdout=out)

    (reply,) = read_script(out.getvalue()).replies
    assert (reply.when.call, reply.text, reply.error) == (1, "Once upon", None)


def test_a_run_without_calls_cannot_be_recorded() -> None:
    with pytest.raises(CommandError, match="called no model"):
        call_command("record_script", str(uuid4()))
