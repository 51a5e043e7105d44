"""A run's code as a page shows it: numbered lines, and under them what was said about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.forms import Form
from django.urls import reverse

from progress.comments import lines_of
from progress.models import LineComment, Submission


@dataclass(frozen=True)
class Place:
    """The page of a run, and who reads it there: its learner, or an instructor by way of a class."""

    submission: Submission
    reader: Any
    class_id: int | None = None

    @property
    def may_begin(self) -> bool:
        """Say something about any line; else only where others have begun."""
        return self.class_id is not None

    @cached_property
    def page(self) -> str:
        return self._address("{}")

    @cached_property
    def comments(self) -> str:
        """Where comments are sent to, and where the form for them is."""
        return self._address("{}-comments")

    def address_of(self, comment: LineComment) -> str:
        """Where it is edited."""
        return self._address("{}-comment", comment.pk)

    def deletion_of(self, comment: LineComment) -> str:
        return self._address("delete-{}-comment", comment.pk)

    def _address(self, name: str, *more: int) -> str:
        args: list[Any] = [self.submission.pk, *more]
        if self.class_id is None:
            return reverse(name.format("submission"), args=args)
        return reverse(name.format("class-run"), args=[self.class_id, *args])


@dataclass(frozen=True)
class Said:
    """A comment as somebody reads it."""

    comment: LineComment
    is_own: bool
    address: str  # where it is edited
    deletion: str
    form: Form | None = None  # when it is being edited


@dataclass(frozen=True)
class Talk:
    """What was said about the lines that end at one."""

    place: Place
    line: int
    said: list[Said]
    form: Form | None = None  # for one comment more

    @property
    def may_write(self) -> bool:
        return self.place.may_begin or any(not each.is_own for each in self.said)

    @property
    def write(self) -> str:
        """The address of the form for one comment more."""
        return f"{self.place.comments}?line={self.line}"


@dataclass
class Line:
    """One line of the code."""

    number: int
    text: str
    talk: Talk
    is_meant: bool = False  # somebody speaks of it


def code_of(place: Place) -> list[Line]:
    """All lines of the run."""
    by_line: dict[int, list[LineComment]] = {}
    for comment in _comments_of(place):
        by_line.setdefault(comment.last_line, []).append(comment)
    lines = [
        Line(number, text, _talk(place, number, by_line.get(number, [])))
        for number, text in enumerate(lines_of(place.submission.code), start=1)
    ]
    for comments in by_line.values():
        for comment in comments:
            for line in lines[comment.first_line - 1 : comment.last_line]:
                line.is_meant = True
    return lines


def talk_at(place: Place, line: int, *, form: Form | None = None, edited: LineComment | None = None) -> Talk:
    """What was said at one line, with a form for more, or in the place of the comment that is edited."""
    found = list(_comments_of(place).filter(last_line=line))
    if edited is None:
        return _talk(place, line, found, form=form)
    return _talk(place, line, found, edited=edited.pk, editing=form)


def _comments_of(place: Place) -> Any:
    return LineComment.objects.filter(submission=place.submission).select_related("author")


def _talk(
    place: Place,
    line: int,
    comments: list[LineComment],
    *,
    form: Form | None = None,
    edited: int | None = None,
    editing: Form | None = None,
) -> Talk:
    said = [
        Said(
            comment,
            is_own=comment.author_id == place.reader.pk,
            address=place.address_of(comment),
            deletion=place.deletion_of(comment),
            form=editing if comment.pk == edited else None,
        )
        for comment in comments
    ]
    return Talk(place, line, said, form=form)
