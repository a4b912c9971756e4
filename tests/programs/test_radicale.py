"""Radicale behind authmw, as its page says: with a CalDAV client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.program import GUNICORN, PASSWORD, Program

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def radicale(program: MakeProgram) -> Program:
    made = program("radicale", "caldav")
    made.create_user("alice", "read", "write")
    made.create_user("bob", "read")
    made.create_user("carol", "read", "write")
    return made


@pytest.fixture(scope="module")
def url(radicale: Program) -> Iterator[str]:
    with radicale.serve("calendars:app", GUNICORN) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_a_client_keeps_a_calendar(radicale: Program, url: str) -> None:
    done = radicale.run("python", "client.py", url, "alice", PASSWORD)
    assert done.stdout.splitlines()[-1:] == ["Tea"], done.stderr
    for user in ("bob", "mallory"):
        refused = radicale.run("python", "client.py", url, user, PASSWORD)
        assert refused.returncode != 0
    assert not list((radicale.folder / "collections").rglob("bob/*.ics"))


def test_each_user_sees_only_what_is_theirs(url: str) -> None:
    for method, status in {"PROPFIND": 207, "OPTIONS": 200}.items():
        assert statuses(f"{url}/alice/", "alice", "", method=method, headers={"Depth": "0"}) == [status, 401]
    assert statuses(f"{url}/alice/", "bob", "carol", method="PROPFIND") == [403, 403]
    assert statuses(f"{url}/carol/", "carol", method="PROPFIND", headers={"Depth": "0"}) == [207]
    assert statuses(f"{url}/alice/new/", "carol", method="MKCALENDAR") == [403]


@pytest.mark.parametrize("method", "PUT DELETE MKCALENDAR MKCOL PROPPATCH MOVE POST".split())
def test_a_reader_changes_nothing(url: str, method: str) -> None:
    for path in ("/bob/new/", "//bob/new/", "/x/../bob/new/", "/BOB/new/", "/%62ob/new/"):
        assert statuses(url + path, "bob", "", method=method) == [403, 401]


def test_no_header_makes_a_user(url: str) -> None:
    forged = {"Remote-User": "alice", "X-Remote-User": "alice", "X-Script-Name": "/x", "Depth": "0"}
    assert ask(f"{url}/alice/", method="PROPFIND", headers=forged).status_code == 401
    assert ask(f"{url}/alice/", "carol", "PROPFIND", headers=forged).status_code == 403
