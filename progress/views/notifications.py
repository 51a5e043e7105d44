"""What somebody was told: the bell on every page, the list behind it, and the end of mail."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lessons.models import LessonText
from progress import mailing
from progress.models import Notification
from progress.notifications import address_of

_MOST_COUNTED = 100


@require_GET
@login_required
@never_cache
def notifications(request: HttpRequest) -> HttpResponse:
    """One's own, newest first."""
    texts = LessonText.objects.filter(lesson=OuterRef("comment__submission__lesson"))
    titles = Subquery(texts.preferring(request.LANGUAGE_CODE).values("title")[:1])
    found = Notification.objects.of(request.user).annotate(lesson_title=titles)
    page = Paginator(found.select_related("comment__author"), 25).get_page(request.GET.get("page"))
    return render(request, "progress/notifications.html", {"page": page})


@require_GET
@login_required
@never_cache
def notification(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Go to what it is about; from then on it is read."""
    mine = Notification.objects.of(request.user)
    found = get_object_or_404(mine.select_related("recipient", "comment__submission"), pk=notification_id)
    mine.filter(pk=found.pk).mark_read()
    address = address_of(found)
    if not address:
        messages.info(request, _("This run is not shared with you any more."))
    return redirect(address or "notifications")


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """Nothing is new any more."""
    Notification.objects.of(request.user).mark_read()
    return redirect("notifications")


@require_http_methods(["GET", "POST"])
@never_cache
def end_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link in a mail leads: posting ends the mail. Looking alone, as mail programs do, does not."""
    person = mailing.person_of(token)
    if person is None:
        raise Http404
    if request.method == "POST":
        mailing.end_mail(person=person)
        person.mails_of_comments = False
    return render(request, "progress/end_mail.html", {"person": person})


def unread(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """Context processor: `unread_notifications`, counted once by the pages that ask for it."""
    user = getattr(request, "user", None)
    return {
        "unread_notifications": cache(lambda: Notification.objects.of(user).unread()[:_MOST_COUNTED].count())
    }
