"""What operators deploy with: its names exist, no password has a default, alerts fire in their faults."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml
from django.conf import settings

ROOT: Path = settings.BASE_DIR
MONITORING = ROOT / "deploy" / "monitoring"
# Of compose.yaml alone; its first lines and docs/operations.md tell them.
OF_COMPOSE = {
    *("POSTGRES_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD", "GRAFANA_PORT", "HELLOAGENTS_IMAGE"),
    *("DOCKER_GROUP", "DOCKER_SOCKET"),
}
OF_THE_IMAGE = {"PORT", "WEB_PROCESSES", "DOCKER_HOST"}  # read by deploy/image/start and by the engine's SDK


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return read


def documented() -> set[str]:
    text = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^#?([A-Z][A-Z_]*)=", text, flags=re.MULTILINE))


def is_ours(service: dict[str, Any]) -> bool:
    return "build" in service


def test_each_variable_of_compose_is_one_that_somebody_reads() -> None:
    text = (ROOT / "compose.yaml").read_text()
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    given = {name for each in compose()["services"].values() if is_ours(each) for name in each["environment"]}

    assert asked <= documented() | OF_COMPOSE | OF_THE_IMAGE
    assert given <= documented() | OF_THE_IMAGE


def test_compose_has_no_default_passwords() -> None:
    text = (ROOT / "compose.yaml").read_text()

    assert not re.findall(r"\$\{[A-Z_]*(?:PASSWORD|SECRET|TOKEN)[A-Z_]*(?!:\?)[:-][^?]", text)
    assert re.findall(r"POSTGRES_PASSWORD:\?", text)


def test_services_are_locked_down_and_looked_after() -> None:
    services = compose()["services"]
    assert set(services) == {
        *("migrate", "web", "worker", "beat", "postgres", "redis", "prometheus", "grafana"),
    }

    for name, service in services.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        # Of the image's own processes the Dockerfile says how to look; migrate ends.
        assert is_ours(service) or service["healthcheck"]["test"], name
        if name != "postgres":
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    with_socket = [name for name, each in services.items() if "docker.sock" in str(each.get("volumes"))]
    assert with_socket == ["worker"]


def test_what_containers_are_told_to_do_is_what_the_image_can_do() -> None:
    known = re.findall(r"^(\w+)\)$", (ROOT / "deploy/image/start").read_text(), flags=re.MULTILINE)
    for name, service in compose()["services"].items():
        if is_ours(service):
            assert service["command"][0] in known, name
    for script in ("start", "is-healthy"):
        assert (ROOT / "deploy/image" / script).stat().st_mode & 0o111
    assert re.search(r"^USER 10001", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)


def test_dashboard_panels_ask_the_provisioned_source() -> None:
    dashboard = json.loads((MONITORING / "grafana/dashboards/helloagents.json").read_text())
    source = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ][0]

    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    assert len({panel["title"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_each_alert_fires_in_its_fault(missing: Callable[[str], NoReturn]) -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
    tested = yaml.safe_load((MONITORING / "alerts_test.yml").read_text())["tests"]
    assert {rule["alert"] for rule in rules} <= {each["name"] for each in tested}
    promtool = shutil.which("promtool")
    if promtool is None:
        missing("there is no promtool (Debian: apt-get install prometheus)")

    done = subprocess.run(
        [promtool, "test", "rules", "alerts_test.yml"], cwd=MONITORING, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
