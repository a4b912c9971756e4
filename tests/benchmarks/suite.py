"""How long a suite of a hundred guarded views takes with the fixtures: ``python -m tests.benchmarks.suite``.

For each framework it writes an application with passwords, tokens and API keys over SQLite, and three tests for each
view: with the scope, without it, and anonymously. It runs pytest on them, in one process, and prints what that says,
and the processor time of it all, which says more on a busy machine. No other plugin of this environment is loaded.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

AUTH: Final = """
from authmw import APIKeyHeader, ApiKeyVerifier, Auth, HTTPBasic, HTTPBearer, JWTVerifier, KeyRing, PasswordVerifier
from authmw import current_principal, requires_scopes
from authmw_sqlalchemy import SQLStores

stores = SQLStores("sqlite:///app.db")
auth = Auth(
    HTTPBearer(JWTVerifier(KeyRing.generate(), issuer="https://me.example", audience="orders"))
    | HTTPBasic(PasswordVerifier(stores.users, throttle=stores.throttle))
    | APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys))
)
"""
FLASK: Final = """
from authmw_flask import FlaskAuth
from flask import Flask

app = Flask(__name__)
FlaskAuth(app, auth)
for number in range(VIEWS):
    view = requires_scopes(f"views:{number}")(lambda: {"id": current_principal().id})
    app.add_url_rule(f"/views/{number}", f"view{number}", view)


def make_client():
    return app.test_client()
"""
FASTAPI: Final = """
from authmw_fastapi import FastAPIAuth, Scopes
from fastapi import FastAPI
from fastapi.testclient import TestClient

app = FastAPI()
FastAPIAuth(app, auth)
for number in range(VIEWS):
    app.get(f"/views/{number}", dependencies=[Scopes(f"views:{number}")])(lambda: {"id": current_principal().id})


def make_client():
    return TestClient(app)
"""
TESTS: Final = """
import pytest
from authmw.testing import assert_refused

from shop import make_client


@pytest.fixture(scope="session")
def client():
    client = make_client()
    yield client


@pytest.mark.parametrize("number", range(VIEWS))
def test_with_the_scope_it_is_served(number, as_user):
    assert as_user("alice", f"views:{number}").get(f"/views/{number}").status_code == 200


@pytest.mark.parametrize("number", range(VIEWS))
def test_without_the_scope_it_is_refused(number, as_user):
    assert_refused(as_user("bob", "views").get(f"/views/{number}"), scope=f"views:{number}")


@pytest.mark.parametrize("number", range(VIEWS))
def test_nobody_is_refused(number, anonymous):
    assert_refused(anonymous.get(f"/views/{number}"), status=401)
"""


def measure(application: str, views: int) -> tuple[str, float]:
    """The last line of pytest, and the seconds of a processor that all of it took, with the start of Python."""
    with tempfile.TemporaryDirectory() as folder:
        number = f"VIEWS = {views}\n"
        (Path(folder) / "shop.py").write_text(number + AUTH + application)
        (Path(folder) / "test_shop.py").write_text(number + TESTS)
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "authmw.testing.plugin"],
            cwd=folder,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
        return ran.stdout.strip().splitlines()[-1], used


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.suite", description=__doc__)
    parser.add_argument("--views", type=int, default=100, help="views of each application")
    views: int = parser.parse_args().views
    for name, application in (("Flask", FLASK), ("FastAPI", FASTAPI)):
        said, seconds = measure(application, views)
        print(f"{name}, {views} views: {said}; {seconds:.1f} s of a processor, with the start of Python")


if __name__ == "__main__":
    main()
