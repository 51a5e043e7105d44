"""Mail to learners about comments on their runs, in the language of the run, and the link that ends it."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPException
from typing import Any
from urllib.parse import urljoin

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from lessons.models import LessonText
from progress.models import Notification, Submission

log = structlog.get_logger(__name__)

_MAIL_EVERY = timedelta(minutes=10)  # for each run, unless what was mailed about has been read
_SALT = "mail about comments"


def mail_about_comment(notification_id: int, *, site: str) -> None:
    """Mail about it, where the learner wants mail, has a confirmed address and had none just now."""
    notification = _claim(notification_id) if settings.SITE_SENDS_MAIL else None
    address = notification and _address_of(notification.recipient)
    if notification is None or not address:
        return
    try:
        _message(notification, address, site=site).send()
    except (SMTPException, OSError) as error:
        # The notification stands on the site; the next comment is mailed about again.
        log.warning("mail_not_sent", notification=notification_id, error=str(error))
        Notification.objects.filter(pk=notification_id).update(mailed_at=None)


@transaction.atomic
def _claim(notification_id: int) -> Notification | None:
    """The notification, from now on a mailed one; None if no mail is due."""
    people = get_user_model().objects.filter(notifications=notification_id, mails_of_comments=True)
    # Locked, so that of two comments at once only one is mailed about.
    recipient = people.select_for_update(of=("self",)).first()
    if recipient is None:
        return None
    unread = Notification.objects.of(recipient).unread()
    whole = unread.select_related("comment__author", "comment__submission")
    found = whole.filter(pk=notification_id, mailed_at=None).first()
    if found is None:
        return None
    just_now = unread.filter(
        comment__submission=found.comment.submission_id, mailed_at__gt=timezone.now() - _MAIL_EVERY
    )
    if just_now.exists():
        return None
    unread.filter(pk=notification_id).update(mailed_at=timezone.now())
    found.recipient = recipient
    return found


def _address_of(person: Any) -> str:
    """The confirmed one: another may be a stranger's."""
    found = EmailAddress.objects.filter(user=person, primary=True, verified=True).first()
    return str(found.email) if found else ""


def _message(notification: Notification, address: str, *, site: str) -> EmailMessage:
    comment = notification.comment
    submission = comment.submission
    with override(submission.language_version or settings.LANGUAGE_CODE):
        unsubscribe = urljoin(site, reverse("end-mail", args=[token_of(notification.recipient)]))
        context = {
            "recipient": notification.recipient,
            "name": comment.author_name,
            "comment": comment,
            "lesson_title": _title_of(submission),
            "link": urljoin(site, f"{reverse('submission', args=[submission.pk])}#{comment.anchor}"),
            "unsubscribe": unsubscribe,
        }
        subject = " ".join(render_to_string("progress/mail/comment_subject.txt", context).split())
        return EmailMessage(
            subject=settings.ACCOUNT_EMAIL_SUBJECT_PREFIX + subject,
            body=render_to_string("progress/mail/comment.txt", context),
            to=[address],
            headers={"List-Unsubscribe": f"<{unsubscribe}>"},
        )


def _title_of(submission: Submission) -> str:
    texts = LessonText.objects.filter(lesson=submission.lesson_id)
    text = texts.preferring(submission.language_version).first() if submission.lesson_id else None
    return text.title if text else ""


# --- Ending it ------------------------------------------------------------------------------------


def token_of(person: Any) -> str:
    """What ends the mail to this person without signing in; it does nothing else."""
    return signing.dumps(person.pk, salt=_SALT)


def person_of(token: str) -> Any | None:
    """Whose token it is; None if it is nobody's."""
    try:
        pk = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return get_user_model().objects.filter(pk=pk).first()


def end_mail(*, person: Any) -> None:
    get_user_model().objects.filter(pk=person.pk).update(mails_of_comments=False)
