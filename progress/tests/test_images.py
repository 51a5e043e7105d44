"""What a program runs in: the image of its lesson's course, and the language that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from lessons.models import Course
from progress.images import images_of_courses
from progress.tests.makers import FakePool, make_lesson, make_result
from sandbox.image import AGENT, PYTHON, with_packages

pytestmark = pytest.mark.django_db(transaction=True)

Answers = Callable[..., FakePool]


@pytest.fixture(autouse=True)
def guests_may_run(settings: Any) -> None:
    settings.GUESTS_MAY_RUN_CODE = True


def start(client: Client, **body: Any) -> Any:
    return client.post(reverse("runs"), data=json.dumps(body), content_type="application/json")


def test_a_program_runs_in_the_image_of_its_course(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(*[make_result() for _ in range(4)])
    lesson = make_lesson()
    start(client, code="1")
    start(client, code="1", lesson=lesson.pk)
    Course.objects.update(image="python")
    start(client, code="1", lesson=lesson.pk)
    Course.objects.update(packages="six==1.17.0")
    start(client, code="1", lesson=lesson.pk)

    own = with_packages(PYTHON, "six==1.17.0")
    assert [request.image for request in pool.requests] == [AGENT, AGENT, PYTHON, own]
    assert images_of_courses() == [AGENT, own]


def test_a_program_may_be_javascript(client: Client, pool_answers: Answers) -> None:
    pool = pool_answers(make_result())
    assert start(client, code="console.log('hi')", language="javascript").status_code == 201

    [request] = pool.requests
    assert (request.language, request.name) == ("javascript", "main.js")


def test_the_policy_for_python_leaves_javascript_alone(client: Client, pool_answers: Answers) -> None:
    pool_answers(make_result())
    lesson = make_lesson(code_policy="block")
    response = start(client, code="const a = {b: 1}", language="javascript", lesson=lesson.pk)
    assert response.json()["outcome"] == "ok"


def test_an_unknown_language_is_refused(client: Client, pool_answers: Answers) -> None:
    response = start(client, code="DISPLAY 'HI'.", language="cobol")
    assert response.status_code == 400
    assert "cobol" in response.json()["error"]["message"]


def test_listings_are_python(client: Client, pool_answers: Answers) -> None:
    response = start(client, lesson=make_lesson().pk, listing=0, language="javascript", language_version="en")
    assert response.status_code == 400
    assert "Python" in response.json()["error"]["message"]


def test_building_the_image_of_an_unknown_course_is_refused() -> None:
    with pytest.raises(CommandError, match="no course 'nothing'"):
        call_command("build_sandbox_image", course="nothing")
