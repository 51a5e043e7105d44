"""The supervisor's life: make itself safe, warm up, then serve runs one after the other."""

from __future__ import annotations

import gc
import importlib
import json
import os
import platform
import select
import signal
import socket
import sys
from contextlib import suppress

from . import kernel, seccomp
from .cleaning import Premises, Unclean
from .endpoint import ADDRESS, Endpoint
from .frames import VERSION, Frame, Kind
from .identity import Identities
from .learner import Rules
from .link import INPUT, OUTPUT, Closed, Link, go_direct
from .run import Counters, Run, kill_everything
from .spare import Spare
from .zygote import Unsupported, Zygote

PACKAGES_VARIABLE = "SANDBOX_PACKAGES"
PRELOAD_VARIABLE = "SANDBOX_PRELOAD"
# What lessons commonly import and the supervisor itself does not. In warm memory an import is free.
PRELOAD = """
    abc asyncio base64 bisect collections contextlib copy csv dataclasses datetime decimal enum fractions
    functools hashlib heapq html inspect io itertools json logging math operator pathlib pprint queue
    random re secrets shutil statistics string subprocess tempfile textwrap threading time traceback
    types typing unicodedata urllib.parse uuid
"""
MODELS = f"http://{ADDRESS[0]}:{ADDRESS[1]}/v1"
NO_KEY = "sk-no-key-is-needed-here"
MOST_EVENTS = 32  # looked at before the clock is
ENVIRONMENT = {
    # Anthropic's clients add the version to the address themselves.
    "ANTHROPIC_API_KEY": NO_KEY,
    "ANTHROPIC_BASE_URL": MODELS.removesuffix("/v1"),
    "EMBED_API_KEY": NO_KEY,
    "EMBED_BASE_URL": MODELS,
    "HOME": "/tmp/work",
    "LANG": "C.UTF-8",
    # Where language models are asked. The keys are for clients that want one: whose key is used, if any, is
    # decided by the platform, which knows whose run it is.
    "LLM_API_KEY": NO_KEY,
    "LLM_BASE_URL": MODELS,
    "LLM_MODEL_ID": "default",
    "OPENAI_API_KEY": NO_KEY,
    "OPENAI_BASE_URL": MODELS,
    "OPENBLAS_NUM_THREADS": "1",  # numpy's threads would not live through a fork, and count as processes
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "TERM": "dumb",
    "TMPDIR": "/tmp",
    "USER": "learner",
}


def main() -> None:
    """Serve until the platform hangs up. Refuses to work anywhere but as process 1 of a container."""
    if os.getpid() != 1:
        sys.exit("The supervisor runs as process 1 of a container; started by hand it would kill and wipe.")
    go_direct()
    packages = os.environ.get(PACKAGES_VARIABLE, "")
    preload = os.environ.get(PRELOAD_VARIABLE, "").split()
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    for name in PRELOAD.split():
        importlib.import_module(name)
    _bring_in(packages, preload)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # for process 1 that means: cannot be sent from inside
    kernel.drop_inheritable_capabilities()
    identities = Identities()
    seccomp.forbid_core_dumps()
    seccomp.install()
    service = Service(identities)
    _step_out_of_sight()
    try:
        service.serve()
    except Closed:
        kill_everything()


def _bring_in(packages: str, preload: list[str]) -> None:
    """Let programs, and the interpreters that they start, import from the image's packages."""
    if packages:
        sys.path += packages.split(":")
        os.environ["PYTHONPATH"] = packages
    for name in preload:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a course may bring a version that has no such module
            print(f"{name} is not imported ahead: {type(error).__name__}: {error}", file=sys.stderr)


def _step_out_of_sight() -> None:
    """Leave the supervisor's modules out of what a program imports, and out of the garbage collector's."""
    package = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()


