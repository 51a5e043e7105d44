"""Play a scripted model: choose the reply that fits a conversation, and say it as a model would.

Everything here is a function of the request, the script and what the run was answered before, so that the
same program gets the same answers each time.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from lessons.model_scripts import Reply, Script, When, read_script
from tutor.conversations import text_of
from tutor.recognising import observations_in
from tutor.runs import RunMemory

Json = dict[str, Any]

PREFIX = "scripted:"  # of the model's name, wherever it is shown
EMBEDDINGS = "scripted:embeddings"
# Answers where a program is only to be seen running, in words that an agent of any kind can end with.
STAND_IN = read_script(
    """
    [[reply]]
    when = {json = true}
    text = "{}"
    [[reply]]
    text = "Thought: A stand-in answers here, no model.\\nAction: Finish[A stand-in answers here, no model.]"
    """,
    name="stand-in",
)
_DIMENSIONS = 256
_SEARCHED = 50_000  # characters of a message that patterns look at, its end: that is where the news is
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Chosen:
    """A reply that fits, and what its text may refer to."""

    script: Script
    reply: Reply
    names: Mapping[str, str]

    @property
    def model(self) -> str:
        return PREFIX + self.script.name


@dataclass(frozen=True)
class Situation:
    """What conditions are about."""

    user: str  # the last user message
    system: str
    turn: int
    call: int
    observations: Sequence[str]
    tools: frozenset[str]
    results: Sequence[tuple[str, str]]  # tool and text of the results that end the conversation
    json: bool
    language: str

    @classmethod
    def of(cls, body: Mapping[str, Any], *, call: int, language: str) -> Situation:
        messages = body["messages"]
        of_user = [text_of(message.get("content")) for message in messages if message.get("role") == "user"]
        user = (of_user[-1] if of_user else "")[-_SEARCHED:]
        is_system = ("system", "developer")
        system = "\n".join(text_of(m.get("content")) for m in messages if m.get("role") in is_system)
        return cls(
            user=user,
            system=system,
            turn=1 + sum(message.get("role") == "assistant" for message in messages),
            call=call,
            observations=[part["text"] for part in observations_in(user)],
            tools=frozenset(_tool_names(body)),
            results=_results(messages),
            json=(body.get("response_format") or {}).get("type") in ("json_object", "json_schema"),
            language=language,
        )


def choose(
    scripts: Sequence[Script], body: Mapping[str, Any], *, memory: RunMemory, language: str
) -> Chosen | None:
    """The first reply that fits, the nearest script first; None when none does."""
    situation = Situation.of(body, call=memory.scripted_answers + 1, language=language)
    for script in scripts:
        for reply in script.replies:
            names = _fit(reply.when, situation)
            if names is not None and memory.may_play((script.name, reply.line), reply.times):
                return Chosen(script, reply, names)
    return None


def _fit(when: When, situation: Situation) -> dict[str, str] | None:
    """None when it does not fit; else what the reply's text may refer to."""
    results = "\n".join(text for _, text in situation.results)
    last_observation = situation.observations[-1] if situation.observations else ""
    found = when.matches.search(situation.user) if when.matches else None
    fits = (
        all(text in situation.user for text in when.contains)
        and not any(text in situation.user for text in when.lacks)
        and (found is not None or when.matches is None)
        and all(text in situation.system for text in when.system)
        and when.turn in (None, situation.turn)
        and when.call in (None, situation.call)
        and when.observations in (None, len(situation.observations))
        and when.observation in last_observation
        and situation.tools.issuperset(when.tools)
        and (not when.tool or when.tool in [tool for tool, _ in situation.results])
        and (not when.tool_result or when.tool_result in results)
        and when.json in (None, situation.json)
        and when.language in ("", situation.language)
    )
    if not fits:
        return None
    groups = {name: value or "" for name, value in found.groupdict().items()} if found else {}
    return {"user": situation.user, "observation": last_observation, "tool_result": results, **groups}


def _tool_names(body: Mapping[str, Any]) -> Iterator[str]:
    for tool in body.get("tools") or []:
        yield str((tool.get("function") or {}).get("name"))
    for function in body.get("functions") or []:
        yield str(function.get("name") if isinstance(function, dict) else "")


