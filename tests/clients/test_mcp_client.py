"""The official MCP client against the example server: it is given a URL, and finds out all else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from authmw import Issuer
from authmw.asgi.mcp import protect_mcp
from authmw.asgi.middleware import ASGIApp
from authmw.http.challenge import parse_challenges
from authmw.http.request import Message, Receive, Scope, Send
from tests.clients.authorization_server import PREREGISTERED, AuthorizationServer
from tests.clients.serving import listening, serving
from tests.support import require

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mcp import Client
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

pytestmark = [pytest.mark.servers, pytest.mark.clients]

CALLBACK: Final = "http://127.0.0.1:33418/callback"
SECONDS: Final = 60.0


@pytest.fixture(autouse=True)
def _sdk() -> None:
    require("mcp")


@dataclass
class World:
    """The example server and its issuer, both on loopback."""

    resource: str
    issuer: AuthorizationServer
    answers: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    """What the MCP server answered: path, status and challenge."""


def stateful(issuer: str, resource: str) -> ASGIApp:
    """The example with sessions, as clients before 2026 know them."""
    from examples.mcp_server import server

    app = server.streamable_http_app()
    tools = {"add_order": ["orders:write"]}
    return protect_mcp(app, Issuer(issuer, audience=resource), resource=resource, scopes=["orders:read"], tools=tools)


@contextmanager
def world(*, registers: bool = True, make: Callable[[str, str], ASGIApp] | None = None) -> Generator[World]:
    from examples.mcp_server import create_app

    with listening() as (at_issuer, issuer), listening() as (at_server, server):
        found = World(f"{server}/mcp", AuthorizationServer(issuer, f"{server}/mcp", registers=registers))
        with (
            serving(found.issuer.app(), at_issuer),
            serving(_noting((make or create_app)(issuer, found.resource), found), at_server),
        ):
            yield found


def _noting(app: ASGIApp, found: World) -> ASGIApp:
    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                challenge = headers.get(b"www-authenticate", b"").decode()
                found.answers.append((scope["path"], message["status"], challenge))
            await send(message)

        await app(scope, receive, note)

    return noting


class Storage:
    """Where the client keeps its tokens."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.tokens: OAuthToken | None = None
        self.client = client

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def provider(server_url: str, storage: Storage) -> OAuthClientProvider:
    """The client's side of OAuth. Its browser goes where it is sent, and comes back with what it is given."""
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

    came_back: list[dict[str, list[str]]] = []

    async def browse(url: str) -> None:
        async with httpx2.AsyncClient() as browser:
            answer = await browser.get(url)
        assert answer.status_code == 302, answer.text
        came_back.append(parse_qs(urlsplit(answer.headers["location"]).query))

    async def returned() -> AuthorizationCodeResult:
        query = came_back[-1]
        return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0], iss=query["iss"][0])

    metadata = OAuthClientMetadata.model_validate({"redirect_uris": [CALLBACK], "client_name": "tests"})
    return OAuthClientProvider(server_url, metadata, storage, browse, returned)


