"""One run as the supervisor sees it: hand over, watch, stop, add up."""

from __future__ import annotations

import itertools
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from . import streams
from .cgroup import Counter
from .frames import Kind
from .identity import kill_all_of
from .link import Link
from .memory import used_by_others
from .outlet import Outlet
from .request import Exit, Request
from .spare import Spare
from .wires import Packet, Pipe
from .zygote import Zygote

BATCH = 64  # packets taken before looking at everything else again
MEMORY_LOOK = 0.1  # seconds between two looks at memory use, where no control group limits it
# In proc(5) stat, counted from the field after the name: cminflt, cmajflt, cutime, cstime
OF_CHILDREN = (8, 10, 13, 14)
PROCESS_CLOCK = 2  # of clock_getcpuclockid(3), which Python does not offer: CPUCLOCK_SCHED
PROC_CHUNK = 4096
OUTPUTS = {streams.STDOUT: Kind.STDOUT, streams.STDERR: Kind.STDERR}


class Counters:
    """The container's limits that control groups enforce."""

    def __init__(self) -> None:
        self.memory = Counter("memory")
        self.processes = Counter("pids")


class Run:
    """A learner's program from start to exit record. `reason` is set as soon as it has to end."""

    def __init__(
        self,
        number: int,
        payload: bytes,
        *,
        spare: Spare,
        zygote: Zygote | None,
        link: Link,
        epoll: select.epoll,
        counters: Counters,
    ) -> None:
        self.number = number
        self.uid = spare.uid
        self.reason: str | None = None
        self._request = request = Request.parse(payload)
        self._link = link
        self._epoll = epoll
        self._handlers: dict[int, Callable[[], object]] = {}  # by the descriptor they are called for
        self._wires = spare.wires
        self._zygote = zygote
        self._tally = Tally(counters)
        self._code: int | None = None  # that it ended with, or is about to; negative: the signal it died of
        self._gone = False
        self._input = bytearray((request.stdin or "").encode("utf-8", "replace"))
        self._input_closed = request.stdin is not None
        self._awaiting = False
        self._pid = spare.begin(request)
        self._started = time.monotonic()
        self._deadline = self._started + request.timeout
        self._look_at = None if counters.memory.limited else self._started + MEMORY_LOOK
        self._outlet = Outlet(link, number, request.output)
        self._watch(self._wires.packets.fileno(), select.EPOLLIN, self._take_packets)
        for pipe in self._wires.pipes:
            self._watch(pipe.fd, select.EPOLLIN, self._take_pipes)
        self._write_input()

    # --- What the service's loop calls ---------------------------------------------------------------

    def on_ready(self, fd: int) -> None:
        if handler := self._handlers.get(fd):  # it may have ended a moment ago
            handler()

    def on_child(self) -> None:
        """Reap whatever has ended; the end of the first process is the end of the run."""
        while self._reap(os.WNOHANG):
            pass
        if self._code is not None:
            self.stop("exited")

    def on_time(self) -> None:
        """Do what is due by now."""
        now = time.monotonic()
        if now >= self._deadline:
            self.stop("timeout")
        if self._outlet.due is not None and now >= self._outlet.due:
            self._outlet.send()
        if self._look_at is not None and now >= self._look_at:
            self._look_at = now + MEMORY_LOOK
            if used_by_others(self._zygote.residents if self._zygote else {"1"}) > self._request.memory:
                self.stop("memory")

    def next_due(self) -> float:
        """Seconds until `on_time` has something to do."""
        due = [at for at in (self._deadline, self._outlet.due, self._look_at) if at is not None]
        return max(0.0, min(due) - time.monotonic())

    def stop(self, reason: str) -> None:
        """End the run; the first reason counts."""
        self.reason = self.reason or reason

    def send_output(self) -> None:
        """Send what the program has written so far, ahead of what is queued next."""
        self._take_pipes()
        self._outlet.send()

    def add_input(self, data: bytes) -> None:
        self._input += data
        self._awaiting = False
        self._write_input()

    def close_input(self) -> None:
        self._input_closed = True
        self._write_input()

    def finish(self) -> Exit:
        """Send the last output, and tell how it ended. What is left of it then is for `bury`.

        A program that is done is killed only afterwards: the kernel takes a process's memory apart before it
        tells of its end, and that takes as long as a short program.
        """
        wall_time = time.monotonic() - self._started
        if not (self._waits_alone() and self._drain(BATCH) and self._tally.look_at(self._pid)):
            self.bury()
            self._drain()
        self._outlet.send()
        self._handlers.clear()
        self._wires.close()  # which takes them out of epoll, too
        assert self.reason is not None
        return self._tally.exit_record(self.reason, self._code, wall_time)

    # --- Output --------------------------------------------------------------------------------------

    def _take_packets(self) -> None:
        for _ in range(BATCH):
            if (packet := self._next_packet()) is None:
                self._add_held()
                return
            self._take_packet(packet)

    def _take_packet(self, packet: Packet) -> None:
        for pipe in self._wires.pipes:
            self._add_from(pipe, pipe.take_before(packet))
        if packet.tag in OUTPUTS:
            self._add_output(OUTPUTS[packet.tag], packet.data)
        elif packet.tag == streams.AWAITING_INPUT:
            self._say_awaiting()
        elif packet.tag == streams.MEMORY_ERROR:
            self._tally.memory_error = True
        elif packet.tag == streams.PROCESS_ERROR:
            self._tally.process_error = True
        elif packet.tag == streams.DONE and packet.data and self._code is None:
            self._code = packet.data[0]
            self.stop("exited")

    def _take_pipes(self) -> None:
        """Take what is in the pipes, after the packets that were sent before it was written."""
        for pipe in self._wires.pipes:
            if not pipe.held:  # else packets are still to come before it
                pipe.read()
        self._take_packets()

    def _add_held(self) -> None:
        for pipe in self._wires.pipes:
            self._add_from(pipe, pipe.take_held())

    def _add_from(self, pipe: Pipe, data: bytes) -> None:
        if data:
            self._add_output(pipe.kind, data)
        if pipe.ended:
            self._forget(pipe.fd)

    def _next_packet(self) -> Packet | None:
        """None when there is none for now."""
        try:
            packet = self._wires.read_packet()
        except BlockingIOError:
            return None
        if packet is None:
            self._forget(self._wires.packets.fileno())
        return packet

    def _drain(self, most: int | None = None) -> bool:
        """Take what was written before the end; False when after `most` pieces there may be more."""
        return sum(1 for _ in itertools.islice(self._rest(), most)) != most

    def _rest(self) -> Iterator[None]:
        """Take a piece at a time. Ends only when nobody writes any more."""
        while (packet := self._next_packet()) is not None:
            self._take_packet(packet)
            yield
        self._add_held()
        for pipe in self._wires.pipes:
            while pipe.read():
                self._add_from(pipe, pipe.take_held())
                yield

    def _add_output(self, kind: Kind, data: bytes) -> None:
        if not self._outlet.add(kind, data) and self.reason in (None, "exited"):
            self.reason = "output_limit"

    # --- Input ---------------------------------------------------------------------------------------

    def _say_awaiting(self) -> None:
        """Once per wait: a program could say it a million times."""
        if not (self._awaiting or self._input or self._input_closed or self._wires.unread_input()):
            self._awaiting = True
            self._outlet.send()
            self._link.queue(Kind.AWAITING_INPUT, self.number)

    def _write_input(self) -> None:
        stdin = self._wires.stdin
        if stdin < 0:
            return
        try:
            while self._input:
                del self._input[: os.write(stdin, self._input)]
        except BlockingIOError:
            self._watch(stdin, select.EPOLLOUT, self._write_input)
            return
        except BrokenPipeError:  # nobody reads any more
            self._input.clear()
        self._forget(stdin)
        if self._input_closed:
            self._wires.close_stdin()

    # --- Descriptors and processes -------------------------------------------------------------------

    def _watch(self, fd: int, events: int, handler: Callable[[], object]) -> None:
        if fd not in self._handlers:
            self._handlers[fd] = handler
            self._epoll.register(fd, events)

    def _forget(self, fd: int) -> None:
        """Stop waiting for a descriptor; one whose other end is gone would be reported for ever."""
        if self._handlers.pop(fd, None):
            self._epoll.unregister(fd)

    def _waits_alone(self) -> bool:
        """Whether the program has said that it is done, and is all there is."""
        said = self.reason == "exited" and not self._gone
        return said and self._zygote is not None and self._zygote.is_alone(self._pid)

    def bury(self) -> None:
        """Kill all that is left, and take leave of it."""
        if self._zygote is None or self.uid is None:
            kill_everything()
            while self._reap(0):
                pass
        elif not (self._gone and self._zygote.is_alone()):
            kill_all_of(self.uid)
            while self._reap(0) and not self._zygote.is_alone():
                pass

    def _reap(self, options: int) -> bool:
        """Take leave of one ended process; False when there is none (yet, with WNOHANG)."""
        try:
            pid, status, usage = os.wait4(-1, options)
        except ChildProcessError:
            return False
        if pid == 0:
            return False
        if self._zygote and pid == self._zygote.pid:
            self._zygote.ended = True
            return True
        self._tally.cpu_time += usage.ru_utime + usage.ru_stime
        self._tally.peak_memory = max(self._tally.peak_memory, usage.ru_maxrss * 1024)
        if pid == self._pid:
            self._gone = True
            if self._code is None:
                self._code = os.waitstatus_to_exitcode(status)
        return True


