"""Scheme for ``Authorization: Basic`` (RFC 7617)."""

from __future__ import annotations

import re
from binascii import a2b_base64
from typing import Any, ClassVar, Final

from authmw.errors import explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.reasons import Reason
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Rejected
from authmw.schemes.base import AuthorizationScheme
from authmw.verifiers.base import PasswordLookup, Verifier

MAX_USERNAME: Final = 256
"""The longest user name, in bytes of UTF-8. The limit is the same for every user, known or unknown."""
MAX_PASSWORD: Final = 1024
"""The longest password, in bytes of UTF-8. The limit is the same for every user, known or unknown."""

# user-pass holds no control characters (RFC 7617 §2); C1 controls and DEL are refused as well.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MAX_ENCODED = 4 * ((MAX_USERNAME + 1 + MAX_PASSWORD + 2) // 3)
# What stands before the padding, with its unused bits 0: four before two signs, two before one.
_BEFORE_TWO: Final = "AQgw"
_BEFORE_ONE: Final = "AEIMQUYcgkosw048="
_MALFORMED = Reason.CREDENTIALS_MALFORMED
# RFC 7617 §2.1: the challenge asks for UTF-8. A second reading, in latin-1, would give some passwords two spellings.
_NOT_UTF_8 = "user name and password are not UTF-8, maybe latin-1, as requests sends str: give it bytes of UTF-8"


@explains_arguments("HTTPBasic(PasswordVerifier(...))")
class HTTPBasic(AuthorizationScheme[BasicCredentials]):
    """A user name and password in the ``Authorization`` header (RFC 7617), in UTF-8.

    Args:
        verifier: a `PasswordVerifier`, or a function from user name and password to a `Principal` or None.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    >>> HTTPBasic().read("YWxpY2U6c2VjcmV0OjE=").password
    'secret:1'
    """

    auth_type = "Basic"
    extracts: ClassVar[type | None] = BasicCredentials

    def __init__(
        self,
        verifier: Verifier[BasicCredentials] | PasswordLookup | None = None,
        *,
        name: str = "",
        description: str = "",
    ) -> None:
        super().__init__(verifier, name=name, description=description)

    def read(self, value: str) -> BasicCredentials | Rejected:
        """Decode user-pass: strict base64, strict UTF-8, split at the first colon, nothing trimmed."""
        if len(value) > _MAX_ENCODED:
            return Rejected(_MALFORMED, "longer than a user name and a password may be")
        raw = decode_base64(value)
        if raw is None:
            return Rejected(_MALFORMED, "not canonical base64")
        try:
            text = raw.decode("utf-8")
        except ValueError:
            return Rejected(_MALFORMED, _NOT_UTF_8)
        username, colon, password = text.partition(":")
        if not colon:
            return Rejected(_MALFORMED, "no colon")
        if not text.isprintable() and _CONTROL.search(text) is not None:
            return Rejected(_MALFORMED, "a control character")
        if not username or not password:
            return Rejected(_MALFORMED, "an empty user name or password")
        if len(raw) > MAX_USERNAME and (len(username.encode()) > MAX_USERNAME or len(password.encode()) > MAX_PASSWORD):
            return Rejected(_MALFORMED, "longer than a user name or a password may be")
        return BasicCredentials(username, password)

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """``Basic realm="…", charset="UTF-8"`` (RFC 7617 §2.1)."""
        return Challenge("Basic", (("realm", realm), ("charset", "UTF-8")))

    def openapi(self) -> dict[str, Any]:
        """``{"type": "http", "scheme": "basic"}``."""
        return self._described({"type": "http", "scheme": "basic"})


def decode_base64(value: str) -> bytes | None:
    """The decoded octets; None unless `value` is their canonical base64 (RFC 4648 §3.5).

    Otherwise one credential would have several spellings.

    >>> decode_base64("Og=="), decode_base64("Og"), decode_base64("Oh==")
    (b':', None, None)
    """
    try:
        raw = a2b_base64(value, strict_mode=True)
    except ValueError:
        return None
    # RFC 4648 §3.5: pad bits must be zero. The strict mode of Python does not check them.
    is_padded = value.endswith("=")
    if is_padded and (value[-2] not in _BEFORE_ONE or (value[-2] == "=" and value[-3] not in _BEFORE_TWO)):
        return None
    return raw
