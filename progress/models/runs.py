"""Programs that learners ran."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Max, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from lessons.deleting import Deletable, HidesDeleted
from lessons.listings import Program
from lessons.models import Exercise, LessonText
from progress.models.content import EditorContent
from progress.models.owners import Owner
from sandbox.execution import Outcome


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def visible_to(self, *, user: Any, guest_key: str = "") -> Self:
        """The caller's own submissions: by account, or for a guest by the key in the session."""
        if user.is_authenticated:
            return self.filter(learner=user)
        return self.filter(learner=None, guest_key=guest_key) if guest_key else self.none()

    def of(self, owner: Owner) -> Self:
        return self.filter(**owner.fields) if owner else self.none()

    def on_lessons(self) -> Self:
        """Those that count as a learner's work: the program ended, and it belonged to a lesson."""
        return self.filter(status=Submission.Status.FINISHED, lesson__isnull=False)

    def that_ran(self) -> Self:
        """Programs alone: the answer to a question is kept as a run, but nothing ran."""
        return self.exclude(exercise__kind=Exercise.Kind.PREDICT)

    def of_same_owner(self, submission: Submission) -> Self:
        """Those of the same account, or of the same guest's browser."""
        if submission.learner_id is not None:
            return self.filter(learner=submission.learner_id)
        return self.filter(learner=None, guest_key=submission.guest_key)

    def waiting(self) -> Self:
        """Those in the queue, the next one first."""
        return self.filter(status=Submission.Status.QUEUED).order_by("queued_at")

    def running(self) -> Self:
        return self.filter(status=Submission.Status.RUNNING)

    def latest_queued_at(self) -> datetime | None:
        latest: datetime | None = self.aggregate(latest=Max("queued_at"))["latest"]
        return latest

    def before(self, submission: Submission) -> Submission | None:
        """The run of the same lesson that came before."""
        return self.that_ran().filter(lesson=submission.lesson, created_at__lt=submission.created_at).first()

    def titled(self, language: str) -> Self:
        """With `lesson_title`, in the language where there is a translation."""
        texts = LessonText.objects.filter(lesson=OuterRef("lesson")).preferring(language)
        titled = self.annotate(lesson_title=Subquery(texts.values("title")[:1]))
        return titled.select_related("lesson__course", "lesson__parent")

    def for_list(self, language: str) -> Self:
        """With what a list shows, without the bulky columns it does not."""
        listed = self.titled(language).select_related("exercise").defer("exercise__text")
        return listed.defer("output", "prelude", "files", "stdin", "checks")

    def solving(self, exercise: Any) -> Self:
        """Those that passed all checks of an exercise."""
        return self.filter(exercise=exercise, passed=True)

    def unfinished(self) -> Self:
        return self.filter(status__in=[Submission.Status.QUEUED, Submission.Status.RUNNING])


