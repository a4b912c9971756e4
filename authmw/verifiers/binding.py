"""Whether a token came from whom it is bound to (RFC 7800 §3.1, RFC 9449 §6 and §7.2).

Every verifier of access tokens asks this, so that a bound token is worth nothing to who merely has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Final, cast

from authmw.crypto.jws import shown
from authmw.http.reasons import Reason
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.verdict import Rejected

_ONLY_A_KEY: Final = frozenset({"jkt"})


def refuse_sender(claims: Mapping[str, Any], credentials: BearerToken | BoundToken) -> Rejected | None:
    """Why a token with `claims` may not come as `credentials`; None when it may.

    A bearer token may be bound to nothing, a certificate (RFC 8705) included, since nobody looked at one. What came
    with a proof is bound to the key that was proved, and to nothing besides.

    Args:
        claims: what the token says, or what introspection says about it.
        credentials: how it came.

    >>> refuse_sender({"sub": "alice"}, BearerToken("t")) is None
    True
    >>> refuse_sender({"sub": "alice", "cnf": {"jkt": "0ZcOCORZNYy"}}, BearerToken("t")).reason.code
    'authmw.token-bound'
    """
    if isinstance(credentials, BoundToken):
        return _refuse_key(claims.get("cnf"), credentials.thumbprint)
    # RFC 9449 §7.2: or whoever stole it would leave the proof away.
    if "cnf" in claims:
        return Rejected(
            Reason.TOKEN_BOUND, f"bound by {_names(_members(claims['cnf']))}, and it came as a bearer token"
        )
    return None


def _refuse_key(confirmation: object, thumbprint: str) -> Rejected | None:
    members = _members(confirmation)
    key = members.get("jkt")
    if not isinstance(key, str):
        return Rejected(Reason.TOKEN_UNBOUND, "no cnf.jkt")
    if members.keys() != _ONLY_A_KEY:
        return Rejected(Reason.TOKEN_BOUND, f"bound by {_names(members)}, and only a key was proved")
    if not compare_digest(key.encode(), thumbprint.encode()):
        return Rejected(Reason.TOKEN_BOUND, f"bound to {shown(key)}, and the proof is by {thumbprint}")
    return None


def _members(confirmation: object) -> dict[str, object]:
    return cast("dict[str, object]", confirmation) if isinstance(confirmation, dict) else {}


def _names(members: Mapping[str, object]) -> str:
    return ", ".join(map(shown, sorted(members))) or "cnf"
