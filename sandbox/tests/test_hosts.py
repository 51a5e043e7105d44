"""Worker hosts on real Redis: who lives, what the instructors see, and that nobody else sees it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from sandbox import hosts
from sandbox.charts import Chart
from sandbox.latency import count_durations, percentile

STATS_FIELDS = {
    *("pool_enabled", "available_containers", "in_use_containers", "total_containers", "total_created"),
    *("total_destroyed", "total_executions", "total_resets", "health_check_failures", "timestamp", "message"),
}


@pytest.fixture(autouse=True)
def empty_redis() -> Iterator[None]:
    hosts.client().flushdb()
    yield
    hosts.client().flushdb()


def make_host(
    name: str, *, process: int = 1, age: float = 0, busy: int = 1, total: int = 3, **report: Any
) -> str:
    """A host that was last heard of `age` seconds ago; returns its id."""
    host = f"{name}-{process}-abc"
    moment = hosts.now() - age
    pool = {
        "pool_enabled": True,
        "available_containers": total - busy,
        "in_use_containers": busy,
        "total_containers": total,
        "total_created": 4,
        "total_destroyed": 1,
        "total_executions": 50,
        "total_resets": 49,
        "health_check_failures": 0,
        "message": "",
    }
    figures = {
        "id": host,
        "name": name,
        "started_at": time.time() - 100,
        "leaving": False,
        "running": busy,
        "oldest_running_at": time.time() - 7,
        "engine": "bubblewrap",
        "limits": {"memory": 134217728, "cpus": 0.5, "processes": 64},
        "versions": {"python": "3.11", "kernel": "6.1"},
        "cpus": 2,
        "load": [0.5, 0.4, 0.3],
        "latency": {"runs": 4, "p50": 0.004, "p95": 0.02},
        "pool": pool,
        **report,
    }
    sample = {"at": moment, "busy": busy, "total": total, "queue": 2, "latency": count_durations([0.004] * 4)}
    client = hosts.client()
    client.set(f"sandbox:host:{host}", json.dumps(figures), ex=max(1, int(hosts.GONE_SECONDS - age)))
    client.zadd("sandbox:hosts", {host: moment})
    client.rpush(f"sandbox:host:{host}:history", json.dumps(sample))
    return host


def make_user(name: str, **fields: Any) -> Any:
    return get_user_model().objects.create_user(name, f"{name}@example.org", "a-long-Passw0rd", **fields)


@pytest.fixture
def instructor(client: Client, db: None) -> Client:
    user = make_user("ina")
    user.groups.add(Group.objects.get_or_create(name="instructors")[0])
    client.force_login(user)
    return client


# --- Who lives ------------------------------------------------------------------------------------


def test_a_host_is_alive_then_silent_then_gone() -> None:
    for name, age in [("fresh", 1), ("quiet", 59), ("silent", 61), ("nearly", 119), ("gone", 121)]:
        make_host(name, age=age)

    assert {host.report["name"]: str(host.state) for host in hosts.known()} == {
        "fresh": "alive",
        "quiet": "alive",
        "silent": "silent",
        "nearly": "silent",
    }
    assert [host.report["name"] for host in hosts.alive()] == ["fresh", "quiet"]


def eventually(look: Callable[[], Any], *, seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_a_heart_shows_its_host_and_takes_it_off_at_the_end(settings: Any) -> None:
    settings.WORKER_HEARTBEAT_SECONDS = 0.05
    watched: list[float] = []
    heart = hosts.Heart(
        figures=lambda: {"pool": {"in_use_containers": 2}}, watch=lambda: watched.append(time.monotonic())
    )
    heart.start()
    try:
        heart.note_run(0.004, language="python", outcome="ok", seconds=0.02)
        (host,) = eventually(hosts.known)
        assert host.id == hosts.own_id()
        assert host.pool["in_use_containers"] == 2
        assert 0 < hosts.client().ttl(f"sandbox:host:{host.id}") <= hosts.GONE_SECONDS
        eventually(lambda: hosts.known()[0].report["latency"]["runs"] == 1)
        eventually(lambda: len(watched) >= 2)

        hosts.client().flushdb()  # Redis forgets; the next beat tells it again
        eventually(hosts.known)
    finally:
        heart.stop()

    assert hosts.known() == []


def test_news_are_told_before_the_next_heartbeat(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WORKER_HEARTBEAT_SECONDS = 3600
    monkeypatch.setattr(hosts, "TELL_SECONDS", 3600)
    monkeypatch.setattr(hosts, "_heart", None)  # and so it is again afterwards
    message = ""
    heart = hosts.start(figures=lambda: {"pool": {"message": message}}, watch=lambda: None)
    try:
        eventually(hosts.known)
        message = "the engine is away"
        hosts.tell()
        eventually(lambda: hosts.known()[0].pool["message"] == message)
    finally:
        heart.stop()


def test_figures_that_cannot_be_had_stop_no_heartbeat(settings: Any) -> None:
    settings.WORKER_HEARTBEAT_SECONDS = 0.05
    broken: list[bool] = []

    def figures() -> dict[str, Any]:
        if broken:
            broken.append(True)
            raise RuntimeError("the engine does not answer")
        return {}

    heart = hosts.Heart(figures=figures, watch=lambda: None)
    heart.start()
    try:
        broken.append(True)
        eventually(lambda: len(broken) > 2)
        beats = len(hosts.history()[hosts.own_id()])
        eventually(lambda: len(hosts.history()[hosts.own_id()]) > beats + 1)
    finally:
        heart.stop()


def test_a_process_lives_also_while_redis_is_away(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks after its container would start it anew otherwise, and end the programs that run in it."""
    settings.ALIVE_FILE = str(tmp_path / "alive")
    away = redis.Redis(port=1, decode_responses=True)
    heart = hosts.Heart(figures=dict, watch=lambda: None)

    with monkeypatch.context() as patched:
        patched.setattr(hosts, "client", lambda: away)
        with pytest.raises(redis.ConnectionError):
            heart._beat()

    assert Path(settings.ALIVE_FILE).exists()


