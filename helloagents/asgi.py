"""ASGI entry point, served by uvicorn."""

import os
import warnings
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from helloagents import ending, watching
from helloagents.threads import RequestThreads

# WhiteNoise hands files over by a plain iterator; they are small, and reading them ahead costs nothing.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helloagents.settings")


# What Django does when a request comes in. Left to its signal, it would take a way to the request's thread
# and back, just before the one to answer it.
BEGINNING = (reset_queries, close_old_connections)
for _receiver in BEGINNING:
    request_started.disconnect(_receiver)


class OneThreadHandler(ASGIHandler):
    """Runs a request's middleware and view in one thread, from end to end.

    By itself Django goes to that thread and back to the event loop for each middleware, some twenty times:
    milliseconds. What a view leaves to be streamed is still awaited on the event loop, and an async view too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = RequestThreads()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        async with self._threads.lent():
            await ending.answer_endable(super().__call__, scope, receive, send)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self._begin_and_answer)(request)

    def _begin_and_answer(self, request: HttpRequest) -> HttpResponseBase:
        for receiver in BEGINNING:
            receiver()
        return self.get_response(request)


async def _live(receive: ending.Receive, send: ending.Send) -> None:
    """From the process's start to its end, which waits for what no connection does: answers being written."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    from tutor import answering  # it has models: when this file is loaded, the apps are not

    await ending.wait_until(lambda: not answering.is_at_work())
    await send({"type": "lifespan.shutdown.complete"})


django.setup(set_prefix=False)
watching.start("web")
application = OneThreadHandler()
