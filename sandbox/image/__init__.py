"""What learner code runs in besides the language itself: images, what they hold, how they are built.

An image is known by what is in it. Under Docker it is an image of the engine's, under bubblewrap the
platform's own Python with a folder of packages; both are made by `manage.py build_sandbox_image`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Imported ahead, so that it costs a learner's program nothing: what an agent's first call needs, too.
_AGENT_PRELOAD = (
    *("dotenv", "numpy", "pydantic", "requests", "openai", "openai.lib.streaming.chat"),
    *("openai.resources.chat.chat", "openai.resources.chat.completions.completions"),
    *("openai.resources.chat.completions.messages", "openai.resources.embeddings", "openai.resources.models"),
    *("openai.pagination", "httpx2", "httpcore2", "h11", "anyio.streams.tls", "anyio._backends._asyncio"),
    *("concurrent.futures.thread", "encodings.idna"),
)


@dataclass(frozen=True)
class Image:
    """A Python with packages. `requirements` is what pip reads: pinned, in the images shipped here hashed."""

    name: str
    requirements: str = ""
    preload: tuple[str, ...] = ()  # modules that the warm interpreter imports ahead
    base: Image | None = None  # whose packages it has, too; its own come first

    def layers(self) -> list[Image]:
        """The images with packages that make up this one, the first to be searched first."""
        below = self.base.layers() if self.base else []
        return [self, *below] if self.requirements else below

    def preloads(self) -> list[str]:
        return [*(self.base.preloads() if self.base else []), *self.preload]


PYTHON = Image("python")
AGENT = Image("agent", (FOLDER / "agent.txt").read_text(), _AGENT_PRELOAD, base=PYTHON)
JAVASCRIPT = Image("javascript", (FOLDER / "javascript.txt").read_text(), base=PYTHON)
SHIPPED = {image.name: image for image in (PYTHON, AGENT, JAVASCRIPT)}


def with_packages(base: Image, packages: str) -> Image:
    """`base` with packages of a course's own, a line each: `name==version`. Without any, `base` itself."""
    lines = sorted(filter(None, map(str.strip, packages.splitlines())))
    if not lines:
        return base
    requirements = "\n".join(lines) + "\n"
    digest = hashlib.sha256(requirements.encode()).hexdigest()[:12]
    return Image(f"{base.name}-{digest}", requirements, base=base)
