"""How long a run takes, beside what it would take without a pool, all measured in the same minutes.

`print("hi")` is what is run everywhere: the figures are what running costs, not what a program does.
"""

from __future__ import annotations

import http.client
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from sandbox.call_benchmark import first_pieces
from sandbox.control import RunControl
from sandbox.engines.docker import baselines
from sandbox.errors import SandboxError
from sandbox.execution import Outcome, RunRequest, Stream
from sandbox.image import AGENT, Image
from sandbox.pool import Pool

CODE = 'print("hi")'
IMPORT = "import time; t = time.perf_counter(); import openai; print(time.perf_counter() - t)"
# Yardsticks are taken in turns with the pool, so that a noisy neighbour troubles all of them alike.
ROUNDS = 5


@dataclass(frozen=True)
class Latency:
    """Seconds per run."""

    runs: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Latency:
        ordered = sorted(times)
        return cls(len(ordered), *(_percentile(ordered, share) for share in (0.5, 0.95, 0.99)))


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of all do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


@dataclass(frozen=True)
class Bar:
    """A promise and the figure it is held against."""

    name: str
    value: float
    unit: str
    most: float = math.inf
    least: float = 0.0

    @property
    def met(self) -> bool:
        return self.least <= self.value <= self.most


@dataclass(frozen=True, kw_only=True)
class Report:
    engine: str
    door: Latency
    clients: int
    runs_per_second: float
    yardsticks: dict[str, Latency]
    site: Latency | None
    image: str
    imports: Latency | None  # what `import openai` takes in a program, where the image has it
    left_out: tuple[str, ...]
    # Until the first piece of a model's answer is there: through the relay, and from the answerer directly.
    calls: tuple[Latency, Latency]

    def ratios(self) -> dict[str, float]:
        """How many times slower each yardstick is than the pool, by medians."""
        return {name: latency.p50 / self.door.p50 for name, latency in self.yardsticks.items()}

    def bars(self) -> list[Bar]:
        bars = [
            Bar("one client, p50", self.door.p50 * 1000, "ms", most=3),
            Bar("one client, p95", self.door.p95 * 1000, "ms", most=8),
            Bar(f"{self.clients} clients together", self.runs_per_second, "runs/s", least=400),
        ]
        ratios = self.ratios()
        if PYTHON in ratios:
            bars.append(Bar(f"against {PYTHON}", ratios[PYTHON], "times faster", least=1))
        if EXEC_RUN in ratios:
            bars.append(Bar(f"against {EXEC_RUN}", ratios[EXEC_RUN], "times faster", least=20))
        if self.imports:
            bars.append(Bar("import openai", self.imports.p50 * 1000, "ms", most=10))
        relayed, direct = self.calls
        bars.append(Bar("model call, first piece: overhead", (relayed.p50 - direct.p50) * 1000, "ms", most=5))
        if self.site:
            bars.append(Bar("through the site, p50", self.site.p50 * 1000, "ms", most=15))
            bars.append(Bar("through the site, p95", self.site.p95 * 1000, "ms", most=40))
        return bars

    def as_json(self) -> dict[str, object]:
        return {
            **asdict(self),
            "ratios": self.ratios(),
            "bars": [
                {"name": bar.name, "value": bar.value, "unit": bar.unit, "met": bar.met}
                for bar in self.bars()
            ],
        }


PYTHON = "python3 -I -c"
EXEC_RUN = "exec_run, warm container"
DOCKER_RUN = "docker run --rm"


