"""The paths of the token service, relative to its issuer's, without an import of the endpoints."""

from __future__ import annotations

from typing import Final

WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
"""The well-known path of RFC 8414 §3."""

COOKIE_PATHS: Final = ("/login", "/refresh", "/logout")
"""The paths of cookie mode."""

PATHS: Final = ("/token", "/revoke", "/introspect", "/jwks.json", WELL_KNOWN, *COOKIE_PATHS)
"""Every path that an endpoint may have."""
