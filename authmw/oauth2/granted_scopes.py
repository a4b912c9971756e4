"""Which scopes are granted: those asked for that everybody concerned may have, never whatever was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from authmw.identity.scopes import parse_scope
from authmw.oauth2.form import Form
from authmw.oauth2.reply import OAuthError
from authmw.stores.records import Client


class ScopeLimits(Protocol):
    """The limits of a token service on the scopes that it grants."""

    @property
    def scopes(self) -> Mapping[str, str] | None:
        """Every scope there is, with what it means; None for no such list."""

    def ceiling(self, client: Client, /) -> frozenset[str] | None:
        """The most that `client` is granted; None for no limit but the user's own."""


def requested_scopes(form: Form) -> frozenset[str] | OAuthError | None:
    """What the request asks for (RFC 6749 §3.3); None when it leaves that open."""
    try:
        return parse_scope(form.get("scope") or "") or None
    except ValueError:
        return OAuthError("invalid_scope", "The scope is malformed.")


def granted_scopes(requested: frozenset[str] | None, *ceilings: Iterable[str] | None) -> frozenset[str] | OAuthError:
    """What is left of `requested` below every ceiling; without a request all that they allow.

    RFC 6749 §3.3 lets a server grant less than was asked for, if it says so; here that is done for every grant alike.
    Who asked and would get nothing is told ``invalid_scope``, rather than given a token that is good for nothing.

    Args:
        requested: what was asked for; None for nothing in particular.
        ceilings: what each party concerned may have; None for one that sets no limit.

    >>> sorted(granted_scopes(frozenset({"read", "admin"}), {"read", "write"}, None))
    ['read']
    >>> sorted(granted_scopes(None, {"read", "write"}, {"read"}))
    ['read']
    >>> granted_scopes(frozenset({"admin"}), {"read"}).error
    'invalid_scope'
    """
    limits = [frozenset(limit) for limit in (requested, *ceilings) if limit is not None]
    granted = frozenset[str].intersection(*limits) if limits else frozenset[str]()
    if requested and not granted:
        return OAuthError("invalid_scope", "None of the requested scopes can be granted.")
    return granted
