"""Calls without a sandbox: what an answerer says is recorded, and the program hangs up when told."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from sandbox.calls import Call, CallRequest


class RecordedCall(Call):
    """A call by a program that takes everything at once."""

    def __init__(self, request: CallRequest) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.pieces: list[bytes] = []
        self.complete = False
        self.broken = False
        self.over = threading.Event()
        super().__init__(request, self)

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, dict(headers)

    def continue_answer(self, number: int, data: bytes) -> None:
        self.pieces.append(data)
        self.note_taken(len(data))

    def end_answer(self, number: int) -> None:
        self.complete = True
        self.over.set()

    def cut_off(self, number: int) -> None:
        self.broken = True
        self.over.set()


def make_call(
    path: str = "/v1/chat/completions",
    body: bytes = b"{}",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    number: int = 1,
) -> RecordedCall:
    return RecordedCall(
        CallRequest(
            number=number,
            method=method,
            path=path,
            headers=headers or {"content-type": "application/json"},
            body=body,
        )
    )
