"""Diagnosis of the scopes of a token: those that count, and those in a claim that is not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authmw.crypto.jws import shown
from authmw.identity.verdict import Rejected
from authmw.issuers.access_token_verifier import AccessTokenVerifier
from authmw.issuers.diagnosis.finding import Finding
from authmw.issuers.profiles import PROFILES

_PLACES: Final = ("scope", "scp", "permissions")
_MOST: Final = 20


def diagnose_scopes(claims: Mapping[str, Any], verifier: AccessTokenVerifier, fitting: str | None) -> Finding:
    """The finding about the scopes that `claims` grant, and the claims that hold them.

    Args:
        claims: the claims of an access token.
        verifier: reads the scopes, with its profile.
        fitting: the name of another profile that fits the token; None if there is none.
    """
    granted = verifier.granted(claims)
    if isinstance(granted, Rejected):
        return Finding("scopes", False, granted.detail, "have the issuer write them as text with spaces, or a list")
    read = verifier.profile.scopes
    missed = next((name for name in _PLACES if name not in read and claims.get(name)), None)
    found = [name for name in read if claims.get(name)]
    if missed is not None and not found:
        words = f"the scopes are in `{missed}`, and profile {verifier.profile.name} reads {_names(read)}"
        reads_it = fitting is not None and missed in PROFILES[fitting].scopes
        fix = f'profile="{fitting}"' if reads_it else f'scopes="{missed}"'
        return Finding("scopes", False, words, f"say Issuer(..., {fix})")
    if not granted:
        return Finding("scopes", None, "none", "the client asks for them with scope=, and has to be allowed to")
    words = ", ".join(shown(scope)[1:-1] for scope in sorted(granted)[:_MOST])
    more = f" and {len(granted) - _MOST} more" if len(granted) > _MOST else ""
    where = f" (in {_names(found)})" if found else " (roles)"
    also = "" if missed is None else f"`{missed}` is not read: Issuer(..., scopes={(*read, missed)!r}) if it counts"
    return Finding("scopes", True, words + more + where, also)


def _names(names: list[str] | tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names) or "none"
