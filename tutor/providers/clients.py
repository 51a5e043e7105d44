"""The providers in use: each endpoint keeps one client, and with it its open connections.

Their SDKs are imported when the first one is needed: they take two seconds, more than all the rest of the
site, and most processes never ask a model.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable

from django.utils.module_loading import import_string

from tutor import background
from tutor.providers.interface import Endpoint, Patience, Provider

ADAPTERS = {
    "openai": "tutor.providers.openai_compatible.OpenAICompatible",
    "anthropic": "tutor.providers.anthropic_messages.AnthropicMessages",
}
_KEPT = 64  # users' own keys come and go

_clients: OrderedDict[tuple[Endpoint, Patience, int], Provider] = OrderedDict()


async def provider_for(endpoint: Endpoint, patience: Patience) -> Provider:
    """The provider at an endpoint. To be called in the background loop, where it is used."""
    key = (endpoint, patience, id(background.loop()))
    if key not in _clients:
        adapter = await asyncio.to_thread(_adapter, endpoint.kind)
        if key not in _clients:  # another call was faster
            _clients[key] = adapter(endpoint, patience)
        while len(_clients) > _KEPT:
            _clients.popitem(last=False)  # not closed: an answer may still come over it
    _clients.move_to_end(key)
    return _clients[key]


def load_ahead() -> None:
    """Import the SDKs now, in a thread, so that the first call does not wait for them."""

    def load() -> None:
        for kind in ADAPTERS:
            _adapter(kind)

    threading.Thread(target=load, name="load-sdks", daemon=True).start()


def _adapter(kind: str) -> Callable[[Endpoint, Patience], Provider]:
    adapter: Callable[[Endpoint, Patience], Provider] = import_string(ADAPTERS[kind])
    return adapter


async def close_all() -> None:
    """Close every connection, as a process does before it ends."""
    while _clients:
        _, provider = _clients.popitem()
        await provider.close()
