"""What the drop-ins take for an API key, in each place."""

from __future__ import annotations

from typing import Any

import pytest
from authmw_fastapi.security import APIKeyCookie, APIKeyHeader, APIKeyQuery
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from tests.adapters.fastapi.security_helpers import MAKERS, REFUSED, read

PLACES = ("APIKeyHeader", "APIKeyQuery", "APIKeyCookie")


def read_keys(place: str, *keys: str, auto_error: bool = True) -> Any:
    """What the scheme of `place` makes of `keys`, sent side by side."""
    scheme = MAKERS[place](auto_error=auto_error)
    if place == "APIKeyHeader":
        return read(scheme, [("X-Key", key) for key in keys])
    if place == "APIKeyQuery":
        return read(scheme, query="&".join(f"key={key}" for key in keys))
    return read(scheme, [("Cookie", "; ".join(f"key={key}" for key in keys))] if keys else [])


@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_read_once_and_refused_when_it_is_there_twice(place: str) -> None:
    assert read_keys(place, "k3y") == "k3y"
    for keys in ((), ("k3y", "k3y"), ("k3y", "other"), ("k3y", ""), ("", "k3y")):
        assert read_keys(place, *keys) == REFUSED
        assert read_keys(place, *keys, auto_error=False) is None


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", ["", " ", "k\x00y", "k\ty", "k\x7fy", "k" * (MAX_CREDENTIAL_LENGTH + 1)])
def test_what_is_no_key_is_refused(place: str, key: str) -> None:
    assert read_keys(place, key) == REFUSED
    assert read_keys(place, key, auto_error=False) is None


@pytest.mark.parametrize(
    "query, found",
    [
        ("key=a%2Bb+c", "a+b c"),
        ("k%65y=k3y", "k3y"),
        ("key=gr%C3%BCn", "grün"),
        ("key=gr%FCn", REFUSED),
        ("key=%20%09", REFUSED),
        ("key=a%0Ab", REFUSED),
        ("key", REFUSED),
        ("KEY=k3y", REFUSED),
        ("key=a&k%65y=b", REFUSED),
        ("key=a&" + "b&" * 1000, REFUSED),
    ],
    ids=str,
)
def test_a_key_in_the_query_is_decoded_as_utf_8(query: str, found: str) -> None:
    assert read(APIKeyQuery(name="key"), query=query) == found


def test_a_parameter_may_have_any_name() -> None:
    assert read(APIKeyQuery(name="schlüssel"), query="schl%C3%BCssel=k3y") == "k3y"


@pytest.mark.parametrize("name", ["X_API_KEY", "Authorization", "x-key"])
@pytest.mark.parametrize("key", ["k3y", "Token k3y", "a,b", "gr\xc3\xbcn"])
def test_any_header_may_hold_a_key_and_anything_may_be_one(name: str, key: str) -> None:
    assert read(APIKeyHeader(name=name), [(name.swapcase(), key)]) == key


def test_headers_with_an_underscore_are_other_headers() -> None:
    assert read(APIKeyHeader(name="X-API-Key"), [("X_API_Key", "k3y")]) == REFUSED


@pytest.mark.parametrize(
    "cookie, found",
    [
        ("other=a; key=k3y", "k3y"),
        ('key="k3y=="', "k3y=="),
        ('key="a\\054b"', "a,b"),
        ('key="a\\012b"', REFUSED),
        ("KEY=k3y", REFUSED),
        ('key=""', REFUSED),
        ("key", REFUSED),
    ],
)
def test_a_cookie_is_read_as_starlette_reads_it(cookie: str, found: str) -> None:
    assert read(APIKeyCookie(name="key"), [("Cookie", cookie)]) == found


def test_cookies_in_two_headers_are_as_good_as_in_one() -> None:
    assert read(APIKeyCookie(name="key"), [("Cookie", "other=a"), ("Cookie", "key=k3y")]) == "k3y"
    assert read(APIKeyCookie(name="key"), [("Cookie", "key=a"), ("Cookie", "key=b")]) == REFUSED


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1).filter(str.strip))
def test_a_cookie_that_starlette_sets_is_read_back(value: str) -> None:
    response = Response()
    response.set_cookie("key", value)
    pair = response.headers["set-cookie"].partition(";")[0]
    found = read(APIKeyCookie(name="key"), [("Cookie", pair)])
    assert found == value or value != value.strip()  # which is not quoted for every version


@pytest.mark.parametrize("place", PLACES)
@given(key=st.text(st.characters(max_codepoint=255)))
def test_anything_is_a_key_or_refused(place: str, key: str) -> None:
    found = read_keys(place, key)
    assert found == REFUSED or found.strip()
