"""Who may do what, everywhere: each address of the site, asked by each kind of visitor.

A new address fails the last test until it has a row. What is denied looks absent: 404, or for guests the
way to sign in. Statuses are in the order of VISITORS.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import resolve
from pytest_django import Settings

from helloagents.first_admin import make_token
from helloagents.models import User
from helloagents.tests.api_site import make_course
from helloagents.tests.makers import make_person
from helloagents.tests.test_security import every_view
from lessons.models import Image, Lesson
from progress.mailing import token_of
from progress.models import Cohort, Draft, DraftVersion, LineComment, Notification, Share
from progress.tests.makers import CODE_EXERCISE, QUESTION, make_exercise, make_practice, make_submission
from tutor.models import Conversation, Message, ModelCall

VISITORS = ("guest", "learner", "other", "teacher", "other_teacher", "admin")

ROWS = """
GET /robots.txt : 200 200 200 200 200 200
GET /favicon.ico : 302 302 302 302 302 302
GET /service-worker.js : 200 200 200 200 200 200
GET /en/offline/ : 200 200 200 200 200 200
GET /health : 200 200 200 200 200 200
GET /health/live : 200 200 200 200 200 200
GET /health/ready : 200 200 200 200 200 200
GET /metrics : 404 404 404 404 404 404
GET /first-admin/{token}/ : 410 410 410 410 410 410
GET /images/{image} : 404 404 404 404 404 404
GET /en/ : 200 200 200 200 200 200
GET /en/search/?q=hello : 200 200 200 200 200 200
GET /en/courses/course/ : 200 200 200 200 200 200
GET /en/courses/course/greeting/ : 200 200 200 200 200 200
GET /en/courses/course/greeting/names/ : 200 200 200 200 200 200
GET /en/courses/course/listings/ : 404 404 404 200 200 200
GET /en/model-usage/ : 302 302 302 302 302 302
GET /en/sandbox/ : 404 404 404 200 200 200
GET /en/sandbox/figures/ : 404 404 404 200 200 200
GET /en/tutor/?lesson={lesson} : 200 200 200 200 200 200
POST /en/tutor/ask/ {} : 401 400 400 400 400 400
GET /en/tutor/answers/{answer}/events/ : 404 200 404 404 404 404
POST /en/tutor/answers/{answer}/stop/ {} : 404 200 404 404 404 404
POST /en/tutor/answers/{question}/again/ {} : 404 404 404 404 404 404
POST /en/tutor/answers/{earlier}/again/ {} : 404 409 404 404 404 404
GET /en/tutor/answers/{answer}/sent/ : 404 200 404 404 404 404
GET /en/tutor/pictures/{picture}/ : 404 200 404 404 404 404
GET /en/conversations/ : 302 200 200 200 200 200
GET /en/conversations/{talk}/ : 302 200 404 404 404 404
GET /en/conversations/{talk}/export.md : 302 200 404 404 404 404
POST /en/conversations/{talk}/rename/ : 302 302 404 404 404 404
POST /en/conversations/{talk}/pin/ : 302 302 404 404 404 404
POST /en/conversations/{talk}/delete/ : 302 302 404 404 404 404
POST /en/code/check/ {"code": "x = 1"} : 200 200 200 200 200 200
POST /en/runs/ {"timeout": 0} : 401 400 400 400 400 400
GET /en/runs/{run}/ : 404 200 404 404 404 404
GET /en/runs/{run}/events/ : 404 200 404 404 404 404
POST /en/runs/{run}/stdin/ {"text": "x"} : 404 409 404 404 404 404
POST /en/runs/{run}/cancel/ {} : 404 200 404 404 404 404
GET /en/runs/{run}/trace/ : 404 200 404 404 404 404
GET /en/runs/{run}/trace/calls/ : 404 200 404 404 404 404
GET /en/runs/{run}/trace/calls/{call}/ : 404 200 404 404 404 404
GET /en/runs/{run}/trace/export/ : 404 200 404 404 404 404
GET /en/runs/compare/?a={run}&b={run} : 404 200 404 404 404 404
POST /en/lessons/{lesson}/study/ {"seconds": 30} : 200 200 200 200 200 200
POST /en/lessons/{lesson}/mark/ {"status": "completed"} : 200 200 200 200 200 200
GET /en/classes/ : 302 200 200 200 200 200
POST /en/classes/ : 302 404 404 400 400 400
GET /en/classes/join/{invitation}/ : 200 200 200 200 200 200
POST /en/classes/join/{invitation}/ : 200 302 302 302 302 302
GET /en/classes/{class}/ : 302 404 404 200 404 200
GET /en/classes/{class}/stuck/ : 302 404 404 200 404 200
GET /en/classes/{class}/errors/ : 302 404 404 200 404 200
GET /en/classes/{class}/exercises/ : 302 404 404 200 404 200
GET /en/classes/{class}/exercises.csv : 302 404 404 200 404 200
GET /en/classes/{class}/activity/ : 302 404 404 200 404 200
GET /en/classes/{class}/learners/{learner}/ : 302 404 404 200 404 200
GET /en/classes/{class}/runs/{run}/ : 302 404 404 200 404 200
GET /en/classes/{class}/runs/{run}/comments/?line=1 : 302 404 404 200 404 200
POST /en/classes/{class}/runs/{run}/comments/?line=1 : 302 404 404 400 404 400
GET /en/classes/{class}/runs/{run}/comments/{comment}/ : 302 404 404 200 404 404
POST /en/classes/{class}/runs/{run}/comments/{comment}/ : 302 404 404 400 404 404
POST /en/classes/{class}/runs/{run}/comments/{comment}/delete/ : 302 404 404 302 404 404
POST /en/classes/{class}/runs/{run}/comments/{reply}/delete/ : 302 404 404 404 404 404
GET /en/classes/{class}/progress.csv : 302 404 404 200 404 200
GET /en/classes/{class}/stuck.csv : 302 404 404 200 404 200
GET /en/classes/{class}/errors.csv : 302 404 404 200 404 200
GET /en/classes/{class}/activity.csv : 302 404 404 200 404 200
GET /en/classes/{class}/members/ : 302 404 404 200 404 200
POST /en/classes/{class}/rename/ : 302 404 404 400 404 400
POST /en/classes/{class}/archive/ : 302 404 404 302 404 302
POST /en/classes/{class}/bring-back/ : 302 404 404 302 404 302
POST /en/classes/{class}/renew-invitation/ : 302 404 404 302 404 302
POST /en/classes/{class}/leave/ : 302 302 404 404 404 404
POST /en/classes/{class}/instructors/ : 302 404 404 400 404 400
POST /en/classes/{class}/instructors/{teacher}/remove/ : 302 404 404 302 404 302
POST /en/classes/{class}/learners/{learner}/remove/ : 302 404 404 302 404 302
GET /en/shares/ : 302 200 200 200 200 200
POST /en/shares/{share}/withdraw/ : 302 302 404 404 404 404
GET /en/shared/{shared}/ : 200 200 200 200 200 200
POST /en/shared/{shared}/open/ : 302 302 302 302 302 302
POST /en/submissions/{run}/share/ : 302 302 404 404 404 404
GET /en/drafts/{lesson}/history/ : 302 200 200 200 200 200
GET /en/dashboard/ : 200 200 200 200 200 200
POST /en/exercises/{exercise}/review/ : 302 302 302 302 302 302
GET /en/classes/usage/ : 302 404 404 200 200 200
GET /en/submissions/ : 302 200 200 200 200 200
GET /en/submissions/{run}/ : 302 200 404 404 404 404
GET /en/submissions/{run}/comments/?line=1 : 302 200 404 404 404 404
POST /en/submissions/{run}/comments/?line=1 : 302 400 404 404 404 404
GET /en/submissions/{run}/comments/{reply}/ : 302 200 404 404 404 404
POST /en/submissions/{run}/comments/{reply}/ : 302 400 404 404 404 404
POST /en/submissions/{run}/comments/{reply}/delete/ : 302 302 404 404 404 404
POST /en/submissions/{run}/comments/{comment}/delete/ : 302 404 404 404 404 404
GET /en/notifications/ : 302 200 200 200 200 200
POST /en/notifications/read/ : 302 302 302 302 302 302
GET /en/notifications/{notification}/ : 302 302 404 404 404 404
GET /en/notifications/mail/{mail_token}/ : 200 200 200 200 200 200
POST /en/notifications/mail/{mail_token}/ : 200 200 200 200 200 200
GET /en/notifications/mail/forged/ : 404 404 404 404 404 404
POST /en/submissions/{run}/restore/ : 302 302 404 404 404 404
POST /en/submissions/{run}/delete/ : 302 302 404 404 404 404
GET /en/drafts/{lesson}/ : 401 200 200 200 200 200
PUT /en/drafts/{lesson}/ {"code": "x", "revision": 0} : 401 409 200 200 200 200
POST /en/drafts/versions/{version}/restore/ : 302 302 404 404 404 404
GET /en/accounts/ : 302 200 200 200 200 200
POST /en/accounts/ : 302 200 200 200 200 200
GET /en/accounts/export/ : 302 302 302 302 302 302
GET /en/accounts/export/start/ : 302 302 302 302 302 302
GET /en/accounts/erase/ : 302 200 200 200 200 200
POST /en/accounts/erase/ : 302 400 400 400 400 400
GET /en/accounts/login/ : 200 302 302 302 302 302
GET /en/accounts/logout/ : 302 200 200 200 200 200
POST /en/accounts/logout/ : 302 302 302 302 302 302
GET /en/accounts/signup/ : 200 302 302 302 302 302
GET /en/accounts/inactive/ : 200 200 200 200 200 200
GET /en/accounts/reauthenticate/ : 302 200 200 200 200 200
GET /en/accounts/email/ : 302 200 200 200 200 200
POST /en/accounts/email/ : 302 302 302 302 302 302
GET /en/accounts/confirm-email/ : 200 200 200 200 200 200
GET /en/accounts/confirm-email/bad-key/ : 200 200 200 200 200 200
GET /en/accounts/login/code/confirm/ : 302 302 302 302 302 302
GET /en/accounts/password/change/ : 302 200 200 200 200 200
GET /en/accounts/password/set/ : 302 302 302 302 302 302
GET /en/accounts/password/reset/ : 200 200 200 200 200 200
GET /en/accounts/password/reset/done/ : 200 200 200 200 200 200
GET /en/accounts/password/reset/key/done/ : 200 200 200 200 200 200
GET /en/accounts/password/reset/key/1-bad/ : 200 200 200 200 200 200
GET /en/accounts/sessions/ : 302 200 200 200 200 200
POST /en/accounts/sessions/ : 302 302 302 302 302 302
GET /en/accounts/model-key/ : 302 200 200 200 200 200
POST /en/accounts/model-key/ : 302 400 400 400 400 400
POST /en/accounts/model-key/forget/ : 302 302 302 302 302 302
GET /en/accounts/2fa/ : 302 200 200 200 200 200
GET /en/accounts/2fa/authenticate/ : 302 302 302 302 302 302
GET /en/accounts/2fa/reauthenticate/ : 302 302 302 302 302 302
GET /en/accounts/2fa/recovery-codes/ : 302 404 404 404 404 404
GET /en/accounts/2fa/recovery-codes/download/ : 302 404 404 404 404 404
GET /en/accounts/2fa/recovery-codes/generate/ : 302 302 302 302 302 302
GET /en/accounts/2fa/totp/activate/ : 302 302 302 302 302 302
GET /en/accounts/2fa/totp/deactivate/ : 302 404 404 404 404 404
GET /en/accounts/2fa/webauthn/ : 302 200 200 200 200 200
GET /en/accounts/2fa/webauthn/add/ : 302 302 302 302 302 302
GET /en/accounts/2fa/webauthn/login/ : 302 302 302 302 302 302
GET /en/accounts/2fa/webauthn/reauthenticate/ : 302 302 302 302 302 302
GET /en/accounts/2fa/webauthn/keys/{passkey}/edit/ : 302 302 302 302 302 302
POST /en/accounts/2fa/webauthn/keys/{passkey}/remove/ : 302 302 302 302 302 302
GET /en/accounts/3rdparty/ : 302 200 200 200 200 200
GET /en/accounts/3rdparty/login/cancelled/ : 200 200 200 200 200 200
GET /en/accounts/3rdparty/login/error/ : 401 401 401 401 401 401
GET /en/accounts/3rdparty/signup/ : 302 302 302 302 302 302
POST /en/accounts/github/login/ : 404 404 404 404 404 404
GET /en/accounts/github/login/callback/ : 404 404 404 404 404 404
POST /en/accounts/google/login/ : 404 404 404 404 404 404
GET /en/accounts/google/login/callback/ : 404 404 404 404 404 404
POST /en/exercises/{task}/hint/ {} : 200 200 200 200 200 200
POST /en/exercises/{quiz}/answer/ {"answer": "2"} : 200 200 200 200 200 200
GET /en/exercises/{task}/solution/ : 404 200 404 404 404 404
GET /api/nothing : 404 404 404 404 404 404
GET /api/version : 200 200 200 200 200 200
GET /api/lessons : 200 200 200 200 200 200
GET /api/lessons/1.1 : 200 200 200 200 200 200
POST /api/hint {"code": "x = 1", "cursor_line": 1} : 200 200 200 200 200 200
POST /api/execute {} : 401 400 400 400 400 400
GET /api/progress/{learner} : 401 200 404 200 404 200
GET /api/submissions/{learner} : 401 200 404 200 404 200
POST /api/submissions {} : 401 400 400 400 400 400
POST /api/users {} : 400 400 400 400 400 400
GET /api/users/{learner} : 401 200 404 404 404 200
POST /api/v1/auth/token {} : 400 400 400 400 400 400
POST /api/v1/auth/token/refresh {} : 400 400 400 400 400 400
POST /api/v1/auth/token/revoke {} : 400 400 400 400 400 400
POST /api/v1/code/hint {"code": "x = 1", "cursor_line": 1} : 200 200 200 200 200 200
POST /api/v1/code/execute {} : 401 400 400 400 400 400
POST /api/chat {} : 401 400 400 400 400 400
POST /api/v1/chat {} : 401 400 400 400 400 400
POST /api/v1/chat/stream {"message": ""} : 401 400 400 400 400 400
POST /api/v1/chat {"message": "x", "conversation_id": "{talk}", "lesson_id": "9"} : 401 404 404 404 404 404
GET /api/v1/conversations : 401 200 200 200 200 200
POST /api/v1/conversations {} : 401 201 201 201 201 201
GET /api/v1/conversations/search?query=x : 401 200 200 200 200 200
POST /api/v1/conversations/batch [] : 401 400 400 400 400 400
DELETE /api/v1/conversations/batch ["{talk}"] : 401 200 404 404 404 404
GET /api/v1/conversations/{talk} : 401 200 404 404 404 404
PATCH /api/v1/conversations/{talk} {"pinned": true} : 401 200 404 404 404 404
DELETE /api/v1/conversations/{talk} : 401 200 404 404 404 404
GET /api/v1/docs : 200 200 200 200 200 200
GET /api/v1/redoc : 200 200 200 200 200 200
GET /api/v1/schema : 200 200 200 200 200 200
GET /api/v1/lessons : 200 200 200 200 200 200
GET /api/v1/lessons/search?q=hello : 200 200 200 200 200 200
GET /api/v1/lessons/1.1 : 200 200 200 200 200 200
GET /api/v1/progress/{learner} : 401 200 404 200 404 200
POST /api/v1/progress/{learner} {"lesson_id": "1.1", "status": "completed"} : 401 200 404 200 404 200
POST /api/v1/runs {} : 401 400 400 400 400 400
GET /api/v1/runs/{run} : 404 200 404 404 404 404
DELETE /api/v1/runs/{run} : 404 200 404 404 404 404
GET /api/v1/runs/{run}/events : 404 200 404 404 404 404
POST /api/v1/runs/{run}/stdin {"text": "x"} : 404 409 404 404 404 404
GET /api/v1/sandbox/pool/stats : 404 404 404 200 200 200
GET /api/v1/submissions/{learner} : 401 200 404 200 404 200
POST /api/v1/submissions {} : 401 400 400 400 400 400
POST /api/v1/users {} : 400 400 400 400 400 400
GET /api/v1/users/me : 401 200 200 200 200 200
GET /api/v1/users/{learner} : 401 200 404 404 404 200
"""

# In the admin guests are sent to sign in, and to learners there is nothing.
OUTSIDE_ADMIN = [302, 404, 404]
# What staff get: a page, a way on, or that rows which only programs make are not added (403) by hand. Some
# addresses want to be posted to (405).
STAFF = {200, 302, 403, 405}
STAFF_FINDS_NOTHING = {
    "admin/(?P<url>.*)$",
    "admin/r/<path:content_type_id>/<path:object_id>/",
    "admin/logout/",
}
# Instructors write lessons there; what is about other things, or about everybody, is not for them.
FOR_INSTRUCTORS = re.compile(
    r"admin/($|lessons/$|lessons/(lesson|course|image)/|jsi18n/|password_change/|logout/|login/|\^\(\?P<app_label>)"
)
NOT_FOR_INSTRUCTORS = re.compile(r".*/delete/$|admin/lessons/(course|image)/add/$")


@pytest.fixture
def site(db: None, settings: Settings, fresh_counters: None) -> dict[str, Any]:
    """One of each thing, all of it the learner's; the names are the places in ROWS."""
    settings.GUESTS_MAY_RUN_CODE = False
    settings.MODEL_GUESTS_MAY_CALL = False
    settings.METRICS_NETWORKS = []  # the tests' own address is admitted otherwise
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    course = make_course()
    lesson = Lesson.objects.get(slug="names")
    people = {name: make_person(name) for name in VISITORS[1:]}
    User.objects.filter(username="admin").update(is_staff=True, is_superuser=True)
    instructors, _ = Group.objects.get_or_create(name="instructors")
    for name in ("teacher", "other_teacher"):
        people[name].groups.add(instructors)
    learner = people["learner"]
    taught = {}
    for teacher, pupil in (("teacher", "learner"), ("other_teacher", "other")):
        cohort = taught[teacher] = Cohort.objects.create(name=f"class of {teacher}")
        cohort.instructors.add(people[teacher])
        cohort.learners.add(people[pupil])
    run = make_submission(learner=learner, lesson=lesson, status="finished", outcome="ok", slot=0)
    share = Share.objects.create(submission=run)
    comment, reply = (
        LineComment.objects.create(
            submission=run, author=people[name], first_line=1, last_line=1, text="Why?"
        )
        for name in ("teacher", "learner")
    )
    told = Notification.objects.create(recipient=learner, kind="comment", comment=comment)
    exercise = make_exercise(CODE_EXERCISE, lesson=lesson)
    make_submission(
        learner=learner, lesson=lesson, status="finished", outcome="ok", exercise=exercise, passed=True
    )
    draft = Draft.objects.create(learner=learner, lesson=lesson, code="draft")
    talk = Conversation.objects.create(user=learner, title="Why?")
    said = [
        Message.objects.create(conversation=talk, role=role) for role in ("user", "assistant", "assistant")
    ]
    size = {"width": 1, "height": 1}
    image = Image.objects.create(
        course=course, path="a.png", digest="0" * 64, content_type="image/png", **size
    )
    return {
        "learner": learner.pk,
        "teacher": people["teacher"].pk,
        "class": taught["teacher"].pk,
        "invitation": taught["teacher"].invitation,
        "lesson": lesson.pk,
        "run": run.pk,
        "task": exercise.pk,
        "quiz": make_exercise(QUESTION, lesson=lesson).pk,
        "version": DraftVersion.objects.create(draft=draft, code="earlier").pk,
        "call": ModelCall.objects.create(user=learner, owner="x", purpose="run", run_id=run.pk).pk,
        "talk": talk.pk,
        "question": said[0].pk,
        "earlier": said[1].pk,
        "answer": said[2].pk,
        "picture": said[0].images.create(content_type="image/jpeg", data=b"x", width=1, height=1).pk,
        "image": f"{image.digest}.png",
        "exercise": make_practice(lesson).pk,
        "share": share.pk,
        "shared": share.token,
        "comment": comment.pk,
        "reply": reply.pk,
        "notification": told.pk,
        "mail_token": token_of(learner),
        "passkey": 1,
        "token": make_token.__name__,  # of no use: there is an administrator
    }


