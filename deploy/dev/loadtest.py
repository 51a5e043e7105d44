"""`make loadtest`: learners who read, run programs and ask the tutor for a while, and what that took.

Everything is private and on loopback, and it stops by itself: PostgreSQL, Redis, a model service, and web,
worker and beat with the settings of a production are started here. Each learner does something every
`--pause` seconds on average: of ten things seven times a lesson is read, twice a program run to its end, once
the tutor asked. Told are, of each kind of request, how many there were, errors and durations; of each
process, how its memory grew and what it used of the processor.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from deploy.dev import load, services, test
from deploy.dev.environment import say
from deploy.dev.processes import SetupError, Stopped, ending_on_signals
from progress.model_service import model_service

KINDS = ("page", "run", "tutor panel", "question", "first words", "answer")
READS, RUNS, QUESTIONS = 7, 2, 1  # of ten things
TURNS = 3  # questions in a conversation, then a new one
THINKING = 0.5  # seconds until the model service begins to answer
MOST_LEARNERS, MOST_SECONDS = 2000, 3600
MOST_WEB_PROCESSES = 4
MB = 1e6


@dataclass
class Figures:
    """What each kind of request was like. Thread-safe, as appending to a list is."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    errors: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @contextmanager
    def timing(self, kind: str) -> Iterator[None]:
        """Time the block; its failure is counted, and goes no further than the learner."""
        begun = time.monotonic()
        try:
            yield
        except (load.Answer, *load.UNREACHABLE) as error:
            self.errors[kind].append(repr(error))
            raise
        self.seconds[kind].append(time.monotonic() - begun)

    def lines(self) -> Iterator[str]:
        yield f"  {'':12} {'count':>7} {'errors':>7} {'median':>10} {'95 %':>10}"
        for kind in KINDS:
            count, errors = len(self.seconds[kind]), len(self.errors[kind])
            middle, slow = _median_and_slow(self.seconds[kind])
            yield f"  {kind:12} {count:7} {errors:7} {middle:>10} {slow:>10}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make loadtest")
    parser.add_argument("--learners", type=_up_to(MOST_LEARNERS), default=50)
    parser.add_argument("--seconds", type=_up_to(MOST_SECONDS), default=60)
    parser.add_argument("--pause", type=float, default=20, help="seconds between two things a learner does")
    options = parser.parse_args(arguments)
    try:
        test.install_debian_packages(test.SERVICES)
        with ending_on_signals(), ExitStack() as stack:
            site, processes = start_site(stack)
            if not measure(site, processes, options.learners, options.seconds, options.pause):
                sys.exit(1)
    except Stopped:
        say("\nStopped.")
    except SetupError as error:
        sys.exit(f"\n{error}")


def _up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"from 1 to {most}")
        return int(text)

    return number


def start_site(stack: ExitStack) -> tuple[services.Site, dict[str, int]]:
    """The site, and the process ids of its parts."""
    database = stack.enter_context(services.postgres_server())
    redis = stack.enter_context(services.redis_server())
    models = stack.enter_context(model_service(think=THINKING, word=lambda: "Read it once more. "))
    env = {
        **test.PACKAGES,
        **services.plain_environment(),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",  # asked without a proxy
        "VAR_DIR": str(stack.enter_context(services.folder("load"))),
        "DATABASE_URL": database.url,
        "REDIS_URL": redis.url,
        "WEB_PROCESSES": str(min(MOST_WEB_PROCESSES, os.cpu_count() or 1)),
        "GUESTS_MAY_RUN_CODE": "true",
        "MODEL_PROVIDERS": "here",
        "MODEL_HERE_URL": f"http://127.0.0.1:{models}/v1",
        "MODEL_HERE_MODELS": "m",
        "MODEL_GUESTS_MAY_CALL": "true",
        # All learners share an address, and none pays.
        "RATE_LIMITS": "off",
        **{f"MODEL_BUDGET_{whose}": "" for whose in ("USER_MINUTE", "USER_DAY", "SITE_MINUTE", "SITE_DAY")},
    }
    test.build_images(env)
    services.name_static_files(env)
    services.prepare(env)
    site = stack.enter_context(services.site(port=services.free_port(), env=env, on_line=_tell_errors))
    processes = {name: process.pid for name, process in site.processes.items()}
    return site, {**processes, "PostgreSQL": database.pid, "Redis": redis.pid}


