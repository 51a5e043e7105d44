"""What a run asked of models, as its owner sees it: timeline, details, file, comparison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from progress import timelines
from progress.changes import changed_lines
from progress.models import Submission
from progress.tests.makers import make_learner, make_lesson, make_submission
from tutor.models import ModelCall

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
QUESTION = {"role": "user", "content": "How warm is it in Paris?"}


@pytest.fixture
def learner() -> Any:
    return make_learner()


@pytest.fixture
def member(client: Client, learner: Any) -> Client:
    client.force_login(learner)
    return client


def make_run(learner: Any, **fields: Any) -> Submission:
    return make_submission(**{"learner": learner, "status": "finished", "outcome": "ok", **fields})


def make_call(run: Submission, number: int = 1, **fields: Any) -> ModelCall:
    content = fields.pop("content", "Thought: I should look.\nAction: Search[Paris]")
    return ModelCall.objects.create(
        **{
            "owner": "user:1",
            "purpose": "run",
            "run_id": run.pk,
            "number": number,
            "status": "ok",
            "model": "a-model",
            "started_at": datetime(2026, 5, 1, 12, 0, number, tzinfo=UTC),
            "latency": 0.5,
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "scripted": True,
            "request": {"messages": [QUESTION]},
            "answer": {"content": content, "tool_calls": [], "finish_reason": "stop"},
            **fields,
        }
    )


def shown(member: Client, run: Submission, **query: Any) -> str:
    answer = member.get(reverse("run-calls", args=[run.pk]), query, headers=FRAGMENT)
    assert answer.status_code == 200
    return answer.content.decode()


# --- Whose ----------------------------------------------------------------------------------------


def test_another_learners_trace_looks_like_none(member: Client, learner: Any) -> None:
    mine, theirs = make_run(learner), make_run(make_learner("eve"))
    call = make_call(theirs)

    for run in (theirs.pk, uuid4()):
        for name in ("run-trace", "run-calls", "run-trace-export", "submission"):
            assert member.get(reverse(name, args=[run])).status_code == 404
        assert member.get(reverse("run-call", args=[run, call.pk])).status_code == 404
        for a, b in ((mine.pk, run), (run, mine.pk)):
            assert member.get(reverse("compare-runs"), {"a": str(a), "b": str(b)}).status_code == 404
    # Nor through a run of one's own.
    assert member.get(reverse("run-call", args=[mine.pk, call.pk])).status_code == 404


def test_a_guest_sees_the_runs_of_this_browser(client: Client) -> None:
    session = client.session
    session["guest_key"] = "mine"
    session.save()
    run, other = make_submission(guest_key="mine"), make_submission(guest_key="another")
    make_call(run)

    assert "a-model" in shown(client, run)
    assert client.get(reverse("run-calls", args=[other.pk])).status_code == 404


# --- The timeline ---------------------------------------------------------------------------------


def test_the_trace_is_told_as_json(member: Client, learner: Any) -> None:
    run = make_run(learner)
    make_call(run, 1, cost=Decimal("0.0010"), currency="USD")
    make_call(run, 2, cost=Decimal("0.0005"), currency="USD", status="failed", error_code="rate_limit")

    told = member.get(reverse("run-trace", args=[run.pk])).json()

    assert [step["number"] for step in told["steps"]] == [1, 2]
    assert told["scripted"] is True
    assert told["totals"] == {
        "calls": 2,
        "running": 0,
        "failed": 1,
        "prompt_tokens": 200,
        "completion_tokens": 40,
        "costs": [{"amount": "0.0015", "currency": "USD"}],
        "seconds": 1.0,
    }


def test_a_run_tells_where_its_calls_are_drawn(member: Client, learner: Any) -> None:
    run = make_run(learner)

    assert member.get(reverse("run", args=[run.pk])).json()["trace_url"] == reverse(
        "run-calls", args=[run.pk]
    )


def test_thought_action_and_observation_are_told_apart(member: Client, learner: Any) -> None:
    run = make_run(learner)
    first = make_call(run, 1)
    observation = {"role": "user", "content": "Observation: 18 degrees"}
    make_call(
        run,
        2,
        content="Thought: I know.\nAction: Finish[18 degrees]",
        request={"base": 1, "shared": 1, "prefix": 0, "messages": [observation]},
    )

    html = shown(member, run)

    card = html.partition(f'id="call-{first.pk}"')[2].partition("</article>")[0]
    assert [kind for kind in ("thought", "action", "observation", "finish") if f"said-{kind}" in card] == [
        "thought",
        "action",
        "observation",
    ]
    assert "18 degrees" in card
    assert "said-finish" in html
    assert "scripted model" in card


def test_a_tool_call_stands_with_its_result_and_only_once(member: Client, learner: Any) -> None:
    run = make_run(learner)
    called = [{"id": "c1", "name": "weather", "arguments": '{"city":"Paris"}'}]
    make_call(run, 1, answer={"content": None, "tool_calls": called, "finish_reason": "tool_calls"})
    result = {"role": "tool", "tool_call_id": "c1", "content": "18 °C"}
    make_call(run, 2, request={"base": 1, "shared": 1, "prefix": 0, "messages": [result]})

    html = shown(member, run)

    assert html.count("said-tool") == 1
    tool = html.partition("said-tool")[2].partition("</article>")[0]
    assert "weather" in tool
    assert "18 °C" in tool
    assert "weather(" not in html


def test_what_models_and_programs_wrote_is_text(member: Client, learner: Any) -> None:
    run = make_run(learner)
    hostile = {"role": HOSTILE, "content": HOSTILE, "name": HOSTILE}
    call = make_call(
        run,
        content=HOSTILE,
        model=HOSTILE,
        asked_model=HOSTILE[:50],
        status="failed",
        error_code="x",
        error_message=HOSTILE,
        request={"messages": [hostile], "tools": [HOSTILE]},
    )

    pages = [
        shown(member, run),
        member.get(reverse("run-call", args=[run.pk, call.pk])).content.decode(),
        member.get(reverse("submission", args=[run.pk])).content.decode(),
        member.get(reverse("compare-runs"), {"a": str(run.pk), "b": str(run.pk)}).content.decode(),
    ]

    for html in pages:
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "&lt;script&gt;alert(1)" in html


def test_errors_and_running_calls_are_told_in_words(member: Client, learner: Any) -> None:
    run = make_run(learner)
    make_call(
        run,
        1,
        status="failed",
        error_code="no_budget",
        error_message="Nothing is left for today.",
        answer=None,
    )
    make_call(run, 2, status="running", answer=None, latency=None)
    make_call(run, 3, status="cancelled", answer=None)

    html = shown(member, run)

    assert "Nothing is left for today." in html
    assert "under way" in html
    assert "stopped" in html


def test_a_page_with_a_timeline_asks_for_what_is_new(member: Client, learner: Any) -> None:
    run = make_run(learner)
    for number in range(1, 6):
        make_call(run, number)

    html = shown(member, run, since=4)

    assert html.count("<article") == 2
    assert "data-whole" not in html
    assert "5 calls" in html


def test_a_long_trace_shows_its_latest_calls_and_leads_to_the_earlier(
    member: Client, learner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelines, "CARDS_AT_ONCE", 2)
    run = make_run(learner)
    for number in range(1, 6):
        make_call(run, number)

    assert shown(member, run).count("<article") == 2
    assert "?before=4" in shown(member, run)
    assert "Show the 3 calls before" in shown(member, run)
    earlier = shown(member, run, before=4)
    assert earlier.count("<article") == 2
    assert "?before=2" in earlier
    # Too much is new to add it: the latest are shown afresh.
    assert "data-whole" in shown(member, run, since=1)


def test_long_texts_are_cut_in_the_card_and_whole_on_the_calls_own_page(member: Client, learner: Any) -> None:
    run = make_run(learner)
    long = "begin " + "x" * 3_000 + " end"
    call = make_call(run, content=long)

    assert "end" not in shown(member, run).partition("said-text")[2].partition("</p>")[0]
    assert (
        shown(member, run).count("said-text") == 1
    )  # it keeps line breaks, which are not all the text's around it
    assert "more characters" in shown(member, run)
    details = member.get(reverse("run-call", args=[run.pk, call.pk]), headers=FRAGMENT).content.decode()
    assert long in details
    assert QUESTION["content"] in details


def test_of_a_conversation_only_what_is_new_stands_open(member: Client, learner: Any) -> None:
    run = make_run(learner)
    make_call(run, 1)
    more = {"role": "user", "content": "And in Berlin?"}
    second = make_call(run, 2, request={"base": 1, "shared": 1, "prefix": 0, "messages": [more]})

    details = member.get(reverse("run-call", args=[run.pk, second.pk]), headers=FRAGMENT).content.decode()

    assert details.count("as before") == 1
    assert details.count("<details open>") == 1
    assert "1 new" in shown(member, run)


def test_of_a_prompt_that_grew_only_the_end_is_new(member: Client, learner: Any) -> None:
    run = make_run(learner)
    make_call(run, 1, request={"messages": [{"role": "user", "content": "Rules.\nHistory:\n"}]})
    grown = make_call(
        run, 2, request={"messages": [{"role": "user", "content": "Rules.\nHistory:\nAction: Search[Paris]"}]}
    )

    details = member.get(reverse("run-call", args=[run.pk, grown.pk]), headers=FRAGMENT).content.decode()

    assert '<span class="message-known">Rules.\nHistory:\n</span>Action: Search[Paris]' in details


def test_the_trace_is_part_of_the_runs_page_without_any_script(member: Client, learner: Any) -> None:
    run = make_run(learner)
    call = make_call(run)

    html = member.get(reverse("submission", args=[run.pk])).content.decode()

    assert "I should look." in html
    assert reverse("run-call", args=[run.pk, call.pk]) in html
    assert reverse("run-trace-export", args=[run.pk]) in html
    # A run without calls has no such part.
    assert (
        "Calls to models"
        not in member.get(reverse("submission", args=[make_run(learner).pk])).content.decode()
    )


def test_the_trace_is_a_file_for_other_programs(member: Client, learner: Any) -> None:
    run = make_run(learner)
    make_call(run)

    answer = member.get(reverse("run-trace-export", args=[run.pk]))

    assert answer["Content-Disposition"] == f'attachment; filename="trace-{run.pk}.json"'
    span = answer.json()["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert span["attributes"]["gen_ai.response.model"] == "a-model"
    assert span["attributes"]["gen_ai.usage.input_tokens"] == 100


def test_calls_that_cost_show_what_is_left_of_the_day(member: Client, learner: Any, settings: Any) -> None:
    run, free = make_run(learner), make_run(learner)
    make_call(run, scripted=False, user=learner, owner=f"user:{learner.pk}")
    make_call(free)

    assert "today" in shown(member, run)
    assert "today" not in shown(member, free)


def test_time_is_counted_once_when_calls_overlap() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    spans = [(0, 2.0), (1, 2.0), (5, 1.0), (5, None)]
    steps = [
        make_step(started_at=(start + timedelta(seconds=at)).isoformat(), latency=took) for at, took in spans
    ]

    assert timelines.totals_of(steps).seconds == 4.0


# --- Two runs -------------------------------------------------------------------------------------


def test_programs_are_compared_only_as_far_as_that_is_quick() -> None:
    many = "".join(f"{number}\n" for number in range(3_000))

    assert changed_lines("a\n" + many, "b\n" + many)[:3] == [
        {"kind": "remove", "text": "-a"},
        {"kind": "add", "text": "+b"},
        {"kind": "same", "text": " 0"},
    ]
    assert changed_lines(many, many + "b\n") == [{"kind": "place", "text": "…"}]
    assert changed_lines(many, many) == []


def test_where_lines_are_left_out_a_change_says_so() -> None:
    before = "".join(f"{number}\n" for number in range(20))
    after = before.replace("5\n", "five\n", 1).replace("18\n", "eighteen\n")

    shown = [line["text"] for line in changed_lines(before, after)]

    assert shown == [
        *("…", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"),
        *("…", " 15", " 16", " 17", "-18", "+eighteen", " 19"),
    ]
    assert [line["text"] for line in changed_lines("", "1\n")] == ["+1"]


def test_two_runs_are_laid_side_by_side_with_their_differences(member: Client, learner: Any) -> None:
    a = make_run(learner, code="print(1)\n")
    b = make_run(learner, code="print(2)\n")
    for run in (a, b):
        make_call(run, 1)
    make_call(a, 2, content="It is warm.")
    make_call(b, 2, content="It is cold.")
    make_call(b, 3, content="And dark.")

    html = member.get(reverse("compare-runs"), {"a": str(a.pk), "b": str(b.pk)}).content.decode()

    assert "print(2)" in html
    assert html.count("data-differs") == 2
    assert "They differ in 2 places." in html
    assert "No such call" in html


def test_the_same_answers_are_found_again_after_a_call_that_only_one_run_made() -> None:
    said = [make_step(answer={"content": text, "tool_calls": []}) for text in ("one", "two", "three")]
    extra = make_step(answer={"content": "wait", "tool_calls": []})

    pairs = timelines.compare(said, [said[0], extra, *said[1:]])

    assert [(pair.a is None, bool(pair.differences)) for pair in pairs] == [
        (False, False),
        (True, True),
        (False, False),
        (False, False),
    ]


def test_two_ticked_runs_are_compared_the_older_first(member: Client, learner: Any) -> None:
    older, newer = make_run(learner), make_run(learner)

    answer = member.get(reverse("compare-runs"), {"run": [str(newer.pk), str(older.pk)]})

    assert answer["Location"] == f"{reverse('compare-runs')}?a={older.pk}&b={newer.pk}"


@pytest.mark.parametrize("query", ["", "?run=1", "?a=1"])
def test_anything_but_two_ticked_runs_leads_back_to_the_list(member: Client, query: str) -> None:
    answer = member.get(reverse("compare-runs") + query)

    assert answer["Location"] == reverse("submissions")


@pytest.mark.parametrize("query", [{"a": "x", "b": "y"}, {"run": ["x", "y"]}])
def test_what_is_no_run_is_not_found(member: Client, query: Any) -> None:
    assert member.get(reverse("compare-runs"), query).status_code == 404


def test_a_run_offers_the_others_of_its_lesson_to_compare(member: Client, learner: Any) -> None:
    lesson = make_lesson()
    before, run = make_run(learner, lesson=lesson), make_run(learner, lesson=lesson)
    elsewhere = make_run(learner)

    html = member.get(reverse("submission", args=[run.pk])).content.decode()

    assert f'<option value="{before.pk}" selected' in html
    assert str(elsewhere.pk) not in html


def make_step(**fields: Any) -> timelines.Step:
    return {
        "id": 1,
        "number": 1,
        "kind": "chat",
        "status": "ok",
        "http_status": 200,
        "error": None,
        "model": "a-model",
        "asked_model": "",
        "provider": "",
        "scripted": True,
        "streamed": False,
        "started_at": datetime(2026, 5, 1, tzinfo=UTC).isoformat(),
        "latency": 0.1,
        "first_token": None,
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "cost": None,
        "currency": "",
        "messages": [],
        "tools": [],
        "answer": None,
        "parts": [],
        "tool_results": [],
        **fields,
    }
