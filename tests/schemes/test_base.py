"""Combinations of schemes: what is none is refused where it is made."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import APIKeyHeader, Auth, ConfigurationError, HTTPBasic, HTTPBearer
from authmw.schemes.base import Alternatives, ways


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
