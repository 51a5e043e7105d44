"""Whoever leaves takes everything along, or leaves nothing behind."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import reverse

from helloagents.api import sessions
from helloagents.leaving import NOT_EXPORTED, owned_models
from helloagents.models import User
from helloagents.tests.makers import PASSWORD, make_person, sign_in
from progress.models import Draft, DraftVersion
from progress.tests.makers import make_lesson, make_submission
from tutor.models import Conversation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]

# Rows stay when who made or changed them is erased, without the name.
EDITORS = {"created_by", "updated_by", "history_user"}


def make_worker(username: str = "mei") -> User:
    """Somebody with one of most things."""
    person = make_person(username)
    lesson = make_lesson(slug=f"lesson-of-{username}")
    make_submission(learner=person, lesson=lesson, code=f"print('{username} was here')")
    draft = Draft.objects.create(learner=person, lesson=lesson, code=f"# draft of {username}")
    DraftVersion.objects.create(draft=draft, code=f"# earlier draft of {username}")
    talk = Conversation.objects.create(user=person, title=f"Talk of {username}")
    asked = talk.messages.create(role="user", content=f"{username} asks why")
    asked.images.create(content_type="image/jpeg", data=f"{username}'s".encode(), width=1, height=2)
    return person


def exported(client: Client) -> dict[str, Any]:
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    answer = client.get(reverse("account-export"))
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith('attachment; filename="helloagents-mei-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_the_export_holds_all_of_ones_own_and_nothing_of_others(client: Client) -> None:
    make_worker("li")
    make_worker("mei")
    files = exported(sign_in(client))
    text = json.dumps(files, ensure_ascii=False)

    assert files["account.json"]["email"] == "mei@example.org"
    assert files["progress.submission.json"][0]["code"] == "print('mei was here')"
    assert files["progress.draft.json"][0]["code"] == "# draft of mei"
    assert files["progress.draftversion.json"][0]["code"] == "# earlier draft of mei"
    assert files["tutor.conversation.json"][0]["title"] == "Talk of mei"
    assert files["tutor.message.json"][0]["content"] == "mei asks why"
    [picture] = files["tutor.messageimage.json"]
    assert picture["url"] == "data:image/jpeg;base64," + b64encode(b"mei's").decode()
    assert (picture["message"], picture["width"]) == (files["tutor.message.json"][0]["id"], 1)
    assert files["account.emailaddress.json"][0]["verified"] is True
    assert "li@" not in text
    assert "li was here" not in text
    assert "li asks" not in text


def test_the_export_opens_nothing(client: Client) -> None:
    person = make_worker()
    files = exported(sign_in(client))
    text = json.dumps(files)

    assert person.password not in text
    assert str(client.session.session_key) not in text
    assert "password" not in files["account.json"]


def test_whoever_leaves_leaves_nothing_behind(client: Client) -> None:
    make_worker("li")
    person = make_worker("mei")
    sign_in(client)
    answer = client.post(reverse("account-erase"), {"password": PASSWORD})

    assert answer["Location"] == reverse("catalogue")
    assert list(User.objects.values_list("username", flat=True)) == ["li"]
    for model, owner in owned_models():
        assert not model._base_manager.filter(**{f"{owner}_id": person.pk}).exists(), model
    assert Draft.objects.count() == 1
    assert client.get(reverse("account")).status_code == 302


def test_only_the_password_erases_an_account(client: Client) -> None:
    make_worker()
    sign_in(client)

    for wrong in ({}, {"password": "Wrong-lamp-74"}, {"username": "mei"}):
        assert client.post(reverse("account-erase"), wrong).status_code == 400
    assert User.objects.count() == 1


def test_without_a_password_the_user_name_is_asked_for(client: Client) -> None:
    person = make_worker()
    person.set_unusable_password()
    person.save()
    client.force_login(person)

    assert client.post(reverse("account-erase"), {"username": "li"}).status_code == 400
    assert client.post(reverse("account-erase"), {"username": "mei"}).status_code == 302
    assert not User.objects.exists()


def test_the_only_administrator_stays(client: Client) -> None:
    make_person(is_superuser=True)
    sign_in(client)

    assert client.post(reverse("account-erase"), {"password": PASSWORD}).status_code == 400
    make_person("head", is_superuser=True)
    assert client.post(reverse("account-erase"), {"password": PASSWORD}).status_code == 302


def test_every_row_about_a_person_is_exported_or_said_not_to_be() -> None:
    """A model that names a person in a new way fails here until somebody has thought about it."""
    told = {model for model, _ in owned_models()}
    named = [
        field
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
        and field.related_model is User
        and model not in told
        and not model._meta.auto_created
        and model._meta.label_lower not in NOT_EXPORTED
    ]

    assert len(named) > 4
    assert [field for field in named if field.name not in EDITORS] == []
    assert {field.remote_field.on_delete for field in named} == {models.SET_NULL}


def test_after_the_password_the_reader_is_back_on_the_account_which_asks_for_the_file(client: Client) -> None:
    client.force_login(make_person("mei"))  # as in a session that began long ago
    start, refresh = reverse("account-export-start"), '<meta http-equiv="refresh"'
    page = client.get(reverse("account")).content.decode()
    assert (f'href="{start}"' in page, refresh in page) == (True, False)

    asked = client.get(start)
    answer = client.post(asked["Location"], {"password": PASSWORD, "next": start}, follow=True)

    assert answer.request["PATH_INFO"] == reverse("account")
    assert f'{refresh} content="0; url={reverse("account-export")}">' in answer.content.decode()
    assert "Your data is being downloaded." in answer.content.decode()
    assert client.get(reverse("account-export"))["Content-Type"] == "application/zip"


def test_the_file_is_named_after_whoever_takes_it_along(client: Client) -> None:
    make_person("小美")
    sign_in(client, "小美")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    named = client.get(reverse("account-export"))["Content-Disposition"]

    assert named.startswith("attachment; filename*=utf-8''helloagents-%E5%B0%8F%E7%BE%8E-")


def test_programs_are_exported_without_what_their_tokens_are_made_of(client: Client) -> None:
    person = make_person("mei")
    sessions.begin(user=person)
    [program] = exported(sign_in(client))["api.apisession.json"]

    assert set(program) == {"id", "user", "created_at", "renewed_at", "expires_at", "revoked_at"}
