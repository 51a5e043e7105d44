"""The site's rate limits, as the environment may change them; helloagents/limits.py counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tutor.configured import Unreadable

# What is counted → how often, as "100/m" or "10/30s"; None: as often as anybody likes.
DEFAULTS: Mapping[str, str | None] = {
    "address": "100/m",  # requests to the API, and pages that guests open, from one address
    "user": "1000/h",  # requests to the API by one account
    "runs": "60/m",
    "runs_guest": "10/m",
    "chat": "20/m",
    "hint": "60/m",
    "exercise": "60/m",  # answers to questions, and looks at solutions
    "exercise_guest": "20/m",
    "signin": "20/m",  # attempts to get a token, from one address
    "signup": "20/m",
}
_RATE = re.compile(r"[1-9]\d*/([1-9]\d*)?[smhd]")


def read_rates(words: Iterable[str]) -> dict[str, str | None]:
    """The defaults, changed by words such as "runs=30/m" and "user=off"; the word "off" is all of them off.

    Raises Unreadable.
    """
    rates = dict(DEFAULTS)
    for word in words:
        if word == "off":
            rates = dict.fromkeys(rates)
            continue
        name, equals, rate = word.partition("=")
        if name not in DEFAULTS or not equals or not (rate == "off" or _RATE.fullmatch(rate)):
            raise Unreadable(f"{word!r} is no limit such as runs=30/m, user=1000/h, chat=off")
        rates[name] = None if rate == "off" else rate
    return rates
