"""Responses to callers whose credentials are not in `Authorization` stay out of shared caches (RFC 9111 §3.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authmw import APIKeyCookie, APIKeyHeader, APIKeyQuery, Auth, HTTPBearer, Principal, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import Receive, Scope, Send
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.contract.cases import NOBODY, Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi


def known(secret: str) -> Principal | None:
    return Principal("alice") if secret == "s3cret" else None


AUTH = Auth(
    HTTPBearer(known) | APIKeyHeader("X-API-Key", known) | APIKeyCookie("session", known) | APIKeyQuery("key", known)
)
PRIVATE: dict[str, Case] = {
    "header": Case("key", NOBODY, ((b"X-API-Key", b"s3cret"),)),
    "cookie": Case("cookie", NOBODY, ((b"Cookie", b"session=s3cret"),)),
    "query": Case("query", NOBODY, target="/orders?key=s3cret"),
    "on a public path": Case("public", NOBODY, ((b"X-API-Key", b"s3cret"),), target="/health"),
}
OTHERS: dict[str, Case] = {
    "bearer": Case("bearer", NOBODY, ((b"Authorization", b"Bearer s3cret"),)),
    "nobody": Case("nobody", NOBODY, target="/health"),
}


def answers(case: Case, *caching: str, guarded: bool = False) -> list[Answer]:
    """What an application that says `caching` answers under WSGI and ASGI."""
    lines = [("Content-Type", "text/plain"), *(("Cache-Control", value) for value in caching)]

    def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", list(lines))
        return [b"hello"]

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in lines]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})

    def guard(app: Any) -> Any:
        return requires_scopes("admin")(app) if guarded else app

    public = ["/health"]
    return [
        ask_wsgi(WSGIMiddleware(guard(wsgi), AUTH, public=public), case),
        ask_asgi(ASGIMiddleware(guard(asgi), AUTH, public=public), case),
    ]


@pytest.mark.parametrize("case", PRIVATE.values(), ids=PRIVATE)
def test_a_response_to_a_caller_with_a_key_or_a_cookie_is_private(case: Case) -> None:
    assert [(each.status, each.cache_control) for each in answers(case)] == [(200, "private")] * 2


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_other_responses_say_nothing_of_caching(case: Case) -> None:
    assert [(each.status, each.cache_control) for each in answers(case)] == [(200, "")] * 2


@pytest.mark.parametrize("caching", ["public, max-age=60", "no-store", "max-age=5"])
@pytest.mark.parametrize("case", PRIVATE.values(), ids=PRIVATE)
def test_what_the_application_says_of_caching_holds(case: Case, caching: str) -> None:
    assert [each.cache_control for each in answers(case, caching)] == [caching] * 2


@pytest.mark.parametrize("case", PRIVATE.values(), ids=PRIVATE)
def test_a_refusal_is_stored_nowhere(case: Case) -> None:
    refused = answers(case, guarded=True)
    assert [(each.status, each.cache_control) for each in refused] == [(403, "no-store")] * 2
    assert json.loads(refused[0].body)["code"] == "authmw.scope-missing"
