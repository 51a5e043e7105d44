"""What a browser is told to refuse, on every page there is, and that pages can live with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from pytest_django import Settings

from helloagents.first_admin import make_token
from helloagents.models import User
from helloagents.tests.makers import PASSWORD, make_person
from lessons.models import Lesson
from progress.models import Submission

COURSE = site_settings.BASE_DIR / "lessons" / "content" / "first-agents"
PRODUCTION = {"SECRET_KEY": "x9Kq" * 15 + "abcdefg", "ALLOWED_HOSTS": "learn.example.org"}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Pages that let more in than the site's policy says: the directive, and what it allows beside.
WIDER = {
    "learn": {"style-src-elem": {"'self'", "'unsafe-inline'"}},  # the editor's own style sheets
    "redoc": {"style-src": {"'self'", "'unsafe-inline'"}, "worker-src": {"'self'", "blob:"}},  # as it is made
}


class Scan(HTMLParser):
    """What a strict policy would refuse in a page, and forms that would post without our token."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.findings: list[str] = []
        self._form: dict[str, Any] | None = None
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.findings += [f"<{tag} {name}>" for name in given if name.startswith(("on", "hx-on"))]
        self.findings += [
            f"<{tag} {name}={value}>"
            for name, value in given.items()
            if re.match(r"\s*(javascript|vbscript|data:text)", value, re.IGNORECASE)
        ]
        if "style" in given:
            self.findings.append(f"<{tag} style={given['style']}>")
        if tag in ("style", "base", "object", "embed"):
            self.findings.append(f"<{tag}>")
        if re.search(r"\[", given.get("hx-trigger", "")) or given.get("hx-vals", "").startswith("js"):
            self.findings.append(f"<{tag} {given}> needs eval")
        if tag == "script":
            self._in_script = "src" not in given and given.get("type", "") not in DATA
            if given.get("src", "").startswith(("http:", "https:", "//")):
                self.findings.append(f"<script src={given['src']}>")
        if given.get("target") == "_blank" and "noopener" not in given.get("rel", "noopener"):
            self.findings.append(f"<{tag} target=_blank> without noopener")
        if tag == "form":
            self._form = {**given, "has_token": False}
        elif tag == "input" and self._form and given.get("name") == "csrfmiddlewaretoken":
            self._form["has_token"] = True

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.findings.append(f"<script>{data.strip()[:60]}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script = False
        if tag == "form" and self._form is not None:
            if self._form.get("method", "get").lower() == "post" and not self._form["has_token"]:
                self.findings.append(f"form to {self._form.get('action')} without a token")
            self._form = None


DATA = ("application/json", "importmap", "text/template")


def policy_of(answer: Any) -> dict[str, set[str]]:
    directives = [directive.split() for directive in answer["Content-Security-Policy"].split(";")]
    return {name: set(values) for name, *values in directives}


@pytest.fixture
def furnished(db: None, settings: Settings, fresh_counters: None) -> None:
    call_command("import_lessons", str(COURSE), verbosity=0)
    head = make_person("head", is_staff=True, is_superuser=True)
    for outcome in ("ok", "failed"):
        Submission.objects.create(
            learner=head,
            lesson=Lesson.objects.first(),
            code="print('hi')",
            status="finished",
            outcome=outcome,
        )


def pages_of_guests() -> Iterator[str]:
    lessons = Lesson.objects.select_related("course", "parent")
    names = (
        *(
            "catalogue",
            "account_login",
            "account_signup",
            "account_inactive",
            "account_email_verification_sent",
        ),
        *("account_reset_password", "account_reset_password_done", "account_reset_password_from_key_done"),
        *("socialaccount_login_cancelled", "socialaccount_login_error", "api-docs", "api-redoc"),
    )
    yield from map(reverse, names)
    yield reverse("course", args=[COURSE.name])
    yield from (lesson.get_absolute_url() for lesson in lessons)
    yield "/en/nowhere/"
    yield "/en/accounts/password/reset/key/1-bad/"
    yield "/en/accounts/confirm-email/bad/"


def pages_of_staff() -> Iterator[str]:
    names = (
        *("account", "account-erase", "account_email", "account_change_password", "account_logout"),
        *(
            "mfa_index",
            "mfa_activate_totp",
            "mfa_list_webauthn",
            "mfa_add_webauthn",
            "usersessions_list",
            "socialaccount_connections",
        ),
        *("account_reauthenticate", "submissions", "sandbox", "sandbox-figures"),
    )
    yield from map(reverse, names)
    yield reverse("listings", args=[COURSE.name])
    runs = list(Submission.objects.all())
    yield from (reverse("submission", args=[run.pk]) for run in runs)
    yield from (reverse("run-trace", args=[run.pk]) for run in runs)
    yield f"{reverse('compare-runs')}?a={runs[0].pk}&b={runs[1].pk}"
    yield reverse("model-key")
    for lesson in Lesson.objects.all()[:1]:
        yield lesson.get_absolute_url()


def pages_of_admin() -> Iterator[str]:
    yield reverse("admin:index")
    yield reverse("admin:password_change")
    for model, page in admin.site._registry.items():
        path = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{path}_changelist")
        # A bound method has __func__, which its declared type does not say.
        if page.has_add_permission.__func__ is admin.ModelAdmin.has_add_permission:  # type: ignore[attr-defined]
            yield reverse(f"{path}_add")
        for row in model._default_manager.all()[:1]:
            yield reverse(f"{path}_change", args=[row.pk])
            if model is Lesson:  # which has versions of its texts instead
                yield reverse("admin:lessons_text_history", args=[row.pk, "en"])
            else:
                yield reverse(f"{path}_history", args=[row.pk])


def findings_in(client: Client, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code in (200, 401, 404), (path, answer.status_code, answer.get("Location"))
    missing = [
        f"{name} is {answer.get(name)}" for name, value in HEADERS.items() if answer.get(name) != value
    ]
    policy = policy_of(answer)
    if "Permissions-Policy" not in answer:
        missing.append("no Permissions-Policy")
    view = answer.resolver_match.func.__name__ if answer.status_code == 200 else ""
    expected = {
        "default-src": {"'self'"},
        "img-src": {"'self'", "data:"},
        "object-src": {"'none'"},
        "worker-src": {"'self'"},
        "base-uri": {"'none'"},
        "frame-ancestors": {"'none'"},
        "form-action": {"'self'"},
    } | WIDER.get(view, {})
    if policy != expected:
        missing.append(f"policy {policy}")
    return [f"{path}: {finding}" for finding in missing + Scan(answer.content.decode()).findings]


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize("pages", [pages_of_guests, pages_of_staff, pages_of_admin])
def test_no_page_needs_what_the_policy_refuses(client: Client, pages: Any) -> None:
    if pages is not pages_of_guests:
        client.force_login(User.objects.get())
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    paths = list(dict.fromkeys(pages()))

    assert len(paths) > 10
    assert [finding for path in paths for finding in findings_in(client, path)] == []


@pytest.mark.usefixtures("furnished")
def test_nor_do_pages_with_rare_states(client: Client) -> None:
    User.objects.update(is_superuser=False)
    paths = [reverse("first-admin", args=[make_token()])]
    refused = [
        client.get("/first-admin/nonsense/"),
        client.post(reverse("account_login"), {"login": "x", "password": "y"}),
        client.post(reverse("account_signup"), {"username": ""}),
    ]

    assert [finding for path in paths for finding in findings_in(client, path)] == []
    assert [finding for answer in refused for finding in Scan(answer.content.decode()).findings] == []


def test_the_scan_finds_what_it_looks_for() -> None:
    bad = """<p style="x"></p><a href=" JavaScript:x"></a><b onclick=x></b><script>x</script>
        <div hx-on:click=x><form method=POST action=/x></form><base href=/>
        <script src=//evil.example/x.js></script>
        <i hx-trigger="every 2s [x]"></i>"""

    assert len(Scan(bad).findings) == 9
    assert Scan('<form method="get"></form><script type="application/json">{}</script>').findings == []


def test_no_view_is_exempt_from_the_token_but_the_api() -> None:
    """Views that Django's check of forms passes over; the API's own check is in its authentication."""
    exempt = [
        f"{pattern}"
        for pattern, view in every_view()
        if getattr(view, "csrf_exempt", False) and "api/" not in pattern
    ]

    assert exempt == []


def every_view() -> Iterator[tuple[str, Any]]:
    waiting: list[tuple[str, Any]] = [("", pattern) for pattern in get_resolver().url_patterns]
    while waiting:
        prefix, pattern = waiting.pop()
        place = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield place, pattern.callback
        else:
            waiting += [(place, inner) for inner in pattern.url_patterns]


@pytest.mark.django_db
def test_forms_from_elsewhere_are_refused() -> None:
    make_person()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    for name in ("account", "account-erase", "account_logout", "account_email", "usersessions_list"):
        assert strict.post(reverse(name), {"full_name": "x", "password": "y"}).status_code == 403, name


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://school.example.org", True), ("https://evil.example", False)]
)
@pytest.mark.django_db
def test_only_named_sites_may_call_the_api(
    client: Client, settings: Settings, origin: str, allowed: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://school.example.org"]
    answer = client.get("/api/v1/lessons", headers={"Origin": origin})
    page = client.get(reverse("account_login"), headers={"Origin": origin})

    assert (answer.get("Access-Control-Allow-Origin") == origin) == allowed
    assert ("X-Request-ID" in answer.get("Access-Control-Expose-Headers", "")) == allowed
    assert "Access-Control-Allow-Origin" not in page
    assert "Access-Control-Allow-Credentials" not in answer


# --- In production --------------------------------------------------------------------------------


def in_production(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], "VAR_DIR": str(site_settings.VAR_DIR), **PRODUCTION, **env}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=bare, cwd=site_settings.BASE_DIR, capture_output=True, text=True)


def test_djangos_own_check_has_nothing_to_say() -> None:
    checked = in_production("manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert checked.returncode == 0, checked.stderr
    assert "no issues (0 silenced)" in checked.stdout


def test_a_production_is_reached_over_https_alone() -> None:
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "for secure in (False, True):\n"
        "    answer = Client().get('/robots.txt', headers={'host': 'learn.example.org'}, secure=secure)\n"
        "    print(answer.status_code, answer.get('Location'), answer.get('Strict-Transport-Security'))\n"
    )
    said = in_production(
        "-c", script, DJANGO_SETTINGS_MODULE="helloagents.settings", REDIS_URL="redis://127.0.0.1:1"
    )

    assert said.stdout.splitlines() == [
        "301 https://learn.example.org/robots.txt None",
        "200 None max-age=2592000; includeSubDomains; preload",
    ], said.stderr
