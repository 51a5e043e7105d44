"""Reading the TOML files of a course so that every mistake is told with its line and how to mend it.

What a file of a kind may say is that kind's own business (`model_scripts`, `exercises`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_DELAY_LIMIT = 60.0  # seconds


@dataclass(frozen=True, order=True)
class Mistake:
    """What is wrong at a line (from 1) of a file, and how to mend it."""

    line: int
    what: str
    mend: str


class BadFile(Exception):
    """A file that cannot be used, with everything that is wrong with it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(f"line {m.line}: {m.what} {m.mend}" for m in mistakes))
        self.mistakes = mistakes


class Unfit(Exception):
    """A value that cannot be used; the message says what would fit, `at` which key inside of it is meant."""

    def __init__(self, message: str, *, at: str = "") -> None:
        super().__init__(message)
        self.at = at


def parse(text: str) -> dict[str, Any]:
    """What the file says. Raises BadFile."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        raise BadFile([Mistake(line, f"is not TOML ({error}).", "Mend it.")]) from error


class Reader:
    """Takes values from a parsed file and collects mistakes on the way. Lines count from 0 inside."""

    def __init__(self, text: str) -> None:
        self.lines = list(_outside_strings(text))
        self.mistakes: list[Mistake] = []

    def take(
        self, said: Mapping[str, Any], fields: Mapping[str, Callable[[Any], Any]], start: int, place: str
    ) -> dict[str, Any]:
        """The values that fit, by field; the others become mistakes."""
        values = {}
        for key, value in said.items():
            if key not in fields:
                mend = f"Use {', '.join(fields)}."
                self.mistakes.append(Mistake(self.line_of(key, start), f"sets {key} in {place}.", mend))
                continue
            try:
                values[key] = fields[key](value)
            except Unfit as error:
                what = f"sets {key} to {_short(value)}."
                line = self.line_of(f"{key}.{error.at}" if error.at else key, start)
                self.mistakes.append(Mistake(line, what, f"{error}."))
        return values

    def starts_of(self, table: str) -> list[int]:
        """Where the tables of a list begin: the lines of its `[[table]]`."""
        header = re.compile(rf"\s*\[\[\s*[\"']?{table}[\"']?\s*\]\]")
        return [number for number, line in enumerate(self.lines) if header.match(line)]

    def line_of(self, keys: str, start: int) -> int:
        """The first line from `start` on that sets the key, from 1; else that of the start.

        `keys` may be a path, `prompt.en`: then the line of the last of them that is found.
        """
        line = start
        for key in keys.split("."):
            line = self._find(key, line)
        return line + 1

    def _find(self, key: str, start: int) -> int:
        # In a table of its own, inline in another, or in a dotted key.
        pattern = re.compile(rf"""(^|[\s{{,.\[])["']?{re.escape(key)}["']?\s*[=.\]]""")
        for number in range(start, len(self.lines)):
            if pattern.search(self.lines[number]):
                return number
        return start


def _outside_strings(text: str) -> Iterator[str]:
    """The file's lines, with those inside of multi-line strings emptied."""
    closing = ""
    for line in text.splitlines():
        was_inside = bool(closing)
        position = 0
        while True:
            if closing:
                end = line.find(closing, position)
                if end < 0:
                    break
                position, closing = end + 3, ""
            else:
                opened = re.compile(r'"""|' + "'''").search(line, position)
                if opened is None:
                    break
                position, closing = opened.end(), opened.group()
        yield "" if was_inside else line


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


# --- What fits ------------------------------------------------------------------------------------


def text(limit: int = 1000) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            raise Unfit(f"Give a text of up to {limit} characters, in quotes")
        return value

    return check


def texts(value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise Unfit('Give a text or a list of texts, such as ["weather", "Beijing"]')
    return tuple(items)


def pattern(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(text()(value))
    except re.error as error:
        raise Unfit(f"Give a regular expression of Python; this one fails: {error}") from error


def whole(least: int, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Unfit(f"Give a whole number from {least} to {most}")
        return value

    return check


def seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _DELAY_LIMIT:
        raise Unfit(f"Give seconds, from 0 to {_DELAY_LIMIT:.0f}")
    return float(value)


def yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("Give true or false")
    return value


def one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise Unfit(f"Use one of {', '.join(choices)}")
        return str(value)

    return check


def slug(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value) or len(value) > 50:
        raise Unfit("Give up to 50 lower-case letters, digits and hyphens, in quotes")
    return value


def number(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Z]+(\.\d+)*", value):
        raise Unfit('Give the number that the course has for a lesson or a chapter, in quotes: "4.2"')
    return value


def table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unfit("Give a table: { … }")
    return value
