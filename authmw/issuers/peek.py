"""What a token says before anything of it is verified: enough to choose whom to ask, and never more than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.crypto.jose.strict_json import parse_object
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH

_ASYMMETRIC: Final = frozenset(row.name for row in ALGORITHMS.values() if row.kty != "oct")


@dataclass(frozen=True, slots=True)
class Peek:
    """What a stranger wrote.

    Args:
        issuer: the ``iss``, if it is a string.
        alg: the algorithm it says it is signed with.
        kid: the key it says it is signed with, if it names one.
    """

    issuer: str | None
    alg: str
    kid: str | None

    @property
    def is_worth_a_fetch(self) -> bool:
        """Whether a key that its issuer publishes might have signed it: nobody fetches for ``HS256`` or ``none``."""
        return self.alg in _ASYMMETRIC


def peek(token: str) -> Peek | None:
    """What `token` says of itself; None when it is not built as a signed JWT is."""
    if len(token) > MAX_CREDENTIAL_LENGTH or not token.isascii():
        return None
    segments = token.encode("ascii").split(b".", 3)
    if len(segments) != 3:
        return None
    header, claims = base64url.decode(segments[0]), base64url.decode(segments[1])
    if header is None or claims is None:
        return None
    try:
        members, payload = parse_object(header), parse_object(claims)
    except ValueError:
        return None
    issuer, alg, kid = payload.get("iss"), members.get("alg"), members.get("kid")
    if not isinstance(alg, str) or not isinstance(kid, str | None):
        return None
    return Peek(issuer if isinstance(issuer, str) else None, alg, kid)
