"""`make faults`: break each part of a site while learners run programs on it, and say what they noticed.

A table, a line for each fault. Whatever breaks, no accepted run may be lost, shown to somebody else, or
told otherwise than it was; then this ends with 0. Everything is started for it alone, on loopback, and ends
with it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from deploy.dev import test
from deploy.dev.environment import say
from deploy.dev.faulty_site import Engine, FaultySite, faulty_engine, faulty_site, fill_disk
from deploy.dev.load import PATIENCE, Account, Learner, steady_load
from deploy.dev.processes import SetupError, ending_on_signals

BEFORE = 4.0  # seconds of load before a fault
AWAY = 10.0  # how long the database is away, and the disk full
RESTART = 5.0  # until whoever watches over a service has started it again
ORPHANS_AFTER = 60.0  # no container may be left that long after
CROWD = 200
CROWD_SECONDS = 10.0


@dataclass
class Outcome:
    """What was seen of one fault."""

    name: str
    account: Account
    healed: float | None  # seconds from its end until a run succeeded; None: none did
    orphans: list[str]
    cleared: float  # seconds until there were no orphans
    processes: list[str]
    unfinished: int  # runs that the database still held as unfinished
    pages: list[float]  # seconds that a page took meanwhile
    relapsed: int = 0  # runs that failed after it had healed

    @property
    def good(self) -> bool:
        left = self.orphans or self.processes or self.unfinished or self.relapsed
        return self.account.faultless and self.healed is not None and not left


# --- The faults: each returns when what had to be started again has been ----------------------------


def supervisor_killed(site: FaultySite, _engine: Engine) -> None:
    for _ in range(4):
        site.kill_supervisor()
        time.sleep(1)


def container_removed(site: FaultySite, _engine: Engine) -> None:
    for _ in range(4):
        site.remove_container()
        time.sleep(1)


def worker_killed(site: FaultySite, _engine: Engine) -> None:
    site.kill_worker("east")
    time.sleep(RESTART)
    site.start_worker("east")


def both_workers_killed(site: FaultySite, _engine: Engine) -> None:
    for name in ("east", "west"):
        site.kill_worker(name)
    time.sleep(RESTART)
    site.start_worker("east", "west")


def one_stopped_one_killed(site: FaultySite, _engine: Engine) -> None:
    """Two hosts: one is asked to end, and back, the other killed in the middle of its runs, and back."""
    site.stop_worker("east")
    site.start_worker("east")
    site.kill_worker("west")
    time.sleep(RESTART)
    site.start_worker("west")


def engine_killed(_site: FaultySite, engine: Engine) -> None:
    engine.server.kill()
    time.sleep(RESTART)
    engine.server.start()


def redis_restarted(site: FaultySite, _engine: Engine) -> None:
    site.redis.stop()
    time.sleep(1)
    site.redis.start()


def database_away(site: FaultySite, _engine: Engine) -> None:
    site.database.stop()
    time.sleep(AWAY)
    site.database.start()


def disk_full(site: FaultySite, engine: Engine) -> None:
    """And containers die, so that new ones have to be made where there is no room for any."""
    full = fill_disk(engine.data)
    try:
        for _ in range(int(AWAY / 2)):
            site.kill_supervisor()
            site.remove_container()
            time.sleep(2)
    finally:
        full.unlink()


FAULTS: dict[str, Callable[[FaultySite, Engine], None]] = {
    "supervisor": supervisor_killed,
    "container": container_removed,
    "worker": worker_killed,
    "workers": both_workers_killed,
    "hosts": one_stopped_one_killed,
    "engine": engine_killed,
    "redis": redis_restarted,
    "database": database_away,
    "disk": disk_full,
}


# --- Watching --------------------------------------------------------------------------------------------


def try_out(site: FaultySite, engine: Engine, name: str, *, seconds: float) -> Outcome:
    """One fault under load that goes on for at least `seconds`."""
    with steady_load(site.url) as account, looking_at_pages(site.url) as pages:
        begun = time.monotonic()
        time.sleep(BEFORE)
        FAULTS[name](site, engine)
        over = time.monotonic()
        healed = time_until_success(site.url)
        time.sleep(max(0.0, seconds - (time.monotonic() - begun)))
    return judge(site, name, account, over=over, healed=healed, pages=pages.times)


def crowd(site: FaultySite) -> Outcome:
    """Two hundred learners who click Run within ten seconds."""
    account = Account()
    learners = [Learner(site.url, f"c{number}", account) for number in range(CROWD)]
    for learner in learners:
        learner.come()

    def click(number: int, learner: Learner) -> None:
        time.sleep(number * CROWD_SECONDS / CROWD)
        while not learner.run_once(0.5):
            time.sleep(2)

    threads = [
        threading.Thread(target=click, args=(number, learner), daemon=True)
        for number, learner in enumerate(learners)
    ]
    with looking_at_pages(site.url) as pages:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    over = time.monotonic()
    outcome = judge(site, "crowd", account, over=over, healed=time_until_success(site.url), pages=pages.times)
    for places in account.places:
        if sorted(places, reverse=True) != places:
            account.untrue.append(f"a queue place went up: {places}")
    counted = sum(1 for places in account.places if len(places) > 1)
    say(f"crowd: {account.finished} of {CROWD} had their result; {counted} saw their place count down")
    return outcome


def time_until_success(url: str) -> float | None:
    """Seconds until a learner's run succeeded; None when none did for as long as anybody has patience."""
    begun = time.monotonic()
    account = Account()
    learner = Learner(url, "first", account)
    while time.monotonic() < begun + PATIENCE:
        with suppress(OSError):
            learner.come()
            learner.run_once(0.05, live=False)
        if account.finished:
            return time.monotonic() - begun
        time.sleep(0.2)
    return None


