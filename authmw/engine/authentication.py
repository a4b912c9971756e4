"""The result of authentication: a principal and what the scheme owes the client."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from authmw.identity.principal import ANONYMOUS, Principal
from authmw.schemes.base import SecurityScheme


class Authentication(NamedTuple):
    """Who is calling, as far as the credentials prove it. Without credentials the principal is `ANONYMOUS`.

    Args:
        principal: who it is.
        scheme: the scheme that authenticated; None for nobody.
        headers: what the scheme owes the client (``Authentication-Info``).
        presented: a credential was there that no scheme of ours recognised.
        credentials: what a scheme without a verifier extracted. Proof of nothing.
    """

    principal: Principal
    scheme: SecurityScheme[Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    presented: bool = False
    credentials: object = None


NOBODY: Final = Authentication(ANONYMOUS)
"""No credentials of ours were presented."""

ENDED: Final = Authentication(ANONYMOUS)
"""The application is done with the request. It is told apart by ``is``, which costs the least on each request."""
