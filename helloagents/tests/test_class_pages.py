"""Pages of classes: instructors make and lead them, learners get in by a link and out again."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from progress import cohorts
from progress.models import Cohort
from progress.tests.makers import make_learner

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]


def make_instructor(username: str) -> Any:
    user = make_learner(username)
    user.groups.add(Group.objects.get_or_create(name="instructors")[0])
    return user


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def test_an_instructor_makes_a_class_and_a_learner_finds_the_way_in_and_out() -> None:
    tom = make_instructor("tom")
    teacher = client_of(tom)
    teacher.post(address("classes"), {"name": "Mondays"})
    cohort = Cohort.objects.get(name="Mondays")
    link = address("join-class", cohort.invitation)
    assert link in teacher.get(address("class-members", cohort.pk)).content.decode()
    assert cohort.created_by == tom

    guest = Client()
    invited = guest.get(link).content.decode()
    assert "Mondays" in invited
    assert f"{address('account_signup')}?next={link}" in invited
    assert guest.post(link).status_code == 200, "joins nothing, and shows the page again"
    account = {"username": "ada", "email": "ada@example.org", "password1": "Quiet-lamp-74"}
    assert (
        guest.post(f"{address('account_signup')}?next={link}", account | {"next": link}).headers["Location"]
        == link
    )

    guest.post(link)
    assert [learner.username for learner in cohort.learners.all()] == ["ada"]
    assert "You are in this class already" in guest.get(link).content.decode()
    members = teacher.get(address("class-members", cohort.pk)).content.decode()
    removal = members.partition('class="removal"')[2].partition("</div>")[0]
    assert "Remove ada from the class?" in removal, "it is asked before"
    assert f'formaction="{address("remove-learner", cohort.pk, cohort.learners.get().pk)}"' in removal
    assert "Mondays" in guest.get(address("classes")).content.decode()

    guest.post(address("leave-class", cohort.pk))
    assert not cohort.learners.exists()
    assert guest.post(address("leave-class", cohort.pk)).status_code == 404


def test_a_class_is_renamed_put_away_and_brought_back_and_its_link_made_anew() -> None:
    tom, ada = make_instructor("tom"), client_of(make_learner("ada"))
    teacher = client_of(tom)
    cohort = cohorts.create_cohort(instructor=tom, name="Mondays")
    old = address("join-class", cohort.invitation)

    assert teacher.post(address("rename-class", cohort.pk), {"name": " "}).status_code == 400
    teacher.post(address("rename-class", cohort.pk), {"name": "Fridays"})
    teacher.post(address("archive-class", cohort.pk))
    archived = ada.post(old)
    teacher.post(address("bring-back-class", cohort.pk))
    teacher.post(address("renew-invitation-class", cohort.pk))
    renewed = ada.post(old)
    cohort.refresh_from_db()

    assert (cohort.name, cohort.archived_at, cohort.updated_by) == ("Fridays", None, tom)
    assert archived.status_code == renewed.status_code == 404
    assert "Ask for the new link" in renewed.content.decode()
    ada.post(address("join-class", cohort.invitation))
    assert cohort.learners.count() == 1
    teacher.post(address("remove-learner", cohort.pk, cohort.learners.get().pk))
    assert not cohort.learners.exists()


def test_several_teach_a_class_and_one_stays() -> None:
    tom, una, ada = make_instructor("tom"), make_instructor("una"), make_learner("ada")
    cohort = cohorts.create_cohort(instructor=tom, name="Mondays")
    teacher = client_of(tom)
    add = address("add-instructor", cohort.pk)

    refused = teacher.post(add, {"login": ada.username})
    teacher.post(add, {"login": "UNA@example.org"})
    seen_by_una = client_of(una).get(cohort.get_absolute_url()).status_code
    gone = teacher.post(address("remove-instructor", cohort.pk, tom.pk))
    last = client_of(una).post(address("remove-instructor", cohort.pk, una.pk), follow=True)

    assert "No instructor goes by this name" in refused.content.decode()
    assert seen_by_una == 200
    assert gone.headers["Location"] == address("classes")
    assert teacher.get(cohort.get_absolute_url()).status_code == 404
    assert "Somebody has to teach the class" in last.content.decode()
    assert list(cohort.instructors.all()) == [una]


def test_who_teaches_a_class_does_not_learn_in_it() -> None:
    tom = make_instructor("tom")
    cohort = cohorts.create_cohort(instructor=tom, name="Mondays")

    client_of(tom).post(address("join-class", cohort.invitation))

    assert not cohort.learners.exists()


def test_more_classes_and_members_take_no_more_queries() -> None:
    tom = make_instructor("tom")
    teacher = client_of(tom)

    def grow(number: int) -> Cohort:
        """Another class that tom teaches, with another learner in each, and one that he learns in."""
        cohort = cohorts.create_cohort(instructor=tom, name=f"class {number}")
        cohort.instructors.add(make_instructor(f"teacher {number}"))
        for each in Cohort.objects.taught_by(tom):
            each.learners.add(make_learner(f"learner {number} of {each.pk}"))
        other = cohorts.create_cohort(instructor=make_instructor(f"other {number}"), name="other")
        cohorts.join_cohort(learner=tom, invitation=other.invitation)
        return cohort

    def queries() -> list[int]:
        return [
            queries_of(teacher, page) for page in (address("classes"), address("class-members", first.pk))
        ]

    first = grow(0)
    few = queries()
    for number in range(1, 4):
        grow(number)

    assert queries() == few
    assert max(few) < 12


def queries_of(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200
    return len(captured)
