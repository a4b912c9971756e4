"""NiceGUI behind authmw, as its page says: pages by HTTP, and the websocket by a client of socket.io."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.programs.conftest import MakeProgram
from tests.programs.people import BOUND, LONGER_THAN_A_TOKEN, People, people_at, seconds_until
from tests.programs.program import PASSWORD, Program
from tests.support import require

pytestmark = pytest.mark.programs

# Opens the websocket with each value of Authorization, and tells whether it opened.
OPEN = """
import asyncio, json, sys
import socketio

async def opens(url, authorization):
    client = socketio.AsyncClient(reconnection=False)
    headers = {"Authorization": authorization} if authorization else {}
    try:
        await client.connect(url, headers=headers, transports=["websocket"], socketio_path="/_nicegui_ws/socket.io")
    except socketio.exceptions.ConnectionError:
        return False
    await client.disconnect()
    return True

async def main(url, *several):
    print(json.dumps([await opens(url, value) for value in several]))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def orders(program: MakeProgram) -> Program:
    made = program("nicegui", "python-socketio[asyncio_client]")
    made.create_user("alice", "orders:write")
    made.create_user("bob")
    return made


@pytest.fixture(scope="module")
def url(orders: Program) -> Iterator[str]:
    with orders.serve("app:app") as server:
        yield f"http://127.0.0.1:{server.port}"


def get(url: str, path: str, user: str = "", **headers: str) -> httpx.Response:
    auth = (user, PASSWORD) if user else None
    return httpx.get(f"{url}{path}", auth=auth, headers=headers, timeout=60)


def test_each_user_sees_what_the_page_says(url: str) -> None:
    alice, bob = get(url, "/", "alice"), get(url, "/", "bob")
    assert (alice.status_code, bob.status_code, get(url, "/").status_code) == (200, 200, 401)
    assert ("Hello alice" in alice.text, "Order tea" in alice.text) == (True, True)
    assert ("Hello bob" in bob.text, "Order tea" in bob.text) == (True, False)


def test_a_page_needs_the_scopes_of_its_path(url: str) -> None:
    assert [get(url, "/orders", user).status_code for user in ("alice", "bob", "")] == [200, 403, 401]
    assert "All orders" not in get(url, "/orders", "bob").text


def test_nothing_is_for_strangers(url: str) -> None:
    forged = {"Remote-User": "alice", "authmw.principal": "alice", "Cookie": "session=alice"}
    for path in ("/", "/orders", "/nowhere", "/_nicegui/static/nicegui.js", "/_nicegui_ws/socket.io/?EIO=4"):
        assert get(url, path, **forged).status_code == 401


def test_the_websocket_opens_for_users_only(orders: Program, url: str) -> None:
    alice, wrong = (httpx.BasicAuth("alice", each)._auth_header for each in (PASSWORD, "wrong password"))  # pyright: ignore[reportPrivateUsage]
    done = orders.run("python", "-c", OPEN, url, alice, "", wrong)
    assert json.loads(done.stdout or "null") == [True, False, False], done.stderr


@pytest.fixture
def people(orders: Program) -> Iterator[People]:
    require("browser")
    with people_at(orders, "app_with_login") as people:
        yield people


@pytest.mark.browser
def test_people_log_in_and_go_on_for_longer_than_a_token_lives(people: People) -> None:
    sockets: list[Any] = []
    closed: list[Any] = []

    def note(socket: Any) -> None:
        sockets.append(socket)
        socket.on("close", note_close)

    def note_close(socket: Any) -> None:
        closed.append(socket)

    page = people.logged_in("alice", "/")
    page.on("websocket", note)
    page.reload()
    page.click("text=Order tea")
    page.wait_for_selector("text=Tea for alice")
    people.let_pass(LONGER_THAN_A_TOKEN)
    page.wait_for_selector("text=Tea for alice", state="detached")
    page.click("text=Order tea")
    page.wait_for_selector("text=Tea for alice")
    assert (len(sockets), closed) == (1, [])  # it is the websocket of before
    people.log_out_elsewhere("alice")
    assert seconds_until(page, lambda: sockets[0] in closed) < BOUND
    page.wait_for_selector("text=Connection lost")
    assert people.leads_to_the_login(page)
    bob = people.logged_in("bob", "/")
    bob.goto(f"{people.url}/orders")
    assert people.shown[-1][0] == 403
    assert people.has_seen_pages_alone
