"""The tutor at the front door: pages, the page's endpoints, the API; whose conversations are whose."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from PIL import Image

from helloagents.tests.api_site import Caller
from lessons.lesson_ids import lesson_id
from lessons.search import fulltext
from lessons.search.tokens import index_text
from progress.tests.makers import make_learner, make_lesson, make_submission
from tutor import asking, background, live, searching
from tutor.configured import Budget
from tutor.models import Conversation, Message
from tutor.providers.clients import close_all
from tutor.tests.makers import Behaviour, FakeProvider, answers, fails, fake_provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[FakeProvider]:
    """Says hello, unless a test gives it behaviours."""
    with fake_provider() as made:
        settings.MODEL_PROVIDERS = [made.configured()]
        yield made
        background.run(close_all(), seconds=5)


@pytest.fixture
def ada(client: Client) -> Any:
    learner = make_learner()
    client.force_login(learner)
    return learner


def post(client: Client, name: str, body: Any, *args: Any) -> Any:
    return client.post(reverse(name, args=args), json.dumps(body), content_type="application/json")


def ask(client: Client, message: str = "Why?", **fields: Any) -> Message:
    """The answer, over."""
    response = post(client, "tutor-ask", {"message": message, **fields})
    assert response.status_code == 201, response.content
    assert "talk-question" in response.json()["html"]
    answer = Message.objects.answers().order_by("pk").last()
    assert answer is not None
    return over(answer)


def over(answer: Message) -> Message:
    assert live.wait_until_done(answer.pk, seconds=60)
    answer.refresh_from_db()
    return answer


def then(provider: FakeProvider, *behaviours: Behaviour) -> None:
    provider.behaviours.extend(behaviours)


# --- Beside a lesson ------------------------------------------------------------------------------


def test_a_question_takes_code_and_run_along_and_shows_what_was_sent(
    client: Client, ada: Any, provider: FakeProvider
) -> None:
    lesson = make_lesson()
    run = make_submission(
        learner=ada,
        lesson=lesson,
        status="finished",
        outcome="failed",
        output=[["stderr", "ZeroDivisionError"]],
        checks=[
            {
                "number": 1,
                "name": "It counts",
                "hidden": False,
                "passed": False,
                "expected": "2",
                "actual": "1",
            },
            {"number": 2, "name": "It ends", "hidden": True, "passed": False, "expected": "secret"},
            {"number": 3, "name": "It begins", "hidden": False, "passed": True},
        ],
    )
    answer = ask(client, "Why does it fail?", lesson=lesson.pk, code="1 / 0", run=str(run.pk))

    sent = provider.requests[0]["messages"]
    assert "<code>\n1 / 0\n</code>" in sent[-1]["content"]
    assert '<run outcome="failed">\n<output>\nZeroDivisionError\n</output>' in sent[-1]["content"]
    assert "name: It counts\nexpected: 2\nactual: 1\n" in sent[-1]["content"]
    assert "<failed_check>\nname: It ends\n</failed_check>" in sent[-1]["content"]
    assert "It begins" not in sent[-1]["content"]
    shown = client.get(reverse("tutor-sent", args=[answer.pk])).content.decode()
    assert "1 / 0" in shown
    assert "ZeroDivisionError" in shown
    panel = client.get(reverse("tutor-panel"), {"lesson": lesson.pk}).content.decode()
    assert "Why does it fail?" in panel
    assert "Hello!" in panel


def test_another_ones_run_is_none(client: Client, ada: Any, provider: FakeProvider) -> None:
    run = make_submission(learner=make_learner("eve"), status="finished", outcome="ok")

    assert post(client, "tutor-ask", {"message": "x", "run": str(run.pk)}).status_code == 404
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"message": ""}, {"message": "x\ud800"}, {"message": "x", "images": "y"}]
)
def test_what_cannot_be_a_question_is_refused(client: Client, ada: Any, body: Any) -> None:
    assert post(client, "tutor-ask", body).status_code == 400


def test_a_failure_is_shown_with_a_way_to_try_again(client: Client, ada: Any, provider: FakeProvider) -> None:
    then(provider, fails(500), fails(500))
    answer = ask(client)
    panel = client.get(reverse("tutor-panel")).content.decode()
    assert "The model cannot be reached" in panel
    assert reverse("tutor-again", args=[answer.pk]) in panel

    assert post(client, "tutor-again", {}, answer.pk).status_code == 201
    again = over(answer.conversation.messages.standing().get(role="assistant"))
    assert again.content == "Hello!"
    assert post(client, "tutor-again", {}, answer.pk).status_code == 404


def test_pictures_are_made_anew_and_shown_to_their_owner(
    client: Client, ada: Any, provider: FakeProvider, settings: Any
) -> None:
    made = io.BytesIO()
    Image.new("RGBA", (3000, 10), "red").save(made, "PNG")
    url = "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()
    refused = post(client, "tutor-ask", {"message": "x", "images": ["data:image/png;base64,AAAA"]})
    assert refused.status_code == 400

    answer = ask(client, "What is this?", images=[url])
    [part] = [part for part in provider.requests[0]["messages"][-1]["content"] if part["type"] == "image_url"]
    assert part["image_url"]["url"].startswith("data:image/jpeg;base64,")
    picture = answer.conversation.messages.get(role="user").images.get()
    assert picture.width == 1280
    shown = client.get(reverse("tutor-picture", args=[picture.pk]))
    assert shown["Content-Type"] == "image/jpeg"

    sent = part["image_url"]["url"]
    assert base64.b64decode(sent.partition(",")[2]) == shown.content
    text, data = (
        client.get(reverse("export-conversation", args=[answer.conversation_id, form]))
        for form in ("md", "json")
    )
    name = f"picture-{picture.pk}"
    assert f"What is this?\n\n![The picture you sent][{name}]\n\n## Answer" in text.content.decode()
    assert text.content.decode().endswith(f"\n\n[{name}]: {sent}\n")
    assert [each["images"] for each in data.json()["messages"]] == [
        [{"url": sent, "width": 1280, "height": picture.height}],
        [],
    ]
    caller = Caller.of(ada)
    refused = caller.call("POST", "/api/v1/chat", {"message": "x", "images": [url]})
    assert refused.json()["error"]["details"]["validation_errors"][0]["field"] == "images"


# What Pillow raises is no OSError: SyntaxError, struct.error, TypeError.
DAMAGED = {
    "a chunk": "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAAUlEQVR4nGP8z8DAwMA=",
    "a length in EXIF": (
        "UklGRmQAAABXRUJQVlA4WAoAAAAIAAAAAAAAAAAAVlA4IBgAAAAwAQCdASoBAAEAAUAmJaQAA3AA/v02aABFWElGJgAAAE1NACoA"
        "AAAIAAIBCQACAAAAAmEAAAABEgADAAAAAQAGAwAAAAAA"
    ),
    "a kind in EXIF": (
        "UklGRmQAAABXRUJQVlA4WAoAAAAIAAAAAAAAAAAAVlA4IBgAAAAwAQCdASoBAAEAAUAmJaQAA3AA/v02aABFWElGJgAAAE1NACoA"
        "AAAIAAIBEgADAAAAAQAGAAABGgACAAAAA2hpAAAAAAAA"
    ),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_picture_is_refused_in_words(
    client: Client, ada: Any, provider: FakeProvider, damaged: str
) -> None:
    images = [f"data:image/png;base64,{damaged}"]

    answer = post(client, "tutor-ask", {"message": "x", "images": images})

    assert answer.status_code == 400, answer.content
    assert "picture" in answer.json()["error"]["message"]
    assert not Message.objects.exists()


def test_guests_ask_where_they_may_and_keep_what_was_said(
    client: Client, provider: FakeProvider, settings: Any
) -> None:
    settings.MODEL_GUESTS_MAY_CALL = False
    assert post(client, "tutor-ask", {"message": "x"}).status_code == 401
    assert "to ask the tutor" in client.get(reverse("tutor-panel")).content.decode()

    settings.MODEL_GUESTS_MAY_CALL = True
    found = client.get("/api/v1/conversations/search?query=hello").json()
    assert found["count"] == 0  # there is no conversation yet
    assert ask(client).content == "Hello!"
    assert "Hello!" in client.get(reverse("tutor-panel")).content.decode()
    assert "Hello!" not in Client().get(reverse("tutor-panel")).content.decode()


def test_twenty_questions_a_minute(client: Client, ada: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chat": "2/m"}
    caches["limits"].clear()
    answered = [post(client, "tutor-ask", {}).status_code for _ in range(3)]

    assert answered == [400, 400, 429]
    assert Caller.of(ada).call("POST", "/api/v1/chat", {}).status_code == 429


# --- Conversations --------------------------------------------------------------------------------


def make_talk(user: Any, title: str, *said: str) -> Conversation:
    from tutor.asking import create_conversations

    messages = [
        {"role": role, "content": text} for role, text in zip(["user", "assistant"] * 9, said, strict=False)
    ]
    [talk] = create_conversations(user=user, guest_key="", described=[{"title": title, "messages": messages}])
    return talk


def test_conversations_are_found_sorted_and_paged(
    client: Client, ada: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        make_talk(ada, f"Talk {number:02}", "How?", f"Answer {number}")
    chinese = make_talk(ada, "别的", "什么是智能体？", "智能体会观察和行动。")
    make_talk(make_learner("eve"), "Talk of Eve", "智能体？")
    url = reverse("conversations")
    with django_assert_max_num_queries(6):
        page = client.get(url, {"sort": "title"}).content.decode()
    assert page.index("Talk 00") < page.index("Talk 24")
    assert "Talk 25" not in page
    assert "Talk 25" in client.get(url, {"sort": "title", "page": "2"}).content.decode()

    with django_assert_max_num_queries(10):
        found = client.get(url, {"q": "智能"}).content.decode()
    assert "别的" in found
    assert "Talk of Eve" not in found
    client.post(reverse("pin-conversation", args=[chinese.pk]))
    assert client.get(url).content.decode().index("别的") < client.get(url).content.decode().index("Talk 29")
    client.post(reverse("rename-conversation", args=[chinese.pk]), {"title": "智能体"})
    assert "智能体" in client.get(url).content.decode()
    client.post(reverse("delete-conversation", args=[chinese.pk]))
    assert "智能体" not in client.get(url).content.decode()
    assert Conversation.all_rows.get(pk=chinese.pk).deleted_at


def test_a_conversation_is_exported(client: Client, ada: Any) -> None:
    talk = make_talk(ada, "Loops/agents", "Why?", "Because.")
    text = client.get(reverse("export-conversation", args=[talk.pk, "md"]))
    data = client.get(reverse("export-conversation", args=[talk.pk, "json"])).json()

    assert text.content.decode().startswith("# Loops/agents\n\n## Question\n\nWhy?\n\n## Answer\n\nBecause.")
    assert [(each["role"], each["content"]) for each in data["messages"]] == [
        ("user", "Why?"),
        ("assistant", "Because."),
    ]
    assert client.get(reverse("export-conversation", args=[talk.pk, "exe"])).status_code == 404


def test_the_api_searches_with_filters_and_deletes_all_or_none(ada: Any) -> None:
    caller, eves = Caller.of(ada), make_talk(make_learner("eve"), "agent of Eve", "agent")
    mine = [make_talk(ada, f"{n}", "an agent?", "智能体 agents") for n in range(3)]
    Message.objects.filter(conversation=mine[0], role="assistant").update(model="m1")

    def found(query: str) -> set[str]:
        answer = caller.call("GET", f"/api/v1/conversations/search?query={query}").json()
        return {result["conversation"]["id"] for result in answer["results"]}

    everything = {str(talk.pk) for talk in mine}
    assert found("agent") == found("智能") == everything
    assert found("agents&model=m1") == {str(mine[0].pk)}
    assert found("agent&date_from=2999-01-01") == found("agent&date_to=946684800000") == set()
    assert found("agent&date_from=946684800000&date_to=2999-01-01T00:00:00%2B08:00") == everything
    assert found("%20") == set()
    assert caller.call("GET", "/api/v1/conversations/search?query=x&date_from=soon").status_code == 400

    ids = [str(talk.pk) for talk in mine]
    path = "/api/v1/conversations/batch"
    assert caller.call("DELETE", path, [*ids, str(eves.pk)]).status_code == 404
    assert (
        caller.call("POST", path, [{"title": "new"}, {"title": "x", "lesson_id": "9.9"}]).status_code == 404
    )
    assert caller.call("POST", path, [{"title": "new"}, {"title": 5}]).status_code == 400
    assert caller.call("POST", path, {"title": "no list"}).status_code == 400
    assert Conversation.objects.filter(user=ada).count() == 3
    assert caller.call("DELETE", path, [*ids, ids[0]]).json() == {"success": True, "deleted_count": 3}
    assert Conversation.objects.visible_to(user=AnonymousUser()).count() == 0


@pytest.mark.parametrize("pieces", [(), (3,), (500, 2_000, 8_000)])
def test_search_finds_the_latest_and_follows_what_is_written(
    client: Client, ada: Any, monkeypatch: pytest.MonkeyPatch, pieces: tuple[int, ...]
) -> None:
    monkeypatch.setattr(fulltext, "_PIECES", pieces)
    monkeypatch.setattr(searching, "MOST", 2)
    caller = Caller.of(ada)
    rare = make_talk(ada, "1", "记忆 zebra", "agent")
    common = [make_talk(ada, str(number), "agent", "an agent") for number in range(2, 5)]
    make_talk(make_learner("eve"), "agents", "agent zebra", "记忆")

    def found(query: str) -> list[str]:
        answer = caller.call("GET", f"/api/v1/conversations/search?query={query}").json()
        return [result["conversation"]["title"] for result in answer["results"]]

    assert found("记忆") == found("zebra") == found("zeb") == ["1"]
    assert found("agent") == ["4", "3"]  # and not more than two
    long_ago = "date_to=2001-01-01"
    assert found(f"agent&{long_ago}") == found("agent&date_from=2999-01-01") == []
    Message.objects.filter(conversation=rare).update(created_at="2000-06-01T00:00:00Z")
    Conversation.objects.filter(pk=rare.pk).update(created_at="2000-06-01T00:00:00Z")
    assert found(f"agent&{long_ago}") == found(f"agent&{long_ago}&date_from=2000-01-01") == ["1"]
    assert found("agent&model=none") == found("agent zebra") == found("agent 记忆") == []

    message = common[-1].messages.get(role="user")
    asking.ask_in_other_words(earlier=message, question="记忆？", language="en", attached={})
    live.wait_until_done(Message.objects.answers().latest("pk").pk, seconds=60)
    assert found("记忆") == ["4", "1"]
    assert found("agent") == ["3", "2"]  # what was said before the change does not count
    rare.messages.filter(content="agent").update(content="planning", words=index_text("planning"))
    assert found("planning") == ["1"]
    client.post(reverse("delete-conversation", args=[common[1].pk]))
    assert found("agent") == ["2"]
    rare.delete()
    assert found("planning") == found("zebra") == []


def test_the_list_of_the_api_needs_few_queries(ada: Any, django_assert_max_num_queries: Any) -> None:
    lesson = make_lesson()
    for number in range(12):
        make_talk(ada, f"{number}", "How?", "So.")
    Conversation.objects.update(lesson=lesson)
    caller = Caller.of(ada)
    with django_assert_max_num_queries(8):
        page = caller.call(
            "GET", "/api/v1/conversations?page_size=10&page=2&sort_by=title&sort_order=asc"
        ).json()

    assert (page["total"], page["total_pages"], len(page["conversations"])) == (12, 2, 2)
    assert page["conversations"][0]["message_count"] == 2
    assert page["conversations"][0]["lesson_id"] == lesson_id(lesson, default=lesson.course)


# --- Chat over the API ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviours", "status", "code", "reason"),
    [
        ([fails(500), fails(500)], 502, "EXTERNAL_SERVICE_ERROR", "provider_failed"),
        ([fails(429, retry_after="60")], 429, "RATE_LIMIT_EXCEEDED", "provider_rate_limited"),
        ([answers("")], 502, "EXTERNAL_SERVICE_ERROR", "provider_empty"),
    ],
)
def test_failures_are_told_in_the_error_format(
    ada: Any, provider: FakeProvider, behaviours: list[Behaviour], status: int, code: str, reason: str
) -> None:
    then(provider, *behaviours)
    answer = Caller.of(ada).call("POST", "/api/v1/chat", {"message": "Why?"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    details = answer.json()["error"]["details"]
    assert details["reason"] == reason
    assert Conversation.objects.get(pk=details["conversation_id"]).messages.filter(content="Why?").exists()


def test_nothing_was_sent_where_nobody_could_be_asked(
    client: Client, ada: Any, provider: FakeProvider, settings: Any
) -> None:
    then(provider, fails(500), fails(500))
    ask(client)
    assert "What was sent" in client.get(reverse("tutor-panel")).content.decode()

    settings.MODEL_PROVIDERS = []
    lesson = make_lesson()
    ask(client, lesson=lesson.pk)
    panel = client.get(reverse("tutor-panel"), {"lesson": lesson.pk}).content.decode()
    assert "What would be sent" in panel
    assert "What was sent" not in panel


def test_money_has_a_currency(client: Client, ada: Any, provider: FakeProvider, settings: Any) -> None:
    ask(client)
    settings.MODEL_BUDGETS = {**settings.MODEL_BUDGETS, "USER_DAY": Budget(money=300)}  # millionths
    panel = " ".join(client.get(reverse("tutor-panel")).content.decode().split())
    assert "of 0.00 USD used today" in panel


def test_without_a_model_the_api_names_the_reason(ada: Any, settings: Any) -> None:
    settings.MODEL_PROVIDERS = []
    answer = Caller.of(ada).call("POST", "/api/v1/chat", {"message": "Why?"})

    assert answer.status_code == 503
    assert answer.json()["error"]["details"]["reason"] == "model_not_configured"
