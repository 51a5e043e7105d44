"""What a provider is to the rest: a place to ask, and the ways it can fail."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Json = dict[str, Any]


class Fault(StrEnum):
    """Whose fault, and what may be tried next."""

    UNREACHABLE = "unreachable"  # no connection
    TIMEOUT = "timeout"  # connected, and then too slow
    KEY_REFUSED = "key_refused"  # 401, 403
    RATE_LIMITED = "rate_limited"  # 429
    NO_SUCH_MODEL = "no_such_model"  # 404
    FAILED = "failed"  # 5xx
    BAD_REQUEST = "bad_request"  # any other 4xx: what was asked cannot be done
    GARBAGE = "garbage"  # an answer nobody can read
    BROKEN = "broken"  # an answer that ended half way


# A second try at the same place: it had certainly not begun to answer, so nothing is paid twice.
_WORTH_ANOTHER_TRY = {Fault.UNREACHABLE, Fault.RATE_LIMITED, Fault.FAILED}


class ProviderError(Exception):
    """A provider gave no (whole) answer. The message is for the log and the ledger; it holds no key."""

    def __init__(
        self, fault: Fault, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.status = status  # the provider's
        self.retry_after = retry_after  # seconds that the provider asks to wait

    @property
    def may_try_again(self) -> bool:
        return self.fault in _WORTH_ANOTHER_TRY

    @property
    def may_ask_another(self) -> bool:
        return self.fault is not Fault.BAD_REQUEST


@dataclass(frozen=True)
class Endpoint:
    """Where and how a provider is reached."""

    name: str
    kind: str  # "openai" or "anthropic": the protocol it speaks
    url: str
    key: str

    def __repr__(self) -> str:  # a key has no business in logs and tracebacks
        return f"Endpoint({self.name}, {self.kind}, {self.url})"


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for a connection, for the next bytes, for the whole answer."""

    connect: float
    silence: float
    whole: float


class Provider(Protocol):
    """One endpoint. Used in the event loop that made it."""

    endpoint: Endpoint

    def chat(self, body: Mapping[str, Any]) -> AsyncGenerator[Json, None]:
        """`chat.completion.chunk`s if the body says `stream`, else one `chat.completion`.

        Streamed usage comes in a chunk of its own without choices. Raises ProviderError. Closing the
        iterator hangs up.
        """
        ...

    async def embed(self, body: Mapping[str, Any]) -> Json:
        """The answer of `/embeddings`. Raises ProviderError."""
        ...

    async def close(self) -> None: ...
