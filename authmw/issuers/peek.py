"""Unverified part of a token. It only chooses the issuer and decides whether keys are fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import ASYMMETRIC
from authmw.crypto.jose.strict_json import parse_object
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH

_ASYMMETRIC: Final = frozenset(ASYMMETRIC)


@dataclass(frozen=True, slots=True)
class Peek:
    """The unverified ``iss``, ``alg`` and ``kid`` of a token. Any client can write them.

    Args:
        issuer: the ``iss``; None if it is not a string.
        alg: the algorithm that the header names.
        kid: the key that the header names; None if it names none.
    """

    issuer: str | None
    alg: str
    kid: str | None

    @property
    def is_worth_a_fetch(self) -> bool:
        """Whether a published key may have signed it. For ``HS256`` and ``none`` nothing is fetched."""
        return self.alg in _ASYMMETRIC


def peek(token: str) -> Peek | None:
    """The unverified part of `token`; None if it does not have the form of a signed JWT."""
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
