"""HTTP/1.1 (RFC 9112), as much of it as the endpoint needs: strict readers of requests, heads of answers.

What a program sends is hostile until it has been read: every size has a limit, every step takes time in
proportion to the bytes at hand, and what is not exactly a request is `Refused`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

MOST_HEAD = 16 * 1024  # bytes of request line and headers
MOST_HEADERS = 100
MOST_TARGET = 4096
MOST_BODY = 4 * 1024 * 1024
MOST_CHUNKS = 4096  # of a body: its writer has no reason for more
MOST_CHUNK_LINE = 256
MOST_TRAILER = 4096

METHODS = {b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT"}
# What an answer may depend on. The rest is about connections, or nobody's business.
PASSED_ON = {
    *("accept", "authorization", "content-encoding", "content-type", "idempotency-key", "user-agent"),
    *("anthropic-beta", "anthropic-version", "openai-beta", "x-api-key", "x-stainless-retry-count"),
}

_ALPHANUMERIC = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN = _ALPHANUMERIC + b"!#$%&'*+-.^_`|~"
_VISIBLE = bytes(range(0x21, 0x7F))
_PLAIN = bytes(c if c in _VISIBLE + b" \t" else ord("?") for c in range(256))  # for bytes.translate
_HEX = b"0123456789ABCDEFabcdef"


class Refused(Exception):
    """The program gets this as its answer, and the connection ends."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Head(NamedTuple):
    """A request without its body."""

    method: str
    path: str
    headers: dict[str, str]  # of PASSED_ON
    length: int | None  # of the body; None: it comes in chunks
    keep_alive: bool
    knows_chunks: bool  # so that an answer may come in some
    awaits_word: bool  # to go on with the body


def parse_head(text: bytes) -> Head:
    """From request line to last header, without the empty line; raises Refused."""
    first, *lines = text.split(b"\r\n")
    method, path, modern = _parse_request_line(first)
    if len(lines) > MOST_HEADERS:
        raise Refused(431, "too many headers")
    headers = _parse_headers(lines)
    if modern and "host" not in headers:
        raise Refused(400, "no Host header")
    wishes = {word.strip() for word in headers.get("connection", "").lower().split(",")}
    return Head(
        method,
        path,
        {name: value for name, value in headers.items() if name in PASSED_ON},
        _length(headers, modern=modern),
        "close" not in wishes and (modern or "keep-alive" in wishes),
        modern,
        _awaits_word(headers),
    )


def _parse_request_line(line: bytes) -> tuple[str, str, bool]:
    """Method, target, and whether it is HTTP/1.1 rather than 1.0."""
    parts = line.split(b" ")
    if len(parts) != 3:
        raise Refused(400, "not a request line")
    method, target, version = parts
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refused(505, "HTTP/1.1 is spoken here")
    if method not in METHODS:
        raise Refused(501, "no such method")
    if len(target) > MOST_TARGET:
        raise Refused(414, "the address is too long")
    if not target.startswith(b"/") or not _consists_of(target, _VISIBLE):
        raise Refused(400, "not an address")
    return method.decode(), target.decode(), version == b"HTTP/1.1"


# Two of one name are joined, as RFC 9110 has it; but not where that would leave what is meant open.
_ONLY_ONCE = {b"authorization", b"content-length", b"content-type", b"expect", b"host", b"transfer-encoding"}


def _parse_headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if not colon or not name or not _consists_of(name, _TOKEN):
            raise Refused(400, "not a header")
        if b"\0" in value or b"\r" in value or b"\n" in value:
            raise Refused(400, "not a header's value")
        key = name.decode()
        if key in headers and name in _ONLY_ONCE:
            raise Refused(400, f"{key} twice")
        # Some clients send text beyond ASCII in headers of their own.
        text = value.translate(_PLAIN).decode()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _length(headers: Mapping[str, str], *, modern: bool) -> int | None:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None or not modern:
            raise Refused(400, "a body of two lengths")
        if coding.lower() != "chunked":
            raise Refused(501, "no such transfer encoding")
        return None
    if length is None:
        return 0
    if not length.isdecimal() or not length.isascii():
        raise Refused(400, "not a length")
    if len(length) > 10 or int(length) > MOST_BODY:
        raise Refused(413, "The request is too large.")
    return int(length)


def _awaits_word(headers: Mapping[str, str]) -> bool:
    wish = headers.get("expect", "").lower()
    if wish not in ("", "100-continue"):
        raise Refused(417, "no such expectation")
    return bool(wish)


def _consists_of(text: bytes, characters: bytes) -> bool:
    return not text.translate(None, characters)


class Sized:
    """Reads a body of known length."""

    def __init__(self, length: int) -> None:
        self._left = length

    @property
    def complete(self) -> bool:
        return self._left == 0

    def take(self, buffer: bytearray) -> bytes:
        """What `buffer` holds of the body, taken out of it."""
        data = bytes(buffer[: self._left])
        del buffer[: len(data)]
        self._left -= len(data)
        return data


class Chunked:
    """Reads a body that comes in chunks."""

    def __init__(self) -> None:
        self.complete = False
        self._in_chunk = 0  # bytes of the present chunk to come, with the CRLF after it
        self._room = MOST_BODY
        self._chunks = 0
        self._in_trailer = False
        self._trailer_room = MOST_TRAILER

    def take(self, buffer: bytearray) -> bytes:
        """What `buffer` holds of the body, taken out of it; raises Refused."""
        pieces = []
        at = 0
        while not self.complete:
            if self._in_chunk > 2:
                piece = bytes(buffer[at : at + self._in_chunk - 2])
                if not piece:
                    break
                pieces.append(piece)
                at += len(piece)
                self._in_chunk -= len(piece)
            elif self._in_chunk:
                if len(buffer) - at < 2:
                    break
                if buffer[at : at + 2] != b"\r\n":
                    raise Refused(400, "not a chunk")
                at += 2
                self._in_chunk = 0
            else:
                end = buffer.find(b"\r\n", at, at + MOST_CHUNK_LINE)
                if end < 0:
                    if len(buffer) - at >= MOST_CHUNK_LINE:
                        raise Refused(400, "not a chunk's length")
                    break
                self._take_line(bytes(buffer[at:end]))
                at = end + 2
        del buffer[:at]
        return b"".join(pieces)

    def _take_line(self, line: bytes) -> None:
        if self._in_trailer:
            self._trailer_room -= len(line) + 2
            if self._trailer_room < 0:
                raise Refused(431, "too many headers")
            self.complete = not line
            return
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not digits or len(digits) > 8 or not _consists_of(digits, _HEX):
            raise Refused(400, "not a chunk's length")
        size = int(digits, 16)
        self._chunks += 1
        self._room -= size
        if self._room < 0:
            raise Refused(413, "The request is too large.")
        if self._chunks > MOST_CHUNKS:
            raise Refused(400, "too many chunks")
        self._in_trailer = size == 0
        self._in_chunk = size + 2 if size else 0


def answer_head(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers, with the empty line."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def refusal(status: int, message: str) -> bytes:
    """A whole answer in the words that clients of models understand, after which the connection ends."""
    kind = "rate_limit_error" if status == 429 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": "refused_by_sandbox"}
    body = json.dumps({"error": error}).encode()
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "x-should-retry": "false",
    }
    return answer_head(status, headers) + body
