"""Ask one provider after the other until one answers; again where nothing was said or paid yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings

from tutor.configured import PricedModel
from tutor.providers.clients import provider_for
from tutor.providers.interface import Endpoint, Json, Patience, ProviderError

log = structlog.get_logger(__name__)

_FIRST_WAIT = 0.25  # seconds, doubled with each try


@dataclass(frozen=True)
class Candidate:
    """A model at a provider that may answer a call."""

    endpoint: Endpoint
    model: PricedModel
    own_key: bool = False


async def chat(
    candidates: Sequence[Candidate], body: Mapping[str, Any]
) -> AsyncGenerator[tuple[Candidate, Json], None]:
    """The answer's chunks (one, if it is not streamed) with who gives them. Raises ProviderError.

    Once a chunk was passed on nobody else is asked: half of two answers is none.
    """
    error: ProviderError | None = None
    for candidate in candidates:
        for number in range(settings.MODEL_RETRIES + 1):
            is_passed_on = False
            try:
                provider = await provider_for(candidate.endpoint, patience())
                async with aclosing(provider.chat({**body, "model": candidate.model.name})) as chunks:
                    async for chunk in chunks:
                        is_passed_on = True
                        yield candidate, chunk
                return
            except ProviderError as raised:
                error = raised
                if is_passed_on or not await _another_try(raised, candidate, number):
                    break
        if is_passed_on or error is None or not error.may_ask_another:
            break
    raise error or AssertionError("no candidates")


async def embed(
    candidates: Sequence[Candidate], body: Mapping[str, Any]
) -> AsyncGenerator[tuple[Candidate, Json], None]:
    """The embeddings, once, with who gave them. Raises ProviderError."""
    error: ProviderError | None = None
    for candidate in candidates:
        for number in range(settings.MODEL_RETRIES + 1):
            try:
                provider = await provider_for(candidate.endpoint, patience())
                answer = await provider.embed({**body, "model": candidate.model.name})
            except ProviderError as raised:
                error = raised
                if not await _another_try(raised, candidate, number):
                    break
            else:
                yield candidate, answer
                return
        if error is None or not error.may_ask_another:
            break
    raise error or AssertionError("no candidates")


def patience() -> Patience:
    return Patience(
        connect=settings.MODEL_CONNECT_SECONDS,
        silence=settings.MODEL_SILENCE_SECONDS,
        whole=settings.MODEL_CALL_SECONDS,
    )


async def _another_try(error: ProviderError, candidate: Candidate, number: int) -> bool:
    """Wait for another try at the same provider, if one makes sense."""
    log.warning(
        "provider_failed",
        provider=candidate.endpoint.name,
        model=candidate.model.name,
        fault=str(error.fault),
        status=error.status,
        error=str(error),
    )
    wait = _FIRST_WAIT * 2**number if error.retry_after is None else error.retry_after
    if (
        not error.may_try_again
        or number >= settings.MODEL_RETRIES
        or wait > settings.MODEL_RETRY_WAIT_SECONDS
    ):
        return False
    await asyncio.sleep(wait)
    return True
