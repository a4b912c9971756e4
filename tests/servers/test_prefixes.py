"""A prefix that a proxy takes away: uvicorn puts it in front of paths if it is told, and other servers leave it out."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

import pytest

from authmw.http.challenge import Challenge
from authmw.http.grammar import parse_params
from tests.servers.prefixed_apps import ALICE, URLS
from tests.servers.running import exchange, raw_request, started
from tests.verifiers.digest_clients import Client

pytestmark = pytest.mark.servers

COMMANDS: Final[Mapping[str, str]] = {
    "uvicorn": "-m uvicorn --log-level error --host 127.0.0.1 --port {port} --root-path /shop {app}",
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} --root-path /shop {app}",
    "granian": "-m granian --no-log --workers 1 --host 127.0.0.1 --port {port} --interface asgi "
    "--url-path-prefix /shop {app}",
    "uvicorn, not told": "-m uvicorn --log-level error --host 127.0.0.1 --port {port} {app}",
}
TOLD: Final = [name for name in COMMANDS if "told" not in name]


@contextmanager
def _serving(name: str, app: str) -> Generator[int]:
    with started(COMMANDS[name], f"tests.servers.prefixed_apps:{app}") as server:
        yield server.port


def _get(port: int, target: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    lines = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    reply = exchange(port, raw_request("GET", target, [*lines, (b"Connection", b"close")]))
    return reply.status, reply.body.decode()


@pytest.mark.parametrize("name", COMMANDS)
def test_litestar_finds_nothing_closed_behind_a_public_prefix(name: str) -> None:
    with _serving(name, "litestar") as port:
        assert _get(port, "/health/live") == (200, "alive")
        for target in ("/admin", "/health/shop/admin", "/health/shopadmin", "/health/x/shop/admin", "/shop/admin"):
            status, body = _get(port, target)
            assert (status, "admin page" in body) in {(401, False), (404, False)}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_proof_is_for_the_url_that_the_client_sees(name: str) -> None:
    with _serving(name, "dpop") as port:
        proofs = json.loads(_get(port, "/proofs")[1])
        statuses = {url: _get(port, "/orders", proofs[url])[0] for url in URLS}
        assert statuses == {url: 200 if url == URLS[0] else 401 for url in URLS}


@pytest.mark.parametrize("name", TOLD)
def test_a_digest_response_is_for_the_target_that_the_client_sees(name: str) -> None:
    with _serving(name, "digest") as port:
        for uri, status in (("/shop/orders", 200), ("/shop/shop/orders", 401), ("/admin", 401)):
            value = dict(exchange(port, raw_request("GET", "/orders", [(b"Connection", b"close")])).headers)
            params = parse_params(value["www-authenticate"].removeprefix("Digest "))
            assert params is not None
            client = Client(Challenge("Digest", params), *ALICE, uri=uri)
            assert _get(port, "/orders", {"Authorization": client.header()})[0] == status
