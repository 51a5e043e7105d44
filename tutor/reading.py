"""What programs send, read and checked. Anything may come: learners write clients of their own."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import chain, islice
from typing import Any

from django.utils.translation import gettext as _

from tutor.errors import bad_request

Json = dict[str, Any]

BODY_LIMIT = 4 * 1024 * 1024  # bytes
_LARGE_BODY = 256 * 1024  # bytes; one is read after the other
_DEPTH_LIMIT = 40
# Objects, lists and what is in them. As Python's they take thirty times the room that `{},{},` does, and so
# little text can hold a million. Many is a list of 2000 messages of 50 each; 300,000 tokens are the most
# that OpenAI takes at once.
_VALUES_LIMIT = 100_000
_VALUES_LIMIT_FOR_EMBEDDINGS = 350_000
_NAME_LIMIT = 100  # characters
_MESSAGES_LIMIT = 2000
_TOOLS_LIMIT = 128
_CHOICES_LIMIT = 8
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# What is passed on. Others are left out: a field the site does not know may cost what it does not count.
_PASSED = (
    *("messages", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"),
    *("response_format", "n", "stop", "stream", "stream_options", "temperature", "top_p", "seed"),
    *("max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty", "logit_bias"),
    *("logprobs", "top_logprobs", "reasoning_effort", "thinking", "enable_thinking", "chat_template_kwargs"),
)
_PASSED_FOR_EMBEDDINGS = ("input", "encoding_format", "dimensions")


def read_chat(body: bytes) -> tuple[str, Json]:
    """The model asked for and a request that can be passed on. Raises Refusal."""
    return check_chat(read_object(body))


def check_chat(said: Json) -> tuple[str, Json]:
    """The same, of an object that was read."""
    _check_messages(said.get("messages"))
    _check_tools(said.get("tools"))
    _check(said, "stream", bool)
    _check(said, "stream_options", dict)
    _check(said, "response_format", dict)
    _check(said.get("response_format") or {}, "json_schema", dict)
    if said.get("functions") is not None:
        _check(said, "functions", list)
        _check_tools([{"type": "function", "function": function} for function in said["functions"]])
    choice = said.get("tool_choice")
    if isinstance(choice, dict) and not isinstance(choice.get("function", {}), dict):
        raise bad_request(_("%(name)s has the wrong type.") % {"name": "tool_choice"}, param="tool_choice")
    _check_number(said, "n", 1, _CHOICES_LIMIT, whole=True)
    _check_number(said, "temperature", 0, 2)
    _check_number(said, "top_p", 0, 1)
    for name in ("max_tokens", "max_completion_tokens"):
        _check_number(said, name, 1, 10_000_000, whole=True)
    stop = said.get("stop")
    if not (stop is None or isinstance(stop, str) or _are_texts(stop)):
        raise bad_request(_("stop is a text or a list of texts."), param="stop")
    return _model(said), _passed(said, _PASSED)


def read_embeddings(body: bytes) -> tuple[str, Json]:
    """The model asked for and a request for embeddings. Raises Refusal."""
    said = read_object(body, most_values=_VALUES_LIMIT_FOR_EMBEDDINGS)
    given = said.get("input")
    tokens = isinstance(given, list) and given and all(isinstance(item, int | list) for item in given)
    if not (isinstance(given, str) or _are_texts(given) or tokens) or not given:
        raise bad_request(_("input is a text or a list of texts."), param="input")
    _check_number(said, "dimensions", 1, 4096, whole=True)
    if said.get("encoding_format") not in (None, "float", "base64"):
        raise bad_request(_("encoding_format is float or base64."), param="encoding_format")
    return _model(said), _passed(said, _PASSED_FOR_EMBEDDINGS)


def read_object(body: bytes, *, most_values: int = _VALUES_LIMIT) -> Json:
    """What JSON the body holds, fit to be kept. Raises Refusal."""
    if len(body) > BODY_LIMIT:
        raise bad_request(_("The request is larger than 4 MB."), code="request_too_large")
    with _reading_a_large_body if len(body) > _LARGE_BODY else nullcontext():
        if _holds_more_than(most_values, body):
            raise bad_request(_("The request holds too many values."), code="request_too_large")
        try:
            # In another encoding, which bytes could be in, the values could not be counted.
            said = json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise bad_request(_("The request is not JSON that can be read."), code="invalid_json") from error
        if not isinstance(said, dict):
            raise bad_request(_("The request is not a JSON object."), code="invalid_json")
        _check_values(said)
    return said


_reading_a_large_body = threading.Lock()
_TEXT_OR_VALUE = re.compile(rb'"[^"]*"|([{\[,])')


def _holds_more_than(most: int, body: bytes) -> bool:
    """Whether to read it would make more values, counted by what begins each, or parts it from the next."""
    if sum(map(body.count, (b"{", b"[", b","))) <= most:
        return False
    # Most or all of them may be in texts.
    without_escapes = body.replace(rb"\\", b"").replace(rb"\"", b"")
    values = (found for found in _TEXT_OR_VALUE.finditer(without_escapes) if found[1])
    return next(islice(values, most, None), None) is not None


def _no_number(name: str) -> float:
    raise ValueError(name)


def _check_values(said: Json) -> None:
    """No text that a database cannot keep, no number that JSON cannot write, no endless nesting."""
    levels: list[Iterator[Any]] = [iter((said,))]  # each within a value of the one before
    while levels:
        within = _check_until_nested(levels[-1])
        if within is None:
            levels.pop()
        elif len(levels) == _DEPTH_LIMIT:
            raise bad_request(_("The request is nested too deeply."), code="invalid_json")
        else:
            levels.append(iter(within))


def _check_until_nested(values: Iterator[Any]) -> Iterable[Any] | None:
    """What is in the next value that holds others; None when there is no such any more."""
    for value in values:
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise bad_request(_("The request holds a number that is too large."), code="invalid_json")
        elif value and isinstance(value, dict):
            return chain(value, value.values())
        elif value and isinstance(value, list):
            return value
    return None


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise bad_request(_("The request holds half a character."), code="invalid_json") from error
    if "\0" in text:
        raise bad_request(_("The request holds a NUL character."), code="invalid_json")


def _model(said: Json) -> str:
    model = "" if said.get("model") is None else said["model"]
    if not isinstance(model, str) or len(model) > _NAME_LIMIT:
        raise bad_request(_("model is the name of a model."), param="model")
    return model


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise bad_request(_("messages is a list with at least one message."), param="messages")
    if len(messages) > _MESSAGES_LIMIT:
        raise bad_request(_("There are too many messages."), param="messages")
    for number, message in enumerate(messages):
        param = f"messages[{number}]"
        if message.get("role") not in _ROLES:
            roles = ", ".join(_ROLES)
            message_text = _("A message's role is one of %(roles)s.") % {"roles": roles}
            raise bad_request(message_text, param=f"{param}.role")
        content = message.get("content")
        is_parts = isinstance(content, list) and all(map(_is_part, content))
        if not (content is None or isinstance(content, str) or is_parts):
            raise bad_request(
                _("A message's content is a text or a list of parts."), param=f"{param}.content"
            )
        calls = message.get("tool_calls")
        if calls is not None and not (isinstance(calls, list) and all(map(_is_tool_call, calls))):
            raise bad_request(_("tool_calls is a list of calls."), param=f"{param}.tool_calls")


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        return False
    if part["type"] == "text":
        return isinstance(part.get("text"), str)
    picture = part.get("image_url")
    return part["type"] != "image_url" or (isinstance(picture, dict) and isinstance(picture.get("url"), str))


def _is_function(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("name"), str)


def _is_tool(tool: Any) -> bool:
    if not isinstance(tool, dict):
        return False
    if tool.get("type") == "function":
        return _is_function(tool.get("function"))
    return isinstance(tool.get("function") or {}, dict)


def _is_tool_call(call: Any) -> bool:
    if not isinstance(call, dict) or not _is_function(call.get("function")):
        return False
    return isinstance(call["function"].get("arguments", ""), str)


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    if not isinstance(tools, list) or len(tools) > _TOOLS_LIMIT or not all(map(_is_tool, tools)):
        raise bad_request(_("tools is a list of functions."), param="tools")


def _check(said: Json, name: str, kind: type) -> None:
    if said.get(name) is not None and not isinstance(said[name], kind):
        message = _("%(name)s has the wrong type.") % {"name": name}
        raise bad_request(message, param=name)


def _check_number(said: Json, name: str, least: float, most: float, *, whole: bool = False) -> None:
    value = said.get(name)
    if value is None:
        return
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        message = _("%(name)s is a number from %(least)s to %(most)s.")
        raise bad_request(message % {"name": name, "least": least, "most": most}, param=name)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _passed(said: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    return {name: said[name] for name in names if said.get(name) is not None}
