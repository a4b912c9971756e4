"""Datasette behind authmw, as its page says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.programs.conftest import MakeProgram
from tests.programs.people import LONGER_THAN_A_TOKEN, MOVED, People, people_behind
from tests.programs.program import PASSWORD, Program
from tests.support import require

pytestmark = pytest.mark.programs
SERVE = "-m datasette data.db --plugins-dir plugins --metadata {app} --host 127.0.0.1 --port {port}"


@pytest.fixture(scope="module")
def data(program: MakeProgram) -> Program:
    datasette = program("datasette")
    datasette.create_user("alice", "staff")
    datasette.create_user("bob")
    with closing(sqlite3.connect(datasette.folder / "data.db")) as database:
        database.executescript(
            "CREATE TABLE orders (item); CREATE TABLE salaries (who); INSERT INTO orders VALUES ('tea')"
        )
    return datasette


@pytest.fixture(scope="module")
def url(data: Program) -> Iterator[str]:
    with data.serve("metadata.yaml", SERVE) as server:
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


@pytest.fixture
def people(data: Program) -> Iterator[People]:
    require("browser")
    (data.folder / "with_login" / "moved.py").write_text(MOVED)
    command = SERVE.replace("--plugins-dir plugins", "--plugins-dir with_login")
    with people_behind(data, "metadata.yaml", command) as people:
        yield people


@pytest.mark.browser
def test_people_log_in_and_go_on_for_longer_than_a_token_lives(people: People) -> None:
    page = people.logged_in("bob", "/data/orders", login="/login")
    assert "tea" in page.inner_text("body")
    people.let_pass(LONGER_THAN_A_TOKEN)
    page.reload()
    assert "tea" in page.inner_text("body")
    page.goto(f"{people.url}/data/salaries")
    assert people.shown[-1][0] == 403
    assert page.evaluate("fetch('/-/actor.json').then(answer => answer.json())") == {
        "actor": {"id": "bob", "scopes": []}
    }
    people.log_out_elsewhere("bob", pages="")
    page.goto(f"{people.url}/data/orders")
    assert page.url == f"{people.url}/login?next=/data/orders"
    assert people.has_seen_pages_alone
