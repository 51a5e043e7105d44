"""What Prometheus reads: who may, what it finds of hosts and runs, and that nothing is counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
import yaml
from asgiref.sync import async_to_sync
from django.conf import settings as site
from django.test import AsyncClient, Client
from prometheus_client.parser import text_string_to_metric_families

from helloagents.configuration import networks
from helloagents.proxies import TrustedProxies
from sandbox import hosts
from sandbox.tally import Tally
from sandbox.tests.test_hosts import make_host

TOKEN = "a-long-and-secret-token"
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def empty_redis() -> Iterator[None]:
    hosts.client().flushdb()
    yield
    hosts.client().flushdb()


def scrape(client: Client) -> Figures:
    """Every sample by its name and labels; no two may be the same."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    found: Figures = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            assert series not in found
            found[series] = sample.value
    return found


def value(figures: Figures, name: str, **labels: str) -> float:
    return figures[name, frozenset(labels.items())]


def make_pool_report(**counts: Any) -> dict[str, Any]:
    images = {
        "python": {
            "available_containers": 2,
            "in_use_containers": 1,
            "waiting": 0,
            "total_created": 5,
            "total_executions": 50,
            "replaced": {"limit": 2},
            **counts,
        }
    }
    return {"pool_enabled": True, "message": "", "images": images}


# --- Runs and hosts ---------------------------------------------------------------------------------


def test_runs_are_counted_by_outcome_and_language_over_all_workers(client: Client) -> None:
    for wait in (0.004, 0.012):  # two workers
        tally = Tally()
        tally.note_run(language="python", outcome="ok", seconds=0.02, wait=wait)
        tally.note_run(language="javascript", outcome="timeout", seconds=61, wait=wait)
        tally.write(hosts.client())
        tally.write(hosts.client())  # nothing new, so nothing more
    tally.note_run(language="python", outcome="broken")
    tally.write(hosts.client())
    hosts.note_fault(what="ContainerLost", detail="gone")

    figures = scrape(client)
    ok = {"language": "python", "outcome": "ok"}
    assert value(figures, "helloagents_runs_total", **ok) == 2
    assert value(figures, "helloagents_runs_total", language="python", outcome="broken") == 1
    assert value(figures, "helloagents_run_seconds_bucket", le="0.01", **ok) == 0
    assert value(figures, "helloagents_run_seconds_bucket", le="0.025", **ok) == 2
    assert value(figures, "helloagents_run_seconds_sum", **ok) == pytest.approx(0.04)
    slow = {"language": "javascript", "outcome": "timeout"}
    assert value(figures, "helloagents_run_seconds_bucket", le="60.0", **slow) == 0
    assert value(figures, "helloagents_run_seconds_count", **slow) == 2
    assert value(figures, "helloagents_run_wait_seconds_bucket", le="0.01", language="python") == 1
    assert value(figures, "helloagents_platform_faults_total", fault="ContainerLost") == 1


def test_what_could_not_be_written_is_written_later(client: Client) -> None:
    tally = Tally()
    tally.note_run(language="python", outcome="ok")
    with pytest.raises(redis.RedisError):
        tally.write(redis.Redis.from_url("redis://127.0.0.1:1/0"))
    tally.note_run(language="python", outcome="ok")
    tally.write(hosts.client())

    assert value(scrape(client), "helloagents_runs_total", language="python", outcome="ok") == 2


def test_pools_are_shown_by_host_and_image(client: Client) -> None:
    make_host("east", pool=make_pool_report())
    make_host("west", pool=make_pool_report(in_use_containers=3), engine=None)
    make_host("dead", age=70, pool=make_pool_report())
    hosts.client().rpush("celery", "a", "b", "c")

    figures = scrape(client)
    east = {"host": "east", "image": "python"}
    assert value(figures, "helloagents_pool_containers", state="in_use", **east) == 1
    assert value(figures, "helloagents_pool_containers", state="available", **east) == 2
    assert value(figures, "helloagents_pool_containers_created_total", **east) == 5
    assert value(figures, "helloagents_pool_executions_total", **east) == 50
    assert value(figures, "helloagents_pool_replaced_total", reason="limit", **east) == 2
    assert value(figures, "helloagents_workers", host="dead", state="silent") == 1
    assert value(figures, "helloagents_workers_with_engine", host="west") == 0
    assert not any(("host", "dead") in labels for name, labels in figures if "pool" in name)
    assert value(figures, "helloagents_queue_depth") == 3
    assert value(figures, "helloagents_redis_up") == 1


