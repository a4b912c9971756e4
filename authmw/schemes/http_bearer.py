"""Scheme for ``Authorization: Bearer`` (RFC 6750)."""

from __future__ import annotations

from typing import Any, ClassVar

from authmw.errors import explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token68
from authmw.http.reasons import Reason
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Rejected
from authmw.schemes.base import AuthorizationScheme
from authmw.verifiers.base import Lookup, Verifier


class BearerScheme(AuthorizationScheme[BearerToken]):
    """Base of every scheme that carries a bearer token: how the token is read, and the challenge."""

    auth_type = "Bearer"
    extracts: ClassVar[type | None] = BearerToken

    def read(self, value: str) -> BearerToken | Rejected:
        """The token, if it is a b64token (RFC 6750 §2.1) of bounded length. It is not decoded."""
        if len(value) > MAX_CREDENTIAL_LENGTH:
            return Rejected(Reason.TOKEN_MALFORMED, "longer than 8 KiB")
        if not is_token68(value):
            return Rejected(Reason.TOKEN_MALFORMED, "not a b64token")
        return BearerToken(value)

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """``Bearer realm="…"``, with ``error`` only when a token was presented (RFC 6750 §3)."""
        params = [("realm", realm)]
        if rejected is not None and rejected.reason.error is not None:
            params.append(("error", rejected.reason.error))
            if rejected.reason.error != "insufficient_scope":  # there the scope parameter says enough
                params.append(("error_description", rejected.reason.description))
        if scopes:
            params.append(("scope", " ".join(scopes)))
        return Challenge("Bearer", tuple(params))


@explains_arguments("HTTPBearer(JWTVerifier(...))")
class HTTPBearer(BearerScheme):
    """A bearer token in the ``Authorization`` header (RFC 6750 §2.1).

    Args:
        verifier: a `JWTVerifier`, a `TokenVerifier`, or a function from the token to a `Principal` or None.
        bearer_format: a hint for the OpenAPI document, as ``JWT``.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    >>> HTTPBearer(bearer_format="JWT").openapi()
    {'type': 'http', 'scheme': 'bearer', 'bearerFormat': 'JWT'}
    """

    def __init__(
        self,
        verifier: Verifier[BearerToken] | Lookup | None = None,
        *,
        bearer_format: str = "",
        name: str = "",
        description: str = "",
    ) -> None:
        super().__init__(verifier, name=name, description=description)
        self.bearer_format = bearer_format

    def openapi(self) -> dict[str, Any]:
        """``{"type": "http", "scheme": "bearer"}``."""
        scheme = {"type": "http", "scheme": "bearer"}
        return self._described({**scheme, "bearerFormat": self.bearer_format} if self.bearer_format else scheme)
