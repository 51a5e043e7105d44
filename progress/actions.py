"""Everything that writes for learners: running code, stopping it, keeping drafts."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from lessons.exercises import in_language
from lessons.models import Exercise, Lesson
from progress import events, lifecycle, notifications
from progress.checking.verdict import judge_answer
from progress.completion import note_checked
from progress.memory import note_hint
from progress.models import Draft, DraftVersion, EditorContent, HintTaken, Owner, Submission, statements
from progress.programs import program_of_exercise, program_of_listing
from progress.tasks import enqueue
from sandbox import hosts, policy
from sandbox.execution import Outcome, Stream
from sandbox.languages import LANGUAGES

_VERSION_EVERY = timedelta(minutes=5)
_VERSIONS_KEPT = 50


class CodeTooLarge(ValueError):
    """The code is over `settings.RUN_CODE_MAX_BYTES`; nothing was stored."""


class QueueFull(Exception):
    """`settings.RUN_QUEUE_MAX` runs wait already; nothing was stored."""


class TooManyRuns(Exception):
    """`settings.RUN_QUEUE_PER_LEARNER` runs of this learner wait or run; nothing was stored."""


class DraftConflict(Exception):
    """The draft was saved elsewhere since; `draft` is the stored one, untouched."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.pk)
        self.draft = draft


# --- Running --------------------------------------------------------------------------------------


def submit_code(
    *,
    learner: Any | None,
    guest_key: str,
    lesson: Lesson | None,
    code: str | None,
    listing: int | None = None,
    exercise: Exercise | None = None,
    check: bool = True,
    language_version: str = "en",
    language: str = "python",
    stdin: str | None = None,
    timeout: int | None = None,
) -> Submission:
    """Store a program and hand it to the workers; a guest is told apart by `guest_key`.

    Without `code` the listing's own text runs; the empty text is a program too. With an `exercise`, one of
    the kind CODE, its lesson, listing, files and time limit hold, and unless `check` is off it is judged.
    Raises CodeTooLarge, NoSuchListing, QueueFull and TooManyRuns. When the course's policy blocks the code,
    the submission comes back finished as REJECTED, the findings as its output.
    """
    if exercise is not None:
        lesson, language, timeout = exercise.lesson, "python", exercise.definition.timeout
    submission = Submission(
        learner=learner,
        guest_key="" if learner else guest_key,
        lesson=lesson,
        exercise=exercise,
        is_checked=exercise is not None and check,
        code=code or "",
        listing=None if exercise else listing,
        language_version=language_version if lesson else "",
        language=language,
        name=LANGUAGES[language].file,
        stdin=stdin,
        timeout=timeout or settings.RUN_TIMEOUT_DEFAULT,
    )
    program = None
    if exercise is not None:
        program = program_of_exercise(exercise=exercise, language=language_version, code=code or "")
    elif lesson is not None and listing is not None:
        program = program_of_listing(lesson=lesson, language=language_version, index=listing, code=code)
    if program is not None:
        submission.take(program)
    if len(submission.code.encode()) > settings.RUN_CODE_MAX_BYTES:
        raise CodeTooLarge(len(submission.code.encode()))
    rejection = _policy_findings(submission)
    if rejection:
        submission.status = Submission.Status.FINISHED
        submission.outcome = Outcome.REJECTED
        submission.output = [[Stream.STDERR, rejection]]
        submission.finished_at = timezone.now()
        submission.save(force_insert=True)
        return submission
    _take_place(submission)
    transaction.on_commit(lambda: enqueue(submission))
    return submission


def _take_place(submission: Submission) -> None:
    """Store it in a free slot of its owner. A constraint keeps two requests at once from taking the same."""
    if _queue_is_full():
        raise QueueFull
    submission.slot = 0  # most have no other run
    conflict: IntegrityError | None = None
    for _ in range(2 * settings.RUN_QUEUE_PER_LEARNER):
        try:
            # Alone it is one statement, which needs no transaction around it.
            with transaction.atomic() if connection.in_atomic_block else nullcontext():
                statements.insert(submission)
            return
        except IntegrityError as error:
            conflict = error
        own = Submission.objects.unfinished().of_same_owner(submission)
        taken = set(own.values_list("slot", flat=True))
        free = set(range(settings.RUN_QUEUE_PER_LEARNER)) - taken
        if not free and not _close_hopeless(submission):
            raise TooManyRuns
        submission.slot = min(free, default=0)
    raise conflict or TooManyRuns


def _queue_is_full() -> bool:
    """By the messages that no worker has taken, which are counted in a tenth of the time that rows take."""
    most: int = settings.RUN_QUEUE_MAX
    try:
        return hosts.waiting() >= most
    except redis.RedisError:
        return False  # there is no way to send one more, as will be seen


def _close_hopeless(submission: Submission) -> bool:
    """Free a place that its owner's run holds though nobody took it; True when there was one."""
    return any(lifecycle.close_as_broken(each) for each in lifecycle.hopeless().of_same_owner(submission))


def _policy_findings(submission: Submission) -> str:
    if submission.lesson is None or submission.language != "python":
        return ""
    mode = policy.PolicyMode(submission.lesson.course.code_policy)
    findings = policy.refusal(policy.check(submission.code, mode=mode))
    return "".join(f"{submission.name}:{found.line}:{found.column}: {found.message}\n" for found in findings)