def judge(
    site: FaultySite,
    name: str,
    account: Account,
    *,
    over: float,
    healed: float | None,
    pages: list[float],
) -> Outcome:
    after = Account()
    last = Learner(site.url, "last", after)
    last.come()
    for _ in range(10):
        last.run_once(0.05)
    while (left := site.orphan_containers() or site.orphan_processes()) and (
        time.monotonic() < over + ORPHANS_AFTER
    ):
        time.sleep(0.5)
    return Outcome(
        name=name,
        account=account,
        healed=healed,
        orphans=site.orphan_containers() if left else [],
        cleared=time.monotonic() - over,
        processes=site.orphan_processes(),
        unfinished=site.unfinished_runs(),
        pages=pages,
        relapsed=10 - after.finished,
    )


class looking_at_pages:  # noqa: N801 - used as a context manager only
    """Somebody who reads meanwhile; `times` is what each page took, in seconds."""

    def __init__(self, url: str) -> None:
        self.times: list[float] = []
        self._url = f"{url}/en/"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> looking_at_pages:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._over.wait(0.3):
            begun = time.monotonic()
            with suppress(OSError):
                urllib.request.urlopen(self._url, timeout=20).close()  # noqa: S310 - our own http address
                self.times.append(time.monotonic() - begun)


# --- Telling ---------------------------------------------------------------------------------------------

_HEAD = (
    "fault       accepted finished broken lost mixed up untrue refused no answer "
    "longest healed orphans processes page"
)


def line(outcome: Outcome) -> str:
    account = outcome.account
    healed = "never" if outcome.healed is None else f"{outcome.healed:.1f} s"
    page = f"{1000 * statistics.median(outcome.pages):.0f} ms" if outcome.pages else "-"
    return (
        f"{outcome.name:11} {account.accepted:8} {account.finished:8} {account.broken:6} "
        f"{len(account.lost) + outcome.unfinished:4} {len(account.mixed_up):8} {len(account.untrue):6} "
        f"{account.refused:7} {account.unreachable:9} {account.longest_wait:5.1f} s {healed:>6} "
        f"{len(outcome.orphans):7} {len(outcome.processes):9} {page:>7}"
    )


def tell(outcome: Outcome) -> None:
    say(_HEAD)
    say(line(outcome))
    account = outcome.account
    details = [*account.lost, *account.mixed_up, *account.untrue, *outcome.orphans, *outcome.processes]
    for detail in details[:10]:
        say(f"    {detail}")
    if outcome.relapsed:
        say(f"    {outcome.relapsed} of 10 runs failed after it had healed")
    if account.rude:
        say(f"    answers without words: {sorted(set(account.rude))}, {len(account.rude)} in all")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", choices=[*FAULTS, "crowd"], help="may be repeated")
    parser.add_argument("--seconds", type=float, default=20, help="of load around each fault, at least (20)")
    return parser.parse_args()


def main() -> None:
    options = parse()
    try:
        test.install_debian_packages(test.SERVICES)
        with ending_on_signals():
            sys.exit(run(options.only or [*FAULTS, "crowd"], seconds=options.seconds))
    except SetupError as error:
        sys.exit(f"\n{error}")


def run(names: list[str], *, seconds: float) -> int:
    outcomes = []
    with faulty_engine() as engine, faulty_site(engine.server.url) as site:
        for name in names:
            outcome = crowd(site) if name == "crowd" else try_out(site, engine, name, seconds=seconds)
            tell(outcome)
            outcomes.append(outcome)
        for complaint in dict.fromkeys(site.complaints):
            say(f"in the log: {complaint}")
    say("\n" + "\n".join([_HEAD, *map(line, outcomes)]))
    bad = [outcome.name for outcome in outcomes if not outcome.good]
    say(f"\nNot borne: {', '.join(bad)}." if bad else "\nAll was borne.")
    return 1 if bad else 0


if __name__ == "__main__":
    main()
