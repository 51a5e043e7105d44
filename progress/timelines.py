"""A run's calls to models as people read them: cards on a timeline, and two timelines beside each other.

Takes steps as `tutor.trace` tells them. What programs and models wrote in them is text, whatever it looks
like: the templates escape it, and only its beginning goes into a card, so that a long trace stays quick.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

Step = dict[str, Any]

CARDS_AT_ONCE = 200
_PART_CHARACTERS = 1_500  # of a card's text; the call's own page has all of it
_MESSAGE_CHARACTERS = 200_000
_RAW_CHARACTERS = 500_000
_PREDECESSORS = 8  # how many calls back a conversation may have gone on: several agents talk in turns


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a text; `left` counts the characters after it."""

    text: str
    left: int = 0


@dataclass(frozen=True)
class Part:
    """A recognised piece of an answer: "thought", "action", "observation", "finish" or plain "text".

    `label` says more where it is known: "plan", "step", "result", "reflection".
    """

    kind: str
    label: str
    excerpt: Excerpt


@dataclass(frozen=True)
class ToolUse:
    """A tool that the model called, and what the program gave back; None: nothing yet."""

    name: str
    arguments: Excerpt
    result: Excerpt | None


@dataclass(frozen=True)
class Message:
    """One message of a prompt; `is_new` when no earlier call had sent it but for its beginning, `known`."""

    role: str
    name: str
    known: str
    excerpt: Excerpt
    tools: tuple[ToolUse, ...]
    is_new: bool


@dataclass(frozen=True)
class Card:
    """One call as the timeline shows it. `tokens` and `cost_units` are what its bars are long by."""

    step: Step
    parts: tuple[Part, ...]
    tools: tuple[ToolUse, ...]
    message_count: int
    new_count: int  # messages that no earlier call had sent

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def prompt_tokens(self) -> int:
        return int(self.step["prompt_tokens"] or 0)

    @property
    def completion_tokens(self) -> int:
        return int(self.step["completion_tokens"] or 0)

    @property
    def tokens_in(self) -> str:
        return _grouped(self.prompt_tokens)

    @property
    def tokens_out(self) -> str:
        return _grouped(self.completion_tokens)

    @property
    def cost_units(self) -> int:
        """Millionths of the currency."""
        return int(_amount(self.step["cost"]) * 1_000_000)

    @property
    def cost(self) -> str:
        return _money(_amount(self.step["cost"]), self.step["currency"]) if self.cost_units else ""

    @property
    def is_charged(self) -> bool:
        """Whether it counts against the person's budget of tokens and money."""
        return not (self.step["scripted"] or self.step.get("own_key"))

    @property
    def latency(self) -> str:
        return in_words(self.step["latency"])

    @property
    def first_token(self) -> str:
        return in_words(self.step["first_token"]) if self.step["streamed"] else ""

    @property
    def version(self) -> str:
        """Changes when what the card shows does."""
        shown = (self.step["status"], self.step["error"], self.parts, self.tools, self.tokens, self.latency)
        return f"{zlib.crc32(repr((shown, self.new_count)).encode()):x}"


@dataclass(frozen=True)
class Allowance:
    """The measure of a budget that is closest to its limit."""

    name: str  # "requests", "tokens" or "money"
    used: float
    limit: float

    @property
    def share(self) -> int:
        """Per cent."""
        return min(100, round(100 * self.used / self.limit))

    @property
    def in_words(self) -> str:
        figures = {"used": f"{self.used:,.6g}", "limit": f"{self.limit:,.6g}"}
        if self.name == "requests":
            return _("%(used)s of %(limit)s calls today") % figures
        if self.name == "tokens":
            return _("%(used)s of %(limit)s tokens today") % figures
        return _("%(used)s of %(limit)s %(currency)s today") % {
            **figures,
            "currency": settings.MODEL_CURRENCY,
        }