def test_a_host_joins_though_it_cannot_say_how_it_is(settings: Any) -> None:
    settings.WORKER_HEARTBEAT_SECONDS = 0.05

    def figures() -> dict[str, Any]:
        raise RuntimeError("the database is away")

    heart = hosts.Heart(figures=figures, watch=lambda: None)
    heart.start()
    try:
        eventually(lambda: hosts.lives(hosts.own_id()))
    finally:
        heart.stop()


def test_whoever_may_lose_its_runs_does_not_live(settings: Any) -> None:
    settings.WORKER_LOST_SECONDS = 20
    assert hosts.lives(make_host("fresh", age=19))
    assert not hosts.lives(make_host("quiet", age=21))


def test_a_host_is_lost_only_after_it_was_missing_at_every_look(settings: Any) -> None:
    settings.WORKER_HEARTBEAT_SECONDS = 1
    settings.WORKER_LOST_SECONDS = 0.4
    here, away = make_host("here"), make_host("away", age=60)

    assert hosts.lost({here, away}) == set()
    assert eventually(lambda: hosts.lost({away})) == {away}


def test_a_redis_that_forgot_everything_makes_nobody_look_dead(settings: Any) -> None:
    settings.WORKER_LOST_SECONDS = 0.4
    make_host("east")
    hosts.client().flushdb()

    assert hosts.lost({"east-1-abc"}) == set()
    make_host("east")  # its next heartbeat
    assert hosts.lost({"east-1-abc"}) == set()
    assert hosts.client().get("sandbox:host:east-1-abc:missing-since") is None


# --- Figures for programs -------------------------------------------------------------------------


def test_pool_stats_sum_over_the_hosts(instructor: Client) -> None:
    make_host("east", busy=1, total=3)
    make_host("west", busy=2, total=4)
    make_host("dead", age=70, busy=9, total=9)

    answer = instructor.get("/api/v1/sandbox/pool/stats")

    assert answer.status_code == 200
    stats = answer.json()
    assert set(stats) == STATS_FIELDS | {"hosts"}
    assert stats["pool_enabled"] is True
    assert (stats["available_containers"], stats["in_use_containers"], stats["total_containers"]) == (4, 3, 7)
    assert stats["total_executions"] == 100
    assert abs(stats["timestamp"] - time.time()) < 5
    assert [host["name"] for host in stats["hosts"]] == ["east", "west"]