@asynccontextmanager
async def connected(url: str, storage: Storage, mode: str) -> AsyncGenerator[Client]:
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(auth=provider(url, storage), timeout=SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(SECONDS):
            await work()

    asyncio.run(main())


def text_of(result: Any) -> str:
    return "".join(each.text for each in result.content)


def scopes_of(asked: dict[str, str]) -> set[str]:
    return set(asked["scope"].split())


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
def test_the_client_registers_gets_a_token_calls_a_tool_and_steps_up_for_another(mode: str) -> None:
    with world() as found:
        storage = Storage()

        async def work() -> None:
            async with connected(found.resource, storage, mode) as client:
                listed = await client.call_tool("list_orders", {})
                assert "tea" in text_of(listed)
                assert scopes_of(found.issuer.authorizations[-1]) == {"orders:read"}  # and no more than that
                assert len(found.issuer.authorizations) == 1
                added = await client.call_tool("add_order", {"what": "scones"})
                assert text_of(added) == "scones for alice"
                assert scopes_of(found.issuer.authorizations[-1]) == {"orders:read", "orders:write"}
                assert len(found.issuer.authorizations) == 2
                again = await client.call_tool("add_order", {"what": "jam"})
                assert text_of(again) == "jam for alice"
                assert len(found.issuer.authorizations) == 2

        run(work)
        assert len(found.issuer.registered) == 1
        statuses = [status for path, status, _ in found.answers if path == "/mcp" and status >= 400]
        assert statuses == [401, 403]


def test_a_client_with_a_session_streams_and_steps_up_too() -> None:
    with world(make=stateful) as found:

        async def work() -> None:
            async with connected(found.resource, Storage(), "legacy") as client:
                assert "tea" in text_of(await client.call_tool("list_orders", {}))
                assert text_of(await client.call_tool("add_order", {"what": "scones"})) == "scones for alice"

        run(work)
        # 404 would be a session that was not found; 200 and 202 are messages, the stream, and its end.
        assert {status for path, status, _ in found.answers if path == "/mcp"} == {200, 202, 401, 403}


def test_what_the_client_is_told_on_its_way() -> None:
    with world() as found:

        async def work() -> None:
            async with connected(found.resource, Storage(), "auto") as client:
                await client.call_tool("add_order", {"what": "scones"})

        run(work)
        host = found.resource.removesuffix("/mcp")
        metadata = f"{host}/.well-known/oauth-protected-resource/mcp"
        (unauthorized,) = [challenge for _, status, challenge in found.answers if status == 401]
        (challenge,) = parse_challenges(unauthorized)
        assert dict(challenge.params) == {"realm": "mcp", "scope": "orders:read", "resource_metadata": metadata}
        (forbidden,) = [challenge for _, status, challenge in found.answers if status == 403]
        (challenge,) = parse_challenges(forbidden)
        assert dict(challenge.params) == {
            "realm": "mcp",
            "error": "insufficient_scope",
            "scope": "orders:read orders:write",
            "resource_metadata": metadata,
        }
        # The first place it was told of, and no other had to be tried.
        assert [each for each in found.answers if "well-known" in each[0]] == [(urlsplit(metadata).path, 200, "")]


def test_a_client_that_was_registered_before_needs_no_registration() -> None:
    from mcp.shared.auth import OAuthClientInformationFull

    with world(registers=False) as found:
        known = OAuthClientInformationFull.model_validate(
            {"client_id": PREREGISTERED, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
        )

        async def work() -> None:
            async with connected(found.resource, Storage(known), "auto") as client:
                assert "tea" in text_of(await client.call_tool("list_orders", {}))

        run(work)
        assert [asked["client_id"] for asked in found.issuer.authorizations] == [PREREGISTERED]


def test_every_request_for_a_token_names_the_resource() -> None:
    with world() as found:

        async def work() -> None:
            async with connected(found.resource, Storage(), "auto") as client:
                await client.list_tools()

        run(work)
        assert [asked["resource"] for asked in found.issuer.authorizations] == [found.resource]


def test_a_token_for_another_resource_opens_nothing() -> None:
    with world() as found:
        tokens = found.issuer.signer
        elsewhere = tokens.token("alice", audience="https://other.example/mcp", scopes=["orders:read"])
        for token in (elsewhere, tokens.id_token("alice", aud=found.resource), f"{elsewhere}x"):
            answer = post(found.resource, token, {"jsonrpc": "2.0", "id": 1, "method": "ping"})
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
            assert "resource_metadata=" in answer.headers["www-authenticate"]


def post(url: str, token: str, message: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    return httpx2.post(url, headers=headers, json=message)


def test_inspector_reads_the_metadata_from_a_page_of_another_origin() -> None:
    # MCP Inspector's browser client fetches it with MCP-Protocol-Version, which makes a preflight.
    with world() as found:
        url = found.resource.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
        asked = {
            "Origin": "http://localhost:6274",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "mcp-protocol-version",
        }
        preflight = httpx2.request("OPTIONS", url, headers=asked)
        assert (preflight.status_code, preflight.headers["access-control-allow-headers"]) == (204, "*")
        answer = httpx2.get(url, headers={"Origin": "http://localhost:6274", "MCP-Protocol-Version": "2026-07-28"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert json.loads(answer.content) == {
            "resource": found.resource,
            "authorization_servers": [found.issuer.issuer],
            "scopes_supported": ["orders:read", "orders:write"],
            "bearer_methods_supported": ["header"],
        }