class Service:
    """The loop of process 1: frames from the platform, and one run at a time."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._epoll = select.epoll()
        self._link = Link(self._epoll)
        self._woken, waker = socket.socketpair()
        self._waker = waker
        for end in (self._woken, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        self._epoll.register(self._woken, select.EPOLLIN)
        self._endpoint = Endpoint(self._link, self._epoll)
        self._counters = Counters()
        self._premises = Premises(separate_uids=identities.separate)
        self._modules = 0
        self._run: Run | None = None
        self._spare: Spare | None = None  # never again after a run that has left something
        # Where every run has a user id of its own, nobody but process 1 can touch the zygote.
        self._zygote: Zygote | None = None
        self._rules = Rules(
            memory=not self._counters.memory.limited, processes=not self._counters.processes.limited
        )

    def serve(self) -> None:
        """Until Closed is raised. Anything else that is raised ends the container, and the run with it."""
        self._modules = len(sys.modules)
        if self._identities.separate:
            kernel.use_large_pages()
            with suppress(Unsupported):  # then process 1 forks, more slowly
                self._zygote = Zygote(self._rules)
        self._premises.settle()
        self._spare = self._make_spare()
        self._link.queue(Kind.READY, payload=json.dumps(self._description()).encode())
        while True:
            self._link.flush()
            self._endpoint.before_wait()
            for fd, events in self._epoll.poll(self._patience(), MOST_EVENTS):
                self._on_ready(fd, events)
            self._endpoint.on_time()
            if self._run:
                self._run.on_time()
                if self._run.reason:
                    self._end(self._run)

    def _description(self) -> dict[str, object]:
        return {
            "version": VERSION,
            "python": platform.python_version(),
            "separate_uids": self._identities.separate,
            "memory_by": "cgroup" if self._counters.memory.limited else "supervisor",
            "processes_by": "cgroup" if self._counters.processes.limited else "rlimit",
        }

    def _patience(self) -> float | None:
        """Seconds until something is due."""
        if self._run is None:
            return None
        return min(self._run.next_due(), self._endpoint.next_due())

    def _on_ready(self, fd: int, events: int) -> None:
        if fd == INPUT:
            for frame in self._link.receive():
                self._on_frame(frame)
        elif fd == self._woken.fileno():
            self._on_signal()
        elif fd != OUTPUT and not self._endpoint.on_ready(fd, events) and self._run:
            self._run.on_ready(fd)

    def _on_signal(self) -> None:
        try:
            self._woken.recv(4096)
        except BlockingIOError:
            return
        if self._run:
            self._run.on_child()

    def _on_frame(self, frame: Frame) -> None:
        if frame.kind is Kind.RUN:
            self._begin(frame)
        elif frame.kind is Kind.PING:
            self._link.queue(Kind.PONG, frame.run, frame.payload)
        elif self._run is None or self._run.number != frame.run:
            return  # meant for a run that has just ended
        elif frame.kind is Kind.INPUT:
            self._run.add_input(frame.payload)
        elif frame.kind is Kind.CLOSE_INPUT:
            self._run.close_input()
        elif frame.kind is Kind.CANCEL:
            self._run.stop("cancelled")
        else:
            self._endpoint.on_frame(frame)

    def _begin(self, frame: Frame) -> None:
        if self._run is not None:
            raise RuntimeError("asked for a run during a run")
        if self._spare is None:
            return  # asked before UNCLEAN was there
        self._run = Run(
            frame.run,
            frame.payload,
            spare=self._spare,
            zygote=self._zygote,
            link=self._link,
            epoll=self._epoll,
            counters=self._counters,
        )
        self._endpoint.open(frame.run, self._run.send_output)

    def _end(self, run: Run) -> None:
        self._run = None
        end = run.finish()
        self._endpoint.close()
        self._link.queue(Kind.EXIT, run.number, end.pack())
        self._link.flush()
        run.bury()
        try:
            self._clean(run)
        except Unclean as why:
            self._link.queue(Kind.UNCLEAN, run.number, str(why).encode())
            self._spare = None
        else:
            self._spare = self._make_spare()

    def _make_spare(self) -> Spare:
        return Spare(self._identities.next(), self._rules, self._zygote)

    def _clean(self, run: Run) -> None:
        """Wipe what a run has left; raises Unclean."""
        self._endpoint.renew()
        self._premises.clean(run.uid)
        if self._zygote and self._zygote.ended:
            raise Unclean("the zygote has been killed")
        if len(sys.modules) != self._modules:
            raise Unclean("modules were imported during the run")


def _ignore(signum: int, frame: object) -> None:
    """A handler, so that the signal reaches the wakeup descriptor."""
