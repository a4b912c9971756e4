"""Manifests of Kubernetes, Docker and Traefik: every name in them exists, and they run what the other pages run."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from typing import Any, Final

import pytest

from tests.deployment.page import PAGES, command_of, file_of, settings_of, text_of
from tests.support import ROOT

yaml: Any = importlib.import_module("yaml")  # it comes with litestar, and with the tools for the docs
KUBERNETES: Final[list[Any]] = list(yaml.safe_load_all(file_of("kubernetes", "shop.yaml")))
COMPOSE: Final[Any] = yaml.safe_load(file_of("docker", "compose.yaml"))
TRAEFIK: Final[Any] = yaml.safe_load(file_of("traefik", "traefik.yml"))
ROUTES: Final[Any] = yaml.safe_load(file_of("traefik", "shop.yml"))["http"]
DOCKERFILE: Final = file_of("docker", "Dockerfile")
PODS: Final[dict[str, Any]] = {}
for _each in KUBERNETES:
    if _each["kind"] == "CronJob":
        PODS["CronJob"] = _each["spec"]["jobTemplate"]["spec"]["template"]
    elif "template" in _each.get("spec", {}):
        PODS[_each["kind"]] = _each["spec"]["template"]


def one(kind: str) -> Any:
    """The one manifest of this kind."""
    (found,) = [each for each in KUBERNETES if each["kind"] == kind]
    return found


def container(kind: str) -> Any:
    """The one container of the pods of a Deployment, a Job or a CronJob."""
    (found,) = PODS[kind]["spec"]["containers"]
    return found


def secrets() -> dict[str, set[str]]:
    """The files of each secret that the page creates."""
    lines = re.findall(r"^\$ kubectl create secret generic (\S+) (.+)$", text_of("kubernetes"), re.MULTILINE)
    return {name: set(re.findall(r"--from-file=(\S+)", rest)) for name, rest in lines}


def shown_command() -> list[str]:
    """The command of the page of uvicorn."""
    return command_of("uvicorn", "uvicorn")


def reached_by_others(command: list[str], proxies: str) -> list[str]:
    """`command` for a port that others reach, with the proxies in this network."""
    before = "--host 127.0.0.1", "--forwarded-allow-ips 127.0.0.1", "--workers 2 "
    after = "--host 0.0.0.0", f"--forwarded-allow-ips {proxies}", ""
    line = " ".join(command)
    for old, new in zip(before, after, strict=True):
        assert old in line
        line = line.replace(old, new)
    return line.split()


def test_there_are_three_kinds_of_pods() -> None:
    assert set(PODS) == {"Deployment", "Job", "CronJob"}


@pytest.mark.parametrize("kind", ["Deployment", "Job", "CronJob"])
class TestPods:
    def test_every_volume_is_a_secret_that_the_page_creates_and_is_mounted(self, kind: str) -> None:
        volumes = {each["name"]: each["secret"]["secretName"] for each in PODS[kind]["spec"]["volumes"]}
        assert {each["name"] for each in container(kind)["volumeMounts"]} == set(volumes)
        assert set(volumes.values()) <= set(secrets())
        assert all(each["readOnly"] for each in container(kind)["volumeMounts"])

    def test_the_settings_are_those_of_the_config_map(self, kind: str) -> None:
        assert container(kind)["envFrom"] == [{"configMapRef": {"name": one("ConfigMap")["metadata"]["name"]}}]

    def test_every_file_that_a_setting_names_is_in_a_secret(self, kind: str) -> None:
        secret_of = {each["name"]: each["secret"]["secretName"] for each in PODS[kind]["spec"]["volumes"]}
        mounted = {
            f"{each['mountPath']}/{file}"
            for each in container(kind)["volumeMounts"]
            for file in secrets()[secret_of[each["name"]]]
        }
        needed = {value for value in one("ConfigMap")["data"].values() if value.startswith("/")}
        if kind != "Deployment":  # neither needs keys
            needed.remove(one("ConfigMap")["data"]["AUTHMW_KEYS"])
        assert needed <= mounted

    def test_it_runs_one_image_as_the_user_of_the_image(self, kind: str) -> None:
        assert container(kind)["image"] == container("Deployment")["image"]
        context = PODS[kind]["spec"]["securityContext"]
        assert f"USER {context['runAsUser']}:{context['fsGroup']}" in DOCKERFILE
        assert context["runAsNonRoot"]


def test_the_pods_run_what_the_page_of_uvicorn_runs() -> None:
    assert container("Deployment")["command"] == reached_by_others(shown_command(), "10.0.0.0/8")


def test_the_image_runs_what_the_page_of_uvicorn_runs() -> None:
    found = re.search(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert found is not None
    subnet = COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert json.loads(found[1]) == reached_by_others(shown_command(), subnet)


def test_ports_labels_and_routes_fit_together() -> None:
    labels, (port,) = PODS["Deployment"]["metadata"]["labels"], container("Deployment")["ports"]
    (served,) = one("Service")["spec"]["ports"]
    (rule,) = one("HTTPRoute")["spec"]["rules"]
    (let_in,) = one("NetworkPolicy")["spec"]["ingress"]
    assert one("Deployment")["spec"]["selector"]["matchLabels"] == labels == one("Service")["spec"]["selector"]
    assert one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    assert served["targetPort"] == port["name"] == let_in["ports"][0]["port"]
    assert port["containerPort"] == int(shown_command()[shown_command().index("--port") + 1])
    assert rule["backendRefs"] == [{"name": one("Service")["metadata"]["name"], "port": served["port"]}]
    assert PODS["Job"]["metadata"]["labels"] != labels  # the Service must not send requests there


def test_the_ingress_leads_to_the_service() -> None:
    ingress = yaml.safe_load(file_of("kubernetes", "ingress.yaml"))["spec"]
    backend = ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] == one("Service")["metadata"]["name"]
    assert backend["port"]["name"] in {each["name"] for each in one("Service")["spec"]["ports"]}
    assert ingress["rules"][0]["host"] in ingress["tls"][0]["hosts"]


def test_probes_ask_a_public_path() -> None:
    paths = {container("Deployment")[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")}
    assert paths == {"/health"}
    assert 'public=["/health"]' in file_of("uvicorn", "shop.py")


def test_a_pod_has_time_to_end() -> None:
    wait = container("Deployment")["lifecycle"]["preStop"]["sleep"]["seconds"]
    graceful = int(shown_command()[shown_command().index("--timeout-graceful-shutdown") + 1])
    assert wait + graceful < PODS["Deployment"]["spec"]["terminationGracePeriodSeconds"]


def test_kubernetes_and_docker_have_every_setting() -> None:
    needed = set(settings_of("index", "shop.env"))
    for settings in (one("ConfigMap")["data"], COMPOSE["x-shop"]["environment"]):
        assert {name.removesuffix("_FILE") for name in settings} == needed
        assert settings["AUTHMW_ENV"] == "production"


def test_compose_names_nothing_that_is_not_there() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", ())) <= set(services)
        named = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {name for name in named if not name.startswith(".")} <= set(COMPOSE["volumes"])
    environment = COMPOSE["x-shop"]["environment"]
    files = [value for value in environment.values() if value.startswith("/run/secrets/")]
    files.append(services["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"])
    assert {file.rpartition("/")[2] for file in files} == set(COMPOSE["secrets"])
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]


def test_redis_is_set_up_as_the_example_of_a_fleet_has_it() -> None:
    fleet = yaml.safe_load((ROOT / "examples" / "fleet" / "docker-compose.yml").read_text())
    assert COMPOSE["services"]["redis"]["command"] == fleet["services"]["redis"]["command"]


def test_what_is_installed_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for page in PAGES.glob("*.md"):
        for found in re.findall(r'pip install (?:--[\w-]+ )*"authmw\[([\w,]+)\]"', page.read_text()):
            assert set(found.split(",")) <= set(extras)


def test_the_routers_of_traefik_name_what_is_there() -> None:
    for router in ROUTES["routers"].values():
        assert set(router["entryPoints"]) <= set(TRAEFIK["entryPoints"])
        assert set(router["middlewares"]) <= set(ROUTES["middlewares"])
        assert router["service"] in ROUTES["services"]
    resolver = TRAEFIK["entryPoints"]["websecure"]["http"]["tls"]["certResolver"]
    assert resolver in TRAEFIK["certificatesResolvers"]
    assert TRAEFIK["entryPoints"]["web"]["http"]["redirections"]["entryPoint"]["to"] in TRAEFIK["entryPoints"]


def test_traefik_believes_nobody_and_collects_no_stream() -> None:
    assert not any("forwardedHeaders" in each for each in TRAEFIK["entryPoints"].values())
    assert TRAEFIK["entryPoints"]["websecure"]["http"]["aliasHeadersStrategy"] == "delete"
    streams = ROUTES["routers"]["shop-streams"]
    assert not any("buffering" in ROUTES["middlewares"][name] for name in streams["middlewares"])
    assert set(re.findall(r"Path\(`(\S+?)`\)", streams["rule"])) == {"/events", "/live"}


def test_the_proxies_remove_the_same_headers() -> None:
    by_traefik = {name.lower() for name in ROUTES["middlewares"]["shop-headers"]["headers"]["customRequestHeaders"]}
    by_nginx = {name.lower() for name in re.findall(r'proxy_set_header (\S+) +"";', file_of("nginx", "shop.conf"))}
    by_caddy = {name.lower() for name in re.findall(r"header_up -(\S+)", file_of("caddy", "Caddyfile"))}
    assert by_traefik == by_nginx == {name for name in by_caddy if "_" not in name}
