"""An answer from its question to its end: written in a thread of this process, whoever looks on.

The tutor asks as programs do, through the gateway: the same budgets, ledger, fallbacks and words for what
goes wrong. What comes is filtered (`guardrail`, `citing`), told to pages (`live`) and kept in the row, every
second and at the end. Why in this process: docs/decisions/0014-the-tutor-answers-in-the-web-process.md.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from lessons.search.tokens import index_text
from sandbox.calls import Call, CallRequest
from tutor import gateway, live, prompting, sections
from tutor.choosing import Caller
from tutor.citing import Citations
from tutor.guardrail import Guard
from tutor.models import Conversation, Message
from tutor.sections import Section

log = structlog.get_logger(__name__)

Json = dict[str, Any]

ANSWER_LIMIT = 40_000  # characters; no answer that helps is longer
_SAVE_SECONDS = 1.0  # between two writes of what has come so far
_OFFERED = 5  # sections
_OK = 200
_THREAD = "tutor-answer"

_places = threading.BoundedSemaphore(settings.TUTOR_ANSWERS_AT_ONCE)


def begin(answer_id: int, *, language: str) -> None:
    """Have the answer written, in the background. Call it when the row is there for everybody."""
    live.prepare(answer_id)
    threading.Thread(target=_write, args=(answer_id, language), name=_THREAD, daemon=True).start()


def is_at_work() -> bool:
    """Whether an answer is being written in this process."""
    return any(thread.name == _THREAD for thread in threading.enumerate())


def caller_of(conversation: Conversation, language: str) -> Caller:
    """Whose budget answers in this conversation are on, and who may give them."""
    return Caller(
        user_id=conversation.user_id,
        visitor=conversation.guest_key,
        purpose="chat",
        lesson_id=conversation.lesson_id,
        course_id=conversation.lesson.course_id if conversation.lesson else None,
        language=language,
    )


def close_if_lost(answer: Message) -> None:
    """Mark an answer as cut off whose process has ended. Nothing waits for it for ever."""
    age = (timezone.now() - answer.created_at).total_seconds()
    if answer.is_over or age < live.LOST_SECONDS:
        return
    alive = live.is_alive(answer.pk)
    if alive or (alive is None and age < 3 * settings.MODEL_CALL_SECONDS):
        return
    unfinished = Message.objects.unfinished().filter(pk=answer.pk)
    if unfinished.update(status=Message.Status.CUT, error_code="process_lost"):
        live.publish(answer.pk, "done", status=Message.Status.CUT)
    answer.refresh_from_db(fields=["status", "error_code", "error_message", "content", "citations", "model"])


def _write(answer_id: int, language: str) -> None:
    """The thread. Whatever happens the answer has an end."""
    has_place = _places.acquire(blocking=False)
    try:
        with translation.override(language):
            answer = Message.objects.select_related("conversation__lesson").get(pk=answer_id)
            writing = _Writing(answer, language)
            if has_place:
                writing.write()
            else:
                writing.fail("too_busy", _("The tutor talks with very many people just now. Try again soon."))
    except Message.DoesNotExist:
        pass  # the conversation was erased meanwhile
    except DatabaseError as error:
        log.error("answer_not_kept", answer=answer_id, error=str(error))
    finally:
        if has_place:
            _places.release()
        gateway.release_connection()


class _Writing:
    """One answer while it is written. It is also the `Line` that the gateway answers on."""

    def __init__(self, answer: Message, language: str) -> None:
        self.answer = answer
        self.language = language
        self.conversation = answer.conversation
        self.content = ""  # as shown
        self.error: Json = {}
        self.step: Mapping[str, Any] = {}
        self.has_stopped = False
        self.is_too_long = False
        self.is_withheld = False  # by the provider
        self._guard = Guard(())
        self._offered: Sequence[Section] = ()  # where there is no model
        self._citations = Citations({})
        self._status = _OK
        self._waiting = b""
        self._saved_at = time.monotonic()
        self._call: Call

    def write(self) -> None:
        try:
            prompt = self._prompt()
        except Exception:
            log.exception("prompt_failed", answer=self.answer.pk)
            self.fail("internal_error", _("Something is wrong on our side. It has been noted."))
            return
        self._offered = prompt.sections[:_OFFERED]
        found = {section.id: section for section in prompt.sections}
        solutions, starters = sections.solutions_of(self.conversation.lesson)
        self._guard, self._citations = Guard(solutions, starters=starters), Citations(found)
        body = {"model": "", "messages": list(prompt.messages), "stream": True}
        request = CallRequest(
            number=1,
            method="POST",
            path="/v1/chat/completions",
            headers={},
            body=json.dumps(body, ensure_ascii=False).encode(),
        )
        self._call = Call(request, self)
        obeying = live.obey(self.answer.pk, self.stop)
        try:
            gateway.answer(
                self._call, caller=caller_of(self.conversation, self.language), on_step=self._note_step
            )
        except Exception:
            log.exception("answer_failed", answer=self.answer.pk)
            self.error = {
                "code": "internal_error",
                "message": _("Something is wrong on our side. It has been noted."),
            }
        finally:
            obeying.cancel()
        self._close()

    def stop(self) -> None:
        """From any thread: the learner wants no more."""
        self.has_stopped = True
        self._call.abandon()

    def fail(self, code: str, message: str) -> None:
        self.error = {"code": code, "message": message}
        self._close()

    # --- What is asked ---------------------------------------------------------------------------------

    def _prompt(self) -> prompting.Prompt:
        *earlier, question = self._turns()
        attached = question.attached
        images = [(image.content_type, bytes(image.data)) for image in question.images.all()]
        history = attached.get("history") or [
            {"role": message.role, "content": message.content}
            for message in earlier
            if message.content and message.status != Message.Status.FAILED
        ]
        prompt = prompting.build(
            language=self.language,
            question=question.content,
            code=attached.get("code", ""),
            run=attached.get("run"),
            history=history,
            sections=sections.find(question.content, lesson=self.conversation.lesson, language=self.language),
            images=images,
        )
        Message.objects.filter(pk=self.answer.pk).update(context=prompt.as_json())
        gateway.lend_connection()
        return prompt

    def _turns(self) -> Sequence[Message]:
        before = self.conversation.messages.standing().filter(pk__lt=self.answer.pk)
        latest = before.for_thread().reverse()[: 2 * prompting.TURNS + 1]
        return list(latest)[::-1]

    # --- What comes: `sandbox.calls.Line` ---------------------------------------------------------------

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None:
        self._status = status

    def continue_answer(self, number: int, data: bytes) -> None:
        self._call.note_taken(len(data))  # or a long answer would wait for us for ever
        self._waiting += data
        if self._status != _OK:
            return
        *events, self._waiting = self._waiting.split(b"\n\n")
        for event in events:
            said = event.removeprefix(b"data: ")
            if said != b"[DONE]":
                self._take(json.loads(said))

    def end_answer(self, number: int) -> None:
        if self._status != _OK:
            self.error = json.loads(self._waiting)["error"]

    def cut_off(self, number: int) -> None:
        """Nothing to do: `_close` sees what is missing."""

    def _take(self, chunk: Json) -> None:
        if chunk.get("error"):
            self.error = chunk["error"]
        for choice in chunk.get("choices") or ():
            self.is_withheld |= choice.get("finish_reason") == "content_filter"
            text = (choice.get("delta") or {}).get("content")
            if isinstance(text, str) and text:
                self._show(self._guard.feed(text.replace("\0", "")))

    def _show(self, guarded: str, *, is_end: bool = False) -> None:
        """Pass on what may be seen; its citations first, so that a page knows what they mean."""
        known = len(self._citations.cited)
        shown = self._citations.feed(guarded) + (self._citations.end() if is_end else "")
        for section in self._citations.cited[known:]:
            live.publish(self.answer.pk, "citation", **section.as_json())
        shown = shown[: ANSWER_LIMIT - len(self.content)]
        if shown:
            self.content += shown
            live.publish(self.answer.pk, "token", text=shown)
        if len(self.content) >= ANSWER_LIMIT and not self.is_too_long:
            self.is_too_long = True
            self._call.abandon()
        elif time.monotonic() - self._saved_at > _SAVE_SECONDS:
            self._save_so_far()

    def _note_step(self, step: Json) -> None:
        self.step = step

    # --- What is kept ----------------------------------------------------------------------------------

    def _save_so_far(self) -> None:
        self._saved_at = time.monotonic()
        try:
            Message.objects.unfinished().filter(pk=self.answer.pk).update(content=self.content)
        except DatabaseError as error:
            log.warning("answer_not_kept", answer=self.answer.pk, error=str(error))
        finally:
            gateway.lend_connection()

    def _close(self) -> None:
        """The end, once: the row first, then whoever looks on."""
        if self.content or self.step:
            self._show(self._guard.end(), is_end=True)
        status = self._status_in_the_end()
        cited = [section.as_json() for section in self._citations.cited]
        if self.error.get("code") == "model_not_configured":
            self.error = {**self.error, "message": _nobody_to_answer()}
            cited = [section.as_json() for section in self._offered]
            hints = sections.hints_of(self.conversation.lesson, self.language)
            self.content = "\n\n".join(f"**{_hint_for(title)}**\n\n{hint}" for title, hint in hints)
        step = self.step
        with transaction.atomic():
            changed = (
                Message.objects.unfinished()
                .filter(pk=self.answer.pk)
                .update(
                    status=status,
                    content=self.content,
                    words=index_text(self.content),
                    citations=cited,
                    model=step.get("model") or "",
                    provider=step.get("provider") or "",
                    prompt_tokens=step.get("prompt_tokens") or 0,
                    completion_tokens=step.get("completion_tokens") or 0,
                    call=step.get("id"),
                    error_code=str(self.error.get("code") or "")[:60],
                    error_message=str(self.error.get("message") or "")[:1000],
                )
            )
            if changed:
                Conversation.all_rows.filter(pk=self.conversation.pk).update(updated_at=timezone.now())
        if step.get("prompt_tokens") or step.get("completion_tokens"):
            live.publish(self.answer.pk, "usage", **_usage(step))
        if self.error:
            live.publish(
                self.answer.pk, "error", code=self.error.get("code"), message=self.error.get("message")
            )
        live.publish(self.answer.pk, "done", status=status)

    def _status_in_the_end(self) -> Message.Status:
        if self.has_stopped:
            return Message.Status.STOPPED
        if self.is_too_long:
            self.error = {"code": "too_long", "message": _("The answer had no end, so it was cut off here.")}
            return Message.Status.CUT
        if self.is_withheld and not self.error:
            message = _("The model's provider withheld this answer. Ask in other words.")
            self.error = {"code": "provider_withheld", "message": message}
        if not self.content.strip() and not self.error:
            message = _("The model gave an empty answer. Your question is kept; try again.")
            self.error = {"code": "provider_empty", "message": message}
        return Message.Status.FAILED if self.error else Message.Status.COMPLETE


def _hint_for(title: str) -> str:
    return _("The author’s first hint for “%(title)s”") % {"title": title}


def _nobody_to_answer() -> str:
    return _("No language model is set up here, so nobody answers. These parts of the lessons fit best.")


def _usage(step: Mapping[str, Any]) -> Json:
    prompt, completion = step["prompt_tokens"] or 0, step["completion_tokens"] or 0
    return {
        "model": step["model"],
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost": step["cost"],
        "currency": step["currency"],
    }
