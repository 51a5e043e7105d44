"""Classes: who is in them, and what that lets whom see."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from helloagents.tests.api_site import Caller, make_course
from lessons.models import Lesson
from progress import cohorts
from progress.completion import mark_lesson
from progress.models import Cohort, LessonProgress, Owner
from progress.tests.makers import make_learner, make_submission

pytestmark = pytest.mark.django_db


def make_instructor(username: str) -> Any:
    user = make_learner(username)
    user.groups.add(Group.objects.get_or_create(name="instructors")[0])
    return user


@pytest.fixture
def people() -> dict[str, Any]:
    """Ada in a class of Tom's; Eve and Una in none of his."""
    make_course()
    found = {name: make_learner(name) for name in ("ada", "eve", "root")}
    found |= {name: make_instructor(name) for name in ("tom", "una")}
    found["root"].groups.add(Group.objects.get_or_create(name="admins")[0])
    cohort = cohorts.create_cohort(instructor=found["tom"], name="Mondays")
    cohorts.join_cohort(learner=found["ada"], invitation=cohort.invitation)
    cohorts.create_cohort(instructor=found["una"], name="Tuesdays")
    lesson = Lesson.objects.get(number="1.1")
    make_submission(learner=found["ada"], lesson=lesson, status="finished", outcome="ok", wall_time=0.1)
    mark_lesson(owner=Owner(found["ada"].pk), lesson=lesson, status="completed")
    return found


EXPECTED = {"ada": 200, "tom": 200, "root": 200, "eve": 404, "una": 404}


@pytest.mark.parametrize("what", ["progress", "submissions"])
def test_work_is_seen_by_its_learner_the_instructors_of_her_class_and_admins(
    people: dict[str, Any], what: str
) -> None:
    path = f"/api/v1/{what}/{people['ada'].pk}"

    seen = {name: Caller.of(user).call("GET", path).status_code for name, user in people.items()}

    assert seen == EXPECTED
    assert Caller().call("GET", path).status_code == 401
    told = Caller.of(people["tom"]).call("GET", path).json()
    assert told.get("completed_lessons", told.get("total")) in (["1.1"], 1)


def test_what_is_denied_looks_as_if_it_were_absent(people: dict[str, Any]) -> None:
    eve = Caller.of(people["eve"])

    denied = eve.call("GET", f"/api/v1/progress/{people['ada'].pk}").json()["error"]
    absent = eve.call("GET", "/api/v1/progress/999999").json()["error"]

    assert (denied["code"], denied["message"]) == (absent["code"], absent["message"])


def test_marking_and_submitting_for_others_follows_the_same_rule(people: dict[str, Any]) -> None:
    ada = people["ada"]
    mark = {"lesson_id": "1", "status": "completed"}

    marked = {
        name: Caller.of(user).call("POST", f"/api/v1/progress/{ada.pk}", mark).status_code
        for name, user in people.items()
    }
    refused = Caller.of(people["eve"]).call(
        "POST", "/api/v1/submissions", {"lesson_id": "1", "code": "1", "user_id": ada.pk}
    )

    assert marked == EXPECTED
    assert refused.status_code == 404


def test_rows_are_visible_as_the_people_are(people: dict[str, Any]) -> None:
    counts = {name: LessonProgress.objects.visible_to(user).count() for name, user in people.items()}
    classes = {
        name: list(Cohort.objects.visible_to(user).values_list("name", flat=True))
        for name, user in people.items()
    }

    assert counts == {"ada": 1, "tom": 1, "root": 1, "eve": 0, "una": 0}
    assert classes == {
        "ada": ["Mondays"], "tom": ["Mondays"], "una": ["Tuesdays"], "eve": [],
        "root": ["Mondays", "Tuesdays"],
    }  # fmt: skip


def test_who_leaves_or_does_not_teach_any_more_is_not_seen(people: dict[str, Any]) -> None:
    ada, tom = people["ada"], people["tom"]
    path = f"/api/v1/progress/{ada.pk}"

    tom.groups.clear()
    assert Caller.of(tom).call("GET", path).status_code == 404

    tom.groups.add(Group.objects.get(name="instructors"))
    assert Caller.of(tom).call("GET", path).status_code == 200
    cohorts.leave_cohort(learner=ada, cohort=Cohort.objects.get(name="Mondays"))
    assert Caller.of(tom).call("GET", path).status_code == 404


def test_only_who_teaches_makes_classes() -> None:
    with pytest.raises(cohorts.NotAnInstructor):
        cohorts.create_cohort(instructor=make_learner(), name="Mine")


def test_an_invitation_is_unguessable_and_can_be_renewed(people: dict[str, Any]) -> None:
    cohort = Cohort.objects.get(name="Mondays")
    old = cohort.invitation
    assert len(old) == 32

    cohorts.renew_invitation(cohort=cohort)

    with pytest.raises(cohorts.NoSuchInvitation):
        cohorts.join_cohort(learner=people["eve"], invitation=old)
    assert cohorts.join_cohort(learner=people["eve"], invitation=cohort.invitation) == cohort
    cohorts.join_cohort(learner=people["eve"], invitation=cohort.invitation)
    assert cohort.learners.count() == 2


def test_completing_again_keeps_the_first_time_and_beginning_anew_takes_it_back(
    people: dict[str, Any],
) -> None:
    ada, lesson = people["ada"], Lesson.objects.get(number="1.1")
    first = LessonProgress.objects.get(learner=ada)

    again = mark_lesson(owner=Owner(ada.pk), lesson=lesson, status="completed")
    assert again.completed_at == first.completed_at

    anew = mark_lesson(owner=Owner(ada.pk), lesson=lesson, status="in_progress")
    assert (anew.status, anew.completed_at, anew.started_at) == ("in_progress", None, first.started_at)


def test_lessons_that_are_gone_do_not_count_and_other_courses_do(people: dict[str, Any]) -> None:
    make_course("second")
    ada = people["ada"]
    caller = Caller.of(ada)
    path = f"/api/v1/progress/{ada.pk}"
    caller.call("POST", path, {"lesson_id": "second:1", "status": "completed"})

    everything, second = caller.call("GET", path).json(), caller.call("GET", f"{path}?course=second").json()
    Lesson.objects.filter(course__slug="course", number="1.1").update(is_retired=True)
    after = caller.call("GET", path).json()

    assert (everything["completed_lessons"], everything["completion_percentage"]) == (
        ["1.1", "second:1"],
        50.0,
    )
    assert (second["completed_lessons"], second["total_lessons"]) == (["second:1"], 2)
    assert (after["completed_lessons"], after["completion_percentage"]) == (["second:1"], 33.3)
    assert caller.call("GET", f"{path}?course=none").status_code == 404


def test_classes_and_progress_are_in_the_admin(
    people: dict[str, Any], client: Client, django_assert_max_num_queries: Any
) -> None:
    root = people["root"]
    root.is_staff = root.is_superuser = True
    root.save()
    client.force_login(root)
    for number in range(5):
        cohorts.create_cohort(instructor=people["tom"], name=f"Class {number}")

    with django_assert_max_num_queries(12):
        listed = client.get(reverse("admin:progress_cohort_changelist"))
    page = client.get(reverse("admin:progress_cohort_change", args=[Cohort.objects.get(name="Mondays").pk]))
    progress = client.get(reverse("admin:progress_lessonprogress_changelist"))

    assert "Mondays" in listed.content.decode()
    assert Cohort.objects.get(name="Mondays").invitation in page.content.decode()
    assert "completed" in progress.content.decode()
