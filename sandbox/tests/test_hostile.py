"""A hundred hostile programs, alone and beside an innocent neighbour: each gets its outcome, nobody is hurt.

The programs are the files of `hostile`, by what they are after: to exhaust something, to escape, to forge a
result, to leave something behind. The comment that each begins with says what is expected, see `Hostile`.
"""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sandbox.engines import Engine, Limits
from sandbox.errors import ImageMissing
from sandbox.image import JAVASCRIPT
from sandbox.languages import LANGUAGES
from sandbox.pool import Pool
from sandbox.probe import PROBE, PROBE_ANSWER
from sandbox.tests.conftest import Finished, MakePool, run

PROGRAM_FOLDER = Path(__file__).resolve().parent / "hostile"
INNOCENT = (PROGRAM_FOLDER / "innocent.py").read_text()
INNOCENT_JAVASCRIPT = (PROGRAM_FOLDER / "innocent.js").read_text()
SUBJECTS = ("escape", "exhaust", "forge", "leave")
OF_SUFFIX = {".py": "python", ".js": "javascript"}


@dataclass(frozen=True)
class Hostile:
    """A program and what must be seen of it, from its lines `# key: value`, in JavaScript `// key: value`."""

    name: str
    text: str
    language: str
    outcomes: tuple[str, ...] = ("ok",)  # outcome: one, or one of several
    prints: str | None = None  # prints: all of its standard output; "end" when nothing gave way
    says: str = ""  # says: somewhere in its output or error message
    code: int | None = None  # code: its exit code
    seconds: float = 10  # seconds: its time limit
    stdin: str | None = ""  # stdin: "open" when input may still come
    container: str = ""  # container: "kept" and used again, or "replaced"

    @classmethod
    def read(cls, path: Path) -> Hostile:
        text = path.read_text()
        said = dict(
            re.findall(
                r"^(?:#|//) (outcome|prints|says|code|seconds|stdin|container): (.*)$", text, re.MULTILINE
            )
        )
        return cls(
            name=path.stem,
            text=text,
            language=OF_SUFFIX[path.suffix],
            outcomes=tuple(said.get("outcome", "ok").split(" or ")),
            prints=said["prints"] + "\n" if "prints" in said else None,
            says=said.get("says", ""),
            code=int(said["code"]) if "code" in said else None,
            seconds=float(said.get("seconds", "10")),
            stdin=None if said.get("stdin") == "open" else "",
            container=said.get("container", ""),
        )

    def try_in(self, pool: Pool) -> None:
        finished = run_in(pool, self.text, self.language, timeout=self.seconds, stdin=self.stdin)
        assert finished.outcome in self.outcomes, (self.name, shown(finished))
        assert self.prints in (None, finished.stdout), (self.name, shown(finished))
        assert self.says in finished.stdout + finished.stderr, (self.name, shown(finished))
        assert self.code in (None, finished.result.exit_code), (self.name, shown(finished))


def read_all(suffix: str) -> dict[str, list[Hostile]]:
    """The programs in a language, by what they are after."""
    return {
        subject: [Hostile.read(path) for path in sorted((PROGRAM_FOLDER / subject).glob(f"*{suffix}"))]
        for subject in SUBJECTS
    }


PROGRAMS = read_all(".py")
ALL = list(itertools.chain.from_iterable(PROGRAMS.values()))
JAVASCRIPT_PROGRAMS = list(itertools.chain.from_iterable(read_all(".js").values()))


def run_in(pool: Pool, text: str, language: str, **options: Any) -> Finished:
    return run(pool, text, language=language, name=LANGUAGES[language].file, **options)


def shown(finished: Finished) -> str:
    result = finished.result
    return f"{result.outcome} {result.exit_code} {finished.stdout[:2000]!r} {finished.stderr[-2000:]!r}"


def test_there_are_enough_programs() -> None:
    assert len(ALL) >= 80
    assert len(JAVASCRIPT_PROGRAMS) >= 12
    assert len({program.name for program in (*ALL, *JAVASCRIPT_PROGRAMS)}) == len(ALL + JAVASCRIPT_PROGRAMS)


