"""socket.io behind authmw, as its page says: with its own client."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.programs.conftest import MakeProgram
from tests.programs.program import Program

pytestmark = pytest.mark.programs

# Opens a connection for each `auth` and tells what came of it.
CONNECT = """
import asyncio, json, sys
import socketio

async def outcome(url, auth, transport):
    client, told = socketio.AsyncClient(reconnection=False), []
    client.on("connect_error", told.append)
    try:
        await client.connect(url, auth=auth, transports=[transport])
        return await client.call("order", "tea")
    except socketio.exceptions.ConnectionError:
        return told
    finally:
        await client.disconnect()

async def main(url):
    print(json.dumps(await asyncio.gather(*[outcome(url, *each) for each in json.load(sys.stdin)])))

asyncio.run(main(*sys.argv[1:]))
"""

# Orders until an order is refused, and waits for what comes then.
WAIT = """
import asyncio, json, sys
import socketio

async def main(url, token):
    async with socketio.AsyncSimpleClient(reconnection=False) as client:
        await client.connect(url, auth={"token": token})
        answer = await client.call("order", "tea")
        print(json.dumps(answer), flush=True)
        while "ordered" in answer:
            await asyncio.sleep(0.2)
            answer = await client.call("order", "tea")
        print(json.dumps(answer), flush=True)
        # Not by receive(), which misses an end that comes while it waits.
        for _ in range(300):
            if not client.connected:
                print(json.dumps("disconnected"), flush=True)
                break
            await asyncio.sleep(0.2)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def shop(program: MakeProgram) -> Program:
    made = program("socketio")
    made.generate_keys()
    for name, *scopes in (
        ("alice", "orders:read", "orders:write"),
        ("bob", "orders:read"),
        ("carol",),
        ("dave", "orders:read", "orders:write"),
    ):
        made.create_user(name, *scopes)
    return made


@pytest.fixture(scope="module")
def url(shop: Program) -> Iterator[str]:
    with shop.serve("app:app") as server:
        yield f"http://127.0.0.1:{server.port}"


def outcomes(shop: Program, url: str, *several: tuple[object, str]) -> list[Any]:
    """What came of a connection with each `auth` by a transport."""
    done = shop.run("python", "-c", CONNECT, url, given=json.dumps(several))
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told


def test_the_client_of_the_page_orders(shop: Program, url: str) -> None:
    done = shop.run("python", "client.py", url, shop.issue_token("alice"))
    assert (done.stdout, done.stderr) == ("{'ordered': 'tea', 'for': 'alice'}\n", "")


def test_a_scope_that_is_missing_is_said(shop: Program, url: str) -> None:
    (answer,) = outcomes(shop, url, ({"token": shop.issue_token("bob")}, "websocket"))
    assert (answer["status"], answer["code"]) == (403, "authmw.scope-missing")


def test_a_bad_token_opens_no_connection(shop: Program, url: str) -> None:
    good = shop.issue_token("alice")
    bad: list[object] = [
        None,
        good,
        {},
        {"token": None},
        {"token": "guessed"},
        {"token": {"token": good}},
        {"token": good[:-8]},
    ]
    bad += [{"token": "a" * 100_000}, {"token": shop.issue_token("carol")}]
    missing, invalid = [{"message": "authmw.credentials-missing"}], [{"message": "authmw.token-invalid"}]
    expected = [*[missing] * 4, *[invalid] * 4, [{"message": "authmw.scope-missing"}]]
    for transport in ("polling", "websocket"):
        assert outcomes(shop, url, *[(auth, transport) for auth in bad]) == expected


def test_a_user_who_is_disabled_is_disconnected(shop: Program, url: str) -> None:
    command = [str(shop.python), "-c", WAIT, url, shop.issue_token("dave")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        try:
            assert json.loads(client.stdout.readline()) == {"ordered": "tea", "for": "dave"}
            assert shop.run("authmw", "users", "disable", "dave").returncode == 0
            assert json.loads(client.stdout.readline())["code"] == "authmw.token-invalid"
            assert json.loads(client.stdout.readline()) == "disconnected"
        finally:
            client.kill()


def test_all_else_is_guarded(shop: Program, url: str) -> None:
    assert httpx.get(f"{url}/").status_code == 401
    assert httpx.get(f"{url}/socket.io").status_code == 401
    authorization = {"Authorization": f"Bearer {shop.issue_token('alice')}"}
    assert httpx.get(f"{url}/", headers=authorization).status_code == 404
