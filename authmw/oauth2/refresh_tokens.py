"""Refresh tokens as text: a beginning that all tokens of one login share, a part of their own, and a checksum.

::

    rt_ 4kT…30 characters…9a Zp0…30 characters…Q7 91c0f3aa
    │   │                    │                    └ CRC-32 of all before it, in hex
    │   │                    └ this token's own part
    │   └ the family's part: 130 random bits, and which issuer it is of
    └ a refresh token

A family is found by its part, however often it was refreshed; so a token that was used before is recognised by one
record, and who never held a token of the family cannot end it. Services that share a store know their own by it: with
a token of the shop, nobody gets one for the office (RFC 9700 §2.3).

The own part of a successor is derived from the token it follows and a random salt. Stored are the salt and digests
only. Whoever presents the token before it can therefore be given the same successor again, and who reads the store can
derive nothing: that takes the token itself.
"""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass, field
from typing import Final

from authmw.crypto.opaque_tokens import RANDOM_LENGTH, Entropy, base62, checksum, digest

_SALT_OCTETS: Final = 32
_RANDOM_OCTETS: Final = 32  # 80 bits more than the text holds: the remainder is as good as even
_FAMILY_LENGTH: Final = 22
_ISSUER_LENGTH: Final = RANDOM_LENGTH - _FAMILY_LENGTH
_TOKEN: Final = re.compile(
    rf"(?P<head>rt_(?P<family>[0-9A-Za-z]{{{RANDOM_LENGTH}}})[0-9A-Za-z]{{{RANDOM_LENGTH}}})(?P<checksum>[0-9a-f]{{8}})"
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token, well-formed and nothing more.

    Args:
        text: what the client has.
        family: the part that all tokens of its family share.
    """

    text: str = field(repr=False)
    family: str = field(repr=False)

    @classmethod
    def new(cls, issuer: str, *, entropy: Entropy = os.urandom) -> RefreshToken:
        """The first token of a new family at `issuer`.

        >>> token = RefreshToken.new("https://id.example")
        >>> len(token.text), RefreshToken.parse(token.text) == token
        (71, True)
        """
        family = base62(entropy(_RANDOM_OCTETS), _FAMILY_LENGTH)
        return cls._of(family + _issuer_part(issuer, family), entropy(_RANDOM_OCTETS))

    @classmethod
    def parse(cls, text: str) -> RefreshToken | None:
        """The token that `text` is; None when it is none, or was mistyped.

        >>> RefreshToken.parse("rt_" + "0" * 68) is None
        True
        """
        match = _TOKEN.fullmatch(text)
        if match is None or checksum(match["head"]) != match["checksum"]:
            return None
        return cls(text, match["family"])

    @classmethod
    def _of(cls, family: str, own: bytes) -> RefreshToken:
        head = f"rt_{family}{base62(own, RANDOM_LENGTH)}"
        return cls(head + checksum(head), family)

    def is_of(self, issuer: str) -> bool:
        """Whether its family was begun at `issuer`. To make it look so is to make it of no family.

        >>> token = RefreshToken.new("https://id.example")
        >>> token.is_of("https://id.example"), token.is_of("https://other.example")
        (True, False)
        """
        return self.family[_FAMILY_LENGTH:] == _issuer_part(issuer, self.family[:_FAMILY_LENGTH])

    def successor(self, salt: str) -> RefreshToken:
        """The token that takes the place of this one: always the same, for the same salt.

        >>> token, salt = RefreshToken.new("https://id.example"), new_salt()
        >>> token.successor(salt) == token.successor(salt) != token.successor(new_salt())
        True
        >>> token.successor(salt).key == token.key
        True
        """
        return self._of(self.family, hmac.digest(bytes.fromhex(salt), self.text.encode(), "sha256"))

    @property
    def key(self) -> str:
        """What its family is found by."""
        return digest(self.family)

    @property
    def digest(self) -> str:
        """What is stored in its place."""
        return digest(self.text)


def _issuer_part(issuer: str, family: str) -> str:
    return base62(hmac.digest(family.encode(), issuer.encode(), "sha256"), _ISSUER_LENGTH)


def new_salt(*, entropy: Entropy = os.urandom) -> str:
    """What one successor is derived with.

    >>> len(new_salt())
    64
    """
    return entropy(_SALT_OCTETS).hex()