class Innocent:
    """Knows what the innocent program prints in a container in which nothing has happened yet."""

    def __init__(self, pool: Pool, *, text: str = INNOCENT, language: str = "python") -> None:
        self._text = text
        self._language = language
        self._expected = self._run(pool, "?").stdout.removeprefix("answer ?")

    def _run(self, pool: Pool, token: str) -> Finished:
        return run_in(pool, self._text, self._language, stdin=token)

    def check(self, pool: Pool) -> None:
        token = secrets.token_hex(8)
        finished = self._run(pool, token)
        assert finished.stderr == ""
        assert finished.stdout == f"answer {token}{self._expected}"
        assert finished.outcome == "ok"


@pytest.fixture(scope="module")
def single(engine: Engine, limits: Limits) -> Iterator[Pool]:
    """One container or its replacement: each run finds what the one before has left."""
    pool = Pool(engine, limits=limits, initial=1, minimum=1, maximum=1)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def pair(engine: Engine, limits: Limits) -> Iterator[Pool]:
    """Two containers that take turns: after a run in the one the probe has the other, and the run after that
    has the first again, or whichever is there while it is being replaced, which is not waited for."""
    pool = Pool(engine, limits=limits, initial=2, minimum=2, maximum=2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def innocent(single: Pool) -> Innocent:
    return Innocent(single)


@pytest.fixture(scope="module")
def node_pool(engine: Engine, missing: Callable[[str], NoReturn]) -> Iterator[Pool]:
    """The same as `single`, with what JavaScript needs."""
    try:
        engine.check(JAVASCRIPT)
    except ImageMissing as error:
        missing(str(error))
    limits = Limits.from_settings(JAVASCRIPT)
    pool = Pool(engine, limits=limits, initial=1, minimum=1, maximum=1, image=JAVASCRIPT)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def innocent_javascript(node_pool: Pool) -> Innocent:
    return Innocent(node_pool, text=INNOCENT_JAVASCRIPT, language="javascript")


def named(programs: list[Hostile]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("program", programs, ids=[program.name for program in programs])


@named([program for program in ALL if not program.container])
def test_hostile(pair: Pool, innocent: Innocent, program: Hostile) -> None:
    program.try_in(pair)

    assert run(pair, PROBE).stdout == PROBE_ANSWER
    innocent.check(pair)


@named([program for program in ALL if program.container])
def test_hostile_container(single: Pool, innocent: Innocent, program: Hostile) -> None:
    """Those of which it is said whether their container can be used again."""
    made_before = single.stats()["total_created"]

    program.try_in(single)

    assert run(single, PROBE).stdout == PROBE_ANSWER
    innocent.check(single)
    made = single.stats()["total_created"] - made_before
    assert program.container == ("replaced" if made else "kept")


@named(JAVASCRIPT_PROGRAMS)
def test_hostile_javascript(node_pool: Pool, innocent_javascript: Innocent, program: Hostile) -> None:
    program.try_in(node_pool)

    assert run(node_pool, PROBE).stdout == PROBE_ANSWER
    innocent_javascript.check(node_pool)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_neighbour_notices_nothing(make_pool: MakePool, innocent: Innocent, subject: str) -> None:
    """Two hostile programs at a time, while somebody else runs theirs, now here and now there."""
    pool = make_pool(initial=3, minimum=3, maximum=3)
    over = threading.Event()

    def live_next_door() -> int:
        runs = 0
        while not over.is_set():
            innocent.check(pool)
            runs += 1
        return runs

    with ThreadPoolExecutor(3) as threads:
        neighbour = threads.submit(live_next_door)
        try:
            for _ in threads.map(lambda program: program.try_in(pool), PROGRAMS[subject]):
                pass
        finally:
            over.set()
        assert neighbour.result() > 0
    for _ in range(3):
        innocent.check(pool)
