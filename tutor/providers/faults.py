"""What SDKs and connections raise, as ProviderErrors. Both SDKs name their exceptions alike."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
import openai

from tutor.providers.interface import Endpoint, Fault, Patience, ProviderError

_MESSAGE_LIMIT = 500  # characters
_OF_STATUS = {
    401: Fault.KEY_REFUSED,
    403: Fault.KEY_REFUSED,
    404: Fault.NO_SUCH_MODEL,
    429: Fault.RATE_LIMITED,
}
_FIRST_FAILURE = 500


@asynccontextmanager
async def named(endpoint: Endpoint, patience: Patience) -> AsyncIterator[None]:
    """Turn every way to fail inside into a ProviderError whose message names the provider, not its key."""
    try:
        async with asyncio.timeout(patience.whole):
            yield
    except ProviderError as error:
        raise ProviderError(
            error.fault, _clean(str(error), endpoint), status=error.status, retry_after=error.retry_after
        ) from None
    except (
        openai.APITimeoutError,
        anthropic.APITimeoutError,
        httpx2.TimeoutException,
        TimeoutError,
    ) as error:
        if isinstance(error.__cause__, httpx2.ConnectTimeout):
            raise ProviderError(Fault.UNREACHABLE, f"{endpoint.name} cannot be reached") from None
        raise ProviderError(Fault.TIMEOUT, f"{endpoint.name} did not answer in time") from None
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        raise _of_status(error, endpoint) from None
    except (openai.APIConnectionError, anthropic.APIConnectionError) as error:
        raise _of_connection(error, endpoint) from None
    except httpx2.HTTPError as error:
        what = f"{endpoint.name} broke off ({type(error).__name__})"
        raise ProviderError(Fault.BROKEN, what) from None
    except (openai.APIError, anthropic.APIError) as error:
        raise ProviderError(Fault.BROKEN, _clean(str(error), endpoint)) from None


def message_in(body: object) -> str:
    """The message of an error body of either protocol, or ""."""
    error: Any = body.get("error", body) if isinstance(body, Mapping) else body
    message = error.get("message") if isinstance(error, Mapping) else error
    return message[:_MESSAGE_LIMIT] if isinstance(message, str) else ""


def _of_status(error: openai.APIStatusError | anthropic.APIStatusError, endpoint: Endpoint) -> ProviderError:
    status = error.status_code
    fault = _OF_STATUS.get(status, Fault.FAILED if status >= _FIRST_FAILURE else Fault.BAD_REQUEST)
    said = message_in(error.body) or f"HTTP {status}"
    return ProviderError(
        fault,
        _clean(f"{endpoint.name}: {said}", endpoint),
        status=status,
        retry_after=_retry_after(error.response.headers),
    )


def _of_connection(
    error: openai.APIConnectionError | anthropic.APIConnectionError, endpoint: Endpoint
) -> ProviderError:
    """Whether the request can have arrived decides what may be tried again."""
    if isinstance(error.__cause__, httpx2.ConnectError | httpx2.UnsupportedProtocol):
        return ProviderError(Fault.UNREACHABLE, f"{endpoint.name} cannot be reached")
    return ProviderError(Fault.BROKEN, f"{endpoint.name} hung up without an answer")


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds, whether the header gives seconds or a date."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _clean(text: str, endpoint: Endpoint) -> str:
    """Without the key, which some services repeat when they refuse it."""
    if endpoint.key:
        text = text.replace(endpoint.key, "***")
    return text.replace("\0", "")[:_MESSAGE_LIMIT]