class Submission(EditorContent, Deletable):
    """One run of a learner's program: what was sent, where it stands, what came out.

    The id is unguessable and is all a task carries. `outcome` is set exactly when the status is
    FINISHED; BROKEN means the platform failed and says nothing about the program.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        BROKEN = "broken", _("platform trouble")

    class OutcomeChoice(models.TextChoices):
        OK = Outcome.OK, _("finished")
        FAILED = Outcome.FAILED, _("error in the program")
        TIMEOUT = Outcome.TIMEOUT, _("time limit")
        MEMORY = Outcome.MEMORY, _("memory limit")
        OUTPUT_LIMIT = Outcome.OUTPUT_LIMIT, _("too much output")
        PROCESS_LIMIT = Outcome.PROCESS_LIMIT, _("too many processes")
        CANCELLED = Outcome.CANCELLED, _("stopped")
        REJECTED = Outcome.REJECTED, _("not run")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="submissions",
        null=True,
        blank=True,
        verbose_name=_("learner"),
    )
    guest_key = models.CharField(_("guest key"), max_length=40, blank=True)
    lesson = models.ForeignKey(
        "lessons.Lesson",
        on_delete=models.CASCADE,
        related_name="submissions",
        null=True,
        blank=True,
        verbose_name=_("lesson"),
    )
    # What the program was written for; null: it was merely run.
    exercise = models.ForeignKey(
        "lessons.Exercise",
        on_delete=models.SET_NULL,
        related_name="submissions",
        null=True,
        blank=True,
        verbose_name=_("exercise"),
    )
    name = models.CharField(_("file name"), max_length=100, default="main.py")  # what tracebacks call `code`
    # The rest of the program: `prelude` is [{"name", "code"}], `files` is {path: text}.
    prelude = models.JSONField(_("prelude"), default=list, blank=True)
    files = models.JSONField(_("files"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=20, default="python")
    # Null: not given in advance, asked for while the program runs.
    stdin = models.TextField(_("input"), null=True, blank=True)  # noqa: DJ001 - null has a meaning
    timeout = models.PositiveSmallIntegerField(pgettext_lazy("setting", "time limit"), default=30)  # seconds

    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    # How often a worker took it: the number fences out one that was given up for dead and comes back.
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    faults = models.PositiveSmallIntegerField(_("faults of the platform"), default=0)
    host = models.CharField(_("host"), max_length=100, blank=True)  # of the latest attempt
    # Which of the few places for unfinished runs of one learner it takes; null: none, as it never waited.
    slot = models.PositiveSmallIntegerField(_("slot"), null=True, blank=True)
    cancel_requested = models.BooleanField(_("stop asked for"), default=False)

    outcome = models.CharField(_("outcome"), max_length=20, choices=OutcomeChoice.choices, blank=True)
    exit_code = models.SmallIntegerField(_("exit code"), null=True, blank=True)
    output = models.JSONField(_("output"), default=list, blank=True)  # [[stream, text], …] in order
    # Of a program that failed the last line, without what differs from learner to learner; see error_lines.
    error = models.CharField(_("error"), max_length=200, blank=True)
    truncated = models.BooleanField(_("output cut"), default=False)
    wall_time = models.FloatField(_("wall time"), null=True, blank=True)  # seconds
    cpu_time = models.FloatField(_("CPU time"), null=True, blank=True)  # seconds
    peak_memory = models.BigIntegerField(_("peak memory"), null=True, blank=True)  # bytes
    calls = models.PositiveIntegerField(_("model calls"), default=0)
    # Whether the program is to be judged by its exercise's checks; else it merely runs as they would have it.
    is_checked = models.BooleanField(_("checked"), default=False)
    # The verdict: [{"number", "name", "hidden", "passed", …}], see
    # `progress.checking.verdict.Checked`; `passed` is null until there is one.
    checks = models.JSONField(_("checks"), default=list, blank=True)
    passed = models.BooleanField(_("passed"), null=True, blank=True)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    queued_at = models.DateTimeField(_("queued"), default=timezone.now)  # sent to the workers, the last time
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(pgettext_lazy("moment", "finished"), null=True, blank=True)

    objects = HidesDeleted.from_queryset(SubmissionQuerySet)()
    all_rows = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="submission_outcome_iff_finished",
                condition=Q(status="finished", outcome__gt="") | (~Q(status="finished") & Q(outcome="")),
            ),
            models.UniqueConstraint(
                name="one_unfinished_run_per_slot_of_learner",
                fields=["learner", "slot"],
                condition=Q(status__in=["queued", "running"]),
            ),
            models.UniqueConstraint(
                name="one_unfinished_run_per_slot_of_guest",
                fields=["guest_key", "slot"],
                condition=Q(status__in=["queued", "running"], learner=None),
            ),
        ]
        indexes = [
            models.Index(fields=["learner", "lesson", "-created_at"], name="submission_of_learner"),
            models.Index(fields=["learner", "-created_at"], name="submission_newest_of_learner"),
            models.Index(
                fields=["guest_key", "-created_at"],
                name="submission_newest_of_guest",
                condition=Q(learner=None),
            ),
            # Holds all that is counted of a class, so that the bulky rows are not read.
            models.Index(
                fields=["learner", "created_at", "lesson", "exercise", "outcome", "passed", "error"],
                name="submission_tries",
                condition=Q(status="finished", deleted_at=None),
            ),
            models.Index(fields=["created_at"], name="submission_by_time", condition=Q(deleted_at=None)),
            models.Index(
                fields=["queued_at"],
                name="submission_unfinished",
                condition=Q(status__in=["queued", "running"]),
            ),
        ]
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")

    def __str__(self) -> str:
        return str(self.id)

    def take(self, program: Program) -> None:
        """Run this program: its code under its name, what comes before it, its files."""
        self.code = program.code
        self.name = program.name
        self.prelude = [{"name": name, "code": text} for name, text in program.prelude]
        self.files = dict(program.files)

    @property
    def is_answer(self) -> bool:
        """Whether it is what somebody answered to a question about its program, which was not run."""
        return self.exercise is not None and self.exercise.kind == Exercise.Kind.PREDICT

    @property
    def is_over(self) -> bool:
        return self.status in (self.Status.FINISHED, self.Status.BROKEN)
