"""Check of the sender of a bound token (RFC 7800 §3.1, RFC 9449 §6 and §7.2).

Every verifier of access tokens calls it, so that a stolen token that is bound to a key is useless without the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from authmw.crypto.jws import shown
from authmw.http.reasons import Reason
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.verdict import Rejected

_ONLY_A_KEY: Final = frozenset({"jkt"})


def refuse_sender(claims: Mapping[str, Any], credentials: BearerToken | BoundToken) -> Rejected | None:
    """Why a token with `claims` is refused when it is sent as `credentials`; None if it is accepted.

    A bearer token must not be bound to anything. This includes a certificate (RFC 8705), because authmw checks none. A
    token that came with a proof must be bound to the key of the proof, and to nothing else.

    Args:
        claims: the claims of the token, or the members of the introspection response.
        credentials: the token as it was sent.

    >>> refuse_sender({"sub": "alice"}, BearerToken("t")) is None
    True
    >>> refuse_sender({"sub": "alice", "cnf": {"jkt": "0ZcOCORZNYy"}}, BearerToken("t")).reason.code
    'authmw.token-bound'
    """
    if isinstance(credentials, BoundToken):
        return _refuse_key(claims.get("cnf"), credentials.thumbprint)
    # RFC 9449 §7.2: otherwise an attacker with the token could use it without a proof.
    if "cnf" in claims:
        return Rejected(
            Reason.TOKEN_BOUND, f"bound by {_names(_members(claims['cnf']))}, and it came as a bearer token"
        )
    return None


def _refuse_key(confirmation: object, thumbprint: str) -> Rejected | None:
    from hmac import compare_digest

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
