"""The audit log: one record per decision, which nobody can forge and which holds no secret."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import authmw.asgi
from authmw import (
    APIKeyHeader,
    Auth,
    HTTPBasic,
    HTTPBearer,
    JWTVerifier,
    KeyRing,
    Principal,
    Requirement,
    issue,
)
from authmw.events.log import escaped, printable
from authmw.http.request import WSGIRequest
from authmw.wsgi import AuthMiddleware
from tests.contract.cases import CASES
from tests.contract.clients import ask_wsgi
from tests.contract.engine import PASSWORDS, TOKENS
from tests.requests import wsgi_request


@given(st.text())
def test_class_36_no_text_leaves_its_field_or_its_line(text: str) -> None:
    shown = printable(text)
    assert shown.isascii()
    assert shown == "" or shown.isprintable()
    # A program that splits the line at spaces finds no other field in it.
    assert all("=" not in piece for piece in shown.split(" ")[1:])
    assert " " not in shown or (shown[0] == shown[-1] == '"' and "=" not in shown)


@given(st.text(), st.text())
def test_class_36_two_texts_are_told_apart_in_the_line_unless_they_are_cut(one: str, other: str) -> None:
    assert (printable(one) == printable(other)) is (escaped(one) == escaped(other))


def test_what_a_verifier_says_can_be_read() -> None:
    assert printable("aud is 'order'") == "\"aud is 'order'\""


def test_class_36_a_long_text_is_cut() -> None:
    assert len(printable("x" * 10_000)) < 200


FORGERIES = [
    "/a\r\nauthmw allowed principal=admin",
    "/a principal=admin",
    "/\x1b[2J",
    "/\u2028x",
    "/\ud800",
    "/" + "a" * 9999,
]


@pytest.mark.parametrize("path", FORGERIES, ids=range(len(FORGERIES)))
def test_class_36_a_path_cannot_forge_a_record(caplog: pytest.LogCaptureFixture, path: str) -> None:
    caplog.set_level(logging.DEBUG)
    auth = Auth(HTTPBearer())
    request = WSGIRequest({"REQUEST_METHOD": "GET\nX", "PATH_INFO": path, "REMOTE_ADDR": "evil principal=admin"})
    found: Any = auth.authenticate(request)
    auth.decide(found, Requirement(), request)
    (record,) = caplog.records
    message = record.getMessage()
    assert message.isprintable()
    fields = [field.partition("=")[0] for field in message.split(" ")[2:] if "=" in field]
    assert sorted(set(fields)) == sorted(fields)
    assert "principal" not in fields


def test_log_2_every_refusal_is_recorded_with_its_full_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "authmw.audit")
    auth = Auth(HTTPBearer(_alice))
    for scopes, authorization in ((("write",), "Bearer t"), ((), "Basic YTpi")):
        request = wsgi_request("/orders", authorization=authorization)
        found: Any = auth.authenticate(request)
        auth.decide(found, Requirement.all_of(*scopes), request)
    forbidden, unsupported = (record.getMessage() for record in caplog.records)
    assert "code=authmw.scope-missing principal=alice" in forbidden
    assert "missing=write" in forbidden
    assert "path=/orders" in forbidden
    assert "code=authmw.scheme-unsupported" in unsupported
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_a_record_has_its_fields_for_logs_in_json_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "authmw.audit")
    request = wsgi_request("/a b", authorization="Bearer t")
    auth = Auth(HTTPBearer(_alice))
    found: Any = auth.authenticate(request)
    auth.decide(found, Requirement(), request)
    (fields,) = [vars(record)["authmw"] for record in caplog.records if "allowed" in record.getMessage()]
    assert fields == {
        "event": "allowed",
        "principal": "alice",
        "scheme": "HTTPBearer",
        "method": "GET",
        "path": "/a b",
    }


def _alice(*_: str) -> Principal:
    return Principal("alice")


def test_log_2_who_was_let_through_is_recorded_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "authmw.audit")
    auth = Auth(HTTPBearer(_alice))
    request = wsgi_request("/orders", authorization="Bearer t")
    found: Any = auth.authenticate(request)
    auth.decide(found, Requirement(), request)
    assert "authmw allowed principal=alice scheme=HTTPBearer method=GET path=/orders" in caplog.messages


def test_err_3_a_store_that_is_down_is_recorded_as_an_error_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(token: str) -> Principal:
        raise OSError("password=hunter2")

    Auth(HTTPBearer(fail)).authenticate(wsgi_request(authorization="Bearer t"))
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert "cause=OSError" in record.getMessage()
    assert "hunter2" not in caplog.text


SECRETS = [
    *(token for token in TOKENS if token.endswith("-token")),
    "of-another-kind",
    *(password for _, password in PASSWORDS if password not in ("secret", "wrong")),
    "c2VjcmV0",
    "alice-key",
    "reader-key",
    "never-issued",
    "hunter2",
]


def test_log_1_no_log_at_debug_holds_a_secret_after_the_whole_table(caplog: pytest.LogCaptureFixture) -> None:
    from tests.contract.apps import make_wsgi

    caplog.set_level(logging.DEBUG)
    app = make_wsgi()
    for case in CASES:
        if not case.needs_socket:
            ask_wsgi(app, case)
    text = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    assert len(caplog.records) > len(CASES) / 2
    assert [secret for secret in SECRETS if secret in text] == []


def test_tok_3_no_repr_on_the_way_holds_a_secret() -> None:
    seen: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        from authmw.engine.context import call_here

        call = call_here()
        seen.extend(map(repr, (call, call and call.authentication, call and call.request)))
        start_response("200 OK", [])
        return []

    auth = Auth(HTTPBearer(name="Extracting") | HTTPBasic(_alice) | APIKeyHeader("X-Key", _alice))
    middleware = AuthMiddleware(app, auth, default="allow")
    headers = [{"HTTP_AUTHORIZATION": "Basic YWxpY2U6aHVudGVyMg=="}, {"HTTP_X_KEY": "hunter2"}]
    extracted = Auth(HTTPBearer() | APIKeyHeader("X-Key"))
    for environ in headers:
        list(middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ}, lambda *_: bytes))
    request = wsgi_request(authorization="Bearer hunter2", x_key="hunter2")
    seen += [repr(extracted.authenticate(request)), repr(request), repr(request.authorization), repr(auth)]
    assert len(seen) == 10
    assert [text for text in seen if "hunter2" in text or "aHVudGVyMg" in text] == []


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_log_2_every_request_that_is_let_in_is_recorded_remembered_or_not(
    caplog: pytest.LogCaptureFixture, interface: str
) -> None:
    caplog.set_level(logging.DEBUG, "authmw.audit")
    keys = KeyRing.generate()
    auth = Auth(HTTPBearer(JWTVerifier(keys, issuer="i", audience="a")))
    credential = "Bearer " + issue("alice", keys=keys, issuer="i", audience="a")
    for _ in range(2):
        if interface == "wsgi":
            guarded = AuthMiddleware(_wsgi, auth)
            list(guarded({"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "HTTP_AUTHORIZATION": credential}, _start))
        else:
            scope = {
                "type": "http",
                "method": "GET",
                "path": "/x",
                "headers": [(b"authorization", credential.encode())],
            }
            asyncio.run(authmw.asgi.AuthMiddleware(_asgi, auth)(scope, _receive, _send))
    assert auth.memo is not None
    assert auth.memo.recall(credential.encode()) is not None
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["authmw admitted principal=alice scheme=HTTPBearer method=GET path=/x"] * 2


def _wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return []


def _start(status: str, headers: Any, exc_info: Any = None) -> Any: ...


async def _asgi(scope: Any, receive: Any, send: Any) -> None: ...


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def _send(message: Any) -> None: ...


def test_a_mistake_in_a_store_can_be_found_from_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def lookup(token: str) -> Principal | None:
        raise KeyError(token)

    auth = Auth(HTTPBearer(lookup))
    auth.authenticate(wsgi_request("/", authorization="Bearer s3cret"))
    (message,) = [record.getMessage() for record in caplog.records]
    assert "cause=KeyError" in message
    assert f"at={__file__}:" in message
    assert "s3cret" not in message
