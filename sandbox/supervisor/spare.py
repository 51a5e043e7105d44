"""A process forked ahead of its run: confined already, waiting for a program.

Forking and confining cost as much as a short program itself, so they are done while nobody waits. A spare
is made only after the traces of the last run are gone, and no learner's code runs beside it.
"""

from __future__ import annotations

import os
import select

from . import learner
from .request import Request
from .wires import ORDER_CHUNK, READY, READY_WORD, Wires
from .zygote import Zygote

READY_SECONDS = 5.0  # a container squeezed for processor time may need a while


class NotReady(Exception):
    """The process could not be confined, so it must not get a program."""


class Spare:
    """One forked process and the descriptors it is reached by."""

    def __init__(self, uid: int | None, rules: learner.Rules, zygote: Zygote | None) -> None:
        """Forked by the zygote where there is one, else by this process."""
        self.uid = uid
        self.wires = Wires()
        if zygote and uid is not None:
            zygote.fork(uid, self.wires)
        elif os.fork() == 0:
            self._live(rules)
        self.wires.keep_supervisor_ends()

    def begin(self, request: Request) -> int:
        """Hand over a request; returns the id of the process. Raises NotReady."""
        waiting = select.poll()
        waiting.register(self.wires.packets, select.POLLIN)
        waiting.poll(READY_SECONDS * 1000)
        try:
            answer = self.wires.packets.recv(ORDER_CHUNK)
        except BlockingIOError:
            answer = b"no answer"
        if not answer.startswith(READY_WORD):
            raise NotReady(answer.decode("utf-8", "replace"))
        self.wires.give_order(request)
        pid: int = READY.unpack(answer)[1]
        return pid

    def _live(self, rules: learner.Rules) -> None:
        try:
            self.wires.keep_learner_ends()
            learner.Process(rules).live(self.uid)
        finally:
            os._exit(learner.FAILED)
