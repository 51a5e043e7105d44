"""Titles as authors write them: markup taken off, the chapter or section number told from the words."""

from __future__ import annotations

import html
import re

TITLE_LIMIT = 300  # characters, as the database keeps them
_NUMBER_LIMIT = 20

_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE = "".join((*_DIGITS, *_UNITS))

_BETWEEN = r"[\s:：.．、,，)）|—–-]*"  # what may stand between a number and its title
_DOTTED = r"\d+(?:\.\d+)+"
_NUMBERED = [
    re.compile(
        rf"第\s*(?P<number>\d+(?:\.\d+)*|[{_CHINESE}]+)\s*[章节節课課讲講回篇]{_BETWEEN}(?P<title>.*)"
    ),
    re.compile(
        rf"(?:chapter|lesson|section|unit|module|lecture|week|day|step)\s+(?P<number>\d+(?:\.\d+)*)\b"
        rf"{_BETWEEN}(?P<title>.*)",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:appendix|附录)\s*(?P<number>[A-Z]|\d+)\b{_BETWEEN}(?P<title>.*)", re.IGNORECASE),
    re.compile(rf"§?\s*(?P<number>{_DOTTED})(?!\.?\d|%)\.?{_BETWEEN}(?P<title>.*)"),
    re.compile(r"(?P<number>\d+)(?:[.．)）:：]\s+|、\s*)(?P<title>.*)"),
]

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_EMPHASIS = re.compile(r"(\*{1,3}|~~|`+)(?=\S)(.+?)(?<=\S)\1|(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\3(?!\w)")
_ATTRIBUTES = re.compile(r"\s*\{[:#.][^{}]*\}\s*$")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def plain_title(markup: str) -> str:
    """A heading's or label's words, without Markdown, HTML, attributes and closing `#`s."""
    text = re.sub(r"\s#+\s*$", "", markup.strip())
    text = _ATTRIBUTES.sub("", text)
    text = _LINK.sub(r"\1", _IMAGE.sub("", _TAG.sub("", text)))
    text = _EMPHASIS.sub(lambda match: match[2] or match[4], text)
    text = _ESCAPE.sub(r"\1", html.unescape(text))
    return " ".join(text.split())[:TITLE_LIMIT]


def split_number(title: str) -> tuple[str, str]:
    """Number and rest of a plain title: "第四章 X" → ("4", "X"), "4.2 ReAct" → ("4.2", "ReAct").

    The number is "" where the author gave none. A bare number is one only with a mark after it, so that
    "3 ways to fail" keeps its words. The rest is never empty: a title that is only a number is kept whole.
    """
    for pattern in _NUMBERED:
        if match := pattern.match(title):
            number = _arabic(match["number"])
            if len(number) <= _NUMBER_LIMIT:
                return number, match["title"].strip() or title
    return "", title


def _arabic(number: str) -> str:
    """ "十六" → "16"; digits stay as they are."""
    if number[0] not in _CHINESE:
        return number
    if not any(sign in _UNITS for sign in number):
        return str(int("".join(str(_DIGITS[sign]) for sign in number)))
    total = 0
    digit = 0
    for sign in number:
        if sign in _UNITS:
            total += (digit or 1) * _UNITS[sign]
            digit = 0
        else:
            digit = _DIGITS[sign]
    return str(total + digit)
