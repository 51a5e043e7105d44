"""The deep check: what a program finds in a container, and what it must find there."""

from __future__ import annotations

from sandbox.container import Container
from sandbox.control import RunControl
from sandbox.errors import ContainerLost
from sandbox.execution import RunRequest, Stream

PROBE_SECONDS = 5  # usually it takes a hundredth of one

PROBE = """
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(status["CapEff"].strip(), status["NoNewPrivs"].strip(), status["Seccomp"].strip())
others = {p for p in os.listdir("/proc") if p.isdigit()} - {"1", str(os.getpid())}
print([p for p in others if "\\nUid:\\t0\\t0\\t0" not in open(f"/proc/{p}/status").read()])
print(sorted(os.listdir("/tmp")), os.listdir("/dev/shm"), sorted(os.listdir()))
print([len(open(f"/proc/sysvipc/{kind}").readlines()) for kind in ("shm", "sem", "msg")])
"""
PROBE_ANSWER = "0000000000000000 1 2\n[]\n['work'] [] ['main.py']\n[1, 1, 1]\n"


def probe(container: Container) -> None:
    """Raises ContainerLost when something is not as it must be."""
    request = RunRequest(code=PROBE, timeout=PROBE_SECONDS, stdin="")
    result = container.run(request, on_event=lambda event: None, control=RunControl())
    if result.text(Stream.STDOUT) != PROBE_ANSWER:
        raise ContainerLost(f"probe: {result.outcome}, {result.output!r}")
