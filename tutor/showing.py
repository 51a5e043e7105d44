"""Answers as pages show them. What a model says is a stranger's text: it goes through the lessons' sanitiser.

No scripts, no pictures of other hosts, no ids, no links within the site but those of checked citations.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from lessons.rendering import VERSION, ImageFile, render_part
from tutor.citing import cited_in
from tutor.models import Message

_KEEP_SECONDS = 7 * 24 * 3600
_PLACE = "tutor-citation-"
_BRACKET = re.compile(r"[\[\]()]")
_MOST_OPEN_BRACKETS = 100
_CITED = re.compile(rf'<a href="/{_PLACE}(\d+)"[^>]*>')


@dataclass(frozen=True)
class Shown:
    """A message of a thread; `html` of answers."""

    message: Message
    html: SafeString | str = ""


def shown(messages: Iterable[Message]) -> list[Shown]:
    return [
        Shown(message, "" if message.is_question or not message.is_over else answer_html(message))
        for message in messages
    ]


def answer_html(answer: Message) -> SafeString:
    """The answer, with its citations as small numbers that link to the headings. Kept in the cache."""
    language = get_language() or "en"
    parts = [str(VERSION), language, answer.content, json.dumps(answer.citations)]
    key = "answer:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()
    html: str | None = cache.get(key)
    if html is None:
        html = _rendered(answer, language)
        cache.set(key, html, _KEEP_SECONDS)
    return mark_safe(html)  # noqa: S308 - sanitised


class _OnlyCitations:
    """A `rendering.Resolver` for texts that may link to nothing of the site but their citations."""

    def __init__(self, count: int) -> None:
        self._known = {f"{_PLACE}{number}" for number in range(1, count + 1)}

    def link(self, href: str) -> str | None:
        return f"/{href}" if href in self._known else None

    def image(self, src: str) -> ImageFile | None:
        return None


def _rendered(answer: Message, language: str) -> str:
    numbers = {cited["id"]: number for number, cited in enumerate(answer.citations, start=1)}
    markdown = "".join(
        text if kind == "text" else _mark(numbers.get(text)) for kind, text in cited_in(answer.content)
    )
    if _is_tangled(markdown):
        return _as_it_is(answer.content)
    try:
        html = render_part(markdown, resolver=_OnlyCitations(len(numbers)), language=language)
    except RecursionError:  # quotes in quotes in quotes
        return _as_it_is(answer.content)

    def link(match: re.Match[str]) -> str:
        cited = answer.citations[int(match[1]) - 1]
        return f'<a class="citation" href="{escape(cited["url"])}" title="{escape(cited["title"])}">'

    return _CITED.sub(link, html)


def _is_tangled(markdown: str) -> bool:
    """Whether brackets stand in brackets as nobody writes them. For each that is open the renderer reads on
    to the end of the text, looking for the other one: thousands would keep the process busy for seconds."""
    open_brackets = 0
    for bracket in _BRACKET.findall(markdown):
        open_brackets = open_brackets + 1 if bracket in "[(" else max(0, open_brackets - 1)
        if open_brackets > _MOST_OPEN_BRACKETS:
            return True
    return False


def _as_it_is(content: str) -> str:
    return f'<pre class="code plain" tabindex="0">{escape(content)}</pre>'


def _mark(number: int | None) -> str:
    return f"[{number}]({_PLACE}{number})" if number else ""
