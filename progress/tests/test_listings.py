"""The page that tells instructors which listings of a course run."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from lessons.models import Course, Lesson
from progress.listing_checks import check_course
from progress.models import ListingCheck
from progress.tests.makers import make_learner, make_lesson
from sandbox.pools import Pools
from tutor.models import ModelCall

pytestmark = pytest.mark.django_db

PAGE = reverse("listings", args=["course"])
ASKS = """# Chapter 1 Asking

```python
from openai import OpenAI
question = {"role": "user", "content": "What is the weather?"}
answer = OpenAI().chat.completions.create(model="any", messages=[question])
print(answer.choices[0].message.content)
```
"""


def make_check(lesson: Lesson, *, index: int = 0, outcome: str = "ok", reason: str = "") -> ListingCheck:
    return ListingCheck.objects.create(
        lesson=lesson,
        language="en",
        index=index,
        source=f"{lesson.slug}.md:7",
        outcome=outcome,
        reason=reason,
    )


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(
        get_user_model().objects.create_superuser("root", "root@example.org", "a-long-Passw0rd")
    )
    return client


def test_listings_are_grouped_by_lesson_in_reading_order(staff: Client) -> None:
    chapters = [make_lesson(slug=slug) for slug in ("first", "second")]
    within = make_lesson(slug="within")
    Lesson.objects.filter(pk=within.pk).update(parent=chapters[0], position=0)
    make_check(chapters[1])
    make_check(within, index=1, outcome="failed", reason="NameError: name 'greet' is not defined")
    make_check(within)
    make_check(chapters[0])

    response = staff.get(PAGE)

    groups = [
        (lesson.slug, title, [check.index for check in checks])
        for lesson, title, checks in response.context["groups"]
    ]
    assert groups == [
        ("first", "Greeting", [0]),
        ("within", "Greeting", [0, 1]),
        ("second", "Greeting", [0]),
    ]
    page = response.content.decode()
    assert "NameError: name &#x27;greet&#x27; is not defined" in page
    assert "Listing 2" in page


def test_one_outcome_shows_only_its_listings(staff: Client) -> None:
    lesson = make_lesson()
    make_check(lesson)
    make_check(lesson, index=1, outcome="failed", reason="KeyError: 'x'")

    [(_, _, checks)] = staff.get(PAGE, {"outcome": "failed"}).context["groups"]

    assert [check.reason for check in checks] == ["KeyError: 'x'"]


def test_learners_are_sent_away(client: Client) -> None:
    make_lesson()
    client.force_login(make_learner())

    assert client.get(PAGE).status_code == 404


@pytest.mark.bubblewrap
@pytest.mark.django_db(transaction=True)
def test_a_stand_in_answers_for_a_model_without_a_script_and_the_check_says_so(sandbox: Pools) -> None:
    make_lesson(markdown=ASKS)

    [check] = check_course(Course.objects.get(), language="en", pool=sandbox, timeout=10, at_once=1)

    assert (check.outcome, check.reason[:20]) == ("ok", "A stand-in answered ")
    assert not ModelCall.objects.exists()
