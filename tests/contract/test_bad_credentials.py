"""Bad credentials are a 401 on any path, public ones too, whatever the default. Only a cookie counts as absent."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import authmw.asgi
import authmw.wsgi
from authmw import APIKeyCookie, APIKeyHeader, Auth, HTTPBasic, HTTPBearer, Principal
from authmw.http.request import Receive, Scope, Send
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi

Default = Literal["deny", "allow"]
AUTH = Auth(
    HTTPBearer({"good": Principal("alice")}.get)
    | HTTPBasic(lambda username, password: None)
    | APIKeyHeader("X-Key", {"good": Principal("alice")}.get)
    | APIKeyCookie("key", {"good": Principal("alice")}.get)
)
PUBLIC = ("/health", "/docs/*")


def _wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["authmw.principal"].id.encode()]


async def _asgi(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["authmw.principal"].id.encode()})


def _ask(kind: str, default: Default, case: Case) -> Answer:
    if kind == "wsgi":
        return ask_wsgi(authmw.wsgi.AuthMiddleware(_wsgi, AUTH, public=PUBLIC, default=default), case)
    return ask_asgi(authmw.asgi.AuthMiddleware(_asgi, AUTH, public=PUBLIC, default=default), case)


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
@given(
    default=st.sampled_from(["deny", "allow"]),
    header=st.sampled_from(
        [(b"Authorization", b"Bearer bad"), (b"Authorization", b"Basic YWxpY2U6YmFk"), (b"X-Key", b"bad")]
    ),
    target=st.sampled_from(["/health", "/docs/a"]) | st.text("abz09/.-_", max_size=12).map("/".__add__),
    method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE"]),
)
def test_bad_credentials_in_a_header_are_a_401_on_any_path(
    kind: str, default: Default, header: tuple[bytes, bytes], target: str, method: str
) -> None:
    assert _ask(kind, default, Case("", Answer(401), (header,), target, method)).status == 401


@pytest.mark.parametrize("ask", [partial(_ask, "wsgi"), partial(_ask, "asgi")], ids=["wsgi", "asgi"])
def test_a_bad_cookie_counts_as_absent(ask: Any) -> None:
    for target, default, status in (
        *(("/health", "deny", 200), ("/health", "allow", 200)),
        *(("/orders", "deny", 401), ("/orders", "allow", 200)),
    ):
        answers = [ask(default, Case("", Answer(200), sent, target)) for sent in (((b"Cookie", b"key=bad"),), ())]
        assert [(answer.status, b"alice" in answer.body) for answer in answers] == [(status, False)] * 2
        assert answers[0].cookies == ("key=; Max-Age=0; Path=/; HttpOnly",)
