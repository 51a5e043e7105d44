"""A question and what becomes of its answer, with a provider over real HTTP that may have any fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tutor import answering, asking, live, sections, streams
from tutor.configured import read_budget
from tutor.models import Conversation, Message, ModelCall, ProviderKey
from tutor.sections import Section
from tutor.tests.makers import (
    Behaviour,
    FakeProvider,
    answers,
    breaks_off,
    fails,
    fake_provider,
    hangs,
    make_learner,
    make_lesson,
    make_script,
    says_garbage,
    says_then_hangs,
)

pytestmark = pytest.mark.django_db(transaction=True)

LOOP = Section("course:1#loop", "The loop", "/en/courses/course/greeting/#loop", "A loop repeats.")


@pytest.fixture(autouse=True)
def one_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lessons have one section that fits everything: retrieval has tests of its own."""
    monkeypatch.setattr(sections, "find", lambda *args, **options: [LOOP])


@contextmanager
def provider_of_site(settings: Any, *behaviours: Behaviour) -> Iterator[FakeProvider]:
    with fake_provider(*behaviours) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        yield provider


def begin(question: str = "Why?", *, user: Any = None, **fields: Any) -> Message:
    given: dict[str, Any] = {"conversation": None, "lesson": None, "attached": {}}
    given["guest_key"] = "" if user else "guest"
    _, answer = asking.ask(user=user, question=question, language="en", **(given | fields))
    return answer


def end_of(answer: Message) -> Message:
    assert live.wait_until_done(answer.pk, seconds=60)
    answer.refresh_from_db()
    return answer


def ask(question: str = "Why?", **fields: Any) -> Message:
    """The answer when it is over."""
    return end_of(begin(question, **fields))


def events_of(answer: Message) -> list[tuple[str, Any]]:
    entries = live.client().xrange(f"answer:{answer.pk}")
    return [(event.kind, event.data) for event in streams.events_in([("", entries)])]


# --- What becomes of an answer --------------------------------------------------------------------


def test_a_question_is_answered_and_both_are_kept(settings: Any) -> None:
    learner = make_learner()
    with provider_of_site(
        settings, answers("Because ", "it repeats", " [[course:1#lo", "op]] [[made:up#x]].")
    ):
        answer = ask("Why?\nReally.", user=learner)

    question, _ = answer.conversation.messages.all()
    assert (question.role, question.content) == ("user", "Why?\nReally.")
    assert (answer.status, answer.model) == ("complete", "fake-large")
    assert answer.content == "Because it repeats [[course:1#loop]] ."
    assert answer.citations == [LOOP.as_json()]
    assert (answer.prompt_tokens, answer.completion_tokens) == (100, 50)
    assert answer.conversation.title == "Why?"
    call = ModelCall.objects.get()
    assert (answer.call, call.purpose, call.user) == (call, "chat", learner)
    told = events_of(answer)
    assert [kind for kind, _ in told if kind != "token"] == ["citation", "usage", "done"]
    assert "".join(data["text"] for kind, data in told if kind == "token") == answer.content


@pytest.mark.parametrize(
    ("behaviours", "status", "code", "kept"),
    [
        ([fails(401)], "failed", "provider_key_refused", ""),
        ([fails(429, retry_after="60")], "failed", "provider_rate_limited", ""),
        ([fails(400, "blocked by policy")], "failed", "provider_rejected_request", ""),
        ([fails(500), fails(500)], "failed", "provider_failed", ""),
        ([says_garbage], "failed", "provider_broke_off", ""),
        ([breaks_off("Half an ")], "failed", "provider_broke_off", "Half an "),
        ([answers("")], "failed", "provider_empty", ""),
        ([answers("x" * 30_000, "y" * 30_000)], "cut", "too_long", "x" * 30_000 + "y" * 10_000),
    ],
)
def test_whatever_a_provider_does_the_question_is_kept_and_the_reason_told(
    settings: Any, behaviours: list[Behaviour], status: str, code: str, kept: str
) -> None:
    with provider_of_site(settings, *behaviours):
        answer = ask("Why?")
        assert (answer.status, answer.error_code, answer.content) == (status, code, kept)
        assert answer.error_message
        assert answer.conversation.messages.filter(content="Why?").exists()

        again = end_of(asking.answer_again(answer=answer, language="en"))

    assert (again.status, again.content) == ("complete", "Hello!")
    standing = answer.conversation.messages.standing().order_by("pk")
    assert [message.content for message in standing] == ["Why?", "Hello!"]


def test_a_provider_that_is_silent_is_given_up(settings: Any) -> None:
    settings.MODEL_SILENCE_SECONDS = 0.2
    with provider_of_site(settings, hangs):
        answer = ask()

    assert (answer.status, answer.error_code) == ("failed", "provider_timeout")


