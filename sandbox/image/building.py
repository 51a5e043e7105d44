"""Makes the images that learner code runs in, with an image registry and without one.

The plain image is the Dockerfile beside this with the supervisor on a base that has Python. Where the base
comes from, first that works: the operator's choice; the default base, if the engine has it; a base made here
before; the registry; on Debian or Ubuntu as root, a fresh minimal system made by debootstrap from the
mirror that this machine's own apt uses. Images with packages are layers on top of it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable

from django.conf import settings

from sandbox.engines import PACKAGES_FOLDER
from sandbox.engines.docker import images
from sandbox.engines.docker.connection import Client, connect
from sandbox.errors import EngineUnavailable, ImageFailed
from sandbox.image import Image, context, packages

DEFAULT_BASE = "python:3.12-slim"
BOOTSTRAPPED_BASE = "helloagents-base"  # tag: the Debian release

# Parts of a minimal system that no program needs: half of its size.
_LEFT_OUT = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/log",
)

_PYTHON_AND_MACHINE = "import platform; print(*platform.python_version_tuple()[:2], sep='.', end=' '); "
_PYTHON_AND_MACHINE += "print(platform.machine())"

Tell = Callable[[str], None]


def build_images(wanted: Iterable[Image], *, base: str | None = None, tell: Tell) -> None:
    """Build images and what they stand on, for the engine that the setting names, "auto": the one there is.

    What is up to date is left alone, without a word. `base` is what the plain one stands on. Every image
    that can be built is, before one that could not be is told: ImageFailed, or EngineUnavailable.
    """
    images_in_order = _with_bases(wanted)
    if not _docker_is_used():
        _each(images_in_order, lambda image: _fetch_for_bubblewrap(image, tell))
        return
    with connect() as client:
        _each(
            images_in_order,
            lambda image: (
                _build_layer(client, image, image.base, tell)
                if image.base
                else _build_plain(client, image, base, tell)
            ),
        )


def _with_bases(wanted: Iterable[Image]) -> list[Image]:
    """Each after what it stands on."""
    found: dict[Image, None] = {}
    for image in wanted:
        found |= dict.fromkeys([*(_with_bases([image.base]) if image.base else []), image])
    return list(found)


def _docker_is_used() -> bool:
    """Raises EngineUnavailable when nothing is there to build for."""
    if settings.SANDBOX_ENGINE != "auto":
        return bool(settings.SANDBOX_ENGINE == "docker")
    try:
        connect(timeout=5).close()
    except EngineUnavailable:
        if shutil.which("bwrap") is None:
            raise
        return False
    return True


def _each(images_in_order: Iterable[Image], build: Callable[[Image], None]) -> None:
    failed: dict[Image, str] = {}
    for image in images_in_order:
        if image.base in failed:
            failed[image] = f"{image.name} needs {image.base.name}."
            continue
        try:
            build(image)
        except ImageFailed as error:
            failed[image] = str(error)
    if failed:
        raise ImageFailed("\n".join(failed.values()))


def _fetch_for_bubblewrap(image: Image, tell: Tell) -> None:
    if image.requirements:
        packages.fetch(image, packages.Target.own(), tell=tell)


def _build_plain(client: Client, image: Image, base: str | None, tell: Tell) -> None:
    base = _given_base(client, base, tell) if base else _find_base(client, tell)
    reference = images.reference(image)
    if _is_current(client, image, base):
        return
    tell(f"Building {reference} on {base}.")
    with context.as_tar(image) as tar:
        arguments = {"BASE_IMAGE": base}
        images.build(client, tar, reference, arguments=arguments, digest=context.digest(image), tell=tell)


def _build_layer(client: Client, image: Image, below: Image, tell: Tell) -> None:
    reference, base = images.reference(image), images.reference(below)
    if _is_current(client, image, base):
        return
    version, machine = images.ask(client, base, _PYTHON_AND_MACHINE).split()
    folder = packages.fetch(image, packages.Target(version, machine), tell=tell)
    tell(f"Building {reference} on {base}.")
    arguments = {
        "BASE_IMAGE": base,
        "NAME": image.name,
        "SEARCH": ":".join(f"{PACKAGES_FOLDER}/{layer.name}" for layer in image.layers()),
        "PRELOAD": " ".join(image.preloads()),
    }
    with context.as_tar(image, folder) as tar:
        images.build(client, tar, reference, arguments=arguments, digest=context.digest(image), tell=tell)


def _is_current(client: Client, image: Image, base: str) -> bool:
    reference = images.reference(image)
    labels = images.labels(client, reference) or {}
    current = labels.get(images.DIGEST_LABEL) == context.digest(image)
    return current and images.stands_on(client, reference, base)


def _given_base(client: Client, base: str, tell: Tell) -> str:
    if images.labels(client, base) is None:
        tell(f"Fetching {base}.")
        try:
            images.pull(client, base, tell=tell)
        except ImageFailed as error:
            raise ImageFailed(
                f"The engine has no image {base} and cannot fetch it: {error}\n"
                "Name a local image that has Python 3.11 or newer, or bring one in with `docker load`."
            ) from error
    return base


def _find_base(client: Client, tell: Tell) -> str:
    bootstrapped = f"{BOOTSTRAPPED_BASE}:{_release()}"
    for candidate in (DEFAULT_BASE, bootstrapped):
        if images.labels(client, candidate) is not None:
            return candidate
    tell(f"Fetching {DEFAULT_BASE}.")
    try:
        images.pull(client, DEFAULT_BASE, tell=tell)
    except ImageFailed as error:
        tell(f"The registry does not give {DEFAULT_BASE}: {error}")
    else:
        return DEFAULT_BASE
    if missing := _missing_for_bootstrap():
        raise ImageFailed(
            f"There is no base image: the registry gives none, and none can be made here: {missing}.\n"
            "Name a local image that has Python 3.11 or newer with --base, or bring one in with "
            "`docker load`."
        )
    _bootstrap(client, bootstrapped, tell)
    return bootstrapped


def _release() -> str:
    """Code name of this machine's Debian or Ubuntu, empty elsewhere."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def _missing_for_bootstrap() -> str:
    if not shutil.which("apt-get") or not _release():
        return "this is not Debian or Ubuntu"
    if os.geteuid() != 0:
        return "that needs root"
    if not shutil.which("debootstrap"):
        return "debootstrap is not installed (`apt-get install debootstrap`)"
    return ""


