"""Pages of the site itself."""

from __future__ import annotations

import sys

from allauth.account.views import PasswordResetView
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    HttpResponseServerError,
)
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views import csrf
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe

from helloagents.accounts import sign_in
from helloagents.first_admin import AdminExists, FirstAdminForm, create_first_admin, is_valid
from progress import answers

DAY = 24 * 3600  # seconds
AGAIN_SECONDS = 5  # after which a site whose database was away is worth another try
NOT_FOR_CRAWLERS = (
    *("accounts", "code", "dashboard", "drafts", "runs"),
    *("sandbox", "search", "shared", "shares", "submissions"),
)


@never_cache
@require_http_methods(["GET", "POST"])
def first_admin(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of `manage.py make_admin_link`."""
    if not is_valid(token):
        return _gone(request)
    form = FirstAdminForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            admin = create_first_admin(form=form)
        except AdminExists:
            return _gone(request)
        sign_in(request, admin)
        return redirect("admin:index")
    return render(request, "helloagents/first_admin.html", {"form": form}, status=400 if form.errors else 200)


def _gone(request: HttpRequest) -> HttpResponse:
    """The same for every link that does not work, so that it says nothing about the site."""
    return render(request, "helloagents/first_admin_gone.html", status=410)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A request without our token: told in the error format where programs ask, else as a page."""
    if request.resolver_match and getattr(request.resolver_match.func, "answers_json", False):
        message = _("The page was open for too long or sends no cookies. Reload it and try again.")
        return answers.error(request, "AUTHORIZATION_ERROR", message, status=403)
    return csrf.csrf_failure(request, reason=reason)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponseBase:
    """allauth's page, or where the site sends no mail a page that says whom to ask."""
    if not settings.SITE_SENDS_MAIL:
        return render(request, "helloagents/no_mail.html")
    printed = settings.EMAIL_BACKEND.endswith("console.EmailBackend")
    page: HttpResponseBase = PasswordResetView.as_view(extra_context={"mail_is_printed": printed})(request)
    return page


@require_safe
@cache_control(max_age=DAY)
def robots(request: HttpRequest) -> HttpResponse:
    """Crawlers may read lessons; what is about one person or about running the site is not for them."""
    paths = ["/admin/", "/first-admin/", "/api/"]
    for code, _name in settings.LANGUAGES:
        paths += [f"/{code}/{place}/" for place in NOT_FOR_CRAWLERS]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in paths)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that keeps lessons readable offline, at the root: it sees no page above its own address."""
    script = settings.BASE_DIR / "static" / "dist" / "service-worker.js"
    return HttpResponse(script.read_bytes(), content_type="text/javascript; charset=utf-8")


@require_safe
@cache_control(max_age=DAY)
def offline(request: HttpRequest) -> HttpResponse:
    """What that script shows where there is nothing to show without a network."""
    return render(request, "helloagents/offline.html")


@require_safe
@cache_control(max_age=DAY)
def favicon(request: HttpRequest) -> HttpResponse:
    """For whoever asks without having read a page, which names the icon."""
    return redirect(static("img/favicon.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a request that was refused. It is made without the request: its Host may be forged."""
    if _asked_by_program(request):
        return answers.error(request, "VALIDATION_ERROR", _("The request was refused."))
    return HttpResponseBadRequest(render_to_string("400.html"))


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for a fault of ours. It needs no database and no session: the fault may be theirs."""
    if isinstance(sys.exception(), (OperationalError, InterfaceError)):
        return _database_away(request)
    if _asked_by_program(request):
        message = _("Something is wrong on our side. It has been noted.")
        return answers.error(request, "INTERNAL_ERROR", message)
    return HttpResponseServerError(render_to_string("500.html"))


def _database_away(request: HttpRequest) -> HttpResponse:
    if _asked_by_program(request):
        message = _("A part of the site does not answer. Try again soon.")
        return answers.busy(request, "SERVICE_UNAVAILABLE", message, seconds=AGAIN_SECONDS)
    page = render_to_string("503.html")
    return HttpResponse(page, status=503, headers={"Retry-After": str(AGAIN_SECONDS)})


def _asked_by_program(request: HttpRequest) -> bool:
    view = request.resolver_match.func if request.resolver_match else None
    return request.path.startswith("/api/") or getattr(view, "answers_json", False)
