"""Canonical user names (RFC 8265): the one spelling by which stores find a user and throttles count attempts."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_USERNAME_BYTES: Final = 256
"""The longest user name, in bytes of UTF-8. A longer one is refused at the same cost as an unknown user."""


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def canonical_username(username: str) -> str | None:
    """`username` in Normalization Form C, otherwise unchanged: the name for the store. None if no store is asked.

    No store is asked for an empty name, a name of more than 256 bytes, and a name with control characters or lone
    surrogates.

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
