"""The framing: whole frames out of any pieces, and nothing but a refusal out of nonsense."""

from __future__ import annotations

import struct

import pytest

from sandbox.supervisor.frames import Frame, FrameReader, Kind, MalformedFrame, pack

FRAMES = [
    Frame(Kind.READY, 0, b"{}"),
    Frame(Kind.STDOUT, 2**64 - 1, b"\x00" * 1000),
    Frame(Kind.EXIT, 7, b""),
]
STREAM = b"".join(pack(*frame) for frame in FRAMES)


@pytest.mark.parametrize("size", [1, 2, 13, 14, 500, len(STREAM)])
def test_frames_survive_any_cutting(size: int) -> None:
    reader = FrameReader(limit=1000)
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]

    assert [frame for piece in pieces for frame in reader.feed(piece)] == FRAMES


def test_a_frame_over_the_limit_is_refused_before_it_has_come() -> None:
    with pytest.raises(MalformedFrame, match="1001 bytes"):
        FrameReader(limit=1000).feed(struct.pack(">IBQ", 1001, Kind.STDOUT, 1))


@pytest.mark.parametrize("kind", [0, 99, 255])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    with pytest.raises(MalformedFrame, match="unknown kind"):
        FrameReader(limit=1000).feed(struct.pack(">IBQ", 0, kind, 1))
