"""The language a person reads in.

Every page links to itself in the other languages; `/` opens in the one last read.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import translate_url
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import get_language, get_language_from_path, get_language_info

YEAR = 365 * 24 * 3600  # seconds


@dataclass(frozen=True)
class PageLanguage:
    """A language with the current page's address in it."""

    code: str
    name: str  # in that language itself
    url: str
    absolute_url: str
    is_current: bool


def languages(request: HttpRequest) -> dict[str, list[PageLanguage]]:
    """Context processor: `languages`, this page in every language of the site.

    A page without a twin (an error page) leads to the other language's front page.
    """
    here = request.get_full_path()

    def page_in(code: str) -> PageLanguage:
        current = code == get_language()
        url = translate_url(here, code)
        if url == here and not current:
            url = f"/{code}/"
        name = get_language_info(code)["name_local"]
        return PageLanguage(code, name, url, request.build_absolute_uri(url), current)

    return {"languages": [page_in(code) for code, _ in settings.LANGUAGES]}


@sync_and_async_middleware
def remember_language(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Note the language of the last page read in the language cookie, where `/` looks for it."""
    if iscoroutinefunction(get_response):

        async def remember_async(request: HttpRequest) -> HttpResponseBase:
            answer: Awaitable[HttpResponseBase] = get_response(request)
            return _note(request, await answer)

        return remember_async

    def remember(request: HttpRequest) -> HttpResponseBase:
        return _note(request, get_response(request))

    return remember


def _note(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    language = get_language_from_path(request.path_info)
    is_page = request.method == "GET" and response.get("Content-Type", "").startswith("text/html")
    if is_page and language and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) != language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=YEAR,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response
