"""A mount serves a document or a service, and leaves to the application around it what they do not respond to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final
from wsgiref.util import setup_testing_defaults

import pytest

from authmw import ConfigurationError
from authmw.asgi import Mount as ASGIMount
from authmw.flow.flow import Flow
from authmw.flow.pool import WorkPool, default_pool
from authmw.http.mountable import Mountable
from authmw.http.request import Environ, Message, Receive, RequestHead, Scope, Send
from authmw.http.response import Response
from authmw.issuers import ProtectedResource
from authmw.oauth2 import AuthorizationServerMetadata, TokenService
from authmw.openapi import DocsPage
from authmw.stores import MemoryStores
from authmw.wsgi import Mount as WSGIMount

RESOURCE: Final = ProtectedResource("https://api.example/orders", ["https://id.example"])
SERVICE: Final = TokenService(issuer="https://id.example/auth", stores=MemoryStores(), audience="orders")
METADATA: Final = "/.well-known/oauth-authorization-server/auth"
Answer = tuple[int, bytes]


def wsgi_root(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("202 Accepted", [])
    return [b"the application got ", environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))]


async def asgi_root(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive()).get("body", b"")
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": b"the application got " + body})


def by_wsgi(app: Any, path: str, method: str = "GET", body: bytes = b"") -> Answer:
    environ: Environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": BytesIO(body)}
    setup_testing_defaults(environ)
    environ["CONTENT_LENGTH"] = str(len(body))
    started: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        started.append(status)

    content = b"".join(app(environ, start_response))
    return int(started[0][:3]), content


def by_asgi(app: Any, path: str, method: str = "GET", body: bytes = b"") -> Answer:
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    start, *rest = exchange(app, scope, {"type": "http.request", "body": body, "more_body": False})
    return start["status"], b"".join(message["body"] for message in rest)


def exchange(app: Any, scope: dict[str, Any], *received: dict[str, Any]) -> list[Message]:
    waiting = iter(received)
    sent: list[Message] = []

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def alone(served: Mountable, path: str, method: str = "GET") -> Answer:
    """What a mount answers that has no application around it: the same by both protocols."""
    (found,) = {by_wsgi(WSGIMount(served), path, method), by_asgi(ASGIMount(served), path, method)}
    return found


def around(served: Mountable, path: str, method: str = "GET", body: bytes = b"") -> Answer:
    """What a mount answers that has one: the same by both protocols."""
    (found,) = {
        by_wsgi(WSGIMount(served, wsgi_root), path, method, body),
        by_asgi(ASGIMount(served, asgi_root), path, method, body),
    }
    return found


@pytest.mark.parametrize(
    "served, path",
    [
        (DocsPage("openapi.json"), "/"),
        (RESOURCE, RESOURCE.metadata_path),
        (SERVICE, "/.well-known/oauth-authorization-server"),
        (AuthorizationServerMetadata(SERVICE), METADATA),
    ],
)
def test_a_document_is_served_by_itself_and_around_an_application(served: Any, path: str) -> None:
    status, body = alone(served, path)
    assert (status, bool(body)) == (200, True)
    assert around(served, path) == (status, body)
    assert alone(served, path, "HEAD") == (200, b"")


@pytest.mark.parametrize("served", [RESOURCE, AuthorizationServerMetadata(SERVICE)])
def test_what_is_not_for_the_document_goes_to_the_application_or_is_a_404(served: Any) -> None:
    for path in ("/", "/orders", f"{METADATA}/x", "/.well-known/oauth-authorization-server"):
        assert around(served, path, "POST", b"a body") == (202, b"the application got a body")
        assert alone(served, path) == (404, b"There is nothing at this path.\n")


def test_the_metadata_at_the_root_is_that_of_the_issuer() -> None:
    assert alone(AuthorizationServerMetadata(SERVICE), METADATA) == alone(
        SERVICE, "/.well-known/oauth-authorization-server"
    )


class Undecided:
    """A service that reads the body before it finds that the request is for something else."""

    pool: WorkPool = default_pool
    store_timeout: float = 1.0

    def respond(self, request: RequestHead) -> Flow[Response | None]:
        from authmw.flow.flow import Ask

        assert (yield from Ask(request.read_body, 100)) == b"a body"
        return None


def test_the_application_has_the_body_that_a_service_has_read() -> None:
    assert around(Undecided(), "/", "POST", b"a body") == (202, b"the application got a body")


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "carrier pigeon"])
def test_the_application_around_has_every_other_connection(kind: str) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    assert exchange(ASGIMount(RESOURCE, app), {"type": kind, "path": RESOURCE.metadata_path}) == []
    assert seen == [kind]


@pytest.mark.parametrize("served", [wsgi_root, "page", None, DocsPage, TokenService])
@pytest.mark.parametrize("mount", [WSGIMount, ASGIMount])
def test_what_does_not_respond_cannot_be_mounted(mount: Any, served: object) -> None:
    with pytest.raises(ConfigurationError, match="does not respond to requests: write Mount"):
        mount(served)


@pytest.mark.parametrize("root", ["", "/", "..", "../x/", "https://api.example/", "././", None])
def test_a_docs_page_is_told_the_way_up_and_nothing_else(root: Any) -> None:
    with pytest.raises(ConfigurationError, match="does not lead up from the page"):
        DocsPage("openapi.json", root=root)
