"""Programs sign in with tokens, browsers with their session; what is forged or stale is refused."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from helloagents.api import sessions
from helloagents.api.models import ApiSession
from helloagents.tests.api_site import Caller
from progress.tests.makers import make_learner

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me"
TOKEN = "/api/v1/auth/token"
PASSWORD = "a-long-Passw0rd"  # of the makers' learners


@pytest.fixture(autouse=True)
def no_attempts_yet() -> None:
    """Failed sign-ins are counted in the cache, which tests share."""
    cache.clear()


def sign_in(**fields: str) -> Any:
    return Caller().call("POST", TOKEN, {"username": "ada", "password": PASSWORD, **fields})


def refresh(token: str) -> Any:
    return Caller().call("POST", f"{TOKEN}/refresh", {"refresh": token})


def whoami(token: str) -> int:
    return int(Caller(token).call("GET", ME).status_code)


def payload_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def signed(claims: dict[str, Any], *, key: str = settings.JWT_SIGNING_KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


def test_name_and_address_both_sign_in() -> None:
    make_learner()

    assert sign_in().status_code == 200
    assert sign_in(username="ada@example.org").status_code == 200
    assert sign_in(username="", email="ada@example.org").status_code == 400
    assert Caller().call("POST", TOKEN, {"email": "ada@example.org", "password": PASSWORD}).status_code == 200
    assert "no-store" in sign_in()["Cache-Control"]


def test_nobody_learns_which_names_there_are() -> None:
    make_learner()

    wrong, unknown = sign_in(password="wrong"), sign_in(username="nobody")

    for answer in (wrong, unknown):
        assert answer.status_code == 401
    assert wrong.json()["error"]["message"] == unknown.json()["error"]["message"]


def test_guessing_a_password_is_stopped() -> None:
    make_learner()

    answers = [sign_in(password="wrong") for _ in range(8)]
    right = sign_in()

    assert [answer.status_code for answer in answers].count(401) == 5
    assert right.status_code == 429
    assert int(right["Retry-After"]) > 0
    assert right.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"


def test_forged_and_stale_access_tokens_are_refused() -> None:
    token = sessions.begin(user=make_learner()).access
    claims = payload_of(token)
    _head, body, signature = token.split(".")
    none_head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    past = int((timezone.now() - timedelta(seconds=1)).timestamp())
    forged = {
        "alg none": f"{none_head}.{body}.",
        "alg none, with the signature": f"{none_head}.{body}.{signature}",
        "another key": signed(claims, key="k" * 64),
        "the site's own key": signed(claims, key=settings.SECRET_KEY),
        "another algorithm": signed(claims, algorithm="HS512"),
        "expired": signed({**claims, "exp": past}),
        "without an end": signed({name: value for name, value in claims.items() if name != "exp"}),
        "another kind": signed({**claims, "token_type": "refresh"}),
        "another issuer": signed({**claims, "iss": "elsewhere"}),
        "no session": signed({name: value for name, value in claims.items() if name != "sid"}),
        "a session that is none": signed({**claims, "sid": "1 OR 1=1"}),
        "a session that is not there": signed({**claims, "sid": "00000000-0000-4000-8000-000000000000"}),
        "cut": token[:-2],
        "no token": "abc",
    }

    assert whoami(token) == 200
    assert {name: whoami(each) for name, each in forged.items()} == dict.fromkeys(forged, 401)
    assert whoami(signed(claims)) == 200  # so the others were refused for what was changed


def test_a_refresh_token_is_good_once_and_theft_ends_the_session() -> None:
    first = sessions.begin(user=make_learner())

    second = refresh(first.refresh).json()
    assert whoami(second["access"]) == 200
    stolen = refresh(first.refresh)

    assert stolen.status_code == 401
    assert whoami(second["access"]) == 401
    assert refresh(second["refresh"]).status_code == 401
    assert refresh(second["access"]).status_code == 401


def test_revoking_ends_one_session_alone() -> None:
    learner = make_learner()
    first, other = sessions.begin(user=learner), sessions.begin(user=learner)

    answer = Caller().call("POST", f"{TOKEN}/revoke", {"refresh": first.refresh})
    nothing = Caller().call("POST", f"{TOKEN}/revoke", {"refresh": "no token"})

    assert answer.json() == nothing.json() == {"success": True}
    assert whoami(first.access) == 401
    assert refresh(first.refresh).status_code == 401
    assert whoami(other.access) == 200


def test_a_new_password_and_a_closed_account_end_all_sessions() -> None:
    learner = make_learner()
    before = sessions.begin(user=learner)

    learner.set_password("Another-long-1")
    learner.save()
    assert whoami(before.access) == 401
    assert refresh(before.refresh).status_code == 401

    after = sessions.begin(user=learner)
    learner.is_active = False
    learner.save()
    assert whoami(after.access) == 401
    assert sign_in(password="Another-long-1").status_code == 401


def test_sessions_that_are_over_are_not_kept() -> None:
    learner = make_learner()
    sessions.begin(user=learner)
    ApiSession.objects.update(expires_at=timezone.now())

    sessions.begin(user=learner)

    assert ApiSession.objects.count() == 1


def test_a_second_factor_is_asked_for() -> None:
    learner = make_learner()
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(learner, secret)
    codes = RecoveryCodes.activate(learner)
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))

    without, wrong, right = sign_in(), sign_in(code="000000"), sign_in(code=code)
    recovered = sign_in(code=codes.get_unused_codes()[0])

    assert without.status_code == wrong.status_code == 401
    assert without.json()["error"]["details"] == {"code_required": True}
    assert right.status_code == recovered.status_code == 200
    assert sign_in(code=code).status_code == 401  # used


def test_a_browsers_session_needs_its_csrf_token() -> None:
    make_learner()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_learner("eve"))

    read = browser.get(ME)
    refused = browser.post("/api/v1/code/execute", "{}", content_type="application/json")
    in_chinese = browser.post(
        "/api/v1/code/execute", "{}", content_type="application/json", headers={"Accept-Language": "zh-hans"}
    )
    browser.get("/en/accounts/email/")  # a page with a form brings the token
    csrf = browser.cookies["csrftoken"].value
    taken = browser.post(
        "/api/v1/code/execute", "{}", content_type="application/json", headers={"X-CSRFToken": csrf}
    )

    assert read.json()["username"] == "eve"
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "AUTHORIZATION_ERROR"
    assert "Reload it" in refused.json()["error"]["message"]
    assert "Reload it" not in in_chinese.json()["error"]["message"]  # where a page tells it to a person
    assert taken.status_code == 400  # no code: but it was read


def test_accounts_are_seen_by_their_owners_and_admins() -> None:
    ada, eve, admin, teacher = (make_learner(name) for name in ("ada", "eve", "root", "teacher"))
    admin.groups.add(Group.objects.get_or_create(name="admins")[0])
    teacher.groups.add(Group.objects.get_or_create(name="instructors")[0])
    path = f"/api/v1/users/{ada.pk}"

    seen = {
        user.username: Caller.of(user).call("GET", path).status_code for user in (ada, eve, admin, teacher)
    }

    assert seen == {"ada": 200, "eve": 404, "root": 200, "teacher": 404}
    for nobody in ("0", "-1", "9" * 30, "²", "x", str(2**63)):
        assert Caller.of(admin).call("GET", f"/api/v1/users/{nobody}").status_code == 404


def test_a_closed_site_lets_only_admins_make_accounts(settings: Any) -> None:
    settings.SIGN_UP_OPEN = False
    body = {"username": "grace", "email": "grace@example.org", "password": "A-moth-of-1947"}
    admin = make_learner("root")
    admin.is_superuser = True
    admin.save()

    assert Caller().call("POST", "/api/v1/users", body).status_code == 403
    assert Caller.of(admin).call("POST", "/api/v1/users", body).status_code == 201


def test_signing_out_elsewhere_signs_programs_out_as_well(client: Client) -> None:
    ada = make_learner()
    tokens, of_another = sessions.begin(user=ada).access, sessions.begin(user=make_learner("eve")).access
    client.post("/en/accounts/login/", {"login": "ada", "password": PASSWORD})
    page = client.get("/en/accounts/sessions/")
    client.post("/en/accounts/sessions/")

    assert "A program" in page.content.decode()
    assert "Sign out on the others" in page.content.decode()
    assert "A program" not in client.get("/en/accounts/sessions/").content.decode()
    assert (whoami(tokens), whoami(of_another)) == (401, 200)
