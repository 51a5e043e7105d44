"""What the Docker engine does with images: look, fetch, import, build."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO, Any

import docker
import docker.errors
from django.conf import settings

from sandbox.engines.docker.connection import Client, engine_errors
from sandbox.errors import ImageFailed
from sandbox.image import PYTHON, Image

# Says what an image was built from (`sandbox.image.context.digest`); images made from ours inherit it.
DIGEST_LABEL = "helloagents.sandbox.digest"


def reference(image: Image) -> str:
    """What the engine calls an image: SANDBOX_IMAGE is the plain one's name, and gives the others theirs.

    `name:python` is joined by `name:agent`; one that is called `name:test`, by `name:test-agent`.
    """
    plain: str = settings.SANDBOX_IMAGE
    if image == PYTHON:
        return plain
    repository, tag = _split(plain)
    family = tag.removesuffix(PYTHON.name).rstrip("-")
    return f"{repository}:{'-'.join(filter(None, (family, image.name)))}"


def labels(client: Client, reference: str) -> dict[str, str] | None:
    """The labels of an image the engine has, None when it has no such image."""
    record = _record(client, reference)
    return None if record is None else record["Config"].get("Labels") or {}


def stands_on(client: Client, reference: str, base: str) -> bool:
    """Whether an image is the base as it is now, with layers on top."""
    above, below = _record(client, reference), _record(client, base)
    if above is None or below is None:
        return False
    layers: list[str] = below["RootFS"]["Layers"]
    return bool(above["RootFS"]["Layers"][: len(layers)] == layers)


def ask(client: Client, reference: str, code: str) -> str:
    """What a line of Python prints in a container of an image, which need not be one of ours."""
    with engine_errors(client):
        container = client.create_container(
            reference, entrypoint=["python3", "-I", "-c", code], network_disabled=True
        )["Id"]
        try:
            client.start(container)
            status = client.wait(container)["StatusCode"]
            said: str = client.logs(container).decode("utf-8", "replace").strip()
        finally:
            client.remove_container(container, force=True, v=True)
    if status:
        raise ImageFailed(f"Python does not work in the image {reference}: {said}")
    return said


def _record(client: Client, reference: str) -> dict[str, Any] | None:
    with engine_errors(client):
        try:
            record: dict[str, Any] = client.inspect_image(reference)  # type: ignore[no-untyped-call] # no stub
        except docker.errors.ImageNotFound:
            return None
    return record


def pull(client: Client, reference: str, *, tell: Callable[[str], None]) -> None:
    """Fetch an image from its registry; ImageFailed when the registry does not give it."""
    repository, tag = _split(reference)
    with engine_errors(client):
        try:
            _follow(client.pull(repository, tag=tag, stream=True, decode=True), tell)
        except docker.errors.APIError as error:
            raise ImageFailed(str(error.explanation or error)) from error


def import_root(client: Client, tar: IO[bytes], reference: str) -> None:
    """Make an image of one layer from a tar stream of a root file system."""
    repository, tag = _split(reference)
    # In pieces: the SDK announces a stream without a length, and an iterator is what never has one.
    pieces = iter(lambda: tar.read(1 << 20), b"")
    with engine_errors(client):
        client.import_image_from_stream(pieces, repository=repository, tag=tag)


def build(
    client: Client,
    context: IO[bytes],
    reference: str,
    *,
    arguments: dict[str, str],
    digest: str,
    tell: Callable[[str], None],
) -> None:
    """Build the Dockerfile in a tar stream, without network; ImageFailed says where it stopped."""
    with engine_errors(client):
        events = client.build(
            fileobj=context,
            custom_context=True,
            tag=reference,
            buildargs=arguments,
            labels={DIGEST_LABEL: digest},
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
        )
        _follow(events, tell)


def _split(reference: str) -> tuple[str, str]:
    """`registry:5000/name:tag` → name with registry, tag (`latest` when none is written)."""
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return repository, tag


def _follow(events: Iterable[dict[str, Any]], tell: Callable[[str], None]) -> None:
    """Tell the steps as they come; ImageFailed with what was said last when one failed."""
    last_lines: list[str] = []
    for event in events:
        if "error" in event:
            raise ImageFailed("\n".join([*last_lines[-10:], event["error"].strip()]))
        if line := event.get("stream", "").strip():
            last_lines.append(line)
            if line.startswith("Step "):
                tell(line)
