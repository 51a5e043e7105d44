"""A production as its operator sees it: its log, its traces, its reports, its figures, and its health.

Web, worker and beat run as in production, on a PostgreSQL and a Redis that can be stopped.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.dev import services
from deploy.dev.environment import find
from deploy.dev.processes import ROOT, Process, running, wait_until
from helloagents.tests.watchers import Watchers, watchers
from progress.tests.sites import children_of, eventually
from tutor.tests.makers import FakeProvider, fails, fake_provider

pytestmark = [pytest.mark.bubblewrap, pytest.mark.timeout(400)]  # a whole production has to start

# What must be in no log, trace, report or figure.
PASSWORD = "Planted-passw0rd"
PROMPT = "planted-prompt"
CODE = "planted-code"
KEY = "sk-planted-key-of-the-provider"
QUERY = "planted-query-token"

PROGRAM = f"""
import json, os, urllib.request
note = "{CODE}"
body = {{"model": "any", "messages": [{{"role": "user", "content": "{PROMPT}"}}]}}
address = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
request = urllib.request.Request(address, json.dumps(body).encode(), {{"Content-Type": "application/json"}})
print(json.loads(urllib.request.urlopen(request).read())["choices"][0]["message"]["content"])
"""


FIVE_CALLS = """
import json, os, urllib.error, urllib.request
for _ in range(5):
    body = {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}
    address = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    try:
        urllib.request.urlopen(address, json.dumps(body).encode())
    except urllib.error.HTTPError as error:
        error.close()
