"""Worker processes as hosts: they share a queue, and what one leaves behind another one does."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from progress.tests.sites import Site, Visitor, children_of, eventually, small_site

pytestmark = pytest.mark.bubblewrap

# Says who it is by nothing but its own process's start, so that each try is told from the other.
SLOW = "import time\nprint('begun', flush=True)\ntime.sleep({seconds})\nprint('done')"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    quick = {
        "WORKER_HEARTBEAT_SECONDS": "0.3",
        "WORKER_LOST_SECONDS": "1.2",
        "WORKER_STOP_SECONDS": "1",
        "RUN_QUEUE_PER_LEARNER": "20",
    }
    with small_site(tmp_path_factory.mktemp("site"), **quick) as started:
        yield started


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site.url)


def test_two_workers_share_the_queue(site: Site, visitor: Visitor) -> None:
    with site.workers("east", "west"):
        runs = [visitor.run("import time; time.sleep(0.3); print(1)") for _ in range(12)]
        ends = [visitor.end_of(run) for run in runs]

    assert [end["outcome"] for end in ends] == ["ok"] * 12
    shares = Counter(host.split("-")[0] for host in site.column("host", [run["id"] for run in runs]))
    assert set(shares) == {"east", "west"}
    assert min(shares.values()) >= 2  # as many as it has threads; more is a matter of who is quicker


def test_nothing_waits_on_a_busy_host_while_another_one_idles(site: Site, visitor: Visitor) -> None:
    with site.worker("busy"):
        slow = [visitor.run(SLOW.format(seconds=30)) for _ in range(2)]
        eventually(lambda: site.column("status", [run["id"] for run in slow]) == ["running"] * 2)
        quick = [visitor.run("print(1)") for _ in range(4)]
        with site.worker("idle"):
            assert [visitor.end_of(run)["outcome"] for run in quick] == ["ok"] * 4

        assert [visitor.get(run["url"])["status"] for run in slow] == ["running"] * 2
        for run in slow:
            visitor.post(run["cancel_url"], {})


def test_runs_of_a_killed_host_end_on_another(site: Site, visitor: Visitor) -> None:
    with site.worker("east") as east:
        runs = [visitor.run(SLOW.format(seconds=3)) for _ in range(2)]
        events = visitor.follow(runs[0])
        eventually(lambda: next(events)[0] == "output")
        containers = children_of(east.pid)
        with site.worker("west"):
            os.kill(east.pid, signal.SIGKILL)
            ends = [visitor.end_of(run) for run in runs]

            assert [end["outcome"] for end in ends] == ["ok", "ok"]
            assert [end["output"] for end in ends] == [[["stdout", "begun\ndone\n"]]] * 2
            assert [kind for kind, _ in events][-1] == "finished"
            assert containers
            eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in containers))


def test_a_second_lost_host_is_told_as_our_fault(site: Site, visitor: Visitor) -> None:
    with site.worker("one") as one:
        run = visitor.run(SLOW.format(seconds=20))
        eventually(lambda: visitor.get(run["url"])["status"] == "running")
        with site.worker("two") as two:
            os.kill(one.pid, signal.SIGKILL)
            one.wait()
            eventually(lambda: site.column("host", [run["id"]])[0].startswith("two-"))
            with site.worker("three"):
                os.kill(two.pid, signal.SIGKILL)
                end = visitor.end_of(run)

    assert (end["status"], end["outcome"]) == ("broken", None)


def test_a_worker_that_is_asked_to_end_lets_programs_finish(site: Site, visitor: Visitor) -> None:
    with site.worker("east", WORKER_STOP_SECONDS="15") as east:
        run = visitor.run(SLOW.format(seconds=2))
        eventually(lambda: visitor.get(run["url"])["status"] == "running")
        (host,) = [host for host in site.hosts() if f"-{east.pid}-" in host]

        east.ask_to_stop()
        code = east.wait()
        after = visitor.run("print('later')")

        assert code == 0
        assert host not in site.hosts()
        assert visitor.end_of(run)["output"] == [["stdout", "begun\ndone\n"]]
        assert visitor.get(after["url"])["status"] == "queued"
        with site.worker("west"):
            assert visitor.end_of(after)["outcome"] == "ok"


def test_what_takes_too_long_for_a_leaving_worker_runs_elsewhere(site: Site, visitor: Visitor) -> None:
    with site.worker("east") as east:
        run = visitor.run(SLOW.format(seconds=4))
        eventually(lambda: visitor.get(run["url"])["status"] == "running")
        containers = children_of(east.pid)
        with site.worker("west"):
            east.ask_to_stop()

            assert east.wait() == 0
            assert containers
            eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in containers), seconds=2)
            end = visitor.end_of(run)
            assert (end["outcome"], end["output"]) == ("ok", [["stdout", "begun\ndone\n"]])


def test_ctrl_c_leaves_runs_to_the_next_worker(site: Site, visitor: Visitor) -> None:
    with site.worker("east") as east:
        run = visitor.run(SLOW.format(seconds=3))
        eventually(lambda: visitor.get(run["url"])["status"] == "running")

        os.killpg(east.pid, signal.SIGINT)  # as a terminal does: to the containers' processes as well

        east.wait()
    assert visitor.get(run["url"])["status"] == "queued"
    with site.worker("west"):
        end = visitor.end_of(run)

    assert (end["outcome"], end["output"]) == ("ok", [["stdout", "begun\ndone\n"]])
    assert site.column("faults", [run["id"]]) == [0]


def test_a_stop_is_obeyed_though_its_order_was_lost(site: Site, visitor: Visitor) -> None:
    with site.worker("east"):
        run = visitor.run(SLOW.format(seconds=30))
        eventually(lambda: visitor.get(run["url"])["status"] == "running")

        site.note_wish_to_stop(run["id"])

        assert visitor.end_of(run)["outcome"] == "cancelled"
