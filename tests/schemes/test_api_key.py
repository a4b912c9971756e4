"""API keys: exactly one, visible ASCII, in its place."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import ApiKey, APIKeyCookie, APIKeyHeader, APIKeyQuery, Auth, HTTPBearer, Reason, Rejected
from authmw.http.request import WSGIRequest
from tests.requests import asgi_request, wsgi_request

HEADER = APIKeyHeader("X-API-Key")
COOKIE = APIKeyCookie("key")
QUERY = APIKeyQuery("key")


def _query(text: str) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": text})


def test_a_key_is_found_in_its_place_and_nowhere_else() -> None:
    everywhere = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "HTTP_X_API_KEY": "h",
            "HTTP_COOKIE": "key=c",
            "QUERY_STRING": "key=q",
            "PATH_INFO": "/",
        }
    )
    assert [scheme.extract(everywhere) for scheme in (HEADER, COOKIE, QUERY)] == [ApiKey("h"), ApiKey("c"), ApiKey("q")]
    assert [scheme.extract(wsgi_request()) for scheme in (HEADER, COOKIE, QUERY)] == [None, None, None]


@pytest.mark.parametrize("value", ["", " ", "\t", "a b", "é", "a\x00", "a\x7f", "\xa0", "a" * 8193])
@pytest.mark.parametrize("make", [wsgi_request, asgi_request], ids=["wsgi", "asgi"])
def test_key_3_a_key_that_cannot_be_one_is_refused(make: Any, value: str) -> None:
    read = HEADER.extract(make(x_api_key=value))
    assert isinstance(read, Rejected)
    assert read.reason is Reason.CREDENTIALS_MALFORMED


@pytest.mark.parametrize(
    "scheme, request_",
    [
        (HEADER, wsgi_request(x_api_key="a,b")),
        (HEADER, wsgi_request(x_api_key="a, a")),
        (HEADER, wsgi_request(x_api_key=",")),
        (COOKIE, wsgi_request(cookie="key=a; key=b")),
        (COOKIE, wsgi_request(cookie="key=a,key=b")),
        (QUERY, _query("key=a&key=b")),
        (QUERY, _query("key=a&%6bey=a")),
        (QUERY, _query("&".join(["x=y"] * 1001) + "&key=a")),
    ],
)
def test_key_3_two_keys_are_refused(scheme: Any, request_: WSGIRequest) -> None:
    read = scheme.extract(request_)
    assert isinstance(read, Rejected)
    assert read.reason is Reason.CREDENTIAL_DUPLICATE


def test_key_2_a_key_in_the_query_counts_only_where_the_scheme_says_so() -> None:
    assert Auth(HEADER).authenticate(_query("key=k&X-API-Key=k&x-api-key=k&access_token=k")) == Auth(
        HTTPBearer()
    ).authenticate(_query(""))


@pytest.mark.parametrize(
    "scheme, challenge",
    [
        (HEADER, 'ApiKey realm="orders", header="X-API-Key"'),
        (COOKIE, 'ApiKey realm="orders", cookie="key"'),
        (QUERY, 'ApiKey realm="orders", query="key"'),
    ],
)
def test_the_challenge_names_the_place(scheme: Any, challenge: str) -> None:
    assert str(scheme.challenge("orders")) == challenge


def test_class_32_answers_say_what_they_vary_on() -> None:
    assert (HEADER.vary, COOKIE.vary, QUERY.vary) == ("X-API-Key", "Cookie", "")
    assert Auth(HTTPBearer() | HEADER | COOKIE | QUERY).vary == "Authorization, X-API-Key, Cookie"


def test_tok_3_a_key_is_not_shown() -> None:
    assert "s3cret" not in repr(ApiKey("s3cret"))
