"""Schemes for API keys in a header, a query parameter or a cookie."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from authmw.errors import ConfigurationError
from authmw.http.challenge import Challenge
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import ApiKey
from authmw.identity.verdict import Rejected
from authmw.schemes.base import SecurityScheme, check_name_first
from authmw.verifiers.base import Verifier

Place = Literal["header", "query", "cookie"]
"""Place of an API key in a request (OpenAPI 3.1, ``in``)."""

# Visible ASCII without a comma: servers join two headers of one name by a comma (RFC 9110 §5.2).
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+")


class _APIKey(SecurityScheme[ApiKey]):
    """An API key under the name `parameter` in one place.

    Args:
        parameter: the name of the header, the query parameter or the cookie.
        verifier: an `ApiKeyVerifier`, or a function from the key to a `Principal` or None.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.
    """

    place: ClassVar[Place]
    extracts: ClassVar[type | None] = ApiKey

    def __init__(
        self,
        parameter: str,
        verifier: Verifier[ApiKey] | Callable[..., Any] | None = None,
        *,
        name: str = "",
        description: str = "",
    ) -> None:
        check_name_first(parameter, type(self).__name__, "X-API-Key" if self.place == "header" else "api_key")
        super().__init__(verifier, name=name, description=description)
        if not is_token(parameter):
            raise ConfigurationError(f"{parameter!r} cannot name a {self.place}: use letters, digits and hyphens")
        self.parameter = parameter

    @abstractmethod
    def values(self, request: RequestHead) -> tuple[str, ...]:
        """All values at the place of this scheme."""

    def extract(self, request: RequestHead) -> ApiKey | Rejected | None:
        """The key, if there is exactly one and it is visible ASCII.

        A value with a comma counts as two keys: a server may have joined two headers by it (RFC 9110 §5.2).
        """
        values = self.values(request)
        if not values:
            return None
        value = values[0].strip(" \t")
        if len(values) > 1 or "," in value:
            return Rejected(Reason.CREDENTIAL_DUPLICATE)
        if len(value) > MAX_CREDENTIAL_LENGTH or _KEY.fullmatch(value) is None:
            return Rejected(Reason.CREDENTIALS_MALFORMED, "an API key is visible ASCII, not empty, at most 8 KiB")
        return ApiKey(value)

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """``ApiKey realm="…", header="X-API-Key"``: no scheme is registered for API keys."""
        return Challenge("ApiKey", (("realm", realm), (self.place, self.parameter)))

    def openapi(self) -> dict[str, Any]:
        """``{"type": "apiKey", "in": …, "name": …}``."""
        return self._described({"type": "apiKey", "in": self.place, "name": self.parameter})


class APIKeyHeader(_APIKey):
    """An API key in a header of its own: ``APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))``.

    Under WSGI ``X_API_Key`` and ``X-API-Key`` look the same; see the docs for servers that drop the former.
    """

    place: ClassVar[Place] = "header"

    def __init__(
        self,
        parameter: str,
        verifier: Verifier[ApiKey] | Callable[..., Any] | None = None,
        *,
        name: str = "",
        description: str = "",
    ) -> None:
        super().__init__(parameter, verifier, name=name, description=description)
        if "_" in parameter:
            raise ConfigurationError(f"{parameter!r}: servers drop header names with an underscore; use hyphens")
        if parameter.lower() == "authorization":
            raise ConfigurationError("the Authorization header belongs to HTTPBearer and HTTPBasic; use X-API-Key")
        self.vary = parameter
        self._header = parameter.lower()

    def values(self, request: RequestHead) -> tuple[str, ...]:
        """The header, its lines joined by commas."""
        value = request.header(self._header)
        return () if value is None else (value,)


class APIKeyQuery(_APIKey):
    """An API key in the query string. URLs are kept in logs and histories: prefer `APIKeyHeader`."""

    place: ClassVar[Place] = "query"
    vary = ""

    def values(self, request: RequestHead) -> tuple[str, ...]:
        """Every value of the parameter."""
        try:
            return request.query(self.parameter)
        except ValueError:
            return ("", "")  # the query is too long to find out which value counts: refused like two values


class APIKeyCookie(_APIKey):
    """An API key in a cookie. Browsers send cookies on their own: protect unsafe methods against CSRF."""

    place: ClassVar[Place] = "cookie"
    vary = "Cookie"

    def values(self, request: RequestHead) -> tuple[str, ...]:
        """Every cookie of that name."""
        try:
            return request.cookie(self.parameter)
        except ValueError:
            return ("", "")
