"""The way to the Docker engine: finding it, and turning its errors into the sandbox's own.

The engine is found as the `docker` command finds it: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY` and
`DOCKER_CERT_PATH`), else the current context, else the local socket.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import docker.errors
import requests.exceptions

from sandbox.errors import ContainerLost, EngineUnavailable, ImageMissing

Client = docker.APIClient

HOW_TO_BUILD = "Build it: python manage.py build_sandbox_image"
PING_TIMEOUT = 2.0
CALL_TIMEOUT = 20.0  # seconds for one call; creating a container on a busy engine takes a few

_UNREACHABLE = (requests.exceptions.RequestException, OSError)


def connect(*, timeout: float = CALL_TIMEOUT) -> Client:
    """A client of the engine, its version agreed. Safe to share between threads; to be closed.

    Raises EngineUnavailable when nothing answers; the message names the address and the ways to mend it.
    """
    # Any version will do to ask for the right one.
    with _client(timeout, version="1.41") as probe, engine_errors(probe):
        _knock(address(probe), timeout=timeout)
        version: str = probe.version(api_version=False)["ApiVersion"]
    return _client(timeout, version=version)


def _client(timeout: float, *, version: str) -> Client:
    try:
        # The SDK's types want whole seconds; it only hands the number on.
        client = docker.from_env(timeout=timeout, version=version, max_pool_size=32).api  # type: ignore[arg-type]
    except docker.errors.DockerException as error:
        raise EngineUnavailable(f"The Docker settings cannot be used: {error}") from error
    # Proxies are not for an engine, and REQUESTS_CA_BUNDLE would outvote the engine's own certificate.
    client.trust_env = False
    return client


def ping(client: Client) -> None:
    """Raise EngineUnavailable when the engine does not answer within the client's timeout."""
    with engine_errors(client):
        _knock(address(client), timeout=client.timeout)
        client.ping()


def _knock(where: str, *, timeout: float) -> None:
    """Raise OSError where no local engine listens. The SDK would, too, but leave its socket open."""
    if where.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(timeout)
            knocking.connect(where.removeprefix("unix://"))


def address(client: Client) -> str:
    """Where the client looks for the engine, as an operator would write it."""
    url: str = client.base_url
    if url.startswith("http+docker://"):
        adapter = client.get_adapter(url)
        return f"unix://{getattr(adapter, 'socket_path', '')}"
    return url


@contextmanager
def engine_errors(client: Client) -> Iterator[None]:
    """Raise what happens inside as EngineUnavailable, or ContainerLost when only a container is gone."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise ImageMissing(
            f"The Docker engine at {address(client)} says: {error.explanation}. {HOW_TO_BUILD}"
        ) from error
    except docker.errors.NotFound as error:
        raise ContainerLost(f"The container is gone: {error.explanation}") from error
    except docker.errors.APIError as error:
        raise EngineUnavailable(
            f"The Docker engine at {address(client)} refused: {error.explanation or error}"
        ) from error
    except requests.exceptions.SSLError as error:
        raise EngineUnavailable(
            f"No trusted connection to the Docker engine at {address(client)}: {error}. "
            "See the certificates in DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem)."
        ) from error
    except requests.exceptions.Timeout as error:
        raise EngineUnavailable(
            f"The Docker engine at {address(client)} did not answer in {client.timeout:g} s. "
            "See its log, and restart it if it hangs."
        ) from error
    except _UNREACHABLE as error:
        raise EngineUnavailable(_unreachable(address(client), error)) from error
    except docker.errors.DockerException as error:
        raise EngineUnavailable(f"The Docker engine at {address(client)} failed: {error}") from error


def _unreachable(where: str, error: BaseException) -> str:
    if "Permission denied" in str(error):
        return (
            f"This user may not talk to the Docker engine at {where}. Add the user to the group `docker` "
            "and sign in again, or set DOCKER_HOST to a rootless engine."
        )
    return (
        f"No Docker engine answers at {where}. Start it (`systemctl start docker`, or Docker Desktop), or "
        "set DOCKER_HOST to where it is."
    )
