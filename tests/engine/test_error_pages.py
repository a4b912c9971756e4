"""Error pages that a refusal replaces: which headers belong to the page, and which stay."""

from __future__ import annotations

import pytest

from authmw.engine.error_pages import is_added_by_layer, without_repeats

# RFC 9110 §8, §10.2, §14 and §6.6, RFC 9111 §5, RFC 9112 §6.1, RFC 6266, and the challenge of a 401.
OF_A_PAGE = (
    "Content-Type Content-Encoding Content-Language Content-Length Content-Location Content-Range Content-Disposition "
    "ETag Last-Modified Accept-Ranges Allow Location Retry-After Trailer Transfer-Encoding "
    "Age Cache-Control Expires Pragma WWW-Authenticate"
).split()


@pytest.mark.parametrize("value", ["cookie", "ORIGIN, Cookie", " Origin ,cOOkie "])
def test_a_header_that_says_the_same_in_other_letters_is_not_repeated(value: str) -> None:
    assert without_repeats([("Vary", "Cookie")], [("vary", value)]) == []


@pytest.mark.parametrize("name", OF_A_PAGE)
def test_a_header_that_describes_the_error_page_goes_with_it(name: str) -> None:
    assert not is_added_by_layer(name)
    assert not is_added_by_layer(name.lower())


@pytest.mark.parametrize("name", ["Access-Control-Allow-Origin", "Vary", "Server-Timing", "X-Request-Id", "Set-Cookie"])
def test_a_header_that_a_layer_added_stays(name: str) -> None:
    assert is_added_by_layer(name)
