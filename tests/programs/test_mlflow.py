"""MLflow behind authmw, as its page says: with its own client, and on the servers that the page names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.program import PASSWORD, UVICORN, Program

pytestmark = [pytest.mark.programs, pytest.mark.timeout(1800)]
OFFLINE: Final = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
DRIVER: Final = """
import json, os, runpy, sys
from contextlib import redirect_stdout
from io import StringIO

for script, told in json.load(sys.stdin):
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        os.environ.pop(f"MLFLOW_TRACKING_{name}", None)
    os.environ.update(told)
    printed, error = StringIO(), ""
    try:
        with redirect_stdout(printed):
            runpy.run_path(script)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    print(json.dumps([printed.getvalue(), error]))
"""
SERVERS: Final = {
    "uvicorn": UVICORN,
    "granian": "-m granian --no-log --interface asgi --workers 1 --host 127.0.0.1 --port {port} {app}",
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} {app}",
}


@pytest.fixture(scope="module")
def mlflow(program: MakeProgram) -> Program:
    made = program("mlflow", "granian", "hypercorn")
    made.generate_keys()
    made.create_user("alice", "read", "write")
    made.create_user("bob", "read")
    upgraded = made.run("mlflow", "db", "upgrade", "sqlite:///mlflow.db", environment=OFFLINE, timeout=600)
    assert upgraded.returncode == 0, upgraded.stderr
    return made


@pytest.fixture(scope="module", params=SERVERS)
def url(mlflow: Program, request: pytest.FixtureRequest) -> Iterator[str]:
    with mlflow.serve("tracking:app", SERVERS[request.param], OFFLINE) as server:
        yield f"http://127.0.0.1:{server.port}"


def run(program: Program, url: str, *scripts: tuple[str, dict[str, str]]) -> list[tuple[str, str]]:
    """What each script of the page prints, and its error, one after another in one process: MLflow imports a lot."""
    environment = {**OFFLINE, "MLFLOW_TRACKING_URI": url, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    done = program.run("python", "-c", DRIVER, environment=environment, given=json.dumps(scripts), timeout=900)
    assert done.returncode == 0, done.stderr
    return [(printed, error) for printed, error in map(json.loads, done.stdout.splitlines())]


def test_who_may_write_logs_and_who_may_read_searches(mlflow: Program, url: str) -> None:
    alice, bob = ({"MLFLOW_TRACKING_TOKEN": mlflow.issue_token(each, "--lifetime", "1h")} for each in ("alice", "bob"))
    password = {"MLFLOW_TRACKING_USERNAME": "bob", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    logged, seen, refused, again, stranger, guess = run(
        mlflow,
        url,
        ("train.py", alice),
        ("report.py", bob),
        ("train.py", bob),
        ("report.py", password),
        ("report.py", {}),
        ("report.py", {**password, "MLFLOW_TRACKING_PASSWORD": "wrong"}),
    )
    assert logged[1] == ""
    assert "3 0.9 a tree\n" in seen[0]
    assert "403" in refused[1]
    assert "insufficient_scope" in refused[1]
    assert again == seen  # nothing was logged
    assert ["401" in error for _, error in (stranger, guess)] == [True, True]


def test_who_may_do_what(url: str) -> None:
    users = ("alice", "bob", "")
    assert statuses(f"{url}/health", *users) == [200, 200, 200]
    assert statuses(f"{url}/version", *users) == [200, 200, 200]
    assert statuses(f"{url}/", *users) == [200, 200, 401]
    for api in ("api", "ajax-api"):
        search, create = (f"{url}/{api}/2.0/mlflow/experiments/{name}" for name in ("search", "create"))
        assert statuses(search, *users, method="POST", json={"max_results": 5}) == [200, 200, 401]
        assert statuses(create, "bob", "", method="POST", json={"name": "forbidden"}) == [403, 401]
        assert statuses(f"{url}/{api}/3.0/mlflow/traces/search", *users[1:], method="POST", json={}) == [400, 401]


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow/experiments/create",
        "/api/2.0/mlflow/runs/search/../../experiments/create",
        "/api/2.0/mlflow/runs/search%2f..%2f..%2fexperiments/create",
        "//api/2.0/mlflow/experiments/create",
        "/API/2.0/mlflow/experiments/create",
        "/api/2.0/mlflow/experiments/%63reate",
        "/health/../api/2.0/mlflow/experiments/create",
    ],
)
def test_no_spelling_of_a_path_lets_a_reader_write(url: str, path: str) -> None:
    assert statuses(url + path, "bob", "", method="POST", json={"name": "forbidden"}) == [403, 401]
    assert ask(url + path, "bob", headers={"X-HTTP-Method-Override": "POST"}).status_code == 403


def test_behind_a_prefix_the_rules_are_the_same(mlflow: Program) -> None:
    with mlflow.serve("tracking:app", UVICORN + " --root-path /mlflow", OFFLINE) as server:
        search = f"http://127.0.0.1:{server.port}/api/2.0/mlflow/experiments/search"
        assert statuses(search, "alice", "bob", "", method="POST", json={"max_results": 5}) == [200, 200, 401]