class Undone(Exception):
    """Takes back what a request changed."""


def sign_in_all() -> dict[str, str]:
    """A session for each visitor who has an account."""
    sessions = {}
    for name in VISITORS[1:]:
        client = Client()
        client.force_login(User.objects.get(username=name))
        sessions[name] = str(client.session.session_key)
    return sessions


def status_for(session: str, method: str, path: str, body: str = "") -> int:
    """The status that whoever has the session gets; what the request changed is undone."""
    client = Client()
    if session:
        client.cookies["sessionid"] = session
    content: Any = {"data": body, "content_type": "application/json"} if body else {}
    status = 0
    try:
        with transaction.atomic():
            status = client.generic(method, path, **content).status_code
            raise Undone
    except Undone:
        return status


def fill(template: str, site: dict[str, Any]) -> str:
    for name, value in site.items():
        template = template.replace("{" + name + "}", str(value))
    return template


def rows() -> list[tuple[str, str, str, list[int]]]:
    """(method, path, body, statuses) of each row."""
    found = []
    for line in ROWS.strip().splitlines():
        request, _, statuses = line.rpartition(" : ")
        method, path, *body = request.split(" ", 2)
        found.append(
            (method, path, body[0].strip() if body else "", [int(each) for each in statuses.split()])
        )
    return found


