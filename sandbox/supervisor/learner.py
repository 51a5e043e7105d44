"""A learner's process, from its fork to the program: prepared, confined, and given its order."""

from __future__ import annotations

import gc
import os
import random
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

from . import identity, program, streams
from .wires import ORDER_CHUNK, PACKETS_FD, READY, READY_WORD, read_order

FAILED = 70  # exit code: EX_SOFTWARE
REHEARSALS = 20  # Python 3.11 specialises code that has run eight times


# Looked up ahead: each look into a module would write to more of the shared memory.
_main_thread = threading.main_thread()
_seed = super(random.Random, random._inst).seed  # of the generator behind the module's functions


class Rules(NamedTuple):
    """Which limits are set on each process, since no control group counts them."""

    memory: bool
    processes: bool


class Process:
    """All that is the same for every run, made once so that the runs share its memory.

    Nothing of it depends on what descriptors 0 to 2 and PACKETS_FD are open on; that comes later.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._numpy_random: Any = sys.modules.get("numpy.random")
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        identity.prefer_as_victim()
        identity.limit_all_alike()
        self._packets = streams.Packets(PACKETS_FD)
        streams.replace_standard_streams(self._packets)
        program.set_stage()

    def rehearse(self) -> None:
        """Do what every run does: symbols get linked and code specialised for all of them at once."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.dup2(theirs.fileno(), PACKETS_FD, inheritable=False)
        os.setsid()
        for _ in range(REHEARSALS):
            self.after_fork()
            identity.drop_to(os.getuid())
            program.rehearse()
            ours.setblocking(False)
            with suppress(BlockingIOError):
                while ours.recv(ORDER_CHUNK):
                    pass

    @staticmethod
    def freeze() -> None:
        """Have the garbage collector leave alone, so that it does not write to it, all there is by now."""
        gc.collect()
        gc.freeze()

    @staticmethod
    def after_fork() -> None:
        """What Python's own at-fork handlers do that matters to a process of one thread."""
        _seed()
        _main_thread._native_id = os.getpid()  # type: ignore[attr-defined] # as Thread's own handler does

    def live(self, uid: int | None) -> NoReturn:
        """Become `uid`, wait for the order, carry it out.

        It cannot outlive the supervisor: process 1 takes the whole namespace along.
        """
        try:
            try:
                if self._numpy_random:
                    self._numpy_random.seed()  # it has no handler for that
                os.setsid()
                identity.drop_to(uid)
                program.enter_stage()
            except BaseException as error:
                os.write(PACKETS_FD, f"{type(error).__name__}: {error}".encode())
                raise
            os.write(PACKETS_FD, READY.pack(READY_WORD, os.getpid()))
            request = read_order()
            # Another language's engine may reserve far more address space than it uses; the supervisor looks.
            address_space = self._rules.memory and not request.command
            identity.limit(request, memory=address_space, processes=self._rules.processes)
            program.run(request, self._packets)
        finally:
            os._exit(FAILED)  # `run` never returns
