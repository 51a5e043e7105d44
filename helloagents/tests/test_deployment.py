"""What operators deploy with: its names exist, no password has a default, alerts fire in their faults."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import kubernetes_validate
import pytest
import yaml
from compose_spec.models import ComposeSpecification, Service
from django.conf import settings
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from helloagents import ending

ROOT: Path = settings.BASE_DIR
MONITORING = ROOT / "deploy" / "monitoring"
# Read by deploy/image/start and by the engine's SDK.
OF_THE_IMAGE = {"PORT", "WEB_PROCESSES", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"}


class Override(list[str]):
    """What takes the place of a list of compose.yaml, instead of adding to it."""


class ComposeLoader(yaml.SafeLoader):
    """YAML with Compose's own `!override`."""


def _override(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> Override:
    return Override(loader.construct_sequence(node))


ComposeLoader.add_constructor("!override", _override)


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    read: dict[str, Any] = yaml.load((ROOT / name).read_text(), ComposeLoader)
    return read


def worker_with_engine_elsewhere() -> dict[str, Any]:
    """As Compose puts it together from both files."""
    worker: dict[str, Any] = compose()["services"]["worker"]
    for key, value in compose("compose.engine.yaml")["services"]["worker"].items():
        if isinstance(value, Override):
            worker[key] = value
        else:
            worker[key] = {**worker[key], **value} if isinstance(value, dict) else [*worker[key], *value]
    return worker


def documented() -> set[str]:
    text = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^#?([A-Z][A-Z_]*)=", text, flags=re.MULTILINE))


def demanded() -> set[str]:
    """What compose.yaml does not start without."""
    text = (ROOT / "compose.yaml").read_text()
    return {
        *re.findall(r"\$\{([A-Z_]+):\?", text),
        *re.findall(r"^    environment: (\w+)$", text, re.MULTILINE),
    }


def is_ours(service: dict[str, Any]) -> bool:
    return "build" in service


def test_each_variable_of_compose_is_one_that_somebody_reads() -> None:
    text = (ROOT / "compose.yaml").read_text()
    text += (ROOT / "compose.engine.yaml").read_text()
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    given = {name for each in compose()["services"].values() if is_ours(each) for name in each["environment"]}

    assert asked <= documented() | OF_THE_IMAGE
    assert given <= documented() | OF_THE_IMAGE


def test_what_compose_demands_is_named_where_one_begins() -> None:
    """Without an address of its own the site would print links that it refuses."""
    begin = (ROOT / "compose.yaml").read_text().partition("name: helloagents")[0]

    assert {"SITE_URL", "POSTGRES_PASSWORD", "METRICS_TOKEN"} <= demanded()
    assert {"SECRET_KEY", "ALLOWED_HOSTS", *demanded()} == set(re.findall(r"\b[A-Z]+_[A-Z]+\b", begin))
    assert demanded() <= documented()


def test_compose_knows_what_it_is_told() -> None:
    given = compose()
    given.pop("x-site")  # what services share
    ComposeSpecification.model_validate(given)

    assert set(given) <= set(ComposeSpecification.model_fields)
    for name, service in given["services"].items():
        assert set(service) <= set(Service.model_fields), name
        assert set(service.get("depends_on", {})) <= set(given["services"])
        assert set(service.get("networks", [])) <= set(given["networks"])
        assert set(service.get("secrets", [])) <= set(given["secrets"])
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), name
            else:
                assert source in given["volumes"] or source.startswith("${"), name
    with pytest.raises(ValueError, match="volumes"):
        ComposeSpecification.model_validate({"services": {"web": {"volumes": 3}}})


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