def test_everybody_gets_what_the_matrix_says(site: dict[str, Any]) -> None:
    sessions, wrong = ["", *sign_in_all().values()], []
    for method, path, body, expected in rows():
        got = [status_for(session, method, fill(path, site), fill(body, site)) for session in sessions]
        if got != expected:
            wrong.append(f"{method} {path} {body} : {' '.join(map(str, got))}")

    assert not wrong, "\n".join(["These answer otherwise:", *wrong])


def admin_routes() -> list[str]:
    return sorted({route for route, _ in every_view() if route.startswith("admin/")})


def address_in_admin(route: str, site: dict[str, Any]) -> str:
    """Some address of the route, of an account or a lesson where there must be one."""
    route = route.replace("(?P<url>.*)$", "nothing").replace("^(?P<app_label>", "(?P<app_label>")
    route = re.sub(r"\(\?P<app_label>[^)]*\)/\$", "lessons/", route)
    route = route.replace("<str:language>", "en").replace("<str:way>", "up")
    pk = site["lesson"] if "/lessons/lesson/" in route else site["learner"]
    return "/" + re.sub(r"<(\w+:)?\w+>", str(pk), route)


def test_the_admin_is_for_staff_and_what_instructors_write(site: dict[str, Any]) -> None:
    sessions, wrong = ["", *sign_in_all().values()], []
    for route in admin_routes():
        address = address_in_admin(route, site)
        *outside, teacher, other_teacher, staff = (
            status_for(session, "GET", address) for session in sessions
        )
        staffs = {404, 405} if route in STAFF_FINDS_NOTHING else STAFF
        is_for_teachers = FOR_INSTRUCTORS.match(route) and not NOT_FOR_INSTRUCTORS.match(route)
        teachers = {staff} if is_for_teachers else {404}
        if outside != OUTSIDE_ADMIN or staff not in staffs or {teacher, other_teacher} != teachers:
            wrong.append(f"{route} {address} : {outside} {teacher} {other_teacher} {staff}")

    assert not wrong, "\n".join(["These answer otherwise:", *wrong])


def test_every_address_has_its_row(site: dict[str, Any]) -> None:
    routes = {route.replace("^", "") for route, _ in every_view() if not route.startswith("admin/")}
    known = {resolve(urlsplit(fill(path, site)).path).route.replace("^", "") for _, path, _, _ in rows()}

    assert sorted(routes - known) == []


def test_the_matrix_speaks_of_everybody() -> None:
    assert all(len(statuses) == len(VISITORS) for *_, statuses in rows())
    assert len(admin_routes()) > 50
