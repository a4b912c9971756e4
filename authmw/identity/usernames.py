"""User names in one spelling (RFC 8265): what stores look up and throttles count."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_USERNAME_BYTES: Final = 256
"""The longest user name, in bytes of UTF-8 (BAS-4)."""


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def canonical_username(username: str) -> str | None:
    """The name a store is asked for: in NFC, else as it stands; None for what no store is asked for.

    That is an empty name, one of more than 256 bytes, one with control characters or lone surrogates.

    >>> canonical_username("Zoe\u0308") == "Zo\u00eb"
    True
    """
    if not username or len(username) > MAX_USERNAME_BYTES or _CONTROL.search(username) is not None:
        return None
    if username.isascii():
        return username
    try:
        name = unicodedata.normalize("NFC", username)
        return name if len(name.encode()) <= MAX_USERNAME_BYTES else None
    except UnicodeEncodeError:
        return None
