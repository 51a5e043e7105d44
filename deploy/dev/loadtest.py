"""`make loadtest`: learners who read and run programs on a site of their own for a while, and what that took.

Everything is private and on loopback, and it stops by itself: PostgreSQL, Redis, web, worker and beat are
started here. Each learner does something every `--pause` seconds on average: three times of four reads a
lesson, else runs a program and waits for its end. Told are errors, durations, and how memory grew in the
second half.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from deploy.dev import load, services
from deploy.dev.environment import say
from deploy.dev.processes import Process, SetupError, Stopped, ending_on_signals

READS = 3  # for each run
MB = 1e6


@dataclass
class Pages:
    """What reading was like. Thread-safe, as appending to a list is."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def read(self, url: str) -> None:
        begun = time.monotonic()
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own http address
                answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.errors.append(f"{url}: {error}")
        else:
            self.seconds.append(time.monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make loadtest")
    parser.add_argument("--learners", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--pause", type=float, default=20, help="seconds between two things a learner does")
    options = parser.parse_args()
    try:
        with ending_on_signals(), ExitStack() as stack:
            if not measure(start_site(stack), options.learners, options.seconds, options.pause):
                sys.exit(1)
    except Stopped:
        say("\nStopped.")
    except SetupError as error:
        sys.exit(f"\n{error}")


def start_site(stack: ExitStack) -> services.Site:
    env = {
        **services.plain_environment(),
        "DEBUG": "true",
        "VAR_DIR": str(stack.enter_context(services.folder("load"))),
        "DATABASE_URL": stack.enter_context(services.postgres()),
        "REDIS_URL": stack.enter_context(services.redis()),
        "RATE_LIMITS": "off",  # all learners share an address
    }
    services.prepare(env)
    return stack.enter_context(services.site(port=services.free_port(), env=env))


def measure(site: services.Site, learners: int, seconds: int, pause: float) -> bool:
    """Let them learn, and print what it took; whether nothing went wrong."""
    pages, account = Pages(), load.Account()
    over = threading.Event()
    lessons = _lessons(site)

    def learn(number: int) -> None:
        learner = load.Learner(site.url, f"l{number}", account)
        over.wait(random.uniform(0, min(pause, seconds / 4)))  # noqa: S311 - no secret: they come one by one
        learner.come()
        while not over.is_set():
            if random.random() < READS / (READS + 1):  # noqa: S311 - no secret
                pages.read(random.choice(lessons))  # noqa: S311 - no secret
            else:
                learner.run_once(pause=0)
            over.wait(random.expovariate(1 / pause))

    threads = [threading.Thread(target=learn, args=(number,), daemon=True) for number in range(learners)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 2)
    half_way = {name: _memory(process) for name, process in site.processes.items()}
    processor = _processor(site)
    time.sleep(seconds / 2)
    processor = (_processor(site) - processor) / (seconds / 2)
    grown = {name: _memory(process) - half_way[name] for name, process in site.processes.items()}
    over.set()
    for thread in threads:
        thread.join(load.PATIENCE)
    say(f"{learners} learners, {seconds} s, each doing something every {pause:g} s on average")
    say(f"  pages: {_durations(pages.seconds)}, {len(pages.errors)} errors")
    say(
        f"  runs:  {_durations(account.waits)}, {account.broken} broken, {account.refused} refused, "
        f"{account.unreachable} without an answer, {len(account.lost)} lost"
    )
    for name, bytes_ in half_way.items():
        say(f"  {name}: {bytes_ / MB:.0f} MB half way, {grown[name] / MB:+.1f} MB at the end")
    cores = f"of {os.cpu_count()} cores, which services and learners share"
    say(f"  web, worker and beat used {processor:.2f} cores {cores}")
    for complaint in [*pages.errors[:5], *account.rude[:5], *account.lost[:5], *account.mixed_up[:5]]:
        say(f"  {complaint}")
    return account.faultless and not (pages.errors or account.broken or account.unreachable)


def _lessons(site: services.Site) -> list[str]:
    """The addresses of the shipped course's lessons, as its page links them."""
    address = f"{site.url}/en/courses/first-agents/"
    with urllib.request.urlopen(address, timeout=60) as page:  # noqa: S310 - our own http address
        links = re.findall(r'href="(/en/courses/first-agents/[^"/]+/[^"/]+/)"', page.read().decode())
    if not links:
        raise SetupError("The page of the shipped course links no lessons.")
    return [site.url + link for link in sorted(set(links))]


def _durations(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{len(seconds)}"
    slow = quantiles(seconds, n=20)[-1]
    return f"{len(seconds)}, median {median(seconds) * 1000:.0f} ms, 95 % within {slow * 1000:.0f} ms"


def _memory(process: Process) -> int:
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _processor(site: services.Site) -> float:
    """Seconds of processor time that the site's processes have used so far."""
    ticks = 0
    for process in site.processes.values():
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
