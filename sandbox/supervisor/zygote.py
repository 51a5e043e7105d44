"""The process that learners' processes are forked from: warm, prepared, and idle but for that.

After a fork, parent and child share memory until one of them writes to a page, which costs a page fault and
mostly a copy. Reference counts make Python write wherever it reads, so a supervisor that forked would pay
hundreds of faults for each run; this process does next to nothing between two forks. It has never seen a
request either, so no memory that a program inherits holds another learner's code or output.

It is as hard to reach from a program as the supervisor is: it belongs to user 0, is not dumpable, and opens
nothing. Its children are process 1's children from the start, so process 1 reaps them and knows what they
used, and a process of a run is always process 1's child or descends from one.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import NoReturn

from . import kernel, learner
from .wires import LEARNER_ENDS, PACKETS_FD, Wires

LINE_FD = PACKETS_FD + 1
_ID = struct.Struct("=I")


class Unsupported(Exception):
    """This kernel cannot do it."""


class Zygote:
    """Process 1's view of it. `ended` is for whoever reaps it to set."""

    def __init__(self, rules: learner.Rules) -> None:
        """Raises Unsupported."""
        self.ended = False
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _live(theirs, rules)
            finally:
                os._exit(learner.FAILED)
        theirs.close()
        self.residents = {"1", str(self.pid)}
        self._wait_for_attempt()

    def _wait_for_attempt(self) -> None:
        try:
            (attempt,) = _ID.unpack(self._line.recv(_ID.size))
            os.waitpid(attempt, 0)
        except (struct.error, ChildProcessError) as error:
            self._line.close()
            os.waitpid(self.pid, 0)
            raise Unsupported from error

    def fork(self, uid: int, wires: Wires) -> None:
        """Have a learner's process made, which reports over its wires. OSError when the zygote is gone."""
        socket.send_fds(self._line, [_ID.pack(uid)], wires.learner_ends)

    def is_alone(self, *others: int) -> bool:
        """Whether there is no process but process 1, the zygote and `others`.

        No fork can slip through. While a run has processes, one of them is process 1's own child (an orphan
        becomes it in the moment its parent ends), and that one stays listed until process 1 reaps it.
        """
        known = self.residents.union(map(str, others))
        return known.issuperset(name for name in os.listdir("/proc") if name.isdigit())


def _live(line: socket.socket, rules: learner.Rules) -> NoReturn:
    os.dup2(line.fileno(), LINE_FD, inheritable=False)
    os.closerange(3, LINE_FD)
    os.closerange(LINE_FD + 1, os.sysconf("SC_OPEN_MAX"))
    line.detach()
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=LINE_FD)
    process = learner.Process(rules)
    process.rehearse()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    ancillary = socket.CMSG_SPACE(LEARNER_ENDS * struct.calcsize("i"))
    fork = kernel.Forker().fork
    process.freeze()
    if (attempt := fork()) == 0:
        os._exit(0)
    line.send(_ID.pack(attempt))
    while True:
        # A descriptor gets the lowest free number, so the ones received are 0, 1, 2 and 3.
        os.closerange(0, LEARNER_ENDS)
        data = line.recvmsg(_ID.size, ancillary)[0]
        if not data:
            os._exit(0)
        if fork() == 0:
            os.dup2(LEARNER_ENDS - 1, PACKETS_FD, inheritable=False)
            os.close(LEARNER_ENDS - 1)
            os.close(LINE_FD)
            process.after_fork()
            process.live(_ID.unpack(data)[0])