def test_with_an_engine_elsewhere_the_worker_has_its_certificates_and_no_socket_of_this_machine() -> None:
    ComposeSpecification.model_validate(compose("compose.engine.yaml"))
    assert list(compose("compose.engine.yaml")["services"]) == ["worker"]

    worker = worker_with_engine_elsewhere()
    Service.model_validate(worker)
    environment = worker["environment"]
    own, certificates = worker["volumes"]
    assert own == "site:/data"
    assert re.fullmatch(rf"\$\{{DOCKER_CERT_PATH:\?.+\}}:{environment['DOCKER_CERT_PATH']}:ro", certificates)
    assert environment["DOCKER_HOST"].startswith("${DOCKER_HOST:?")
    assert environment["DOCKER_TLS_VERIFY"] == "1"
    assert environment["DATABASE_URL"] == compose()["services"]["worker"]["environment"]["DATABASE_URL"]
    assert worker["group_add"] == []


def test_compose_gives_processes_time_to_end() -> None:
    services = compose()["services"]
    # Nothing stands before web there that would have to let go of it first.
    for name, seconds in {**GRACE, "web": GRACE["web"] - PRE_STOP}.items():
        assert int(services[name].get("stop_grace_period", "10s").removesuffix("s")) >= seconds, name


def test_what_containers_are_told_to_do_is_what_the_image_can_do() -> None:
    known = re.findall(r"^(\w+)\)$", (ROOT / "deploy/image/start").read_text(), flags=re.MULTILINE)
    for name, service in compose()["services"].items():
        if is_ours(service):
            assert service["command"][0] in known, name
    for script in ("start", "is-healthy"):
        assert (ROOT / "deploy/image" / script).stat().st_mode & 0o111
    assert re.search(r"^USER 10001", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)


@pytest.mark.django_db(transaction=True)
def test_a_container_asks_its_web_process_by_a_name_that_the_site_has(
    live_server: LiveServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*question: str, hosts: str = ".school.example,localhost") -> str:
        port = live_server.url.rpartition(":")[2]
        env = {"PORT": port, "ALLOWED_HOSTS": hosts, "ALIVE_FILE": "/nowhere"}
        command = [sys.executable, str(ROOT / "deploy/image/is-healthy"), *question]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert (done.returncode == 0) == (done.stderr == "")
        return done.stderr

    settings.ALLOWED_HOSTS = [".school.example"]
    assert answer() == answer("ready") == ""
    assert "400" in answer("ready", hosts="learn.example.org")

    monkeypatch.setattr(ending, "has_begun", lambda: True)
    assert answer() == ""
    assert "503" in answer("ready")


# --- Kubernetes -----------------------------------------------------------------------------------

KUBERNETES = ROOT / "deploy" / "kubernetes"
# Web is left alone for PRE_STOP, then takes what comes for 3 s, and may answer for 20 s (its grace);
# a worker stops programs after WORKER_STOP_SECONDS (20), and 15 s later at the latest it has ended.
PRE_STOP = 5
GRACE = {"web": PRE_STOP + 25, "worker": 35, "beat": 10, "migrate": 0}


def manifests() -> list[dict[str, Any]]:
    """What is applied: resources, with what patches add to pods."""
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    found = [
        each for name in listed["resources"] for each in yaml.safe_load_all((KUBERNETES / name).read_text())
    ]
    for patch in listed["patches"]:
        added = yaml.safe_load((KUBERNETES / patch["path"]).read_text())["spec"]["template"]["spec"]
        for each in found:
            if each["kind"] == patch["target"]["kind"]:
                each["spec"]["template"]["spec"] |= added
    return found


def pods() -> dict[str, dict[str, Any]]:
    """The pod of each deployment or job, by its name."""
    with_pods = [each for each in manifests() if each["kind"] in ("Deployment", "Job")]
    return {each["metadata"]["name"]: each["spec"]["template"] for each in with_pods}


def test_kubernetes_knows_what_it_is_told() -> None:
    for manifest in (*manifests(), *yaml.safe_load_all((KUBERNETES / "secrets.example.yaml").read_text())):
        kubernetes_validate.validate(manifest, "1.31", strict=True)

    deployment = next(each for each in manifests() if each["kind"] == "Deployment")
    deployment["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.31", strict=True)


