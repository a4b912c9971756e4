"""Diagnosis of tokens that are not access tokens and are sent to an API by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authmw.issuers.diagnosis.finding import Finding

_ID, _REFRESH, _LOGOUT, _PROOF = "an ID token", "a refresh token", "a logout token", "a DPoP proof"
# Keycloak names the type in the claim `typ`, Cognito in `token_use`, the specifications in the header.
_SAID: Final[Mapping[object, str | None]] = {
    "ID": _ID, "id": _ID, "Refresh": _REFRESH, "Offline": _REFRESH, "Logout": _LOGOUT,
    "Bearer": None, "DPoP": None, "access": None,
}  # fmt: skip
_TYPES: Final = {"at+jwt": None, "logout+jwt": _LOGOUT, "dpop+jwt": _PROOF}
_FIX: Final = {
    _ID: "it tells the client who logged in, and is for that client only: send the access_token, not the id_token",
    _REFRESH: "it is for the token endpoint only: send the access_token, and never send this one to an API",
    _LOGOUT: "it tells a client that a user logged out: send the access_token",
    _PROOF: "it goes into the header DPoP, beside Authorization: DPoP and the access_token",
}


def not_an_access_token(typ: str | None, claims: Mapping[str, Any]) -> Finding | None:
    """The finding about a token that is not an access token; None if it may be one.

    Args:
        typ: the ``typ`` of the header, in lower case.
        claims: the claims of the token.

    >>> not_an_access_token("jwt", {"nonce": "n", "aud": "web"}).words
    'this is an ID token, not an access token'
    >>> not_an_access_token("jwt", {"typ": "Bearer", "nonce": "n"}) is None
    True
    """
    kind = _kind(typ, claims)
    return None if kind is None else Finding("access token", False, f"this is {kind}, not an access token", _FIX[kind])


def _kind(typ: str | None, claims: Mapping[str, Any]) -> str | None:
    if typ in _TYPES:
        return _TYPES[typ]
    for name in ("typ", "token_use"):
        said: object = claims.get(name)
        if isinstance(said, str) and said in _SAID:
            return _SAID[said]
    if "events" in claims:
        return _LOGOUT
    # OpenID Connect Core 1.0 §2 and §3.3.2.11: only an ID token has these.
    if not claims.keys().isdisjoint(("at_hash", "c_hash", "s_hash")):
        return _ID
    has_scopes = not claims.keys().isdisjoint(("scope", "scp"))
    is_for_its_client = claims.get("aud") == claims.get("azp", ...) != claims.get("sub")
    return _ID if not has_scopes and ("nonce" in claims or is_for_its_client) else None
