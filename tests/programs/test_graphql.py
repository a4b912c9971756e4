"""GraphQL behind authmw, as its page says: with a client of graphql-transport-ws."""

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

# Opens a connection for each payload, asks for all that there is, and tells what came of it.
ASK = """
import asyncio, json, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

async def outcome(url, payload, protocol, query):
    kind = "subscribe" if protocol == "graphql-transport-ws" else "start"
    async with connect(url, subprotocols=[protocol]) as websocket:
        try:
            if payload != "no init":
                await websocket.send(json.dumps({"type": "connection_init", "payload": payload}))
                first = json.loads(await websocket.recv())
                if first["type"] != "connection_ack":
                    return first["type"]
            await websocket.send(json.dumps({"type": kind, "id": "1", "payload": {"query": query}}))
            return json.loads(await websocket.recv())["payload"]
        except ConnectionClosed as closed:
            return closed.rcvd.code

async def main(url):
    print(json.dumps(await asyncio.gather(*[outcome(url, *each) for each in json.load(sys.stdin)])))

asyncio.run(main(*sys.argv[1:]))
"""
NEW, OLD = "graphql-transport-ws", "graphql-ws"


@pytest.fixture(scope="module")
def shop(program: MakeProgram) -> Program:
    made = program("graphql")
    made.generate_keys()
    for name in ("alice", "dave"):
        made.create_user(name, "orders:read")
    made.create_user("bob")
    return made


@pytest.fixture(scope="module")
def port(shop: Program) -> Iterator[int]:
    with shop.serve("app:app") as server:
        yield server.port


def outcomes(shop: Program, port: int, *several: tuple[object, str, str]) -> list[Any]:
    done = shop.run("python", "-c", ASK, f"ws://127.0.0.1:{port}/subscriptions", given=json.dumps(several))
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told


def test_the_client_of_the_page_is_told_of_orders_until_its_user_is_disabled(shop: Program, port: int) -> None:
    url = f"ws://127.0.0.1:{port}/subscriptions"
    command = [str(shop.python), "client.py", url, shop.issue_token("dave")]
    with subprocess.Popen(
        command, cwd=shop.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        assert client.stderr is not None
        try:
            assert [client.stdout.readline() for _ in range(3)] == [f"order {each} for dave\n" for each in range(3)]
            assert shop.run("authmw", "users", "disable", "dave").returncode == 0
            told = list(client.stdout)
            assert len(told) < 900  # of a thousand
            assert "authmw.token-invalid" in client.stderr.read()
        finally:
            client.kill()


def test_each_user_gets_what_the_page_says(shop: Program, port: int) -> None:
    alice, bob = ({"token": shop.issue_token(name)} for name in ("alice", "bob"))
    wanted = "subscription { orders }"
    new, old, query, short, short_query = outcomes(
        shop,
        port,
        (alice, NEW, wanted),
        (alice, OLD, wanted),
        (alice, NEW, "{ me }"),
        (bob, NEW, wanted),
        (bob, NEW, "{ me }"),
    )
    assert new == old == {"data": {"orders": "order 0 for alice"}}
    assert query == {"data": {"me": "alice"}}
    for refused in (short, short_query):
        error: Any = refused["errors"][0] if "errors" in refused else refused[0]
        assert (error["message"], error["extensions"]["code"]) == ("refused", "authmw.scope-missing")


def test_a_bad_token_is_refused_before_anything_runs(shop: Program, port: int) -> None:
    good = shop.issue_token("alice")
    bad = [{}, {"token": None}, {"token": "guessed"}, {"token": {"token": good}}, {"token": good[:-8]}, {"Token": good}]
    told = outcomes(shop, port, *[(payload, NEW, "{ me }") for payload in [*bad, {"token": "a" * 100_000}]])
    assert told == [4403] * 7
    assert outcomes(shop, port, *[(payload, OLD, "{ me }") for payload in bad]) == ["connection_error"] * 6
    assert outcomes(shop, port, ("no init", NEW, "{ me }"), (good, NEW, "{ me }")) == [4401, 4400]
    (unasked,) = outcomes(shop, port, ("no init", OLD, "{ me }"))
    assert "alice" not in json.dumps(unasked)


def test_queries_over_http_need_a_token_in_the_header(shop: Program, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    query = {"query": "{ me }"}
    token = {"Authorization": f"Bearer {shop.issue_token('alice')}"}
    assert httpx.post(f"{url}/graphql", json=query, headers=token).json() == {"data": {"me": "alice"}}
    assert httpx.post(f"{url}/graphql", json=query).status_code == 401
    assert httpx.get(f"{url}/graphql", params=query).status_code == 401
    for method in ("GET", "POST"):
        assert httpx.request(method, f"{url}/subscriptions", params=query).status_code in (401, 404)
    short = httpx.post(f"{url}/graphql", json=query, headers={"Authorization": f"Bearer {shop.issue_token('bob')}"})
    assert short.json()["errors"][0]["extensions"]["status"] == 403