@transaction.atomic
def answer_question(
    *, learner: Any | None, guest_key: str, exercise: Exercise, answer: str, language_version: str
) -> Submission:
    """Keep and judge the answer to an exercise of the kind PREDICT; nothing is run."""
    told = exercise.definition
    verdict = judge_answer(told, answer, language=language_version)
    submission = Submission.objects.create(
        learner=learner,
        guest_key="" if learner else guest_key,
        lesson=exercise.lesson,
        exercise=exercise,
        is_checked=True,
        code=in_language(told.code, language_version, ""),
        language_version=language_version,
        status=Submission.Status.FINISHED,
        outcome=Outcome.OK,
        finished_at=timezone.now(),
        checks=verdict.rows,
        passed=verdict.passed,
    )
    note_checked(submission)
    return submission


@transaction.atomic
def take_hint(*, owner: Owner, exercise: Exercise, number: int | None = None) -> HintTaken | None:
    """The next hint of the exercise, or a certain one, from now on a taken one; None when there is none."""
    if number is None:
        taken_before = HintTaken.objects.of(owner).filter(exercise=exercise)
        number = (taken_before.aggregate(latest=Max("number"))["latest"] or 0) + 1
    if number > len(exercise.definition.hints):
        return None
    taken, is_new = HintTaken.objects.get_or_create(**owner.fields, exercise=exercise, number=number)
    if is_new:
        note_hint(owner=owner, exercise=exercise)
    return taken


def cancel_submission(*, submission: Submission) -> None:
    """Stop a run: at once when it waits or nobody holds it, else through its worker; not when it is over."""
    Submission.objects.unfinished().filter(pk=submission.pk).update(cancel_requested=True)
    waiting = Submission.objects.filter(pk=submission.pk, status=Submission.Status.QUEUED)
    if waiting.update(
        status=Submission.Status.FINISHED, outcome=Outcome.CANCELLED, finished_at=timezone.now()
    ):
        events.publish(submission.pk, "finished")
    else:
        events.order(submission.pk, "cancel")
        _close_abandoned(submission)


def _close_abandoned(submission: Submission) -> None:
    """End a run whose host does not live; should that be a mistake, the host has the order and stops too."""
    holder = Submission.objects.running().filter(pk=submission.pk).values_list("host", flat=True).first()
    if holder is not None and not hosts.lives(holder):
        lifecycle.close_as_stopped(submission.pk, host=holder)


def delete_submission(*, submission: Submission) -> None:
    """Hide a run from everybody, for good; one that is not over is stopped first."""
    if not submission.is_over:
        cancel_submission(submission=submission)
    notifications.forget_about(submission)
    Submission.objects.filter(pk=submission.pk).update(deleted_at=timezone.now())


# --- Drafts ---------------------------------------------------------------------------------------


@transaction.atomic
def save_draft(
    *,
    learner: Any,
    lesson: Lesson,
    revision: int,
    code: str,
    exercise: Exercise | None = None,
    listing: int | None = None,
    language_version: str = "",
) -> Draft:
    """Store the editor's content grown from `revision`; keeps an earlier version every few minutes.

    Raises CodeTooLarge, and DraftConflict when another device saved something else since.
    """
    if len(code.encode()) > settings.RUN_CODE_MAX_BYTES:
        raise CodeTooLarge(len(code.encode()))
    content = {"code": code, "listing": listing, "language_version": language_version}
    draft, created = Draft.objects.select_for_update().get_or_create(
        learner=learner, lesson=lesson, exercise=exercise, defaults=content
    )
    if created or draft.content == content:
        return draft
    if draft.revision != revision:
        raise DraftConflict(draft)
    return _replace_content(draft, content)


@transaction.atomic
def restore_code(
    *, learner: Any, lesson: Lesson, earlier: EditorContent, exercise: Exercise | None = None
) -> Draft:
    """Put earlier code back into the editor, as part of its listing; what is there now becomes a version."""
    draft, _ = Draft.objects.select_for_update().get_or_create(
        learner=learner, lesson=lesson, exercise=exercise
    )
    if draft.code and draft.content != earlier.content:
        DraftVersion.objects.create(draft=draft, **draft.content)
    return _replace_content(draft, earlier.content)


def begin_review(*, learner: Any, exercise: Exercise, language: str) -> None:
    """Do an exercise anew: its editor holds the starter again, what it held is an earlier draft."""
    told = exercise.definition
    if exercise.kind != Exercise.Kind.CODE:
        return
    code = in_language(told.starter, language, "")
    if not told.starter and told.listing is not None:
        code = program_of_listing(
            lesson=exercise.lesson, language=language, index=told.listing - 1, code=None
        ).code
    starter = DraftVersion(code=code, language_version=language)
    restore_code(learner=learner, lesson=exercise.lesson, exercise=exercise, earlier=starter)


def _replace_content(draft: Draft, content: dict[str, Any]) -> Draft:
    latest = draft.versions.first()
    if draft.code and (latest is None or latest.saved_at < timezone.now() - _VERSION_EVERY):
        DraftVersion.objects.create(draft=draft, **draft.content)
        kept = draft.versions.values("pk")[:_VERSIONS_KEPT]
        draft.versions.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
    for field, value in content.items():
        setattr(draft, field, value)
    draft.revision += 1
    draft.save(update_fields=[*content, "revision", "updated_at"])
    return draft