@dataclass(frozen=True)
class Totals:
    """What the calls of a run come to. `seconds` is the time in which at least one of them was under way."""

    calls: int
    running: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    costs: dict[str, Decimal]  # by currency
    seconds: float
    scripted: bool

    @property
    def tokens(self) -> str:
        total = self.prompt_tokens + self.completion_tokens
        return _grouped(total) if total else ""

    @property
    def cost(self) -> str:
        return " + ".join(_money(amount, currency) for currency, amount in self.costs.items())

    @property
    def time(self) -> str:
        return in_words(self.seconds)

    def as_json(self) -> dict[str, Any]:
        costs = [{"amount": str(amount), "currency": currency} for currency, amount in self.costs.items()]
        return {
            "calls": self.calls,
            "running": self.running,
            "failed": self.failed,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "costs": costs,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Timeline:
    """A stretch of a run's calls; `totals` and the longest bars are of the whole run."""

    cards: Sequence[Card]
    totals: Totals
    most_tokens: int
    most_cost: int
    is_whole: bool  # begins where a timeline begins, rather than adding to one

    @property
    def earlier(self) -> int:
        """How many calls come before the first card."""
        return int(self.cards[0].step["number"]) - 1 if self.cards and self.is_whole else 0


@dataclass(frozen=True)
class Pair:
    """The same moment of two runs; None where one of them made no such call."""

    a: Card | None
    b: Card | None
    differences: tuple[str, ...]  # in words


def tightest(measures: Iterable[dict[str, Any]]) -> Allowance | None:
    """Of a budget's {"name", "used", "limit"}; None when nothing is limited."""
    limited = [Allowance(each["name"], each["used"], each["limit"]) for each in measures if each["limit"]]
    return max(limited, key=lambda allowance: allowance.used / allowance.limit, default=None)


# --- One run --------------------------------------------------------------------------------------


def timeline(steps: Sequence[Step], *, since: int | None = None, before: int | None = None) -> Timeline:
    """The latest calls, or those before a number, or those since one that is on show already."""
    places = [
        place
        for place, step in enumerate(steps)
        if step["number"] >= (since or 0) and (before is None or step["number"] < before)
    ]
    is_whole = since is None or len(places) > CARDS_AT_ONCE
    return Timeline(
        cards=[card(steps, place) for place in places[-CARDS_AT_ONCE:]],
        totals=totals_of(steps),
        most_tokens=max((_tokens(step) for step in steps), default=0),
        most_cost=max((int(_amount(step["cost"]) * 1_000_000) for step in steps), default=0),
        is_whole=is_whole,
    )


def card(steps: Sequence[Step], place: int) -> Card:
    """The card of `steps[place]`."""
    step = steps[place]
    return Card(
        step=step,
        parts=_parts(step),
        tools=_tools(step),
        message_count=len(step["messages"]),
        new_count=len(step["messages"]) - sent_before(steps, place),
    )


def messages(steps: Sequence[Step], place: int) -> list[Message]:
    """The whole prompt of `steps[place]`."""
    sent = steps[place]["messages"]
    earlier = _continued(steps, place)
    before = _common(earlier, sent)
    return [
        _message(message, earlier[number : number + 1] if number == before else [], is_new=number >= before)
        for number, message in enumerate(sent)
    ]


def _message(message: dict[str, Any], earlier: Sequence[dict[str, Any]], *, is_new: bool) -> Message:
    """`earlier` is the message that stood in its place before, if one did: agents let a prompt grow."""
    text = text_of(message.get("content"))
    before = text_of(earlier[0].get("content")) if earlier else ""
    same = _common(text, before)
    known = text[: same if same == len(before) else text.rfind("\n", 0, same) + 1]
    return Message(
        role=str(message.get("role") or ""),
        name=str(message.get("name") or ""),
        known=known,
        excerpt=excerpt(text[len(known) :], _MESSAGE_CHARACTERS),
        tools=tuple(_called(call) for call in message.get("tool_calls") or []),
        is_new=is_new,
    )


def answer(step: Step) -> Excerpt:
    """The whole text that came back."""
    return excerpt(text_of((step["answer"] or {}).get("content")), _MESSAGE_CHARACTERS)


def raw(step: Step) -> Excerpt:
    """The step as it is kept."""
    return excerpt(json.dumps(step, ensure_ascii=False, indent=2), _RAW_CHARACTERS)


def sent_before(steps: Sequence[Step], place: int) -> int:
    """How many of the first messages an earlier call had sent already: the conversation it goes on with."""
    return _common(_continued(steps, place), steps[place]["messages"])


def _continued(steps: Sequence[Step], place: int) -> Sequence[dict[str, Any]]:
    """The messages of the call whose conversation this one goes on with; in doubt of the one before."""
    mine = steps[place]["messages"]
    earlier = [step["messages"] for step in reversed(steps[max(0, place - _PREDECESSORS) : place])]
    return max(earlier, key=lambda messages: _common(messages, mine), default=[])


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


def totals_of(steps: Sequence[Step]) -> Totals:
    costs: dict[str, Decimal] = {}
    for step in steps:
        if amount := _amount(step["cost"]):
            currency = step["currency"] or ""
            costs[currency] = costs.get(currency, Decimal(0)) + amount
    return Totals(
        calls=len(steps),
        running=sum(step["status"] == "running" for step in steps),
        failed=sum(step["status"] == "failed" for step in steps),
        prompt_tokens=sum(step["prompt_tokens"] or 0 for step in steps),
        completion_tokens=sum(step["completion_tokens"] or 0 for step in steps),
        costs=costs,
        seconds=_seconds_busy(steps),
        scripted=any(step["scripted"] for step in steps),
    )


def _seconds_busy(steps: Iterable[Step]) -> float:
    """The length of the calls' times laid over each other."""
    spans = sorted((_moment(step), _moment(step) + (step["latency"] or 0)) for step in steps)
    busy, until = 0.0, 0.0
    for start, end in spans:
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return busy


def _moment(step: Step) -> float:
    return datetime.fromisoformat(step["started_at"]).timestamp()


def _tokens(step: Step) -> int:
    return int(step["prompt_tokens"] or 0) + int(step["completion_tokens"] or 0)


def _parts(step: Step) -> tuple[Part, ...]:
    """What was recognised but the calls of tools, which cards show with their results."""
    calls = (step["answer"] or {}).get("tool_calls") or []
    tools = [f"{call['name']}({call['arguments']})" for call in calls]
    return tuple(
        Part(part["kind"], part.get("label", ""), excerpt(part["text"]))
        for part in step["parts"]
        if not (part["kind"] == "action" and part["text"] in tools)
    )


def _tools(step: Step) -> tuple[ToolUse, ...]:
    """The tools that the answer calls, each with its result."""
    results = {result["tool_call_id"]: result["content"] for result in step["tool_results"]}
    calls = (step["answer"] or {}).get("tool_calls") or []
    return tuple(_called(call, results.get(call["id"])) for call in calls)


def _called(call: dict[str, Any], result: Any = None) -> ToolUse:
    """A tool call, as an answer names it or as the protocol does."""
    function = call.get("function") or call
    given = None if result is None else excerpt(text_of(result))
    return ToolUse(str(function.get("name") or ""), excerpt(_tidy(function.get("arguments"))), given)


def _tidy(arguments: Any) -> str:
    """A tool's arguments as one line that can be read; as they are when they are no JSON."""
    try:
        read = json.loads(arguments) if isinstance(arguments, str) else arguments
        return json.dumps(read, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(arguments)


# --- Two runs -------------------------------------------------------------------------------------


def compare(a: Sequence[Step], b: Sequence[Step]) -> list[Pair]:
    """Two runs call by call: those with the same answer side by side, and what else falls between them."""
    a, b = a[:CARDS_AT_ONCE], b[:CARDS_AT_ONCE]
    matcher = SequenceMatcher(None, [_said(step) for step in a], [_said(step) for step in b], autojunk=False)
    pairs = []
    for _tag, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        for place in range(max(a_to - a_from, b_to - b_from)):
            left = card(a, a_from + place) if a_from + place < a_to else None
            right = card(b, b_from + place) if b_from + place < b_to else None
            pairs.append(Pair(left, right, _differences(left, right)))
    return pairs


def _differences(a: Card | None, b: Card | None) -> tuple[str, ...]:
    if a is None or b is None:
        return (_("only in one run"),)
    checks = {
        pgettext("what differs", "model"): lambda step: step["model"],
        pgettext("what differs", "messages"): lambda step: _without_ids(step["messages"]),
        pgettext("what differs", "tools offered"): lambda step: step["tools"],
        pgettext("what differs", "answer"): _said,
    }
    return tuple(words for words, look in checks.items() if look(a.step) != look(b.step))


def _said(step: Step) -> str:
    """What came of a call, without what differs each time."""
    answer = step["answer"] or {}
    calls = [[call["name"], _tidy(call["arguments"])] for call in answer.get("tool_calls") or []]
    error = (step["error"] or {}).get("code")
    return json.dumps([step["kind"], step["status"], error, answer.get("content"), calls], default=str)


def _without_ids(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages to compare: models number their tool calls anew each time."""
    return [
        {
            **{key: value for key, value in message.items() if key not in ("tool_call_id", "tool_calls")},
            "tool_calls": [_called(call) for call in message.get("tool_calls") or []],
        }
        for message in sent
    ]


# --- In words -------------------------------------------------------------------------------------


def excerpt(text: str, limit: int = _PART_CHARACTERS) -> Excerpt:
    text = text.strip("\n")
    return Excerpt(text[:limit], max(0, len(text) - limit))


def text_of(content: Any) -> str:
    """A message's content as text; what is no text in it is named in brackets."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "\n".join(_piece(piece) for piece in content)
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _piece(piece: Any) -> str:
    if not isinstance(piece, dict):
        return str(piece)
    return str(piece["text"]) if "text" in piece else f"[{piece.get('type', '?')}]"


def in_words(seconds: float | None) -> str:
    """ "12 ms", "1.25 s"; empty when it is not known."""
    if seconds is None:
        return ""
    if seconds < 1:
        return _("%(number)s ms") % {"number": max(1, round(seconds * 1000)) if seconds else 0}
    return _("%(number)s s") % {"number": number_format(seconds, 2 if seconds < 10 else 1)}


def _grouped(number: int) -> str:
    return f"{number:,}"


def _amount(cost: Any) -> Decimal:
    try:
        return Decimal(str(cost or 0))
    except InvalidOperation:
        return Decimal(0)


def _money(amount: Decimal, currency: str) -> str:
    """ "0.0012 USD", with as many digits as small sums need."""
    digits = 2 if amount >= 1 else 6
    number = number_format(amount.quantize(Decimal(1).scaleb(-digits)).normalize(), use_l10n=True)
    return f"{number} {currency}".strip()
