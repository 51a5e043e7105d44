"""The steps of a run: its calls to models, with what they thought, did and saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from tutor import errors, runs
from tutor.conversations import restore, text_of
from tutor.models import ModelCall
from tutor.recognising import observations_in, parts_of

Json = dict[str, Any]


def steps_of(run_id: UUID) -> list[Json]:
    """A run's steps in order, as pages show and exports hold them. One query."""
    steps: list[Json] = []
    whole: dict[int, Sequence[Json]] = {}
    for call in ModelCall.objects.filter(run_id=run_id).order_by("number", "pk"):
        messages = restore(call.request, whole)
        whole[call.number] = messages
        attach_results(steps, call.request)
        steps.append(step_of(call, messages))
    return steps


def set_aside(run_id: UUID) -> None:
    """Take the calls made so far out of a run's trace: it begins anew. The ledger keeps them."""
    ModelCall.objects.filter(run_id=run_id).update(run_id=None)
    runs.forget(run_id)


def step_of(call: ModelCall, messages: Sequence[Json]) -> Json:
    """One step. `messages` are all that the call was about, as `conversations.clean` leaves them."""
    is_open = call.status == ModelCall.Status.RUNNING
    return {
        "id": call.pk,
        "number": call.number,
        "kind": call.kind,
        "status": call.status,
        "http_status": call.http_status,
        "error": _error(call),
        "model": call.model,
        "asked_model": call.asked_model,
        "provider": call.provider,
        "scripted": call.scripted,
        "own_key": call.own_key,
        "streamed": call.streamed,
        "started_at": call.started_at.isoformat(),
        "latency": call.latency,
        "first_token": call.first_token,
        "prompt_tokens": None if is_open else call.prompt_tokens,
        "completion_tokens": None if is_open else call.completion_tokens,
        "is_estimate": call.is_estimate,
        "cost": None if call.cost is None else f"{call.cost.normalize():f}",
        "currency": call.currency,
        "messages": list(messages),
        "tools": call.request.get("tools", []),
        "parameters": call.request.get("parameters", {}),
        "answer": call.answer,
        "parts": _parts(call, messages),
        "tool_results": [],
    }


def _error(call: ModelCall) -> Json | None:
    if not call.error_code:
        return None
    message = errors.shown(call.error_code, call.error_message, own_key=call.own_key)
    return {"code": call.error_code, "message": message}


def attach_results(steps: Sequence[Json], request: Mapping[str, Any]) -> list[Json]:
    """Give earlier steps what a later request reports of them; the steps that changed.

    Results of tools go to the step that called them, observations to the step whose conversation went on.
    """
    new = request.get("messages") or []
    changed = []
    for message in new:
        if message.get("role") == "tool" and (step := _caller_of(message.get("tool_call_id"), steps)):
            result = {
                "tool_call_id": message.get("tool_call_id", ""),
                "name": _tool_name(message, step),
                "content": text_of(message.get("content")),
            }
            if result not in step["tool_results"]:
                step["tool_results"].append(result)
                changed.append(step)
    base = next((step for step in reversed(steps) if step["number"] == request.get("base")), None)
    seen = [part for message in new if message.get("role") != "assistant" for part in _observed(message)]
    if base and base["answer"] and seen and not any(part in base["parts"] for part in seen):
        base["parts"] = [*base["parts"], *seen]
        changed.append(base)
    return changed


def _observed(message: Json) -> list[Json]:
    return list(observations_in(text_of(message.get("content"))))


def _caller_of(id_: Any, steps: Sequence[Json]) -> Json | None:
    for step in reversed(steps):
        calls = (step["answer"] or {}).get("tool_calls") or []
        if id_ and any(call["id"] == id_ for call in calls):
            return step
    return None


def _tool_name(message: Json, step: Json) -> str:
    calls = step["answer"]["tool_calls"]
    named = (call["name"] for call in calls if call["id"] == message.get("tool_call_id"))
    return str(message.get("name") or next(named, ""))


def _parts(call: ModelCall, messages: Sequence[Json]) -> list[Json]:
    if not call.answer or call.kind != ModelCall.Kind.CHAT:
        return []
    asked = [text_of(message.get("content")) for message in messages if message.get("role") == "user"]
    parts: list[Json] = list(parts_of(call.answer.get("content") or "", asked[-1] if asked else ""))
    for tool in call.answer.get("tool_calls") or []:
        parts.append({"kind": "action", "text": f"{tool['name']}({tool['arguments']})"})
    return parts
