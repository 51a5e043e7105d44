"""Which engine runs learners' code here."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from sandbox.engines import Engine
from sandbox.engines.bubblewrap import Bubblewrap
from sandbox.engines.docker import DockerEngine
from sandbox.errors import EngineUnavailable

log = structlog.get_logger(__name__)

ENGINES: dict[str, Callable[[], Engine]] = {"docker": DockerEngine, "bubblewrap": Bubblewrap}  # best first


def select_engine(name: str | None = None) -> Engine:
    """The engine called `name` (default: the setting), checked; "auto" takes the best that works.

    Raises EngineUnavailable, saying how to enable one: code is never run unconfined.
    """
    name = name or settings.SANDBOX_ENGINE
    if name == "auto":
        return _best()
    if name not in ENGINES:
        raise ImproperlyConfigured(f"SANDBOX_ENGINE is {name!r}, not one of auto, {', '.join(ENGINES)}.")
    engine = ENGINES[name]()
    engine.check()
    return engine


def _best() -> Engine:
    obstacles = []
    for name, make in ENGINES.items():
        engine = make()
        try:
            engine.check()
        except EngineUnavailable as error:
            obstacles.append(f"{name}: {error}")
        else:
            log.info("engine_selected", engine=name, passed_over=obstacles)
            return engine
    raise EngineUnavailable(
        _("Nothing here can isolate learners' code, so none is run. %(obstacles)s")
        % {"obstacles": " ".join(obstacles)}
    )
