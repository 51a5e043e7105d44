"""What a guest did is in the account after signing up or in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from helloagents.models import User
from helloagents.tests.makers import PASSWORD, make_person, sign_in
from progress.completion import begin_lesson, mark_lesson, note_study
from progress.models import LessonProgress, Owner, StudyTime, Submission
from progress.tests.makers import make_lesson, make_submission
from tutor.gateway import owner_of
from tutor.models import Conversation, ModelCall

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]


def be_guest(client: Client, key: str = "guest-1") -> None:
    client.get(reverse("account_login"))
    session = client.session
    session["guest_key"] = key
    session.save()
    client.cookies["sessionid"] = str(session.session_key)


def test_a_guests_runs_are_the_accounts_after_signing_up(client: Client) -> None:
    be_guest(client)
    run = make_submission(guest_key="guest-1")
    strangers = make_submission(guest_key="guest-2")
    talks = [Conversation.objects.create(guest_key=key, title="Why?") for key in ("guest-1", "guest-2")]
    new = {"username": "mei", "email": "mei@example.org", "password1": PASSWORD}
    client.post(reverse("account_signup"), new)

    run.refresh_from_db()
    strangers.refresh_from_db()
    assert (run.learner, run.guest_key) == (User.objects.get(), "")
    assert (strangers.learner, strangers.guest_key) == (None, "guest-2")
    assert client.get(reverse("submission", args=[run.pk])).status_code == 200
    assert client.get(reverse("conversation", args=[talks[0].pk])).status_code == 200
    assert client.get(reverse("conversation", args=[talks[1].pk])).status_code == 404
    assert "guest_key" not in client.session


def test_a_guests_runs_are_the_accounts_after_signing_in(client: Client) -> None:
    person = make_person()
    be_guest(client)
    # Both unfinished, and both in the first place of their owner.
    make_submission(guest_key="guest-1", slot=0)
    make_submission(learner=person, slot=0)
    sign_in(client)

    assert Submission.objects.filter(learner=person).count() == 2


def test_a_guests_progress_is_the_accounts_and_nothing_of_either_is_lost(client: Client) -> None:
    person = make_person()
    be_guest(client)
    chapter, both, guests = make_lesson(), make_lesson(slug="both"), make_lesson(slug="guests")
    guest, account = Owner(guest_key="guest-1"), Owner(person.pk)
    begin_lesson(owner=account, lesson=both)
    mark_lesson(owner=account, lesson=chapter, status="completed")
    begin_lesson(owner=guest, lesson=chapter)
    for lesson in (both, guests):
        mark_lesson(owner=guest, lesson=lesson, status="completed")
        note_study(owner=guest, lesson=lesson, seconds=40)
    note_study(owner=account, lesson=both, seconds=30)
    sign_in(client)

    found = LessonProgress.objects.filter(learner=person)
    assert dict(found.values_list("lesson__slug", "status")) == dict.fromkeys(
        ["greeting", "both", "guests"], "completed"
    )
    times = StudyTime.objects.filter(learner=person)
    assert dict(times.values_list("lesson__slug", "seconds")) == {"both": 70, "guests": 40}
    assert not LessonProgress.objects.filter(learner=None).exists()
    assert not StudyTime.objects.filter(learner=None).exists()


def test_what_a_guests_programs_asked_of_models_is_taken_along_and_erased_with_the_account(
    client: Client,
) -> None:
    be_guest(client)
    for guest in ("guest-1", "guest-2"):
        owner = owner_of(user_id=None, visitor=guest)
        ModelCall.objects.create(owner=owner, purpose="run", request={"messages": [guest]})
    person = make_person()
    sign_in(client)
    mine = ModelCall.objects.get(user=person)
    assert mine.request == {"messages": ["guest-1"]}

    client.post(reverse("account-erase"), {"password": PASSWORD})

    assert [call.request for call in ModelCall.objects.all()] == [{"messages": ["guest-2"]}]


def test_a_visitor_who_was_no_guest_gets_nothing(client: Client) -> None:
    make_submission()  # neither a learner's nor a guest's
    make_person()
    sign_in(client)

    assert not Submission.objects.exclude(learner=None).exists()