def test_the_next_provider_is_asked_first(settings: Any) -> None:
    with fake_provider(fails(500), fails(500)) as broken, fake_provider(answers("Here I am.")) as sound:
        settings.MODEL_PROVIDERS = [broken.configured("broken"), sound.configured("sound")]
        answer = ask()

    assert (answer.status, answer.provider, answer.content) == ("complete", "sound", "Here I am.")


def test_beyond_the_budget_nobody_is_asked(settings: Any) -> None:
    settings.MODEL_BUDGETS = {**settings.MODEL_BUDGETS, "USER_DAY": read_budget("requests=1")}
    learner = make_learner()
    with provider_of_site(settings) as provider:
        assert ask(user=learner).status == "complete"
        refused = ask(user=learner)

    assert (refused.status, refused.error_code) == ("failed", "user_budget_exceeded")
    assert len(provider.requests) == 1


def test_without_a_model_it_says_so_and_offers_sections(settings: Any) -> None:
    lesson = make_lesson()
    make_script('name = "x"\n[[reply]]\ntext = "I am a script."', lesson=lesson)
    answer = ask(lesson=lesson)

    # A lesson's scripted model is for its programs; it never plays the tutor.
    assert (answer.status, answer.content, answer.error_code) == ("failed", "", "model_not_configured")
    assert answer.citations == [LOOP.as_json()]


def test_a_learners_own_key_answers(settings: Any) -> None:
    learner = make_learner()
    with fake_provider(answers("Yours.")) as provider:
        settings.MODEL_OWN_KEY_SERVICES = {"own": provider.as_service("own")}
        from tutor.actions import store_key

        store_key(user=learner, service="own", model="mine", key="sk-mine", before_scripts=False)
        answer = ask(user=learner)

    assert (answer.status, answer.model) == ("complete", "mine")
    assert provider.keys == ["Bearer sk-mine"]
    assert ModelCall.objects.get().own_key
    assert ProviderKey.objects.count() == 1


# --- While it is written --------------------------------------------------------------------------


def wait_for(answer: Message, is_there: Callable[[list[tuple[str, Any]]], bool]) -> None:
    key, last = f"answer:{answer.pk}", "0"
    while not is_there(events_of(answer)):
        reply = live.client().xread({key: last}, block=1000)
        last = max([last, *(event.id for event in streams.events_in(reply))])


def test_stop_ends_the_providers_request_too(settings: Any) -> None:
    with provider_of_site(settings, says_then_hangs("First ", "words")) as provider:
        answer = begin()
        wait_for(answer, lambda events: ("token", {"text": "words"}) in events)
        assert asking.stop(answer=answer)
        end_of(answer)

        assert provider.hung_up.wait(10)
    assert (answer.status, answer.content, answer.error_code) == ("stopped", "First words", "")


def test_one_answer_at_a_time(settings: Any) -> None:
    with provider_of_site(settings, says_then_hangs("Well")):
        answer = begin()
        with pytest.raises(asking.StillAnswering):
            begin(conversation=answer.conversation)
        with pytest.raises(asking.StillAnswering):
            asking.answer_again(answer=answer, language="en")
        assert Message.objects.count() == 2
        asking.stop(answer=answer)
        end_of(answer)


def test_an_answer_whose_process_has_ended_is_cut_off_and_given_again(settings: Any) -> None:
    conversation = Conversation.objects.create(guest_key="guest", title="x")
    Message.objects.create(conversation=conversation, role="user", content="Why?")
    fresh, lost = (
        Message(conversation=conversation, role="assistant", status="streaming", content="So f") for _ in "12"
    )
    fresh.save()
    answering.close_if_lost(fresh)
    assert fresh.status == "streaming"  # somebody is just about to begin
    fresh.delete()

    lost.created_at = lost.created_at.replace(year=2020)
    lost.save()
    live.prepare(lost.pk)
    answering.close_if_lost(lost)
    assert lost.status == "streaming"
    live.client().delete(f"answer:{lost.pk}:alive")
    asking.close_lost_answers()
    lost.refresh_from_db()
    assert (lost.status, lost.error_code, lost.content) == ("cut", "process_lost", "So f")

    with provider_of_site(settings, answers("So far, so good.")):
        assert end_of(asking.answer_again(answer=lost, language="en")).content == "So far, so good."


def test_a_question_in_other_words_begins_anew_from_there(settings: Any) -> None:
    with provider_of_site(settings, *(answers(f"Answer {n}") for n in (1, 2, 3))) as provider:
        first = ask("Question 1")
        talk = first.conversation
        ask("Question 2", conversation=talk)
        earlier = talk.messages.get(content="Question 1")
        _, answer = asking.ask_in_other_words(
            earlier=earlier, question="Question 3", language="en", attached={}
        )
        end_of(answer)

    assert [m.content for m in talk.messages.standing()] == ["Question 3", "Answer 3"]
    sent = [m["content"] for m in provider.requests[1]["messages"][1:-1]]
    assert sent == ["Question 1", "Answer 1"]
    assert len(provider.requests[2]["messages"]) == 2
