"""The MCP example starts by itself, and lets nobody in without a token for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest

from authmw.http.challenge import parse_challenges
from tests.examples.running import running
from tests.support import require

RESOURCE = "https://api.example/mcp"

pytestmark = pytest.mark.servers


@pytest.fixture(name="address")
def _address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    require("mcp")
    monkeypatch.setenv("RESOURCE", RESOURCE)
    with socket.socket() as nobody:  # is bound and does not listen: the issuer is down
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ISSUER", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with running("mcp_server.py", tmp_path) as (port, _):
            yield f"http://127.0.0.1:{port}"


def test_it_starts_without_its_issuer_is_guarded_and_tells_where_to_look(address: str) -> None:
    refused = httpx2.post(f"{address}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    (challenge,) = parse_challenges(refused.headers["www-authenticate"])
    assert (refused.status_code, challenge["scope"]) == (401, "orders:read")
    found = httpx2.get(address + challenge["resource_metadata"].removeprefix("https://api.example"))
    assert json.loads(found.content)["resource"] == RESOURCE
