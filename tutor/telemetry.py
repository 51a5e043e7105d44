"""A run's trace in the words of OpenTelemetry's conventions for generative AI, as JSON to keep or load.

Names: https://opentelemetry.io/docs/specs/semconv/gen-ai/ . What these have no name for is under
`helloagents.`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tutor.trace import steps_of

Json = dict[str, Any]

_OPERATIONS = {"chat": "chat", "embeddings": "embeddings", "models": "list_models"}
_SYSTEMS = ("openai", "anthropic", "deepseek")  # names that the conventions know


def export(run_id: UUID) -> Json:
    """The trace of a run: a span per call to a model and per tool call whose result is known."""
    spans: list[Json] = []
    for step in steps_of(run_id):
        spans.append(_call_span(run_id, step))
        spans += _tool_spans(run_id, step)
    scope = {"name": "helloagents.tutor", "schemaUrl": "https://opentelemetry.io/schemas/1.37.0"}
    resource = {"attributes": {"service.name": "helloagents", "helloagents.run.id": str(run_id)}}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def _call_span(run_id: UUID, step: Json) -> Json:
    operation = _OPERATIONS[step["kind"]]
    answer = step["answer"] or {}
    finish = answer.get("finish_reason")
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _provider(step),
        "gen_ai.request.model": step["asked_model"] or None,
        "gen_ai.response.model": step["model"] or None,
        "gen_ai.response.finish_reasons": [finish] if finish else None,
        "gen_ai.usage.input_tokens": step["prompt_tokens"],
        "gen_ai.usage.output_tokens": step["completion_tokens"],
        "gen_ai.input.messages": [_message(message) for message in step["messages"]] or None,
        "gen_ai.output.messages": [_output(answer)] if answer else None,
        "gen_ai.tool.definitions": [{"type": "function", "name": name} for name in step["tools"]] or None,
        "error.type": (step["error"] or {}).get("code"),
        "http.response.status_code": step["http_status"],
        "helloagents.scripted": step["scripted"],
        "helloagents.cost": step["cost"],
        "helloagents.currency": step["currency"] or None,
        "helloagents.time_to_first_token": step["first_token"],
        "helloagents.parts": step["parts"] or None,
    }
    for name in ("temperature", "top_p", "max_tokens", "seed"):
        attributes[f"gen_ai.request.{name}"] = step["parameters"].get(name)
    began = datetime.fromisoformat(step["started_at"])
    return {
        "traceId": _id(run_id, "", 16),
        "spanId": _id(run_id, str(step["number"]), 8),
        "name": f"{operation} {step['model'] or step['asked_model']}".strip(),
        "kind": "CLIENT",
        "startTime": began.isoformat(),
        "endTime": (began + timedelta(seconds=step["latency"] or 0)).isoformat(),
        "status": {
            "code": "ERROR" if step["error"] else "OK",
            "message": (step["error"] or {}).get("message", ""),
        },
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    }


def _tool_spans(run_id: UUID, step: Json) -> list[Json]:
    """What the program did between two calls; when exactly it did not say."""
    calls = (step["answer"] or {}).get("tool_calls") or []
    arguments = {call["id"]: call["arguments"] for call in calls}
    return [
        {
            "traceId": _id(run_id, "", 16),
            "spanId": _id(run_id, f"{step['number']}:{result['tool_call_id']}", 8),
            "parentSpanId": _id(run_id, str(step["number"]), 8),
            "name": f"execute_tool {result['name']}",
            "kind": "INTERNAL",
            "attributes": {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": result["name"],
                "gen_ai.tool.call.id": result["tool_call_id"],
                "gen_ai.tool.call.arguments": arguments.get(result["tool_call_id"], ""),
                "gen_ai.tool.call.result": result["content"],
            },
        }
        for result in step["tool_results"]
    ]


def _provider(step: Json) -> str | None:
    if step["scripted"]:
        return "helloagents.scripted"
    name = str(step["provider"])
    return name if name in _SYSTEMS else f"helloagents.{name}" if name else None


def _message(message: Json) -> Json:
    return {"role": message["role"], "parts": _parts_of(message)}


def _output(answer: Json) -> Json:
    return {
        "role": "assistant",
        "parts": _parts_of(answer),
        "finish_reason": answer.get("finish_reason") or "",
    }


def _parts_of(message: Json) -> list[Json]:
    content = message.get("content")
    if message.get("role") == "tool":
        return [{"type": "tool_call_response", "id": message.get("tool_call_id", ""), "response": content}]
    parts: list[Json] = _content_parts(content)
    for call in message.get("tool_calls") or []:
        parts.append(
            {
                "type": "tool_call",
                "id": call["id"],
                "name": call["name"],
                "arguments": _read(call["arguments"]),
            }
        )
    return parts


def _content_parts(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "content": content}] if content else []
    texts: Sequence[Json] = content or []
    return [
        {"type": "text", "content": part["text"]} if part.get("type") == "text" else dict(part)
        for part in texts
    ]


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _id(run_id: UUID, what: str, size: int) -> str:
    """Stable, so that two exports of a run are the same."""
    return hashlib.sha256(f"{run_id}:{what}".encode()).hexdigest()[: size * 2]
