"""Tokens for forms: they prove that a form came from a page of the application (CSRF).

A token is a random mask and the HMAC of the mask under a secret that only this browser and the server have: the part
of a session cookie that all its values share. So nothing is stored, a token of another session is worth nothing, and
two tokens of one session differ, which leaves nothing to guess from the size of compressed responses (BREACH).
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from authmw.crypto.opaque_tokens import Entropy

_MASK: Final = 16
_LENGTH: Final = 64
"""Characters of a token: 48 octets in base64url, without padding."""
_PURPOSE: Final = b"authmw form token\0"


def new_form_token(secret: str, *, entropy: Entropy = os.urandom) -> str:
    """A token for a form of the browser that has `secret`.

    >>> token = new_form_token("of this browser")
    >>> is_form_token(token, "of this browser"), is_form_token(token, "of another")
    (True, False)
    """
    mask = entropy(_MASK)
    return urlsafe_b64encode(mask + _proof(secret, mask)).decode()


def is_form_token(text: str | None, secret: str) -> bool:
    """Whether `text` is a token for a form of the browser that has `secret`.

    >>> is_form_token(None, "of this browser"), is_form_token("A" * 64, "of this browser")
    (False, False)
    """
    if text is None or len(text) != _LENGTH or not text.isascii():
        return False
    try:
        octets = urlsafe_b64decode(text)
    except ValueError:
        return False
    return hmac.compare_digest(octets[_MASK:], _proof(secret, octets[:_MASK]))


def _proof(secret: str, mask: bytes) -> bytes:
    return hmac.digest(secret.encode(), _PURPOSE + mask, "sha256")