def _results(messages: Sequence[Json]) -> list[tuple[str, str]]:
    names = {
        str(call.get("id")): str((call.get("function") or {}).get("name"))
        for message in messages
        for call in message.get("tool_calls") or []
    }
    results: list[tuple[str, str]] = []
    for message in reversed(messages):
        if message.get("role") != "tool":
            break
        name = names.get(str(message.get("tool_call_id")), str(message.get("name") or ""))
        results.insert(0, (name, text_of(message.get("content"))))
    return results


# --- Saying it ------------------------------------------------------------------------------------


def chunks_of(
    chosen: Chosen, body: Mapping[str, Any], *, seed: str, created: int
) -> Iterator[tuple[float, Json]]:
    """Pairs of a pause in seconds and a `chat.completion.chunk`; usage comes last, without choices."""
    reply = chosen.reply
    text, is_cut = _text(chosen, body)
    id_ = "chatcmpl-scripted-" + hashlib.sha256(f"{seed}:{reply.line}".encode()).hexdigest()[:16]
    head = {"id": id_, "object": "chat.completion.chunk", "created": created, "model": chosen.model}
    choices = range(body.get("n") or 1)

    def chunk(delta: Json, finish: str | None = None) -> Json:
        same = [{"index": index, "delta": delta, "finish_reason": finish} for index in choices]
        return {**head, "choices": same}

    yield reply.delay, chunk({"role": "assistant", "content": "" if text or not reply.tool_calls else None})
    for start in range(0, len(text), reply.chunk):
        yield reply.pause if start else 0.0, chunk({"content": text[start : start + reply.chunk]})
    for index, call in enumerate(reply.tool_calls):
        arguments = call.arguments if isinstance(call.arguments, str) else _json(call.arguments)
        function = {"name": call.name, "arguments": arguments}
        piece = {"index": index, "id": f"call_{id_[-12:]}_{index}", "type": "function", "function": function}
        yield reply.pause, chunk({"tool_calls": [piece]})
    finish = reply.finish or ("tool_calls" if reply.tool_calls and not is_cut else "stop")
    yield 0.0, chunk({}, finish)
    yield 0.0, {**head, "choices": [], "usage": _usage(reply, text, body)}


def _text(chosen: Chosen, body: Mapping[str, Any]) -> tuple[str, bool]:
    """The reply's words up to where the program wants it to stop, and whether it did stop there."""
    text = Template(chosen.reply.text).safe_substitute(chosen.names)
    stop = body.get("stop") or []
    places = [
        text.find(word) for word in ([stop] if isinstance(stop, str) else stop) if word and word in text
    ]
    return (text[: min(places)], True) if places else (text, False)


def _usage(reply: Reply, text: str, body: Mapping[str, Any]) -> Json:
    prompt = reply.prompt_tokens
    prompt = tokens_in(_json(body["messages"])) if prompt is None else prompt
    said = text + "".join(call.name + _json(call.arguments) for call in reply.tool_calls)
    completion = tokens_in(said) * (body.get("n") or 1)
    completion = completion if reply.completion_tokens is None else reply.completion_tokens
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def tokens_in(text: str) -> int:
    """About how many tokens a text has: four letters of English, a little more than one Chinese character."""
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return math.ceil((len(text) - wide) / _CHARACTERS_PER_TOKEN + wide * 0.7)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- Embeddings -----------------------------------------------------------------------------------


def embeddings(body: Mapping[str, Any]) -> Json:
    """The answer of `/embeddings`: texts that share words and characters get near vectors."""
    given = body["input"]
    inputs = [given] if isinstance(given, str) or isinstance(given[0], int) else given
    texts = [item if isinstance(item, str) else " ".join(map(str, _flat(item))) for item in inputs]
    size = body.get("dimensions") or _DIMENSIONS
    vectors = [_vector(text, size) for text in texts]
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if as_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(map(tokens_in, texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": EMBEDDINGS, "usage": usage}


def _flat(item: Any) -> list[Any]:
    return item if isinstance(item, list) else [item]


def _vector(text: str, size: int) -> list[float]:
    """Counts of words, and of pairs of characters, at places their hashes tell; of length 1."""
    folded = " ".join(text.casefold().split())[:20_000]
    features = [*re.findall(r"\w+", folded), *(folded[i : i + 2] for i in range(len(folded) - 1))]
    vector = [0.0] * size
    for feature in features or [folded or "empty"]:
        digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
        vector[int.from_bytes(digest[:4], "big") % size] += 1.0 if digest[4] & 1 else -1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
