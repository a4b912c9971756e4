"""What an error handler answers is checked: status, challenges and caching stay those of the refusal."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Challenge, Reason, Refusal
from authmw.engine.refusal_pages import RefusalPages

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