def _bootstrap(client: Client, reference: str, tell: Tell) -> None:
    """Make a minimal Debian with Python and give it to the engine as `reference`."""
    mirror = _mirror(_release())
    tell(f"Making a minimal {_release()} with Python from {mirror}; this takes about a minute.")
    root = tempfile.mkdtemp(prefix="helloagents-base-")
    try:
        _run("debootstrap", "--variant=minbase", "--include=python3", _release(), root, mirror)
        left_out = [f"--exclude=./{path}/*" for path in _LEFT_OUT]
        with subprocess.Popen(  # noqa: S603 - fixed words
            # Tools of every Debian, by name as anywhere: this runs as root on purpose.
            ["tar", "-C", root, "--one-file-system", *left_out, "-c", "."],  # noqa: S607
            stdout=subprocess.PIPE,
        ) as tar:
            assert tar.stdout is not None
            images.import_root(client, tar.stdout, reference)
        if tar.returncode:
            raise ImageFailed(f"tar ended with {tar.returncode} while packing {root}.")
    finally:
        # An interrupted debootstrap may leave /proc mounted inside; it must not be walked into.
        subprocess.run(["rm", "-rf", "--one-file-system", root], check=False)  # noqa: S603, S607


def _mirror(release: str) -> str:
    """Address of the archive that this machine's apt uses for its own release."""
    listing = _run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)")
    for line in listing.splitlines():
        uri, of_release, component = (*line.split(), "", "", "")[:3]
        if (of_release, component) == (release, "main"):
            return uri
    raise ImageFailed(f"apt's sources name no archive of {release} main; see /etc/apt/sources.list.")


def _run(*command: str) -> str:
    """Standard output of a command; ImageFailed with its last words when it fails."""
    # The commands are this module's own.
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last_words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
        raise ImageFailed(f"{command[0]} ended with {done.returncode}:\n{last_words}")
    return done.stdout
