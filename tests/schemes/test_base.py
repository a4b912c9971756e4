"""Combinations of schemes: what is none is refused where it is made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import APIKeyHeader, Auth, ConfigurationError, HTTPBasic, HTTPBearer, Rejected
from authmw.http.challenge import Challenge
from authmw.http.grammar import parse_authorization
from authmw.schemes.base import Alternatives, AuthorizationScheme, ways
from tests.requests import wsgi_request


class NoScheme(Alternatives):
    """Alternatives of one's own, which are neither a scheme nor a combination."""

    @property
    def schemes(self) -> tuple[Any, ...]:
        return ()


def test_what_is_neither_a_scheme_nor_a_combination_is_refused() -> None:
    said = "NoScheme is neither a scheme nor a combination of schemes"
    with pytest.raises(ConfigurationError, match=said):
        _ = NoScheme() & HTTPBasic()
    for accept in (NoScheme(), HTTPBearer() | NoScheme()):
        with pytest.raises(ConfigurationError, match=said):
            ways(accept)
        with pytest.raises(ConfigurationError, match=said):
            Auth(accept)


def test_every_way_is_found_in_the_order_of_declaration() -> None:
    key, bearer, basic = APIKeyHeader("X-Site"), HTTPBearer(), HTTPBasic()
    assert ways(bearer | key & basic | basic) == ((bearer,), (key, basic), (basic,))
    assert ways(key & (bearer | basic)) == ((key, bearer), (key, basic))
    assert ways((bearer | key) | basic) == ways(bearer | (key | basic)) == ((bearer,), (key,), (basic,))


def test_a_combination_shows_its_parts() -> None:
    combined = HTTPBearer() | APIKeyHeader("X-Site") & HTTPBasic()
    for name in ("OneOf", "AllOf", "HTTPBearer", "APIKeyHeader", "HTTPBasic"):
        assert name in repr(combined)


class _Plain(AuthorizationScheme[str]):
    """Reads whatever follows its name."""

    auth_type = "Basic"

    def read(self, value: str) -> str:
        return value

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        return Challenge("Basic", ())

    def openapi(self) -> dict[str, Any]:
        return {}


@given(st.sampled_from(["", "Basic", "Basic ", "basic "]), st.text(st.sampled_from("Basic \t,=\"'"), max_size=9))
def test_the_usual_spelling_is_read_as_every_other(name: str, rest: str) -> None:
    text = name + rest
    parsed = parse_authorization(text)
    expected = parsed.value if parsed.scheme == "basic" else None
    if parsed.duplicate:
        assert isinstance(_Plain().extract(wsgi_request(authorization=text)), Rejected)
    else:
        assert _Plain().extract(wsgi_request(authorization=text)) == expected
