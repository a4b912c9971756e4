"""Datasette behind authmw, as its page says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.programs.conftest import MakeProgram
from tests.programs.program import PASSWORD

pytestmark = pytest.mark.programs
SERVE = "-m datasette data.db --plugins-dir plugins --metadata {app} --host 127.0.0.1 --port {port}"


@pytest.fixture(scope="module")
def url(program: MakeProgram) -> Iterator[str]:
    datasette = program("datasette")
    datasette.create_user("alice", "staff")
    datasette.create_user("bob")
    with closing(sqlite3.connect(datasette.folder / "data.db")) as database:
        database.executescript(
            "CREATE TABLE orders (item); CREATE TABLE salaries (who); INSERT INTO orders VALUES ('tea')"
        )
    with datasette.serve("metadata.yaml", SERVE) as server:
        yield f"http://127.0.0.1:{server.port}"


def status(url: str, path: str, user: str = "", **headers: str) -> int:
    auth = (user, PASSWORD) if user else None
    return httpx.get(f"{url}{path}", auth=auth, headers=headers, timeout=30).status_code


def test_each_user_sees_what_the_page_says(url: str) -> None:
    for path, expected in {"/data/orders.json": (200, 200, 401), "/data/salaries.json": (200, 403, 401)}.items():
        assert tuple(status(url, path, user) for user in ("alice", "bob", "")) == expected


def test_the_actor_is_the_principal(url: str) -> None:
    said = [httpx.get(f"{url}/-/actor.json", auth=(user, PASSWORD), timeout=30).json() for user in ("alice", "bob")]
    assert said == [{"actor": {"id": "alice", "scopes": ["staff"]}}, {"actor": {"id": "bob", "scopes": []}}]


def test_nothing_but_static_files_is_for_strangers(url: str) -> None:
    for path in ("/", "/-/actor.json", "/-/plugins", "/nowhere", "/-/static/../", "/data.db"):
        assert status(url, path) == 401
    assert status(url, "/-/static/app.css") == 200


def test_no_header_and_no_cookie_makes_an_actor(url: str) -> None:
    forged = {"Remote-User": "alice", "authmw.principal": "alice", "Cookie": "ds_actor=alice"}
    assert status(url, "/data/salaries.json", **forged) == 401
    actor = httpx.get(f"{url}/-/actor.json", auth=("bob", PASSWORD), headers=forged, timeout=30).json()["actor"]
    assert actor["id"] == "bob"
