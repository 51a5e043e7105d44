"""Who is told of what. Learners get mail, too: see `mailing`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse

from progress.models import Cohort, LineComment, Notification, Submission
from progress.tasks import enqueue_mail


def tell_of(*, comment: LineComment, site: str) -> None:
    """Tell a learner of a comment, and whoever commented on the line of the learner's reply."""
    learner = comment.submission.learner
    if comment.author_id == comment.submission.learner_id:
        told, kind = _teachers_in_talk(comment), Notification.Kind.REPLY
    else:
        told, kind = [learner], Notification.Kind.COMMENT
    made = Notification.objects.bulk_create(
        Notification(recipient=recipient, kind=kind, comment=comment) for recipient in told
    )
    if kind == Notification.Kind.COMMENT:
        transaction.on_commit(lambda: enqueue_mail(made[0], site=site))


def _teachers_in_talk(comment: LineComment) -> list[Any]:
    """Who else spoke at the line and still teaches the learner: a class that was left is none of theirs."""
    talk = LineComment.objects.filter(submission=comment.submission_id, last_line=comment.last_line)
    spoke = get_user_model().objects.filter(pk__in=talk.exclude(author=comment.author_id).values("author"))
    return [person for person in spoke if class_shared(person, comment.submission)]


def class_shared(teacher: Any, submission: Submission) -> Cohort | None:
    """A class in which this person may look at the run."""
    return Cohort.objects.led_by(teacher).filter(learners=submission.learner_id).first()


def address_of(notification: Notification) -> str:
    """Where its recipient finds what it is about; empty when that is not theirs to see any more."""
    comment = notification.comment
    submission = comment.submission
    if notification.recipient_id == submission.learner_id:
        return f"{reverse('submission', args=[submission.pk])}#{comment.anchor}"
    cohort = class_shared(notification.recipient, submission)
    return f"{reverse('class-run', args=[cohort.pk, submission.pk])}#{comment.anchor}" if cohort else ""


def mark_seen(*, reader: Any, submission: Submission) -> None:
    """Somebody looks at the run, and with it at all that was said there."""
    Notification.objects.of(reader).filter(comment__submission=submission).mark_read()


def forget_about(submission: Submission) -> None:
    """Nobody is sent to a run that is deleted."""
    Notification.objects.filter(comment__submission=submission).delete()
