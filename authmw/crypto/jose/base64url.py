"""Canonical base64url without padding (RFC 7515 §2): each octet string has exactly one spelling.

With a lenient decoder, a token would have a second spelling, which could bypass a check that compares its text, such as
a list of revoked tokens.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from typing import Final

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
# Only the alphabet of RFC 4648 §5: the other characters of standard base64 become `!`, which the decoder refuses.
_FROM_URL_SAFE: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"", b"===", b"==", b"=")
# RFC 4648 §3.5: the unused bits are zero. A last group of 2 characters has 4 unused bits, one of 3 characters has 2.
_LAST: Final = (None, frozenset[int](), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))


def decode(text: bytes) -> bytes | None:
    """The octets of `text`; None if it is not canonical base64url.

    >>> decode(b"_-8"), decode(b"_-8="), decode(b"_-9"), decode(b"/+8")
    (b'\\xff\\xef', None, None, None)
    """
    rest = len(text) % 4
    last = _LAST[rest]
    if last is not None and text[-1] not in last:
        return None
    try:
        return a2b_base64(text.translate(_FROM_URL_SAFE) + _PADDING[rest], strict_mode=True)
    except Error:
        return None


def encode(octets: bytes) -> bytes:
    """`octets` in base64url.

    >>> encode(b"\\xff\\xef")
    b'_-8'
    """
    return b2a_base64(octets, newline=False).translate(_URL_SAFE).rstrip(b"=")


def decode_member(text: object) -> bytes | None:
    """The octets of a member of a JWK, which is a str in base64url; None for another value."""
    if not isinstance(text, str) or not text.isascii():
        return None
    return decode(text.encode("ascii"))
