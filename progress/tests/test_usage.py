"""Instructors see what their classes use of models, and nobody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from progress.models import Cohort
from progress.tests.makers import make_learner
from tutor.models import ModelCall


def make_class(name: str, *, learners: list[Any]) -> Any:
    """A class with an instructor of its own, who is returned."""
    instructor = make_learner(f"teacher-of-{name}")
    instructor.groups.add(Group.objects.get_or_create(name="instructors")[0])
    cohort = Cohort.objects.create(name=name)
    cohort.instructors.add(instructor)
    cohort.learners.set(learners)
    return instructor


def make_call(learner: Any, **fields: Any) -> ModelCall:
    return ModelCall.objects.create(user=learner, owner=f"user:{learner.pk}", purpose="run", **fields)


def cells_of(page: str, learner: str) -> list[str]:
    row = page[page.index(f'<th scope="row">{learner}') :].partition("</tr>")[0]
    return [cell.partition("</td>")[0] for cell in row.split('<td class="number">')[1:]]


@pytest.mark.django_db
def test_an_instructor_sees_the_own_class_alone(client: Client) -> None:
    ada, bob = make_learner("ada"), make_learner("bob")
    client.force_login(make_class("red", learners=[ada]))
    make_class("blue", learners=[bob])
    make_call(ada, prompt_tokens=1200, completion_tokens=34, cost="0.5", status="ok")
    make_call(ada, scripted=True, status="ok")
    make_call(bob, prompt_tokens=777, status="ok")

    page = client.get("/en/classes/usage/").content.decode()

    assert cells_of(page, "ada") == ["2", "1", "0", "1,234", "0.5000"]
    assert not re.search(r"\bbob\b", page)
    assert "blue" not in page


@pytest.mark.django_db
def test_what_no_model_was_asked_is_neither_use_nor_failure(client: Client) -> None:
    ada, bob = make_learner("ada"), make_learner("bob")
    client.force_login(make_class("red", learners=[ada, bob]))
    refused: dict[str, Any] = {"status": "failed", "http_status": 503, "error_code": "model_not_configured"}
    make_call(ada, **refused)
    make_call(ada, provider="fake", status="failed")
    make_call(bob, **refused)

    page = client.get("/en/classes/usage/").content.decode()

    assert cells_of(page, "ada")[:3] == ["1", "0", "1"]
    assert not re.search(r"\bbob\b", page)


@pytest.mark.django_db
def test_a_larger_class_takes_no_more_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    learners = [make_learner(f"learner{number}") for number in range(5)]
    client.force_login(make_class("red", learners=learners))
    for learner in learners:
        make_call(learner, status="ok")
    client.get("/en/classes/usage/")

    with django_assert_num_queries(10 + 1):  # the bell
        client.get("/en/classes/usage/")
