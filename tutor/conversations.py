"""Messages as the trace keeps them: cleaned, bounded, and only what earlier steps of the run have not got.

An agent sends its whole conversation with each call, or one prompt that grows at its end. Kept whole that
would grow with the square of the steps, so a step points to an earlier one: it shares its first messages, and
perhaps the beginning of the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

_TEXT_LIMIT = 20_000  # characters of a message
_MESSAGES_LIMIT = 400_000  # characters of all messages of a call
_KEPT_FIELDS = ("tool_call_id", "name")
_SHORT_LIMIT = 300  # characters of the one message that is kept where there is no room for all
_SHORTENED = " […]"


def clean(messages: Iterable[Json]) -> list[Json]:
    """Messages as they may be stored: known fields, bounded texts, pictures as a note of their size."""
    cleaned = []
    left = _MESSAGES_LIMIT
    for message in messages:
        kept: Json = {"role": str(message.get("role", ""))[:20]}
        kept["content"] = clean_content(message.get("content"), limit=min(_TEXT_LIMIT, left))
        if calls := message.get("tool_calls"):
            kept["tool_calls"] = clean_tool_calls(calls)
        kept |= {field: str(message[field])[:200] for field in _KEPT_FIELDS if message.get(field)}
        left = max(200, left - len(json.dumps(kept)))
        cleaned.append(kept)
    return cleaned


def in_short(messages: Sequence[Json]) -> list[Json]:
    """Of clean messages the beginning of the last."""
    return [
        {"role": message["role"], "content": shortened(text_of(message["content"]), _SHORT_LIMIT)}
        for message in messages[-1:]
    ]


def clean_content(content: Any, *, limit: int = _TEXT_LIMIT) -> Any:
    if isinstance(content, list):
        return [_clean_part(part, limit) for part in content[:50]]
    return shortened(content or "", limit)


def clean_tool_calls(calls: Iterable[Json]) -> list[Json]:
    """Calls as {"id", "name", "arguments"}, the arguments as text."""
    cleaned = []
    for call in calls:
        function = call.get("function") or {}
        arguments = shortened(function.get("arguments") or "", 5000)
        id_ = str(call.get("id") or "")[:200]
        cleaned.append({"id": id_, "name": str(function.get("name") or "")[:100], "arguments": arguments})
    return cleaned


def shortened(text: Any, limit: int = _TEXT_LIMIT) -> str:
    clean_text = str(text).replace("\0", "")
    return clean_text if len(clean_text) <= limit else clean_text[:limit] + _SHORTENED


def text_of(content: Any) -> str:
    """The words of a message's content."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def _clean_part(part: Any, limit: int) -> Json:
    kind = part.get("type") if isinstance(part, dict) else ""
    if kind == "text":
        return {"type": "text", "text": shortened(part.get("text", ""), limit)}
    url = (part.get("image_url") or {}).get("url", "") if kind == "image_url" else ""
    if isinstance(url, str) and url and not url.startswith("data:"):
        return {"type": "image_url", "image_url": {"url": url[:500]}}
    return {"type": str(kind)[:40], "note": f"{len(json.dumps(part)) // 1024 + 1} KB"}


# --- Stored, and whole again ----------------------------------------------------------------------


def store(messages: Sequence[Json], earlier: Iterable[tuple[int, Sequence[Json]]]) -> Json:
    """What to keep of these messages, given those of earlier steps by number."""
    best: Json = {"base": None, "shared": 0, "prefix": 0}
    saved = 0
    for number, others in earlier:
        shared, prefix = _in_common(messages, others)
        length = prefix + sum(len(json.dumps(message)) for message in messages[:shared])
        if length > saved:
            saved, best = length, {"base": number, "shared": shared, "prefix": prefix}
    rest = [dict(message) for message in messages[best["shared"] :]]
    if best["prefix"]:
        rest[0]["content"] = rest[0]["content"][best["prefix"] :]
    return {**best, "messages": rest}


def restore(stored: Mapping[str, Any], whole: Mapping[int, Sequence[Json]]) -> list[Json]:
    """The messages of a step; `whole` are those of earlier steps by number."""
    rest = [dict(message) for message in stored.get("messages") or []]
    base = whole.get(stored.get("base") or 0)
    if not base:
        return rest
    shared, prefix = stored["shared"], stored["prefix"]
    if prefix and rest and shared < len(base):
        rest[0]["content"] = text_of(base[shared]["content"])[:prefix] + rest[0]["content"]
    return [*base[:shared], *rest]


def _in_common(messages: Sequence[Json], others: Sequence[Json]) -> tuple[int, int]:
    """How many messages are the same, and how many characters of the next one's text, up to a line's end."""
    shared = 0
    for one, other in zip(messages, others, strict=False):
        if one != other:
            break
        shared += 1
    if shared in (len(messages), len(others)):
        return shared, 0
    one, other = messages[shared], others[shared]
    texts = (one["content"], other["content"])
    if one["role"] != other["role"] or not all(isinstance(text, str) for text in texts):
        return shared, 0
    return shared, texts[0].rfind("\n", 0, _same_length(*texts)) + 1


def _same_length(one: str, other: str) -> int:
    """Length of the common beginning, by halving: comparing slices is quick, characters are not."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