def test_pool_stats_without_a_worker_say_so(instructor: Client) -> None:
    stats = instructor.get("/api/v1/sandbox/pool/stats").json()

    assert (stats["pool_enabled"], stats["total_containers"], stats["hosts"]) == (False, 0, [])
    assert "No worker" in stats["message"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/sandbox/pool/stats", "/en/sandbox/", "/en/sandbox/figures/"])
def test_to_others_the_figures_do_not_exist(client: Client, path: str) -> None:
    make_host("east")
    learner, admin = Client(), Client()
    learner.force_login(make_user("ada"))
    admin.force_login(make_user("root", is_staff=True))

    assert client.get(path).status_code == 404
    assert learner.get(path).status_code == 404
    assert admin.get(path).status_code == 200
    assert admin.post(path).status_code == 405


# --- The page -------------------------------------------------------------------------------------


def test_the_page_shows_hosts_queue_and_latency(instructor: Client) -> None:
    make_host("east", busy=2, total=3)
    hosts.client().rpush("celery", "a", "b")

    page = instructor.get(reverse("sandbox")).content.decode()

    assert "All is well" in page
    assert "2 of 3 containers busy" in page
    assert "bubblewrap" in page
    assert "Limits of a run in the plain image" in page
    assert "128 MB · 0.5 CPU · 64 processes" in page
    assert "in the last minute half of the runs within 4" in page
    assert "the longest for 7 s" in page
    assert "now 2, at most 2" in page
    assert re.search(r'class="chart-line" d="M[\d.]+ [\d.]+H300.0"', page)


def test_where_nothing_ran_the_page_says_so(instructor: Client) -> None:
    host = make_host("east", latency={"runs": 0, "p50": None, "p95": None})
    hosts.client().delete(f"sandbox:host:{host}:history")

    page = instructor.get(reverse("sandbox-figures")).content.decode()

    assert page.count("no runs in the last minute") == 3  # the chart in sight and for readers aloud, the host
    assert "within –" not in page


def make_pool_with(*containers: dict[str, Any], replaced: dict[str, int] | None = None) -> dict[str, Any]:
    image = {"total_containers": len(containers), "replaced": replaced or {}, "containers": list(containers)}
    return {"pool_enabled": True, "message": "", "images": {"agent": image}}


def make_container(number: int, **figures: Any) -> dict[str, Any]:
    return {
        "id": f"{number:064x}",
        "state": "idle",
        "age": 60,
        "executions": 0,
        "mean_seconds": None,
        "failure_rate": 0,
        **figures,
    }


def test_the_page_lists_containers_with_what_is_known_about_them(instructor: Client) -> None:
    served = make_container(
        0xABC << 244, state="busy", executions=12, mean_seconds=0.25, failure_rate=0.125, age=7300
    )
    make_host("east", pool=make_pool_with(served, make_container(2), replaced={"limit": 3, "runs": 1}))
    make_host("dead", age=70, pool=make_pool_with(make_container(3)))

    page = " ".join(instructor.get(reverse("sandbox")).content.decode().split())
    rows = re.findall(r"<tr>(.*?)</tr>", page)[1:]
    words = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]

    assert words == [
        "agent abc000000000 busy 12 250 ms 12.5 % 2 hours",
        "agent 000000000000 free 0 – 0 % 60 s",
    ]
    assert "3 after a limit · 1 worn out" in page


def test_a_page_does_not_grow_without_end(instructor: Client) -> None:
    make_host("east", pool=make_pool_with(*map(make_container, range(70))))

    page = instructor.get(reverse("sandbox")).content.decode()

    assert page.count('scope="row"') == 60
    assert "10 more are not shown" in page


def test_the_page_says_what_is_wrong(instructor: Client) -> None:
    page = instructor.get(reverse("sandbox-figures")).content.decode()
    assert "No worker is alive" in page

    make_host("east", age=70)
    make_host("west", engine=None, limits=None, pool={"message": "Install bubblewrap."})
    hosts.note_fault(what="HostLost", detail="<b>north</b>")
    page = instructor.get(reverse("sandbox-figures")).content.decode()

    assert "A worker is silent: east" in page
    assert "silent for 70 s" in page
    assert "west cannot run programs:" in page
    assert "Install bubblewrap." in page
    assert "A worker was lost with a run" in page
    assert "&lt;b&gt;north" in page
    assert "All is well" not in page


def test_without_redis_the_page_says_so(instructor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis.from_url("redis://127.0.0.1:1/0", decode_responses=True)
    monkeypatch.setattr(hosts, "client", lambda: nowhere)

    assert "Redis does not answer" in instructor.get(reverse("sandbox")).content.decode()
    stats = instructor.get("/api/v1/sandbox/pool/stats").json()
    assert set(stats) == STATS_FIELDS | {"hosts"}
    assert "Redis does not answer" in stats["message"]

    monkeypatch.undo()


def test_staff_finds_the_page_in_the_user_menu(client: Client, db: None) -> None:
    client.force_login(make_user("root", is_staff=True))

    assert f'href="{reverse("sandbox")}"' in client.get(reverse("catalogue")).content.decode()


# --- Figures in themselves ------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0007, 0.004, 0.0153, 0.3, 2.0, 59.0])
def test_a_percentile_is_at_most_eight_percent_off(seconds: float) -> None:
    counts = [count_durations([seconds] * 90), count_durations([seconds * 10] * 10)]

    assert percentile(counts, 0.5) == pytest.approx(seconds, rel=0.08)
    assert percentile(counts, 0.9) == pytest.approx(seconds, rel=0.08)
    assert percentile(counts, 0.95) == pytest.approx(seconds * 10, rel=0.08)


def test_no_runs_have_no_percentile() -> None:
    assert percentile([{}, {}], 0.5) is None


def test_a_chart_breaks_where_nothing_was_measured() -> None:
    chart = Chart.of([1, None, 3, 4])

    assert chart.top == 5
    assert chart.peak == 4
    assert chart.lines[0].edge == "M0.0 64.0H75.0M150.0 32.0H225.0L225.0 16.0H300.0"