"""

# Stands before the real one. It does nothing but fail while the file is there.
BROKEN_ENGINE = """#!/bin/sh
[ ! -e "{flag}" ] || exit 1
exec "{real}" "$@"
"""


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Message

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Production:
    site: services.Site
    database: services.Server
    redis: services.Server
    provider: FakeProvider
    heard: Watchers
    lines: list[tuple[str, str]]  # of the log: process, line
    worker: Process
    engine_broken: Path  # no containers can be made while this file is there
    token: str = ""
    secrets: list[str] = field(default_factory=list)

    def ask(self, path: str, body: object = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        request = urllib.request.Request(
            self.site.url + path, data, {"Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), error.headers)

    def start_worker(self) -> None:
        """Another one, after the first has ended."""
        command = services.site_commands(0, self.site.env)["worker"]
        self.worker = Process("worker", command, env=self.site.env, on_line=self.note_line)

    def note_line(self, process: str, line: str) -> None:
        self.lines.append((process, line))

    def run(self, code: str, **headers: str) -> Any:
        """A program's run, at its end."""
        started = self.ask("/api/v1/runs", {"code": code}, **headers)
        assert started.status == 202, started.body
        path = f"/api/v1/runs/{started.json['id']}"

        def end() -> Any:
            now = self.ask(path).json
            return now if now["status"] in ("finished", "broken") else None

        return eventually(end, seconds=60)

    def records(self, request_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The lines of all logs that a request left, with their process."""
        return [
            (process, json.loads(line)) for process, line in list(self.lines) if f'"{request_id}"' in line
        ]

    def metrics(self) -> dict[str, float]:
        """Samples by name with labels as text."""
        text = self.ask("/metrics").body.decode()
        samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def status_of(self, part: str) -> tuple[int, str, str]:
        """Of /health: its code and status, and the status of a part."""
        answer = self.ask("/health")
        return answer.status, answer.json["status"], answer.json["checks"][part]["status"]


def make_engine(var: Path) -> Path:
    """An engine that can break: the file that breaks it."""
    flag, program = var / "broken", var / "bin" / "bwrap"
    program.parent.mkdir()
    program.write_text(BROKEN_ENGINE.format(flag=flag, real=find("bwrap")))
    program.chmod(0o755)
    return flag


@pytest.fixture(scope="module")
def production(
    tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], Any]
) -> Iterator[Production]:
    if find("initdb") is None or find("redis-server") is None:
        missing("PostgreSQL or Redis is not installed")
    var = tmp_path_factory.mktemp("production")
    with ExitStack() as stack:
        database = stack.enter_context(services.postgres_server())
        redis = stack.enter_context(services.redis_server())
        provider = stack.enter_context(fake_provider())
        heard = stack.enter_context(watchers())
        lines: list[tuple[str, str]] = []
        broken = make_engine(var)
        key = secrets.token_urlsafe(50)
        env = {
            **services.plain_environment(),
            "SECRET_KEY": key,
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECURE_SSL_REDIRECT": "false",  # asked without a proxy
            "DATABASE_URL": database.url,
            "REDIS_URL": redis.url,
            "VAR_DIR": str(var),
            "PATH": f"{var / 'bin'}:{os.environ['PATH']}",
            "RATE_LIMITS": "off",
            "WORKER_HEARTBEAT_SECONDS": "0.5",
            "WORKER_LOST_SECONDS": "5",
            "SANDBOX_ENGINE": "bubblewrap",
            "SANDBOX_POOL_INITIAL": "1",
            "SANDBOX_POOL_MAX": "2",
            "MODEL_PROVIDERS": "fake",
            "MODEL_FAKE_URL": provider.url,
            "MODEL_FAKE_KEY": KEY,
            "MODEL_FAKE_MODELS": "fake-large 1/2",
            "SENTRY_DSN": heard.dsn,
            "OTEL_EXPORTER_OTLP_ENDPOINT": heard.address,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        services.name_static_files(env)
        services.manage(env, "migrate", "--verbosity", "0")
        site = stack.enter_context(
            services.site(
                port=services.free_port(), env=env, on_line=lambda name, line: lines.append((name, line))
            )
        )
        made = Production(
            *(site, database, redis, provider, heard, lines, site.processes["worker"], broken),
            secrets=[key, KEY, QUERY],
        )
        stack.callback(lambda: made.worker.stop())
        account = {"username": "mei", "email": "mei@example.org", "password": PASSWORD}
        assert made.ask("/api/v1/users", account).status == 201
        signed_in = made.ask("/api/v1/auth/token", {"username": "mei", "password": PASSWORD})
        made.token = signed_in.json["access"]
        made.secrets += [PASSWORD, made.token, signed_in.json["refresh"]]
        eventually(lambda: made.status_of("container_pool")[2] == "healthy", seconds=60)
        yield made


def test_a_run_is_followed_through_logs_and_trace_by_its_request_id(production: Production) -> None:
    name = "click-0123456789"
    end = production.run(PROGRAM, **{"X-Request-ID": name})
    assert "Hello!" in str(end), end

    def until_its_end() -> Any:
        found = production.records(name)
        return found if any(record["event"] == "run_ended" for _, record in found) else None

    records: list[tuple[str, dict[str, Any]]] = eventually(until_its_end, seconds=30)
    events = [(process, record["event"]) for process, record in records]
    assert ("web", "run_queued") in events
    assert events.index(("worker", "run_started")) < events.index(("worker", "model_call_ended"))
    assert events.index(("worker", "model_call_ended")) < events.index(("worker", "run_ended"))
    assert {record["run"] for _, record in records if record["event"].startswith(("run_", "model_"))} == {
        end["id"]
    }
    assert len({record["task_id"] for process, record in records if process == "worker"}) == 1
    assert {record["user"] for process, record in records if record["event"] == "request"} != {None}

    (trace_id,) = {record["trace_id"] for _, record in records}

    def whole() -> Any:
        spans = {span["name"]: span for span in production.heard.spans if span["trace"] == trace_id}
        wanted = {"run", "lease a container", "run in a container", "model call"}
        return wanted <= set(spans) and any(name.startswith("POST ") for name in spans) and spans

    spans = eventually(whole, seconds=30)
    step = spans["model call"]
    names = [step["name"]]
    by_id = {span["id"]: span for span in spans.values()}
    while step["parent"]:
        step = by_id[step["parent"]]
        names.append(step["name"])
    assert names[:2] == ["model call", "run in a container"] or names[:2] == ["model call", "run"]
    assert names[-2:] == ["task progress.tasks.run_submission", "POST api/v1/runs"]
    assert spans["run"]["process"] == "helloagents-worker"
    assert spans["model call"]["gen_ai.usage.input_tokens"] > 0


def test_a_web_process_that_is_asked_to_end_answers_what_it_has_begun(production: Production) -> None:
    """The one of the image. It takes nothing new meanwhile, and ends as soon as nothing is left."""
    port = services.free_port()
    env = {**production.site.env, "PORT": str(port), "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"}
    leaving = replace(production, site=replace(production.site, url=f"http://127.0.0.1:{port}"))
    with running(Process("leaving", [ROOT / "deploy/image/start", "web"], env=env)) as web:
        wait_until(lambda: services.page_answers(f"{leaving.site.url}/health/live"), web, seconds=60)
        with ThreadPoolExecutor() as threads:
            body = {"code": "import time; time.sleep(3); print('to the end')"}
            names = ("leaving-1", "leaving-2")
            answers = [
                threads.submit(leaving.ask, "/api/v1/code/execute", body, **{"X-Request-ID": name})
                for name in names
            ]
            eventually(lambda: all(_is_started(production, name) for name in names), seconds=30)
            web.ask_to_stop()

            assert [answer.result().status for answer in answers] == [200, 200]
            assert all("to the end" in str(answer.result().json) for answer in answers)
        assert web.wait() == 0


def _is_started(production: Production, request_id: str) -> bool:
    return any(record["event"] == "run_started" for _, record in production.records(request_id))


def test_figures_move_with_what_happens(production: Production) -> None:
    before = production.metrics()
    assert production.run(PROGRAM)["status"] == "finished"

    def moved() -> Any:
        now = production.metrics()
        return (
            now.get('helloagents_runs_total{language="python",outcome="ok"}', 0)
            > before.get('helloagents_runs_total{language="python",outcome="ok"}', 0)
            and now
        )

    now = eventually(moved, seconds=30)
    of_model = 'model="fake-large",provider="fake"'
    for name in (
        f'helloagents_model_calls_total{{{of_model},purpose="run",status="ok"}}',
        f'helloagents_model_tokens_total{{kind="prompt",{of_model}}}',
        f'helloagents_model_cost_total{{currency="USD",{of_model}}}',
        'helloagents_model_budget_used{measure="requests",window="day"}',
    ):
        assert _like(now, name) > _like(before, name, default=0.0)
    assert now["helloagents_beat_tick_timestamp_seconds"] > time.time() - 60
    assert now['helloagents_part_healthy{part="database"}'] == 1
    assert any(
        name.startswith("helloagents_worker_memory_bytes") and value > 1e7 for name, value in now.items()
    )


def test_what_dashboard_and_alerts_ask_for_is_there(production: Production) -> None:
    exposed = production.ask("/metrics").body.decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)$", exposed, flags=re.MULTILINE))
    monitoring = ROOT / "deploy" / "monitoring"
    asked = (monitoring / "grafana/dashboards/helloagents.json").read_text()
    asked += (monitoring / "alerts.yml").read_text()
    names = set(re.findall(r"\b(?:helloagents|django|process)_\w+", asked)) - {"django_http_requests"}

    assert len(names) > 25
    for name in names:
        histogram = name.removesuffix("_bucket")
        assert name in kinds or kinds.get(histogram) == "histogram", name


def _like(samples: Mapping[str, float], name: str, default: float | None = None) -> float:
    """A sample by its name and labels, in whatever order these are."""
    metric, _, labels = name.rstrip("}").partition("{")
    wanted = sorted(labels.split(","))
    for sample, value in samples.items():
        found, _, has = sample.rstrip("}").partition("{")
        if found == metric and sorted(has.split(",")) == wanted:
            return value
    assert default is not None, (name, [each for each in samples if each.startswith(metric)])
    return default


# A part that is away is told of within 5 s on a machine that does nothing else; tests have it busy.
NOTICED = 15
BACK = 60


def test_the_database_is_away_and_back(production: Production) -> None:
    production.database.stop()
    eventually(partial(_is, production, "database", (503, "unhealthy", "unhealthy")), seconds=NOTICED)
    assert _probes(production) == (503, 200)
    page = production.ask(f"/en/accounts/login/?token={QUERY}", Cookie=f"sessionid={QUERY}")
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert production.ask("/api/v1/users/me").status in (500, 503)

    production.database.start()
    eventually(partial(_is, production, "database", HEALTHY), seconds=BACK)
    assert _probes(production) == (200, 200)


def test_redis_is_away_and_back(production: Production) -> None:
    production.redis.stop()
    for part in ("redis", "broker", "workers", "container_pool"):
        eventually(partial(_is, production, part, DEGRADED), seconds=NOTICED)
    assert _probes(production) == (200, 200)
    assert production.ask("/en/accounts/login/").status == 200  # read they can

    production.redis.start()
    for part in ("redis", "broker", "workers", "container_pool"):
        eventually(partial(_is, production, part, HEALTHY), seconds=BACK)
    assert production.run(PROGRAM)["status"] == "finished"


def test_the_model_provider_fails_and_is_back(production: Production) -> None:
    production.provider.behaviours = [fails(500)] * 100
    assert production.run(FIVE_CALLS)["status"] == "finished"
    eventually(partial(_is, production, "model_provider", DEGRADED), seconds=NOTICED)
    assert _probes(production) == (200, 200)

    production.provider.behaviours = []
    assert production.run(PROGRAM)["status"] == "finished"
    eventually(partial(_is, production, "model_provider", HEALTHY), seconds=BACK)


def test_the_engine_breaks_and_works_again(production: Production) -> None:
    production.engine_broken.touch()
    for pid in children_of(production.worker.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(partial(_is, production, "container_pool", DEGRADED), seconds=NOTICED)
    assert production.status_of("workers")[2] == "healthy"
    assert _probes(production) == (200, 200)

    production.engine_broken.unlink()
    eventually(partial(_is, production, "container_pool", HEALTHY), seconds=BACK)
    assert production.run(PROGRAM)["status"] == "finished"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_all_workers_end_and_another_comes(production: Production, how: signal.Signals) -> None:
    os.kill(production.worker.pid, how)
    production.worker.wait()
    eventually(partial(_is, production, "workers", DEGRADED), seconds=NOTICED)
    assert _probes(production) == (200, 200)

    production.start_worker()
    for part in ("workers", "container_pool"):
        eventually(partial(_is, production, part, HEALTHY), seconds=BACK)
    assert production.run(PROGRAM)["status"] == "finished"


HEALTHY, DEGRADED = (200, "healthy", "healthy"), (200, "degraded", "degraded")


def _probes(production: Production) -> tuple[int, int]:
    return production.ask("/health/ready").status, production.ask("/health/live").status


def _is(production: Production, part: str, status: tuple[int, str, str]) -> bool:
    return production.status_of(part) == status


def test_what_must_stay_secret_is_told_to_nobody(production: Production) -> None:
    """Also what the tests before have left: a failure of the database in the middle of a request."""
    production.ask(f"/en/?token={QUERY}&code={CODE}", Cookie=f"sessionid={QUERY}")
    production.run(PROGRAM)
    production.database.stop()
    production.ask("/api/v1/runs", {"code": PROGRAM})

    def of_a_request() -> Any:
        told = [each for each in production.heard.reports if "request_id" in each["tags"]]
        return next((each for each in told if each.get("exception")), None)

    report = eventually(of_a_request, seconds=30)
    production.database.start()
    eventually(lambda: production.status_of("database")[2] == "healthy", seconds=30)

    assert report["exception"]["values"][-1]["type"]
    frames = report["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames
    assert not any("vars" in frame for frame in frames)

    figures = production.ask("/metrics").body
    told = b"\n".join([*production.heard.bodies, figures, *(line.encode() for _, line in production.lines)])
    assert len(told) > 10_000
    for secret in (*production.secrets, PROMPT, CODE):
        assert secret.encode() not in told, secret
