"""The commands of the manifests with their settings, on PostgreSQL and Redis: what the pods of a cluster run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.deployment import proxies
from tests.deployment.client import Client
from tests.deployment.page import file_of, write
from tests.deployment.service import CLIENT, PASSWORD, Service
from tests.deployment.test_manifests import container, one
from tests.support import ROOT, require

pytestmark = pytest.mark.servers

SERVER = "postgresql+psycopg://postgres@127.0.0.1/test"


@pytest.fixture
def database() -> Generator[str]:
    """A schema of PostgreSQL of its own."""
    require("postgresql")
    schema = f"authmw_test_pods_{os.getpid()}"
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        yield f"{SERVER}?options=-csearch_path%3D{schema}"
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture
def redis(tmp_path: Path) -> Generator[str]:
    """A Redis of its own."""
    require("redis-server")
    port, folder = proxies.free_port(), tmp_path / "redis"
    folder.mkdir()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with proxies.running([proxies.program("redis-server"), *arguments], port, folder):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def service(database: str, redis: str, tmp_path: Path) -> Service:
    """The settings of the ConfigMap, with the files of the secrets in a folder of this machine."""
    pod = tmp_path / "pod"
    write(pod, "run/stores/database", f"{database}\n")
    write(pod, "run/stores/redis", f"{redis}\n")
    write(pod, "shop.py", file_of("uvicorn", "shop.py"))
    (pod / "run" / "keys").mkdir()
    settings: dict[str, str] = one("ConfigMap")["data"]
    return Service(pod, {name: f"{pod}{each}" if each.startswith("/") else each for name, each in settings.items()})


def _here(command: list[str]) -> str:
    """The command of a container, at a port of loopback."""
    return "-m " + shlex.join(command).replace("0.0.0.0", "127.0.0.1").replace("8000", "{port}")


def test_two_pods_share_keys_users_revocations_and_counts(service: Service) -> None:
    program, *migrate = container("Job")["command"]
    assert program == "authmw"
    service.run(*migrate)  # before there are keys
    service.run("jwk", "generate")
    service.run("clients", "create", CLIENT, "--scope", "orders:read")
    service.run("users", "create", "alice", "--scope", "orders:read", "--password-stdin", entered=PASSWORD)
    command = _here(container("Deployment")["command"])
    with service.serving(command) as first, service.serving(command) as second:
        here, there = Client(first.port, None), Client(second.port, None)
        for probe in ("readinessProbe", "livenessProbe"):
            assert here.ask(container("Deployment")[probe]["httpGet"]["path"]).status == 200
        token = here.bearer()
        assert (here.ask("/orders", [token]).status, there.ask("/orders", [token]).status) == (200, 200)
        # The gateway is not in the network that the manifest names: its word does not count, and both pods count.
        assert here.guesses(6) + there.guesses(6) == [401] * 10 + [429] * 2
        service.run("users", "disable", "alice")
        assert _is_refused(there, token)
    program, *prune = container("CronJob")["command"]
    assert "deleted" in service.run(*prune)
    assert service.run("db", "check") == "up to date\n"


def test_the_commands_of_the_checklist_work(service: Service) -> None:
    service.run("db", "upgrade")
    service.run("jwk", "generate")
    service.run("users", "create", "alice", "--password-stdin", entered=PASSWORD)
    text = (ROOT / "docs" / "operating" / "checklist.md").read_text()
    commands = [each.split() for each in re.findall(r"`authmw ([^`]+)`", text)]
    ours = [each for each in commands if not any(word.isupper() for word in each)]
    assert len(ours) == 11
    for command in ours:
        service.run(*command, status=int(command[0] == "doctor"))  # nothing is at shop.example here


def test_the_settings_of_redis_are_checked_by_the_line_of_the_checklist(redis: str) -> None:
    text = (ROOT / "docs" / "operating" / "checklist.md").read_text()
    found = re.search(r"^\$ python -c '(.+)'$", text, re.MULTILINE)
    assert found is not None
    ran = subprocess.run(
        [sys.executable, "-c", found[1]],
        env={**os.environ, "AUTHMW_REDIS": redis},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "appendonly" in ran.stdout


def _is_refused(client: Client, token: tuple[str, str]) -> bool:
    """Whether the token is refused in time. A revocation is followed within a second; a busy machine needs longer."""
    return any(client.ask("/orders", [token]).status == 401 for _ in range(500))