def _tell_errors(process: str, line: str) -> None:
    if '"level": "error"' in line or "Traceback" in line:
        say(f"  {process}: {line.strip()[:2000]}")


# --- What learners do ------------------------------------------------------------------------------


class Student:
    """A learner, and what is known of the conversation with the tutor."""

    def __init__(self, learner: load.Learner, lessons: list[str], figures: Figures) -> None:
        self._learner = learner
        self._lessons = lessons
        self._figures = figures
        self._conversation: str | None = None
        self._turns = 0

    def do_something(self) -> None:
        things = [self.read, self.run, self.ask]
        (thing,) = random.choices(things, weights=[READS, RUNS, QUESTIONS])  # noqa: S311 - no secret
        with suppress(load.Answer, *load.UNREACHABLE):  # counted already
            thing()

    def read(self) -> str:
        with self._figures.timing("page"):
            return self._learner.read(random.choice(self._lessons))  # noqa: S311 - no secret

    def run(self) -> None:
        self._learner.run_once(pause=0)  # its account times it

    def ask(self) -> None:
        """Open the tutor beside a lesson, ask, and read the answer as it is written."""
        panel = re.search(r'data-url="(/en/tutor/\?lesson=(\d+))"', self.read())
        if panel is None:
            raise SetupError("A lesson's page has no tutor.")
        with self._figures.timing("tutor panel"):
            self._learner.read(panel[1])
        with self._figures.timing("question"):
            self._conversation, events = self._learner.ask_tutor(
                "Why does the loop end?", lesson=int(panel[2]), conversation=self._conversation
            )
        self._follow(events)
        self._turns += 1
        if self._turns % TURNS == 0:
            self._conversation = None

    def _follow(self, events: str) -> None:
        begun, first = time.monotonic(), None
        with self._figures.timing("answer"):
            for kind, data in self._learner.events(events):
                if kind == "token" and first is None:
                    first = time.monotonic() - begun
                    self._figures.seconds["first words"].append(first)
                elif kind == "done" and data["status"] == "complete":
                    return
                elif kind == "done":
                    raise load.Answer(200, f"The answer ended as {data['status']}.")
            raise load.Answer(200, "The answer broke off.")


