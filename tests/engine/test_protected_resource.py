"""What clients read of an API before they have a token, and where they are told to look (RFC 9728)."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, Final

import pytest

from authmw import Auth, HTTPBearer, InheritedAuth, Principal
from authmw.asgi import AuthMiddleware
from authmw.engine.authentication import NOBODY
from authmw.engine.protected_resource import ProtectedResource
from authmw.errors import ConfigurationError
from authmw.http.challenge import parse_challenges
from authmw.http.refusal import Refusal
from authmw.http.request import Scope
from authmw.identity.requirement import AUTHENTICATED
from tests.contract.cases import Answer as ContractAnswer
from tests.contract.cases import Case
from tests.engine.resource_apps import AT_ROOT, EVERYWHERE, MOUNTED, PATH, RESOURCE, Answer
from tests.requests import wsgi_request

DOCUMENT: Final = (
    (
        b'{"resource": "https://api.example/mcp", "authorization_servers": ["https://id.example"],'
        b' "scopes_supported": ["orders:read", "orders:write"], "bearer_methods_supported": ["header"],'
        b' "resource_name": "Orders"}'
    )
    .replace(b'": ', b'":')
    .replace(b", ", b",")
)
METADATA_URL: Final = "https://api.example/.well-known/oauth-protected-resource/mcp"
NAMED: Final = f'resource_metadata="{METADATA_URL}"'


def test_a_program_inside_of_another_one_names_the_metadata_of_the_outer_one() -> None:
    inner = InheritedAuth(
        Auth(HTTPBearer({"t": Principal("alice")}.get), resource=ProtectedResource(RESOURCE, ["https://id.example"]))
    )
    refusal = inner.decide(NOBODY, AUTHENTICATED, wsgi_request())
    assert isinstance(refusal, Refusal)
    assert NAMED in dict(refusal.response().headers)["WWW-Authenticate"]


@cache
def asker(interface: str) -> Any:
    return EVERYWHERE[interface]()


def ask(interface: str, target: str, method: str = "GET", **headers: str) -> Answer:
    lines = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    answer: Answer = asker(interface)(Case("", ContractAnswer(0), lines, target, method))
    return answer


def challenges_in(answer: Answer) -> list[str]:
    return [value for name, value in answer[1] if name == "www-authenticate"]


# The document


@pytest.mark.parametrize("interface", EVERYWHERE)
def test_the_document_is_the_same_to_the_byte_at_the_root_of_the_host(interface: str) -> None:
    assert ask(interface, PATH) == (
        200,
        [
            ("content-type", "application/json"),
            ("cache-control", "public, max-age=300"),
            ("content-length", str(len(DOCUMENT))),
            ("access-control-allow-origin", "*"),
        ],
        DOCUMENT,
    )


@pytest.mark.parametrize("interface", EVERYWHERE)
def test_head_has_the_same_headers_and_no_body(interface: str) -> None:
    status, headers, body = ask(interface, PATH, "HEAD")
    assert (status, headers, body) == (200, ask(interface, PATH)[1], b"")


@pytest.mark.parametrize("interface", EVERYWHERE)
def test_a_page_of_any_origin_may_read_it_with_whatever_header(interface: str) -> None:
    asked = {"Origin": "https://inspector.example", "Access_Control_Request_Method": "GET"}
    status, headers, body = ask(interface, PATH, "OPTIONS", **asked)
    assert (status, body) == (204, b"")
    assert headers == [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, HEAD"),
        ("access-control-allow-headers", "*"),
        ("access-control-max-age", "86400"),
    ]


@pytest.mark.parametrize("method", ["POST", "DELETE", "TRACE", "get"])
@pytest.mark.parametrize("interface", AT_ROOT)
def test_other_methods_are_told_which_there_are(interface: str, method: str) -> None:
    status, headers, body = ask(interface, PATH, method)
    assert (status, dict(headers)["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert DOCUMENT not in body


@pytest.mark.parametrize("interface", AT_ROOT)
def test_whoever_asks_gets_it_with_bad_credentials_too(interface: str) -> None:
    assert ask(interface, PATH, Authorization="Bearer nobodys")[2] == DOCUMENT


@pytest.mark.parametrize(
    "target",
    [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/",
        f"{PATH}/",
        f"/x{PATH}",
        f"//{PATH}",
        f"{PATH}x",
        PATH.upper(),
        "/.well-known/oauth-protected-resource/mcp/../mcp",
    ],
)
@pytest.mark.parametrize("interface", AT_ROOT)
def test_nothing_else_is_let_through_for_it(interface: str, target: str) -> None:
    status, _, body = ask(interface, target)
    assert (status, DOCUMENT in body) == (401, False)


# The challenges


@pytest.mark.parametrize("interface", AT_ROOT)
def test_the_first_401_says_where_the_metadata_is_and_which_scopes_are_needed(interface: str) -> None:
    answer = ask(interface, "/mcp")
    assert answer[0] == 401
    assert challenges_in(answer) == [
        f'Bearer realm="orders", scope="orders:read orders:write", {NAMED}',
        'Basic realm="orders", charset="UTF-8"',  # a password is of no authorization server
    ]


@pytest.mark.parametrize("interface", MOUNTED)
def test_a_mounted_api_says_so_too(interface: str) -> None:
    answer = ask(interface, "/mcp/")
    assert answer[0] == 401
    assert NAMED in challenges_in(answer)[0]


@pytest.mark.parametrize("interface", AT_ROOT)
def test_a_bad_token_is_told_where_to_get_a_good_one(interface: str) -> None:
    answer = ask(interface, "/mcp", Authorization="Bearer nobodys")
    assert answer[0] == 401
    (bearer, _) = challenges_in(answer)
    assert bearer == (
        f'Bearer realm="orders", error="invalid_token", error_description="The access token is invalid.", {NAMED}'
    )


@pytest.mark.parametrize("interface", AT_ROOT)
def test_a_missing_scope_is_a_403_that_names_all_that_are_needed(interface: str) -> None:
    answer = ask(interface, "/mcp", Authorization="Bearer reader")
    assert answer[0] == 403
    assert challenges_in(answer) == [
        f'Bearer realm="orders", error="insufficient_scope", scope="orders:read orders:write", {NAMED}'
    ]


@pytest.mark.parametrize("interface", AT_ROOT)
def test_who_has_all_scopes_is_let_in(interface: str) -> None:
    assert ask(interface, "/mcp", Authorization="Bearer writer")[::2] == (200, b"orders")


def test_the_challenge_can_be_read_back() -> None:
    (challenge, _) = parse_challenges(", ".join(challenges_in(ask("asgi", "/mcp"))))
    assert challenge["resource_metadata"] == METADATA_URL


def test_without_a_resource_nothing_is_said_of_one() -> None:
    auth = Auth(HTTPBearer())
    assert auth.resource is None


# The resource


@pytest.mark.parametrize(
    "resource, url",
    [
        ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
        ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
        ("https://api.example/mcp", "https://api.example/.well-known/oauth-protected-resource/mcp"),
        ("https://api.example/mcp/", "https://api.example/.well-known/oauth-protected-resource/mcp/"),
        ("https://api.example:8443/a/b", "https://api.example:8443/.well-known/oauth-protected-resource/a/b"),
        ("http://localhost:8000/mcp", "http://localhost:8000/.well-known/oauth-protected-resource/mcp"),
        ("http://[::1]:8000/mcp", "http://[::1]:8000/.well-known/oauth-protected-resource/mcp"),
    ],
)
def test_the_well_known_path_stands_between_the_host_and_the_path(resource: str, url: str) -> None:
    described = ProtectedResource(resource, ["https://id.example"])
    assert (described.metadata_url, described.document["resource"]) == (url, resource)


def test_what_has_no_value_is_left_out() -> None:
    assert ProtectedResource(RESOURCE, ["https://id.example"]).document == {
        "resource": RESOURCE,
        "authorization_servers": ["https://id.example"],
        "bearer_methods_supported": ["header"],
    }


def test_further_members_stand_in_the_document() -> None:
    more = {"resource_documentation": "https://docs.example", "dpop_bound_access_tokens_required": False}
    document = ProtectedResource(RESOURCE, ["https://id.example"], more=more).document
    assert document["resource_documentation"] == "https://docs.example"
    assert document["dpop_bound_access_tokens_required"] is False


def test_the_scopes_are_those_of_the_application_unless_it_names_others() -> None:
    own = ProtectedResource(RESOURCE, ["https://id.example"], scopes=["orders:read"])
    scopes = {"orders:read": "See", "orders:admin": "All"}
    assert _described(own, scopes).scopes == ("orders:read",)
    assert _described(ProtectedResource(RESOURCE, ["https://id.example"]), scopes).scopes == tuple(scopes)


def _described(resource: ProtectedResource, scopes: dict[str, str]) -> ProtectedResource:
    return ProtectedResource.of(Auth(HTTPBearer(), scopes=scopes, resource=resource))


def test_there_has_to_be_something_to_describe() -> None:
    with pytest.raises(ConfigurationError, match="resource="):
        ProtectedResource.of(Auth(HTTPBearer()))
    with pytest.raises(ConfigurationError, match="ProtectedResource"):
        Auth(HTTPBearer(), resource="https://api.example")  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    "resource",
    ["", "api.example", "http://api.example/mcp", "https://api.example/mcp?x=1", "https://api.example/mcp#x",
     "https://user@api.example/mcp", "https://api.example/a%2Fb", "https://api.example/ä", None, 7],
)  # fmt: skip
def test_a_resource_that_clients_could_read_otherwise_is_refused(resource: Any) -> None:
    with pytest.raises(ConfigurationError, match="resource="):
        ProtectedResource(resource, ["https://id.example"])


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ProtectedResource(
            "http://api.example",
            ["http://id.example", "https://id.example?x=1"],
            scopes=["a b"],
            more={"resource": "x"},
        )
    assert len(caught.value.mistakes) == 5


@pytest.mark.parametrize("servers", [[], "https://id.example", None])
def test_a_resource_without_an_authorization_server_is_refused(servers: Any) -> None:
    with pytest.raises(ConfigurationError, match="list of the issuers"):
        ProtectedResource(RESOURCE, servers)


@pytest.mark.parametrize("more", [7, {"x": object()}, {"x": float("nan")}])
def test_further_members_are_json(more: Any) -> None:
    with pytest.raises(ConfigurationError, match="more="):
        ProtectedResource(RESOURCE, ["https://id.example"], more=more)


def test_a_websocket_to_the_metadata_is_guarded_like_any_other() -> None:
    auth = Auth(HTTPBearer({"t": Principal("alice")}.get), resource=ProtectedResource(RESOURCE, ["https://id.example"]))
    path = METADATA_URL.removeprefix("https://api.example")
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it was reached")

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Scope = {"type": "websocket", "path": path, "query_string": b"", "headers": []}
    asyncio.run(AuthMiddleware(app, auth)(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