def measure(
    pool: Pool,
    *,
    runs: int,
    clients: int = 4,
    door_only: bool = False,
    site: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """All figures; `pool` should hold `clients` containers. Raises SandboxError or SiteFailed."""
    door_times(pool, 20)
    tell("One client, and the yardsticks in turns with it.")
    door: list[float] = []
    yardsticks: dict[str, list[float]] = {}
    takers = {} if door_only else _yardsticks(pool.engine.name)
    for _ in range(ROUNDS):
        door += door_times(pool, max(runs // ROUNDS, 1))
        for name, (take, rounds) in takers.items():
            yardsticks.setdefault(name, []).extend(take(rounds))
    tell(f"{clients} clients at once.")
    runs_per_second = _throughput(pool, runs=runs, clients=clients)
    tell("Calls of a model, through the relay and without it.")
    relayed, direct = first_pieces(pool, min(max(runs // 5, 20), 1000))
    if site:
        tell(f"The whole way, through {site}.")
    return Report(
        engine=pool.engine.name,
        door=Latency.of(door),
        clients=clients,
        runs_per_second=runs_per_second,
        yardsticks={name: Latency.of(times) for name, times in yardsticks.items()},
        image=pool.image.name,
        imports=Latency.of(_imports(pool)) if AGENT in _with_bases(pool.image) else None,
        site=Latency.of(measure_site(site, runs=max(runs // 5, 20))) if site else None,
        calls=(Latency.of(relayed), Latency.of(direct)),
        left_out=() if pool.engine.name == "docker" or door_only else (EXEC_RUN, DOCKER_RUN),
    )


def _yardsticks(engine: str) -> dict[str, tuple[Callable[[int], list[float]], int]]:
    """What to measure, and how often in each round."""
    takers: dict[str, tuple[Callable[[int], list[float]], int]] = {PYTHON: (_bare_python, 20)}
    if engine == "docker":
        takers[EXEC_RUN] = (baselines.exec_in_warm_container, 6)
        takers[DOCKER_RUN] = (baselines.run_and_remove, 2)
    return takers


def door_times(pool: Pool, runs: int) -> list[float]:
    """Seconds that each of some runs, one after the other, takes at the pool's door. SandboxError."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        result = pool.run(RunRequest(code=CODE, stdin=""), on_event=lambda _: None, control=RunControl())
        times.append(time.perf_counter() - begun)
        if (result.outcome, result.text(Stream.STDOUT)) != (Outcome.OK, "hi\n"):
            raise SandboxError(f"The program itself went wrong: {result}")
    return times


def _with_bases(image: Image) -> list[Image]:
    return [image, *(_with_bases(image.base) if image.base else [])]


def _imports(pool: Pool) -> list[float]:
    request = RunRequest(code=IMPORT, stdin="")
    results = [pool.run(request, on_event=lambda _: None, control=RunControl()) for _ in range(20)]
    return [float(result.text(Stream.STDOUT)) for result in results]


def _throughput(pool: Pool, *, runs: int, clients: int) -> float:
    """Runs per second that `clients` threads get done together."""
    failures: list[BaseException] = []

    def client() -> None:
        try:
            door_times(pool, runs)
        except SandboxError as error:
            failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return clients * runs / (time.perf_counter() - begun)


def _bare_python(rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        # Our own interpreter and our own program.
        subprocess.run([sys.executable, "-I", "-c", CODE], check=True, capture_output=True)  # noqa: S603
        times.append(time.perf_counter() - begun)
    return times


# --- Through the running site ---------------------------------------------------------------------


SITE_FORM = "/en/accounts/login/"
SITE_RUNS = "/en/runs/"


class SiteFailed(Exception):
    """The site did not run the program; the message says what it answered."""


def measure_site(site: str, *, runs: int) -> list[float]:
    """Seconds from HTTP POST to the finished result, as a guest with a session of its own."""
    with _visit(site) as visitor:
        times = []
        for attempt in range(runs + 3):  # the first ones warm up
            begun = time.perf_counter()
            visitor.run()
            if attempt >= 3:
                times.append(time.perf_counter() - begun)
        return times


class _Visitor:
    """One kept-open connection with the cookies that the site gave."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._cookies: dict[str, str] = {}

    def arrive(self) -> None:
        """Open a page with a form, which gives the CSRF cookie."""
        answer, _ = self._ask("GET", SITE_FORM)
        if "csrftoken" not in self._cookies:
            raise SiteFailed(f"{SITE_FORM} answered {answer.status} and gave no csrftoken cookie.")

    def run(self) -> None:
        body = {
            "lesson": None,
            "code": CODE,
            "listing": None,
            "language_version": "en",
            "stdin": "",
            "timeout": 10,
        }
        answer, run = self._ask("POST", SITE_RUNS, json.dumps(body))
        if answer.status != 201:
            raise SiteFailed(f"The site refused to run code ({answer.status}): {run[:300]!r}")
        record = json.loads(run)
        while record["status"] in ("queued", "running"):  # it took longer than the site waits
            time.sleep(0.002)
            _, again = self._ask("GET", record["url"])
            record = json.loads(again)
        if (record["status"], record["output"]) != ("finished", [["stdout", "hi\n"]]):
            raise SiteFailed(f"The run went wrong: {record}")

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/json", "X-CSRFToken": self._cookies["csrftoken"]}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        for line in answer.headers.get_all("Set-Cookie", []):
            self._cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return answer, content


@contextmanager
def _visit(site: str) -> Iterator[_Visitor]:
    parts = urlsplit(site)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=30)
    visitor = _Visitor(connection)
    try:
        visitor.arrive()
        yield visitor
    except (OSError, http.client.HTTPException) as error:
        raise SiteFailed(f"{site} does not answer: {error!r}") from error
    finally:
        connection.close()
