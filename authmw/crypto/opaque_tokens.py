"""API keys and opaque tokens as text: a prefix for the kind, random characters, and a checksum.

::

    ak_ 7Qm…30 characters…x2 5c0a91f3
    │   │                    └ CRC-32 of the text before it, in hex
    │   └ 178 random bits, in base 62
    └ the kind: ``ak`` for an API key, ``at`` for an access token

GitHub's tokens have this format since 2021, for the same reasons: scanners find a leaked token by its prefix, a typing
error is detected without a question to a store, and a double click selects the whole token. All characters are allowed
in a b64token (RFC 6750 §2.1), so that keys and tokens can be bearer tokens. There is no dot, so that neither is taken
for a JWT.

The checksum is not secret and proves nothing. Only the digest is stored. With 178 random bits, a plain SHA-256 is as
safe as a slow hash.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final
from zlib import crc32

from authmw.errors import ConfigurationError

Entropy = Callable[[int], bytes]
"""A function that returns a number of random bytes: `os.urandom`, or a predictable function in a test."""

RANDOM_LENGTH: Final = 30
"""The number of random characters in a key or token: 62 ** 30 is more than 2 ** 178."""
CHECKSUM_LENGTH: Final = 8
"""The number of characters of the checksum."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = len("_") + RANDOM_LENGTH + CHECKSUM_LENGTH
_PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")
_ID_LENGTH = 12


def new_api_key(prefix: str = "ak", *, entropy: Entropy = os.urandom) -> str:
    """A new API key. Show it to its owner once, and store only its `token_digest`.

    Args:
        prefix: the beginning of all keys of the application, such as ``ak``.
        entropy: returns random bytes.

    Raises:
        ConfigurationError: `prefix` is not 1 to 16 lower-case letters and digits that begin with a letter.

    >>> key = new_api_key()
    >>> key[:3], len(key), has_checksum(key, "ak")
    ('ak_', 41, True)
    """
    head = f"{checked_prefix(prefix)}_{_random(RANDOM_LENGTH, entropy)}"
    return head + checksum(head)


def new_token(prefix: str = "at", *, entropy: Entropy = os.urandom) -> str:
    """A new opaque token, in the same format as an API key.

    Args:
        prefix: the beginning of all tokens of the application, such as ``at``.
        entropy: returns random bytes.

    Raises:
        ConfigurationError: as `new_api_key`.

    >>> new_token().startswith("at_")
    True
    """
    return new_api_key(prefix, entropy=entropy)


def new_id(prefix: str, *, entropy: Entropy = os.urandom) -> str:
    """A new identifier for a record, such as ``key_7Qm3x9Zk3Pqa``. It is not a secret, and logs contain it.

    >>> len(new_id("key"))
    16
    """
    return f"{checked_prefix(prefix)}_{_random(_ID_LENGTH, entropy)}"


def token_digest(text: str) -> str:
    """The SHA-256 of a key, token or secret, in lower-case hex. Stores keep it instead of the text.

    >>> token_digest("abc")[:16]
    'ba7816bf8f01cfea'
    """
    return sha256(text.encode()).hexdigest()


def has_checksum(text: str, prefix: str) -> bool:
    """Whether `text` has the prefix, the length and the checksum of a key or token.

    It detects typing errors only. A text that passes is valid only if a store has its digest.

    >>> has_checksum("ak_" + "0" * 38, "ak"), has_checksum("", "ak")
    (False, False)
    """
    return (
        len(text) == len(prefix) + _LENGTH
        and text.isascii()
        and text.startswith(f"{prefix}_")
        and text.endswith(checksum(text[:-CHECKSUM_LENGTH]))
    )


def checked_prefix(prefix: str) -> str:
    """`prefix`, if it is allowed.

    It has no underscore, so that no key begins with another prefix and an underscore.

    Raises:
        ConfigurationError: `prefix` is not 1 to 16 lower-case letters and digits that begin with a letter.

    >>> checked_prefix("ak")
    'ak'
    """
    if _PREFIX.fullmatch(prefix) is None:
        raise ConfigurationError(f"{prefix!r} is not a prefix: use at most 16 lower-case letters and digits, as 'ak'")
    return prefix


def _random(length: int, entropy: Entropy) -> str:
    # About 80 bits more than needed, so that the remainder of the division is almost uniform.
    return base62(entropy(length * 6 // 8 + 10), length)


def base62(octets: bytes, length: int) -> str:
    """The last `length` base-62 digits of the big-endian number in `octets`, the least significant digit first.

    >>> base62(bytes([1, 0]), 3)
    '840'
    """
    number = int.from_bytes(octets)
    characters: list[str] = []
    for _ in range(length):
        number, remainder = divmod(number, 62)
        characters.append(_ALPHABET[remainder])
    return "".join(characters)


def checksum(head: str) -> str:
    """The end of a key or token: the CRC-32 of the text before it, in lower-case hex.

    >>> checksum("ak_")
    'cb89860c'
    """
    return f"{crc32(head.encode()):08x}"
