"""What a submission's program asks of language models: answered by the tutor's gateway, shown on its page."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from progress import events
from progress.models import Submission
from sandbox import tracing
from sandbox.calls import Call
from tutor import gateway, runs
from tutor.models import ModelCall
from tutor.scripted import PREFIX, STAND_IN
from tutor.trace import set_aside, steps_of

# Whoever follows the run hears of each step with its messages; of a long one without: it can be asked for.
_EVENT_MOST_BYTES = 64 * 1024


class ModelLine:
    """The model at the other end of one attempt's line. `calls`: how many there were so far."""

    def __init__(self, submission: Submission) -> None:
        self.calls = 0
        self._run_id = submission.pk
        self._caller = gateway.Caller(
            user_id=submission.learner_id,
            visitor=submission.guest_key,
            purpose="run",
            run_id=submission.pk,
            lesson_id=submission.lesson_id,
            course_id=submission.lesson.course_id if submission.lesson else None,
            exercise_id=submission.exercise_id,
            language=submission.language_version or "en",
        )
        self._answer = tracing.in_this_context(gateway.answer)
        if submission.attempts > 1:  # what a vain attempt asked is no part of this one's trace
            set_aside(submission.pk)

    def answer(self, call: Call) -> None:
        """In a thread of its own, one for each call."""
        self.calls = max(self.calls, call.request.number)
        self._answer(call, caller=self._caller, on_step=self._tell)

    def close(self) -> None:
        """The attempt has ended: nobody calls again."""
        if self.calls:
            runs.forget(self._run_id)

    def _tell(self, step: dict[str, Any]) -> None:
        if len(json.dumps(step)) > _EVENT_MOST_BYTES:
            step = {**step, "messages": None}
        events.publish(self._run_id, "call", **step)


class ScriptedLine:
    """The model at the other end of a run that nobody sees: a script, never one that costs."""

    def __init__(
        self,
        *,
        course_id: int | None,
        lesson_id: int | None,
        exercise_id: int | None = None,
        language: str = "en",
        stand_in: bool = False,
    ) -> None:
        """`stand_in`: where no script has an answer something is answered all the same."""
        self.trouble = ""  # why the latest call that failed did
        self.stood_in = False  # whether it came to that
        self._run_id = uuid4()
        self._is_used = False
        self._caller = gateway.Caller(
            user_id=None,
            run_id=self._run_id,
            lesson_id=lesson_id,
            course_id=course_id,
            exercise_id=exercise_id,
            language=language,
            only_scripts=True,
            stand_in=stand_in,
        )

    @classmethod
    def like(cls, submission: Submission) -> ScriptedLine:
        """One that answers a submission's program as its lesson's script does."""
        return cls(
            course_id=submission.lesson.course_id if submission.lesson else None,
            lesson_id=submission.lesson_id,
            exercise_id=submission.exercise_id,
            language=submission.language_version or "en",
        )

    def answer(self, call: Call) -> None:
        """In a thread of its own, one for each call."""
        self._is_used = True
        gateway.answer(call, caller=self._caller, on_step=self._note)

    def steps(self) -> list[dict[str, Any]]:
        """The run's calls, as its trace would tell them."""
        return steps_of(self._run_id) if self._is_used else []

    def close(self) -> None:
        """The run has ended: neither a learner's ledger nor a page shows its calls."""
        if self._is_used:
            runs.forget(self._run_id)
            ModelCall.objects.filter(run_id=self._run_id).delete()

    def _note(self, step: dict[str, Any]) -> None:
        if step["status"] == "failed":
            self.trouble = step["error"]["code"]
        self.stood_in |= step["model"] == PREFIX + STAND_IN.name
