"""What an error handler answers is checked: status, challenges and caching stay those of the refusal."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Challenge, Reason, Refusal
from authmw.engine.refusal_pages import RefusalPages
from tests.requests import wsgi_request

REFUSAL = Refusal(
    Reason.CREDENTIALS_MISSING,
    (Challenge("Bearer", (("realm", "app"),)),),
    vary="Cookie",
    headers=(("Set-Cookie", "key=; Max-Age=0; Path=/"),),
)
NAMES = ["Cache-Control", "WWW-Authenticate", "Vary", "Location", "Set-Cookie", "ETag", "X-Own", "content-length"]
VALUES = ["public, max-age=60", "Own", "/login", "key=new; Path=/", "other=1", "0", ""]


@given(
    st.sampled_from([200, 201, 204, 206, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 403, 404, 500, 999]),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=6),
    st.binary(max_size=8),
)
def test_no_answer_becomes_a_success(status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    response = RefusalPages().response(REFUSAL, "a handler", status, headers, body)
    assert response.status == 401 or (300 < response.status < 400 and response.status not in (304, 305))
    sent = [(name.lower(), value) for name, value in response.headers]
    assert [value for name, value in sent if name == "www-authenticate"] == ['Bearer realm="app"']
    assert [value for name, value in sent if name == "cache-control"] == ["no-store"]
    assert [value for name, value in sent if name == "content-length"] == [str(len(response.body))]
    assert any(name == "set-cookie" and value.startswith("key=") for name, value in sent)
    if response.status != 401:
        assert "location" in dict(sent)


@pytest.mark.parametrize(
    "name",
    [
        *("Accept-Ranges", "Age", "Cache-Control", "Content-Length", "Content-Range", "ETag", "Expires"),
        *("Last-Modified", "Pragma", "Retry-After", "Trailer", "Transfer-Encoding", "WWW-Authenticate"),
    ],
)
def test_headers_that_belong_to_the_refusal_are_not_the_handlers(name: str) -> None:
    response = RefusalPages().response(REFUSAL, "a handler", 401, [(name, "own"), ("X-Own", "own")], b"page")
    assert (name, "own") not in response.headers
    assert (name.lower(), "own") not in response.headers
    assert ("X-Own", "own") in response.headers
    assert ("Vary", "Cookie, Authorization, Sec-Fetch-Mode, Sec-Fetch-Dest, Accept") in response.headers
    assert response.body == b"page"


def test_a_handler_that_raises_is_replaced_and_its_place_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise LookupError("s3cret")
    except LookupError as error:
        response = RefusalPages().failed(REFUSAL, "a handler", error)
    assert response == REFUSAL.response()
    assert f"raised LookupError at {__file__}:" in caplog.text
    bare = RefusalPages().failed(REFUSAL, "another handler", LookupError())
    assert bare == response
    assert "another handler, asked about a 401, raised LookupError; the refusal" in caplog.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["Location", "location"])
def test_a_redirect_is_sent_if_it_leads_anywhere(status: int, name: str) -> None:
    pages = RefusalPages()
    response = pages.response(REFUSAL, "a handler", status, [(name, "/log-in")], b"")
    assert (response.status, (name, "/log-in") in response.headers) == (status, True)
    assert ("Cache-Control", "no-store") in response.headers
    assert pages.response(REFUSAL, "a handler", status, [], b"") == REFUSAL.response()


def test_who_is_asked() -> None:
    browser = wsgi_request(accept="application/xhtml+xml")
    assert RefusalPages.asks(replace(REFUSAL, request=browser))
    assert not RefusalPages.asks(replace(REFUSAL, request=browser, login="/login"))
    assert not RefusalPages.asks(replace(REFUSAL, request=wsgi_request()))
    assert not RefusalPages.asks(REFUSAL)


def test_the_log_says_each_fault_once_and_never_too_much(caplog: pytest.LogCaptureFixture) -> None:
    pages = RefusalPages()
    with caplog.at_level(logging.ERROR, "authmw"):
        for _ in range(3):
            pages.response(REFUSAL, "a handler", 200, [], b"")
            pages.failed(REFUSAL, "a handler", LookupError("s3cret"))
        for number in range(200):
            pages.response(REFUSAL, f"handler {number}", 200, [], b"")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 100
    assert (
        told[0] == "a handler, asked about a 401, answered 200: answer 401 or a redirect; the refusal is sent as it is"
    )
    assert "raised LookupError" in told[1]
    assert "s3cret" not in " ".join(told)
