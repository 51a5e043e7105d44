"""Boxes that are Docker containers, on any engine the Docker SDK reaches.

Nobody but this package imports the SDK.
"""

from __future__ import annotations

import threading
import uuid
import weakref
from contextlib import nullcontext
from functools import cached_property

import structlog

from sandbox.engines import Death, Limits
from sandbox.engines.docker import containers, direct, images
from sandbox.engines.docker.connection import (
    HOW_TO_BUILD,
    PING_TIMEOUT,
    Client,
    address,
    connect,
    engine_errors,
    ping,
)
from sandbox.engines.docker.direct import DirectStream, Meeting
from sandbox.engines.docker.stream import AttachedStream, attach
from sandbox.errors import EngineUnavailable, ImageMissing, SandboxError
from sandbox.image import PYTHON, Image, context

log = structlog.get_logger(__name__)


class DockerBox:
    """One container (`sandbox.engines.Box`)."""

    def __init__(self, engine: DockerEngine, container: str, channel: AttachedStream | DirectStream) -> None:
        self.id = container
        self.channel = channel
        self._engine = engine
        self._destroying = threading.Lock()
        self._destroyed = False

    def destroy(self) -> None:
        """Remove the container. While no engine answers it is left to `DockerEngine.reap_orphans`."""
        with self._destroying:
            if not self._destroyed:
                self.channel.close()
                self._engine.discard(self.id)
                self._destroyed = True

    def death(self) -> Death:
        words = [self.channel.last_words()]
        out_of_memory = False
        try:
            end = containers.end_of(self._engine.client, self.id)
            out_of_memory = end.out_of_memory
            words.append(f"exit code {end.exit_code}")
        except SandboxError as error:
            words.append(str(error))
        return Death(out_of_memory=out_of_memory, words="\n".join(filter(None, words)))


class DockerEngine:
    """`sandbox.engines.Engine` on the engine that `DOCKER_HOST` or the current Docker context names."""

    name = "docker"

    def __init__(self) -> None:
        # Containers that could not be removed because the engine was away.
        self._left_behind: set[str] = set()
        self._direct = True  # until the engine turns out not to see this process's files
        self._detour_told = False

    @cached_property
    def client(self) -> Client:
        """Connected on first use; raises EngineUnavailable, and tries again when asked again."""
        client = connect()
        weakref.finalize(self, client.close)
        return client

    @cached_property
    def _pinger(self) -> Client:
        """Another one, which gives up soon."""
        client = connect(timeout=PING_TIMEOUT)
        weakref.finalize(self, client.close)
        return client

    def check(self, image: Image = PYTHON) -> None:
        reference = images.reference(image)
        with connect(timeout=5) as client:
            labels = images.labels(client, reference)
            if labels is None:
                raise ImageMissing(
                    f"The Docker engine at {address(client)} has no image {reference}. {HOW_TO_BUILD}"
                )
        if labels.get(images.DIGEST_LABEL) != context.digest(image):
            raise ImageMissing(
                f"The image {reference} was built from another version of the supervisor or of its packages. "
                f"{HOW_TO_BUILD}"
            )

    def ping(self) -> None:
        ping(self._pinger)

    def create(self, limits: Limits, image: Image = PYTHON) -> DockerBox:
        with self._meeting() or nullcontext() as meeting:
            try:
                return self._create(limits, image, meeting)
            except EngineUnavailable as error:
                if meeting is None or str(meeting.folder) not in str(error):
                    raise
                self._direct = False
                self._tell_detour(str(error))
        return self._create(limits, image, None)

    def _meeting(self) -> Meeting | None:
        """Where a supervisor is spoken to directly; None if that cannot be, at least for now."""
        if not self._direct:
            return None
        if not (where := address(self.client)).startswith("unix:///"):
            self._tell_detour(f"the engine is at {where}, not at a local socket")
            return None
        try:
            return Meeting()
        except OSError as error:
            self._tell_detour(str(error))
            return None

    def _tell_detour(self, reason: str) -> None:
        """Once, since it costs every container the same."""
        if not self._detour_told:
            self._detour_told = True
            log.warning("supervisor_by_way_of_the_engine", reason=reason)

    def _create(self, limits: Limits, image: Image, meeting: Meeting | None) -> DockerBox:
        client = self.client
        # A name of our own, so that a container can be removed whose creation was never answered.
        name = f"helloagents-sandbox-{uuid.uuid4().hex[:12]}"
        attached = None
        try:
            containers.create(client, name, limits, image, mounts=[meeting.mount()] if meeting else [])
            attached = attach(client, name)
            with engine_errors(client):
                client.start(name)
            line = meeting.meet(attached) if meeting else None
        except BaseException as error:
            if attached is not None:
                attached.close()
            self.discard(name)
            if isinstance(error, SandboxError) and not isinstance(error, EngineUnavailable):
                raise EngineUnavailable(f"A container could not be started: {error}") from error
            raise
        return DockerBox(self, name, line or attached)

    def discard(self, container: str) -> None:
        """Remove a container now, or when the engine is back."""
        try:
            containers.remove(self.client, container)
        except SandboxError as error:
            log.warning("container_left_behind", container=container, error=str(error))
            self._left_behind.add(container)

    def reap_orphans(self) -> int:
        direct.tidy()
        removed = 0
        trouble: SandboxError | None = None
        for container in [*containers.orphans(self.client), *self._left_behind]:
            try:
                containers.remove(self.client, container)
            except SandboxError as error:  # one that cannot be removed must not keep the others
                log.warning("orphan_not_removed", container=container, error=str(error))
                self.ping()  # without an engine it would be the same with each of them
                trouble = error
            else:
                self._left_behind.discard(container)
                removed += 1
        if trouble and not removed:
            raise trouble
        return removed