def test_each_manifest_is_applied_and_finds_what_it_names() -> None:
    files = {path.name for path in KUBERNETES.glob("*.yaml")}
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    listed = {*kustomization["resources"], *(each["path"] for each in kustomization["patches"])}
    assert files == listed | {"kustomization.yaml", "secrets.example.yaml"}

    labels = [pod["metadata"]["labels"] for pod in pods().values()]
    for manifest in manifests():
        spec = manifest.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {}
        wanted = selector.get("matchLabels", selector if manifest["kind"] == "Service" else {})
        assert any(wanted.items() <= each.items() for each in labels), manifest["metadata"]
        if target := spec.get("scaleTargetRef"):
            assert target["name"] in pods()
    secrets = list(yaml.safe_load_all((KUBERNETES / "secrets.example.yaml").read_text()))
    given = {name for each in secrets if each["metadata"]["name"] == "site" for name in each["stringData"]}
    given |= set(re.findall(r"^([A-Z_]+)=", (KUBERNETES / "site.env").read_text(), flags=re.MULTILINE))
    assert given <= documented() | OF_THE_IMAGE
    named = {each["metadata"]["name"] for each in secrets}
    for name, pod in pods().items():
        used = {each["secret"]["secretName"] for each in pod["spec"]["volumes"] if "secret" in each}
        assert used <= named
        assert ("engine" in used) == (name == "worker")


def test_pods_are_locked_down_and_have_time_to_end() -> None:
    assert set(pods()) == set(GRACE)
    for name, pod in pods().items():
        (container,) = pod["spec"]["containers"]
        assert container["args"] == [name]
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        assert not pod["spec"]["automountServiceAccountToken"]
        for each in (container, *pod["spec"].get("initContainers", [])):
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        assert pod["spec"]["terminationGracePeriodSeconds"] >= GRACE[name]
        if name != "migrate":
            assert container["livenessProbe"]["exec"]["command"] == ["deploy/image/is-healthy"]
    (web,) = pods()["web"]["spec"]["containers"]
    assert web["readinessProbe"]["exec"]["command"] == ["deploy/image/is-healthy", "ready"]
    assert web["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", str(PRE_STOP)]


def test_new_code_waits_for_the_migrations_of_its_version() -> None:
    for name, pod in pods().items():
        if name != "migrate":
            (container,) = pod["spec"]["containers"]
            (before,) = pod["spec"]["initContainers"]
            assert "until python manage.py migrate --check;" in before["command"][-1]
            assert before["image"] == container["image"]
            assert before["envFrom"] == container["envFrom"]


def test_no_apply_undoes_what_an_autoscaler_did() -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]
        for each in manifests()
        if "scaleTargetRef" in each.get("spec", {})
    }
    assert scaled == {"web", "worker"}
    for manifest in manifests():
        if manifest["kind"] == "Deployment" and manifest["metadata"]["name"] in scaled:
            assert "replicas" not in manifest["spec"]


def reached_from(role: str) -> set[int]:
    """The ports that network policies let the pod of a role open, wherever."""
    labels = pods()[role]["metadata"]["labels"]
    ports = set()
    for policy in (each["spec"] for each in manifests() if each["kind"] == "NetworkPolicy"):
        selector = policy["podSelector"]
        selected = selector.get("matchLabels", {}).items() <= labels.items() and all(
            labels[each["key"]] in each["values"] for each in selector.get("matchExpressions", [])
        )
        if selected:
            ports |= {port["port"] for rule in policy.get("egress", []) for port in rule["ports"]}
    return ports


def test_policies_let_pass_what_the_settings_name() -> None:
    """All tell of faults, web and workers send mail and ask models, and the engine is for workers."""
    everybody = {53, 5432, 6379, 443, 4318}
    services = {25, 465, 587, 11434, 8000}
    assert reached_from("beat") == reached_from("migrate") == everybody
    assert reached_from("web") == everybody | services
    assert reached_from("worker") == everybody | services | {2376}


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
