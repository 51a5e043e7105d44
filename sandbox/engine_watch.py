"""Whether an engine answers, asked all the time: containers may be well and no other one could be made."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from sandbox.engines import Engine
from sandbox.errors import EngineUnavailable

log = structlog.get_logger(__name__)

EVERY = 1.5  # seconds between two questions


class EngineWatch:
    """Asks in a thread of its own, because whoever looks after containers may be waiting for the engine."""

    def __init__(self, engine: Engine, *, on_change: Callable[[], object]) -> None:
        """`on_change` is called, in that thread, when the engine has gone and when it is back."""
        self.trouble = ""  # why the engine cannot be used, in words; empty while it answers
        self._engine = engine
        self._on_change = on_change
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, name="sandbox-engine", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _ask_on(self) -> None:
        while not self._stop.wait(EVERY):
            before, self.trouble = self.trouble, self._ask()
            if bool(before) != bool(self.trouble):
                log.warning("engine_changed", engine=self._engine.name, trouble=self.trouble)
                self._on_change()

    def _ask(self) -> str:
        try:
            self._engine.ping()
        except EngineUnavailable as error:
            return str(error)
        except Exception as error:  # a thread that ended would tell of nothing any more
            log.exception("engine_not_asked", engine=self._engine.name)
            return str(error) or repr(error)
        return ""
