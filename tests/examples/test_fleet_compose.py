"""The compose file of the fleet starts what the fleet needs, in an order that works, and opens nothing to others."""

from __future__ import annotations

import ast
import importlib
import re
from typing import Any

import pytest

from authmw.cli import group
from tests.support import ROOT

FLEET = ROOT / "examples" / "fleet"
# It comes with litestar, and with the tools for the docs; nothing of ours needs it.
yaml: Any = importlib.import_module("yaml")
COMPOSE: Any = yaml.safe_load((FLEET / "docker-compose.yml").read_text())
OURS = ("setup", "wsgi", "asgi")


def test_it_names_the_services_of_a_fleet() -> None:
    assert set(COMPOSE["services"]) == {"postgres", "redis", *OURS}


@pytest.mark.parametrize("service", OURS)
def test_each_of_ours_has_every_variable_that_the_application_and_the_command_read(service: str) -> None:
    tree = ast.parse((FLEET / "app.py").read_text())
    read = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and "environ" in ast.unparse(node)
    }
    assert read == {"AUTHMW_DATABASE", "AUTHMW_REDIS", "AUTHMW_KEYS", "AUTHMW_ISSUER"}
    assert set(COMPOSE["services"][service]["environment"]) == read | {"AUTHMW_ENV"}


def test_the_urls_name_services_and_the_user_of_the_database() -> None:
    environment, postgres = COMPOSE["services"]["wsgi"]["environment"], COMPOSE["services"]["postgres"]["environment"]
    url = re.fullmatch(r"postgresql\+psycopg://(\w+):(\$\{.+\})@(\w+)/(\w+)", environment["AUTHMW_DATABASE"])
    assert url is not None
    assert url.groups() == (
        postgres["POSTGRES_USER"],
        postgres["POSTGRES_PASSWORD"],
        "postgres",
        postgres["POSTGRES_DB"],
    )
    assert environment["AUTHMW_REDIS"].startswith("redis://redis:")


def test_class_36_there_is_no_password_in_it() -> None:
    passwords = re.findall(r"POSTGRES_PASSWORD: (.+)", (FLEET / "docker-compose.yml").read_text())
    assert passwords == ["${POSTGRES_PASSWORD:?choose one}"]


def test_every_volume_that_is_used_is_declared() -> None:
    used = {volume.partition(":")[0] for each in COMPOSE["services"].values() for volume in each.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("service", ["wsgi", "asgi"])
def test_the_servers_start_once_the_set_up_is_done_and_the_stores_answer(service: str) -> None:
    assert {name: each["condition"] for name, each in COMPOSE["services"][service]["depends_on"].items()} == {
        "setup": "service_completed_successfully",
        "postgres": "service_healthy",
        "redis": "service_healthy",
    }
    assert all("healthcheck" in COMPOSE["services"][each] for each in ("postgres", "redis"))


def test_the_set_up_runs_commands_that_exist() -> None:
    [shell, option, script] = COMPOSE["services"]["setup"]["command"]
    assert (shell, option) == ("sh", "-c")
    commands = re.findall(r"authmw (\w+) (\w+)", script)
    assert commands == [("db", "upgrade"), ("jwk", "generate")]
    for name, command in commands:
        assert command in group.commands[name].commands  # type: ignore[attr-defined]


def test_the_keys_are_made_once_and_the_servers_cannot_make_their_own() -> None:
    assert COMPOSE["services"]["setup"]["volumes"] == ["keys:/keys"]
    for service in ("wsgi", "asgi"):
        assert COMPOSE["services"][service]["volumes"] == ["keys:/keys:ro"]
        assert COMPOSE["services"][service]["environment"]["AUTHMW_ENV"] == "production"


@pytest.mark.parametrize("service, name", [("wsgi", "application"), ("asgi", "asgi_application")])
def test_the_servers_serve_what_the_application_offers(service: str, name: str) -> None:
    assert COMPOSE["services"][service]["command"][-1] == f"app:{name}"
    tree = ast.parse((FLEET / "app.py").read_text())
    offered = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert name in offered


def test_only_this_machine_gets_in() -> None:
    published = {name: each.get("ports", []) for name, each in COMPOSE["services"].items()}
    assert published == {
        "postgres": [],
        "redis": [],
        "setup": [],
        "wsgi": ["127.0.0.1:8000:8000"],
        "asgi": ["127.0.0.1:8001:8001"],
    }


def test_redis_forgets_no_revocation() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    settings = dict(zip(command[1::2], command[2::2], strict=True))
    assert settings == {"--appendonly": "yes", "--appendfsync": "always", "--maxmemory-policy": "noeviction"}


def test_the_image_has_the_extras_that_the_application_needs() -> None:
    dockerfile = (FLEET / "Dockerfile").read_text()
    [extras] = re.findall(r"/src\[([\w,]+)\]", dockerfile)
    assert set(extras.split(",")) == {"flask", "starlette", "postgres", "redis"}
    assert re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE) == ["nobody"]
    copied = re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE)
    assert [path for each in copied for path in each.split() if not (ROOT / path).exists()] == []
