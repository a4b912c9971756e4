"""Chained tokens as text: a part that all tokens of one chain share, a part of their own, and a checksum.

Refresh tokens and the values of session cookies have this form.

::

    rt_ 4kT…30 characters…9a Zp0…30 characters…Q7 91c0f3aa
    │   │                    │                    └ CRC-32 of all before it, in hex
    │   │                    └ this token's own part
    │   └ the family's part: 130 random bits, and 8 characters derived from the issuer
    └ a refresh token

A family (of a session cookie: a session) is found by its part, however often it was refreshed. So one record is enough
to recognise a token that was used before, and a client that never had a token of the family cannot end it. Services
that share a store recognise their own tokens by it: a refresh token of the shop gets no access token for the office
(RFC 9700 §2.3).

The own part of a successor is derived from its predecessor and a random salt. Only the salt and digests are stored.
So a client that presents the predecessor again can be given the same successor again; from the contents of the store
alone no token can be derived.
"""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

from authmw.crypto.opaque_tokens import RANDOM_LENGTH, Entropy, base62, checksum, token_digest

_SALT_OCTETS: Final = 32
_RANDOM_OCTETS: Final = 32  # 80 bits more than the text needs, so the bias of the remainder is negligible
_FAMILY_LENGTH: Final = 22
_ISSUER_LENGTH: Final = RANDOM_LENGTH - _FAMILY_LENGTH
_TOKEN: Final = re.compile(
    rf"(?P<head>(?P<kind>[a-z]{{2}})_(?P<family>[0-9A-Za-z]{{{RANDOM_LENGTH}}})[0-9A-Za-z]{{{RANDOM_LENGTH}}})"
    r"(?P<checksum>[0-9a-f]{8})"
)


@dataclass(frozen=True, slots=True)
class ChainedToken:
    """A well-formed token of a chain, which is not verified yet.

    Args:
        text: the token as the client has it.
        family: the part that all tokens of its family share.
    """

    kind: ClassVar[str]
    """The two letters that it begins with."""

    text: str = field(repr=False)
    family: str = field(repr=False)

    @classmethod
    def new(cls, issuer: str = "", *, entropy: Entropy = os.urandom) -> Self:
        """The first token of a new family at `issuer`.

        >>> token = RefreshToken.new("https://id.example")
        >>> len(token.text), RefreshToken.parse(token.text) == token
        (71, True)
        """
        family = base62(entropy(_RANDOM_OCTETS), _FAMILY_LENGTH)
        return cls._of(family + _issuer_part(issuer, family), entropy(_RANDOM_OCTETS))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The token in `text`; None for other text, a token of another kind, or a wrong checksum.

        >>> RefreshToken.parse("rt_" + "0" * 68) is None
        True
        """
        match = _TOKEN.fullmatch(text)
        if match is None or match["kind"] != cls.kind or checksum(match["head"]) != match["checksum"]:
            return None
        return cls(text, match["family"])

    @classmethod
    def _of(cls, family: str, own: bytes) -> Self:
        head = f"{cls.kind}_{family}{base62(own, RANDOM_LENGTH)}"
        return cls(head + checksum(head), family)

    def is_of(self, issuer: str) -> bool:
        """Whether its family was begun at `issuer`. Text that is changed to look so belongs to no family.

        >>> token = RefreshToken.new("https://id.example")
        >>> token.is_of("https://id.example"), token.is_of("https://other.example")
        (True, False)
        """
        return self.family[_FAMILY_LENGTH:] == _issuer_part(issuer, self.family[:_FAMILY_LENGTH])

    def successor(self, salt: str) -> Self:
        """The token that replaces this one; the same for the same salt.

        >>> token, salt = RefreshToken.new("https://id.example"), new_salt()
        >>> token.successor(salt) == token.successor(salt) != token.successor(new_salt())
        True
        >>> token.successor(salt).key == token.key
        True
        """
        return self._of(self.family, hmac.digest(bytes.fromhex(salt), self.text.encode(), "sha256"))

    def replacement(self, *, entropy: Entropy = os.urandom) -> Self:
        """A token that replaces this one and that nobody can derive from it.

        >>> token = SessionToken.new()
        >>> token.replacement().key == token.key, token.replacement() == token.replacement()
        (True, False)
        """
        return self._of(self.family, entropy(_RANDOM_OCTETS))

    @property
    def key(self) -> str:
        """The key of its family in the store."""
        return token_digest(self.family)

    @property
    def digest(self) -> str:
        """The digest that is stored in its place."""
        return token_digest(self.text)


class RefreshToken(ChainedToken):
    """A well-formed refresh token, which is not verified yet."""

    __slots__ = ()
    kind = "rt"


class SessionToken(ChainedToken):
    """A well-formed value of a session cookie, which is not verified yet."""

    __slots__ = ()
    kind = "st"


def _issuer_part(issuer: str, family: str) -> str:
    return base62(hmac.digest(family.encode(), issuer.encode(), "sha256"), _ISSUER_LENGTH)


def new_salt(*, entropy: Entropy = os.urandom) -> str:
    """A salt to derive one successor with.

    >>> len(new_salt())
    64
    """
    return entropy(_SALT_OCTETS).hex()
