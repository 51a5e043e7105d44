"""Requests as programs write them, and as they should not: what the endpoint reads before it relays."""

from __future__ import annotations

import random

import pytest

from sandbox.supervisor import http1
from sandbox.supervisor.http1 import Chunked, Refused, Sized, parse_head

HEAD = b"POST /v1/chat/completions?a=%20b HTTP/1.1\r\nHost: 127.0.0.1:11411"


def test_a_request() -> None:
    head = parse_head(
        HEAD
        + b"\r\nAccept: text/event-stream\r\nACCEPT:  application/json\t\r\nAuthorization: Bearer x y"
        + b"\r\nCookie: secret=1\r\nX-Odd: \xff\xfe\r\nContent-Length: 007"
    )

    assert (head.method, head.path, head.length) == ("POST", "/v1/chat/completions?a=%20b", 7)
    assert head.headers == {"accept": "text/event-stream, application/json", "authorization": "Bearer x y"}
    assert (head.keep_alive, head.knows_chunks, head.awaits_word) == (True, True, False)


@pytest.mark.parametrize(
    ("head", "keep_alive", "knows_chunks"),
    [
        (b"GET / HTTP/1.1\r\nHost: x", True, True),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Close", False, True),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: te, close", False, True),
        (b"GET / HTTP/1.0", False, False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive", True, False),
    ],
)
def test_what_becomes_of_the_connection(head: bytes, keep_alive: bool, knows_chunks: bool) -> None:
    parsed = parse_head(head)

    assert (parsed.keep_alive, parsed.knows_chunks) == (keep_alive, knows_chunks)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", 400),
        (b"\r\n" + HEAD, 400),
        (b"GET /", 400),
        (b"GET  / HTTP/1.1\r\nHost: x", 400),
        (b"GET / HTTP/1.1 \r\nHost: x", 400),
        (b"GET / HTTP/1.1\nHost: x", 400),
        (b"GET / HTTP/2.0\r\nHost: x", 505),
        (b"PRI * HTTP/2.0", 505),
        (b"get / HTTP/1.1\r\nHost: x", 501),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: x", 501),
        (b"GET http://example.com/ HTTP/1.1\r\nHost: x", 400),
        (b"GET * HTTP/1.1\r\nHost: x", 400),
        (b"GET /\xe4 HTTP/1.1\r\nHost: x", 400),
        (b"GET /\0 HTTP/1.1\r\nHost: x", 400),
        (b"GET /" + b"a" * http1.MOST_TARGET + b" HTTP/1.1\r\nHost: x", 414),
        (b"GET / HTTP/1.1", 400),
        (HEAD + b"\r\nHost: y", 400),
        (HEAD + b"\r\nno colon", 400),
        (HEAD + b"\r\n: no name", 400),
        (HEAD + b"\r\nname : with a space", 400),
        (HEAD + b"\r\nX: a\r\n folded", 400),
        (HEAD + b"\r\nX: a\rb", 400),
        (HEAD + b"\r\nX: a\nb", 400),
        (HEAD + b"\r\nX: a\0b", 400),
        (HEAD + b"\r\nX: 1" * http1.MOST_HEADERS, 431),
        (HEAD + b"\r\nAuthorization: a\r\nAuthorization: b", 400),
        (HEAD + b"\r\nContent-Length: 1\r\nContent-Length: 1", 400),
        (HEAD + b"\r\nContent-Length: 1, 1", 400),
        (HEAD + b"\r\nContent-Length: -1", 400),
        (HEAD + b"\r\nContent-Length: +1", 400),
        (HEAD + b"\r\nContent-Length: 1_0", 400),
        (HEAD + b"\r\nContent-Length: 0x1", 400),
        (HEAD + b"\r\nContent-Length: 1\xb2", 400),
        (HEAD + b"\r\nContent-Length:", 400),
        (HEAD + b"\r\nContent-Length: %d" % (http1.MOST_BODY + 1), 413),
        (HEAD + b"\r\nContent-Length: " + b"9" * 5000, 413),
        (HEAD + b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 1", 400),
        (HEAD + b"\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        (HEAD + b"\r\nTransfer-Encoding: gzip, chunked", 501),
        (HEAD + b"\r\nTransfer-Encoding: xchunked", 501),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 400),
        (HEAD + b"\r\nExpect: 200-ok", 417),
    ],
)
def test_what_is_no_request_is_refused(head: bytes, status: int) -> None:
    with pytest.raises(Refused) as refused:
        parse_head(head)

    assert refused.value.status == status


def take_in_pieces(reader: Sized | Chunked, text: bytes, sizes: list[int]) -> tuple[bytes, bytes]:
    """What the reader makes of a text that arrives in pieces, and what it leaves."""
    buffer, body, at = bytearray(), b"", 0
    for size in sizes:
        buffer += text[at : at + size]
        at += size
        body += reader.take(buffer)
    return body, bytes(buffer)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_body_in_chunks(size: int) -> None:
    reader = Chunked()
    text = b"5\r\nhello\r\n006 ;why=not\r\n world\r\n0\r\nTrailer: x\r\n\r\nGET /next"

    body, left = take_in_pieces(reader, text, [size] * len(text))

    assert reader.complete
    assert (body, left) == (b"hello world", b"GET /next")


def test_a_body_of_known_length() -> None:
    reader = Sized(5)

    assert take_in_pieces(reader, b"helloGET", [2, 1, 5]) == (b"hello", b"GET")
    assert reader.complete


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"\r\n", 400),
        (b"-1\r\n", 400),
        (b"0x5\r\nhello\r\n", 400),
        (b" 5\r\nhello\r\n", 400),
        (b"5\r\nhelloGET", 400),
        (b"5\r\nhello\n\n", 400),
        (b"000000005\r\n", 400),
        (b"a" * http1.MOST_CHUNK_LINE, 400),
        (b"1" + b";" * http1.MOST_CHUNK_LINE, 400),
        (b"ffffffff\r\n", 413),
        (b"300000\r\n" + b"a" * 0x300000 + b"\r\n200000\r\n", 413),
        (b"1\r\na\r\n" * (http1.MOST_CHUNKS + 1), 400),
        (b"0\r\n" + b"X: aaaaaaaaaa\r\n" * 300, 431),
    ],
)
def test_what_is_no_chunk_is_refused(text: bytes, status: int) -> None:
    with pytest.raises(Refused) as refused:
        Chunked().take(bytearray(text))

    assert refused.value.status == status


def test_readers_refuse_or_read_whatever_they_are_given() -> None:
    """Mutations of good requests, from a seed: nothing but Refused is ever raised, and bodies stay within."""
    chance = random.Random(20261120)
    good = [
        HEAD + b"\r\nContent-Length: 5\r\nConnection: close",
        HEAD + b"\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue",
        b"5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n",
    ]
    pieces = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b":",
        b" ",
        b"\t",
        b"\xff",
        b"0",
        b"f" * 9,
        b"Content-Length: 1\r\n",
    ]
    refused = 0
    for _ in range(20_000):
        text = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text) + 1)
            text[at : at + chance.choice((0, 0, 1, 5))] = chance.choice((*pieces, chance.randbytes(3)))
        try:
            parse_head(bytes(text))
        except Refused:
            refused += 1
        try:
            body = Chunked().take(text)
        except Refused:
            refused += 1
        else:
            assert len(body) <= http1.MOST_BODY
    assert 20_000 < refused < 40_000


def test_an_answer() -> None:
    assert http1.answer_head(200, {"a": "b"}) == b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"
    assert http1.answer_head(299, {}) == b"HTTP/1.1 299 \r\n\r\n"
