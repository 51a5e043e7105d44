"""Comments on lines of a run: instructors begin a talk about a line, the learner replies, each is told."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from progress import notifications
from progress.models import LineComment, Submission

MOST_COMMENTS = 200  # on one run, so that its page stays one page


class NoSuchLines(LookupError):
    """The run's code has no such lines, or there is no comment there to reply to."""


class TooManyComments(Exception):
    """The run holds MOST_COMMENTS already; nothing was stored."""


def lines_of(code: str) -> list[str]:
    """The lines as a page numbers them, at least one; they end where a program's do."""
    lines = code.replace("\r\n", "\n").split("\n")
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


@transaction.atomic
def write_comment(
    *, author: Any, submission: Submission, first_line: int, last_line: int, text: str, site: str
) -> LineComment:
    """Say something about lines of a run; that the author may see it was asked before.

    Its own learner only replies, where somebody else has begun. `site` is the address that links in mail
    begin with. Raises NoSuchLines and TooManyComments.
    """
    said = LineComment.objects.filter(submission=submission)
    if not 1 <= first_line <= last_line <= len(lines_of(submission.code)):
        raise NoSuchLines
    if author.pk == submission.learner_id and not said.filter(last_line=last_line).exclude(author=author):
        raise NoSuchLines
    if said.count() >= MOST_COMMENTS:
        raise TooManyComments
    comment = LineComment.objects.create(
        submission=submission, author=author, first_line=first_line, last_line=last_line, text=text
    )
    notifications.tell_of(comment=comment, site=site)
    return comment


def edit_comment(*, comment: LineComment, text: str) -> None:
    """Say it in other words. Nobody is told again."""
    LineComment.objects.filter(pk=comment.pk).exclude(text=text).update(text=text, edited_at=timezone.now())


@transaction.atomic
def delete_comment(*, comment: LineComment) -> None:
    """Hide it from everybody, for good, and nobody is sent to it any more."""
    LineComment.objects.filter(pk=comment.pk).update(deleted_at=timezone.now())
    comment.notifications.all().delete()
