"""Administrators: superusers and members of the group "admins". One of them always stays."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from helloagents.models import User
from helloagents.tests.makers import PASSWORD, make_person
from progress.models import Cohort

pytestmark = pytest.mark.django_db

ONLY_ONE = "Nobody else manages this site"
PEOPLE = reverse("admin:helloagents_user_changelist")


def make_admin(name: str, **fields: Any) -> User:
    """A member of the group."""
    person = make_person(name, **fields)
    person.groups.add(Group.objects.get_or_create(name="admins")[0])
    return person


def make_superuser(name: str = "root") -> User:
    return make_person(name, is_staff=True, is_superuser=True)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(person: User, what: str = "change") -> str:
    return reverse(f"admin:helloagents_user_{what}", args=[person.pk])


def form(person: User, **changed: Any) -> dict[str, Any]:
    """What a browser would send of an account's page; a box that is not ticked is not sent."""
    sent = {
        "username": person.username,
        "email": person.email,
        "full_name": "",
        "is_active": "on",
        "is_superuser": "on" if person.is_superuser else None,
        "groups": [group.pk for group in person.groups.all()],
        **changed,
    }
    return {name: value for name, value in sent.items() if value is not None}


@pytest.mark.parametrize("how", [{"is_superuser": None}, {"is_active": None}])
def test_the_only_administrator_cannot_be_demoted(how: dict[str, Any]) -> None:
    root = make_superuser()
    client = signed_in(root)

    assert ONLY_ONE in client.post(page(root), form(root, **how)).content.decode()
    root.refresh_from_db()
    assert root.is_superuser
    assert root.is_active

    make_admin("ada")
    assert client.post(page(root), form(root, **how)).status_code == 302
    root.refresh_from_db()
    assert not (root.is_superuser and root.is_active)


def test_the_only_member_of_the_group_stays_in_it() -> None:
    ada = make_admin("ada")
    client = signed_in(ada)

    assert ONLY_ONE in client.post(page(ada), form(ada, groups=[])).content.decode()
    assert client.post(page(ada), form(ada, full_name="Ada")).status_code == 302
    ada.refresh_from_db()
    assert ada.full_name == "Ada"
    assert ada.groups.get().name == "admins"


def test_the_only_administrator_cannot_be_deleted() -> None:
    root = make_superuser()
    client = signed_in(root)
    mei = make_person()
    bulk = {"action": "delete_selected", "_selected_action": [root.pk, mei.pk], "post": "yes"}

    assert ONLY_ONE in client.post(page(root, "delete"), {"post": "yes"}, follow=True).content.decode()
    assert ONLY_ONE in client.post(PEOPLE, bulk, follow=True).content.decode()
    assert User.objects.count() == 2

    assert client.post(page(mei, "delete"), {"post": "yes"}).status_code == 302
    make_admin("ada")
    client.post(PEOPLE, bulk, follow=True)
    assert list(User.objects.values_list("username", flat=True)) == ["ada"]


def test_an_administrator_who_may_not_sign_in_does_not_count() -> None:
    root = make_superuser()
    make_admin("ada", is_active=False)

    assert (
        ONLY_ONE in signed_in(root).post(page(root, "delete"), {"post": "yes"}, follow=True).content.decode()
    )


def test_members_of_the_group_manage_people_and_classes() -> None:
    make_superuser()
    mei = make_person()
    client = signed_in(make_admin("ada"))

    menu = client.get("/en/").content.decode()
    for words in ("Sandbox", "Write lessons", "Administration"):
        assert f">{words}</a>" in menu
    assert client.post(page(mei), form(mei, full_name="Mei")).status_code == 302
    mei.refresh_from_db()
    assert mei.full_name == "Mei"
    assert (
        client.post(reverse("admin:progress_cohort_add"), {"name": "A", "learners": [mei.pk]}).status_code
        == 302
    )
    assert Cohort.objects.get().learners.get() == mei
    assert client.get(reverse("admin:tutor_siteprovider_changelist")).status_code == 404
    assert client.post(page(mei, "delete"), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=mei.pk).exists()


def test_members_of_the_group_make_no_superusers_and_leave_them_alone() -> None:
    root = make_superuser()
    factor = Authenticator.objects.create(user=root, type=Authenticator.Type.TOTP, data={})
    ada, mei = make_admin("ada"), make_person()
    client = signed_in(ada)

    for person in (ada, mei):
        client.post(page(person), form(person, is_superuser="on", is_staff="on", user_permissions=["1"]))
        person.refresh_from_db()
        assert (person.is_superuser, person.is_staff) == (False, False)
        assert not person.user_permissions.exists()
    password = {"password1": "Other-lamp-74", "password2": "Other-lamp-74", "usable_password": "true"}
    for address, sent in (
        (page(root), form(root, email="ada2@example.org")),
        (page(root, "delete"), {"post": "yes"}),
        (reverse("admin:auth_user_password_change", args=[root.pk]), password),
        (reverse("admin:mfa_authenticator_delete", args=[factor.pk]), {"post": "yes"}),
        (PEOPLE, {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}),
    ):
        assert client.post(address, sent).status_code == 404, address
    before = (root.email, root.password)
    root.refresh_from_db()
    assert (root.email, root.password) == before
    assert Authenticator.objects.exists()


def test_with_a_member_of_the_group_there_is_an_administrator() -> None:
    root = make_superuser()
    make_admin("ada")

    answer = signed_in(root).post(reverse("account-erase"), {"password": PASSWORD})
    assert answer.status_code == 302
    assert not User.objects.filter(pk=root.pk).exists()
    with pytest.raises(CommandError):
        call_command("make_admin_link", site="https://learn.example.org/")