def test_two_workers_of_one_name_are_added_up(client: Client) -> None:
    make_host("east", pool=make_pool_report())
    make_host("east", process=2, pool=make_pool_report())

    figures = scrape(client)
    assert value(figures, "helloagents_workers", host="east", state="alive") == 2
    assert value(figures, "helloagents_pool_executions_total", host="east", image="python") == 100


def test_without_redis_the_rest_is_still_there(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis.from_url("redis://127.0.0.1:1/0", decode_responses=True)
    monkeypatch.setattr(hosts, "client", lambda: nowhere)

    figures = scrape(client)
    assert value(figures, "helloagents_redis_up") == 0
    assert any(name.startswith("django_http_requests") for name, _ in figures)
    monkeypatch.undo()


# --- Requests ---------------------------------------------------------------------------------------


def test_requests_are_counted_by_view_and_status(client: Client) -> None:
    labels = {"method": "GET", "view": "health-live", "status": "200"}
    name = "django_http_responses_total_by_status_view_method_total"
    client.get("/health/live")
    before = value(scrape(client), name, **labels)
    client.get("/health/live")

    assert value(scrape(client), name, **labels) == before + 1


def test_what_visitors_make_up_is_no_label(client: Client) -> None:
    client.generic("MADE-UP-METHOD", "/made/up/path/")
    client.get("/made/up/path/", headers={"Content-Length": "made up"})

    assert not any("made" in text.lower() for _, labels in scrape(client) for _, text in labels)


# --- Who may read it --------------------------------------------------------------------------------


@pytest.fixture
def public(client: Client, settings: Any) -> Client:
    settings.METRICS_NETWORKS = networks(["10.1.0.0/16", "::1"])
    return client


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.1.2.3", 200), ("::ffff:10.1.2.3", 200), ("::1", 200), ("10.2.0.1", 404), ("127.0.0.1", 404)],
)
def test_only_allowed_networks_may_read(public: Client, address: str, status: int) -> None:
    assert public.get("/metrics", REMOTE_ADDR=address).status_code == status


def test_a_token_admits_from_anywhere(public: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN

    def status(authorization: str) -> int:
        return public.get(
            "/metrics", headers={"Authorization": authorization}, REMOTE_ADDR="203.0.113.9"
        ).status_code

    assert status(f"Bearer {TOKEN}") == 200
    assert status(f"Bearer {TOKEN[:-1]}") == status("Bearer ") == status("Bearer ü") == 404
    settings.METRICS_TOKEN = ""
    assert status("Bearer ") == status("") == 404


def test_prometheus_of_compose_reads_a_production_past_its_proxy(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["learn.example.org"], True
    settings.METRICS_TOKEN, settings.METRICS_NETWORKS = TOKEN, networks([])
    configured = yaml.safe_load((site.BASE_DIR / "deploy/monitoring/prometheus.yml").read_text())
    (target,) = configured["scrape_configs"][0]["static_configs"][0]["targets"]

    def ask(host: str, token: str, path: str = "/metrics") -> Any:
        return client.get(path, headers={"Host": host, "Authorization": f"Bearer {token}"})

    answer = ask(target, TOKEN)
    assert answer.status_code == 200
    assert answer["X-Content-Type-Options"] == "nosniff"
    # The token opens no other page by that name, and without it the name counts here, too.
    assert ask(target, TOKEN, "/en/").status_code == ask(target, "wrong").status_code == 400
    assert ask("learn.example.org", "wrong").status_code == 404
    settings.METRICS_NETWORKS = networks(["127.0.0.1"])
    assert ask("learn.example.org", "").status_code == 200
    assert ask(target, "").status_code == 400


async def get_behind_proxy(**headers: str) -> int:
    response = await AsyncClient().get("/metrics", headers=headers)
    return int(response.status_code)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_opens_nothing(header: str) -> None:
    """The web server takes whoever comes through it for this machine itself."""
    assert networks(["127.0.0.0/8", "::1"]) == site.METRICS_NETWORKS

    assert async_to_sync(get_behind_proxy)(**{header: "203.0.113.9"}) == 404
    assert async_to_sync(get_behind_proxy)() == 200


def test_behind_a_trusted_proxy_the_client_s_address_counts(public: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = TrustedProxies(number=1)

    def status(client_address: str) -> int:
        return public.get("/metrics", headers={"X-Forwarded-For": client_address}).status_code

    assert status("10.1.2.3") == 200
    assert status("203.0.113.9") == 404
