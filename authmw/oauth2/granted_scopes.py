"""Granted scopes: those of the request that the user, the client and the service all allow (RFC 6749 §3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from authmw.http.form import Form
from authmw.identity.scopes import parse_scope
from authmw.oauth2.reply import OAuthError
from authmw.stores.records import Client


class ScopeLimits(Protocol):
    """The limits of a token service on the scopes that it grants."""

    @property
    def scopes(self) -> Mapping[str, str] | None:
        """Every scope there is, with what it means; None for no such list."""
        ...

    def ceiling(self, client: Client, /) -> frozenset[str] | None:
        """The most that `client` is granted; None for no limit but the user's own."""
        ...


def requested_scopes(form: Form) -> frozenset[str] | OAuthError | None:
    """The scopes in the request (RFC 6749 §3.3); None where it names none."""
    try:
        return parse_scope(form.get("scope") or "") or None
    except ValueError:
        return OAuthError("invalid_scope", "The scope is malformed.")


def granted_scopes(requested: frozenset[str] | None, *ceilings: Iterable[str] | None) -> frozenset[str] | OAuthError:
    """The part of `requested` that every ceiling allows; without a request, all that they allow.

    RFC 6749 §3.3 lets a server grant less than was requested, if the response says so; here that holds for every grant.
    A request of which nothing is left gets ``invalid_scope``, rather than a token that allows nothing.

    Args:
        requested: the scopes in the request; None for a request that names none.
        ceilings: the most that the user, the client or the service allows; None for no limit.

    >>> sorted(granted_scopes(frozenset({"read", "admin"}), {"read", "write"}, None))
    ['read']
    >>> sorted(granted_scopes(None, {"read", "write"}, {"read"}))
    ['read']
    >>> granted_scopes(frozenset({"admin"}), {"read"}).error
    'invalid_scope'
    """
    granted = requested
    for limit in ceilings:
        if limit is not None:
            granted = frozenset(limit) if granted is None else granted.intersection(limit)
    if requested and not granted:
        return OAuthError("invalid_scope", "None of the requested scopes can be granted.")
    return granted or frozenset()
