"""How long the pages of a class and the lists of the admin take, and how many queries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse

from progress import roles
from progress.models import Cohort, Submission

LISTS = ("progress_submission", "progress_lessonprogress", "progress_cohort", "tutor_modelcall")


@dataclass(frozen=True)
class Measured:
    page: str
    seconds: float  # median
    queries: int


def measure(cohort: Cohort, *, times: int) -> Iterator[Measured]:
    """Each page so many times, through everything but the network. Nothing of it stays in the database."""
    with transaction.atomic(), override_settings(RATE_LIMITS=dict.fromkeys(settings.RATE_LIMITS)):
        client = Client(headers={"host": settings.ALLOWED_HOSTS[0].lstrip("*.") or "localhost"})
        client.force_login(_visitor(cohort))
        for page in _pages(cohort):
            yield _measure(client, page, times)
        transaction.set_rollback(True)


def _measure(client: Client, page: str, times: int) -> Measured:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page, secure=True)
    counted = len(queries)
    if answer.status_code != 200:
        raise RuntimeError(f"{page} answers {answer.status_code}")
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        client.get(page, secure=True)
        taken.append(time.perf_counter() - begin)
    return Measured(page, median(taken), counted)


def _visitor(cohort: Cohort) -> Any:
    """An instructor of the class who may see the admin, too."""
    name = f"bench-{uuid4().hex}"
    visitor = get_user_model().objects.create(
        username=name, email=f"{name}@example.org", is_staff=True, is_superuser=True
    )
    visitor.groups.add(Group.objects.get(name=roles.INSTRUCTORS))
    cohort.instructors.add(visitor)
    return visitor


def _pages(cohort: Cohort) -> list[str]:
    learner = cohort.learners.order_by("pk").first()
    run = Submission.objects.filter(learner=learner).first()
    names = ("class", "class-stuck", "class-errors", "class-exercises", "class-activity", "class-members")
    pages = [reverse("classes"), *(reverse(name, args=[cohort.pk]) for name in names)]
    if learner:
        pages.append(reverse("class-learner", args=[cohort.pk, learner.pk]))
    if run:
        pages.append(reverse("class-run", args=[cohort.pk, run.pk]))
    user = get_user_model()._meta
    lists = (f"{user.app_label}_{user.model_name}", *LISTS)
    return pages + [reverse(f"admin:{name}_changelist") for name in lists]