def measure(
    site: services.Site, processes: Mapping[str, int], learners: int, seconds: int, pause: float
) -> bool:
    """Let them learn, and print what it took; whether nothing went wrong."""
    figures, account = Figures(), load.Account()
    lessons, over = _lessons(site), threading.Event()

    def learn(number: int) -> None:
        learner = load.Learner(site.url, f"l{number}", account)
        student = Student(learner, lessons, figures)
        over.wait(random.uniform(0, min(3 * pause, seconds / 4)))  # noqa: S311 - no secret: they come one by one
        with suppress(load.Answer, *load.UNREACHABLE), figures.timing("page"):
            learner.come()
        while not over.is_set():
            student.do_something()
            over.wait(random.expovariate(1 / pause))

    _warm_up(site, lessons)
    usage = [_usage(processes)]
    threads = [threading.Thread(target=learn, args=(number,), daemon=True) for number in range(learners)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(seconds / 2)
        usage.append(_usage(processes))
    over.set()
    for thread in threads:
        thread.join(load.PATIENCE)
    _add_runs(figures, account)
    say(f"{learners} learners, {seconds} s, each doing something every {pause:g} s on average")
    for line in [*figures.lines(), *_usage_lines(usage, learners, seconds / 2)]:
        say(line)
    complaints = {kind: errors for kind, errors in figures.errors.items() if errors}
    for kind, errors in complaints.items():
        say(f"  {kind}: {', '.join(errors[:5])}")
    return not complaints


def _warm_up(site: services.Site, lessons: list[str]) -> None:
    """Have somebody do everything once: what is loaded when it is first asked for counts for nobody."""
    figures, account = Figures(), load.Account()
    learner = load.Learner(site.url, "first", account)
    learner.come()
    first = Student(learner, lessons, figures)
    try:
        first.run()
        first.ask()
    except (load.Answer, *load.UNREACHABLE) as error:
        raise SetupError(f"The site is of no use: {error!r}") from error
    if not account.finished:
        raise SetupError(f"The first program did not run: {account}")


def _add_runs(figures: Figures, account: load.Account) -> None:
    """Runs as their learners saw them: from the click to the end, and whatever must not be."""
    figures.seconds["run"] += account.waits
    figures.errors["run"] += [
        *(["broken"] * account.broken),
        *(["refused"] * account.refused),
        *(["unreachable"] * account.unreachable),
        *account.lost,
        *account.mixed_up,
        *account.untrue,
    ]


def _lessons(site: services.Site) -> list[str]:
    """The paths of the shipped course's lessons, as its page links them."""
    reader = load.Learner(site.url, "first", load.Account())
    page = reader.read("/en/courses/first-agents/")
    links = re.findall(r'href="(/en/courses/first-agents/[^"/]+/[^"/]+/)"', page)
    if not links:
        raise SetupError("The page of the shipped course links no lessons.")
    return sorted(set(links))


# --- What that took --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Usage:
    """Of a part of the site: memory in bytes, and the seconds of processor time of all it started, too.

    Of web the memory is that of all its processes.
    """

    memory: int
    processor: float


def _usage(processes: Mapping[str, int]) -> dict[str, Usage]:
    children = _children()
    own = {name: [pid, *(children[pid] if name == "web" else [])] for name, pid in processes.items()}
    return {
        name: Usage(sum(map(_memory, own[name])), _processor(pid, children))
        for name, pid in processes.items()
    }


def _usage_lines(usage: list[dict[str, Usage]], learners: int, seconds: float) -> Iterator[str]:
    """Of the three moments; the processor between the last two, which are `seconds` apart."""
    start, middle, end = usage
    yield f"  {'MB':12} {'start':>7} {'middle':>7} {'end':>7} {'cores':>7}"
    cores = {name: (end[name].processor - middle[name].processor) / seconds for name in end}
    for name in end:
        memory = (f"{moment[name].memory / MB:7.0f}" for moment in (start, middle, end))
        yield f"  {name:12} {' '.join(memory)} {cores[name]:7.2f}"
    used = max(sum(cores.values()), 0.01)
    yield (
        f"  {used:.2f} of {os.cpu_count()} cores, which the learners share, in the second half: "
        f"{learners / used:.0f} learners per core"
    )


def _median_and_slow(seconds: list[float]) -> tuple[str, str]:
    if len(seconds) < 2:
        return "-", "-"
    return f"{median(seconds) * 1000:.0f} ms", f"{quantiles(seconds, n=20)[-1] * 1000:.0f} ms"


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _processor(pid: int, children: Mapping[int, list[int]]) -> float:
    """Seconds that a process and what it started have used: those alive, and those it has waited for."""
    with suppress(OSError):
        user, system, waited_user, waited_system = (int(each) for each in _stat(pid)[11:15])
        own = (user + system + waited_user + waited_system) / os.sysconf("SC_CLK_TCK")
        return own + sum(_processor(child, children) for child in children[pid])
    return 0.0  # it has just ended


def _children() -> Mapping[int, list[int]]:
    """The processes of this machine, by who started them."""
    found = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found[int(_stat(int(folder.name))[1])].append(int(folder.name))
    return found


def _stat(pid: int) -> list[str]:
    """See proc(5), from the state on; before it is the command's name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


if __name__ == "__main__":
    main()
