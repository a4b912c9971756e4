"""The paths of the token service below the issuer's own, for whoever needs to know no more of it."""

from __future__ import annotations

from typing import Final

WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
"""The well-known path of RFC 8414 §3."""

COOKIE_PATHS: Final = ("/login", "/refresh", "/logout")
"""Where pages post to in cookie mode."""

PATHS: Final = ("/token", "/revoke", "/introspect", "/jwks.json", WELL_KNOWN, *COOKIE_PATHS)
"""Every path that may answer."""
