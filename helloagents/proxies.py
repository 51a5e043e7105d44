"""Who really asks, when proxies stand between: the client's address out of X-Forwarded-For.

Anybody can send that header, so of its addresses only those count that a trusted proxy wrote. Each proxy
appends the address it was asked from; so the list is read from its end.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from tutor.configured import Unreadable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")


@dataclass(frozen=True)
class TrustedProxies:
    """The proxies before the site: so many of them in a row, or all in these networks. Neither: none."""

    number: int = 0
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, words: Sequence[str]) -> TrustedProxies:
        """From ["1"] or ["10.0.0.0/8", "127.0.0.1"]. Raises Unreadable."""
        if len(words) == 1 and words[0].isdecimal():
            return cls(number=int(words[0]))
        try:
            return cls(networks=tuple(ipaddress.ip_network(word) for word in words))
        except ValueError as error:
            raise Unreadable(f"{error}; it takes how many proxies there are, or their networks") from error

    def client(self, peer: str, forwarded_for: str) -> str:
        """The address of who asks; `peer` is who holds the connection."""
        chain = [peer, *(_bare(part) for part in reversed(forwarded_for.split(","))), ""]
        at = 0
        while chain[at + 1] and self._trusts(chain[at], at):
            at += 1
        return chain[at]

    def trusts_peer(self, peer: str) -> bool:
        return self._trusts(peer, 0)

    def _trusts(self, address: str, hop: int) -> bool:
        if self.number:
            return hop < self.number
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


def _bare(part: str) -> str:
    """The address in a part of the header, without a port; empty when it is none."""
    text = part.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


@sync_and_async_middleware
def client_address(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Make REMOTE_ADDR the client's own address. Goes first: limits, log and sign-in all look there.

    What somebody who is no trusted proxy says about forwarding is forgotten, so that the settings may believe
    the rest (SECURE_PROXY_SSL_HEADER).
    """
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            _set_address(request)
            response = get_response(request)
            assert not isinstance(response, HttpResponseBase)
            answer: HttpResponseBase = await response
            return answer

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        _set_address(request)
        response = get_response(request)
        assert isinstance(response, HttpResponseBase)
        return response

    return respond


def _set_address(request: HttpRequest) -> None:
    proxies: TrustedProxies = settings.TRUSTED_PROXIES
    peer = request.META.get("REMOTE_ADDR") or "127.0.0.1"  # a Unix socket: whoever is on this machine
    if proxies.trusts_peer(peer):
        request.META["REMOTE_ADDR"] = proxies.client(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""))
    else:
        request.META["REMOTE_ADDR"] = peer
        for name in FORWARDED:
            request.META.pop(name, None)