class Tally:
    """What a run has used, and which limits it has met."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._before = counters.memory.read(), counters.processes.read()
        self.cpu_time = 0.0
        self.peak_memory = 0
        self.memory_error = False
        self.process_error = False

    def look_at(self, pid: int) -> bool:
        """Add what a process that still is there has used; False if that cannot be known."""
        try:
            numbers = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            if any(int(numbers[place]) for place in OF_CHILDREN):
                return False  # what its children used is told exactly when it ends
            # At the beginning of a line, for the name is the program's choice. Missing when it is ending.
            _, there, peak = _read(f"/proc/{pid}/status").partition(b"\nVmHWM:")
            if not there:
                return False
            cpu_time = time.clock_gettime(~pid << 3 | PROCESS_CLOCK)
        except OSError:  # it has ended
            return False
        self.peak_memory = max(self.peak_memory, int(peak.split(maxsplit=1)[0]) * 1024)
        self.cpu_time += cpu_time
        return True

    def exit_record(self, reason: str, code: int | None, wall_time: float) -> Exit:
        """`code` is that of the first process, negative for a signal."""
        kills, refusals = self._before
        if reason != "exited":
            code = None
        return Exit(
            reason=reason,
            code=code if code is None or code >= 0 else None,
            signal=-code if code is not None and code < 0 else None,
            wall_time=round(wall_time, 6),
            cpu_time=round(self.cpu_time, 6),
            peak_memory=self.peak_memory,
            out_of_memory=self.memory_error or self._counters.memory.read() > kills,
            out_of_processes=self.process_error or self._counters.processes.read() > refusals,
        )


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, PROC_CHUNK)
    finally:
        os.close(fd)


def kill_everything() -> None:
    """Kill every process of the container but this one, at once: no fork can slip through."""
    if os.getpid() != 1:  # outside a process namespace of its own this would take the machine along
        raise RuntimeError("the supervisor is not process 1")
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
