"""Schemes for API keys in a header, a query parameter or a cookie."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Any, ClassVar, Final, Literal, cast

from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token, is_token68
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.http.set_cookie import clearing
from authmw.identity.credentials import ApiKey, BearerToken
from authmw.identity.verdict import Rejected, Remembered
from authmw.schemes.base import SecurityScheme, check_name_first, is_dead
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.base import Lookup, Verifier

Place = Literal["header", "query", "cookie"]
"""Place of an API key in a request (OpenAPI 3.1, ``in``)."""

# path-value = *av-octet                                                     RFC 6265 §4.1.1
_PATH = re.compile(r"/[\x20-\x3a\x3c-\x7e]*")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]*")

_SEVERAL: Final = Rejected(Reason.CREDENTIAL_DUPLICATE)


class _APIKey(SecurityScheme[ApiKey | BearerToken]):
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
        verifier: Verifier[ApiKey] | Verifier[BearerToken] | Lookup | None = None,
        *,
        name: str = "",
        description: str = "",
    ) -> None:
        check_name_first(parameter, type(self).__name__, "X-API-Key" if self.place == "header" else "api_key")
        self._holds_token = self.place == "header" and _is_for_tokens(verifier)
        super().__init__(cast("Any", verifier), name=name, description=description)
        if not is_token(parameter):
            raise ConfigurationError(f"{parameter!r} cannot name a {self.place}: use letters, digits and hyphens")
        self.parameter = parameter

    def _check_fit(self, accepts: tuple[type, ...] | None) -> None:
        if not self._holds_token:
            super()._check_fit(accepts)

    @abstractmethod
    def value(self, request: RequestHead) -> str | Rejected | None:
        """The value at the place of this scheme; None if there is none, `Rejected` if there are several."""

    def extract(self, request: RequestHead) -> ApiKey | BearerToken | Rejected | None:
        """The key, if there is exactly one and it is visible ASCII.

        A value with a comma counts as two keys: a server may have joined two headers by it (RFC 9110 §5.2).
        """
        found = self.value(request)
        if found is None or isinstance(found, Rejected):
            return found
        value = found.strip(" \t")
        if "," in value:
            return _SEVERAL
        is_visible = value.isascii() and value.isprintable() and " " not in value
        if not value or not is_visible or len(value) > MAX_CREDENTIAL_LENGTH:
            return Rejected(Reason.CREDENTIALS_MALFORMED, "an API key is visible ASCII, not empty, at most 8 KiB")
        if not self._holds_token:
            return ApiKey(value)
        return BearerToken(value) if is_token68(value) else Rejected(Reason.TOKEN_MALFORMED, "not a b64token")

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """``ApiKey realm="…", header="X-API-Key"``: no scheme is registered for API keys."""
        return Challenge("ApiKey", (("realm", realm), (self.place, self.parameter)))

    def openapi(self) -> dict[str, Any]:
        """``{"type": "apiKey", "in": …, "name": …}``."""
        return self._described({"type": "apiKey", "in": self.place, "name": self.parameter})


def _only(values: tuple[str, ...]) -> str | Rejected | None:
    """The value; None if there is none, `Rejected` if there are several."""
    if len(values) > 1:
        return _SEVERAL
    return values[0] if values else None


def _is_for_tokens(verifier: object) -> bool:
    """Whether `verifier` says that it verifies access tokens, and not API keys."""
    accepts = getattr(verifier, "accepts", ())
    return BearerToken in accepts and ApiKey not in accepts


@explains_arguments('APIKeyHeader("X-API-Key", ApiKeyVerifier(...))')
class APIKeyHeader(_APIKey):
    """An API key in a header of its own: ``APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))``.

    With a verifier of access tokens, as an `Issuer`, the header holds such a token: gateways put it into
    ``X-Forwarded-Access-Token`` or ``Cf-Access-Jwt-Assertion``.

    Under WSGI ``X_API_Key`` and ``X-API-Key`` look the same; see the docs for servers that drop the former.
    """

    place: ClassVar[Place] = "header"

    def __init__(
        self,
        parameter: str,
        verifier: Verifier[ApiKey] | Verifier[BearerToken] | Lookup | None = None,
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

    def value(self, request: RequestHead) -> str | None:
        """The header, its lines joined by commas."""
        return request.header(self._header)

    def recall_header(self, value: bytes) -> Remembered | None:
        """The verdict on a key that was good before, if the store still answers the same record."""
        return self.verifier.recall(value) if isinstance(self.verifier, ApiKeyVerifier) else None

    @property
    def recalls_header(self) -> str:
        """The header, unless a subclass or an object has its own way to read it or to verify the key."""
        kind, own = type(self), vars(self)
        is_ours = (kind.extract, kind.value) == (APIKeyHeader.extract, APIKeyHeader.value)
        is_ours = is_ours and "extract" not in own and "value" not in own
        return self._header if is_ours and isinstance(self.verifier, ApiKeyVerifier) and self.verifier.recalls else ""


@explains_arguments('APIKeyQuery("api_key", ApiKeyVerifier(...))')
class APIKeyQuery(_APIKey):
    """An API key in the query string. URLs are kept in logs and histories: prefer `APIKeyHeader`."""

    place: ClassVar[Place] = "query"
    vary = ""

    def value(self, request: RequestHead) -> str | Rejected | None:
        """The value of the parameter."""
        try:
            return _only(request.query(self.parameter))
        except ValueError:
            return _SEVERAL  # the query is too long to find out which value counts


@explains_arguments('APIKeyCookie("api_key", ApiKeyVerifier(...))')
class APIKeyCookie(_APIKey):
    """An API key in a cookie. Browsers send cookies on their own: protect unsafe methods against CSRF.

    A cookie that authenticates nobody counts as absent: public pages are served, and others are a 401. Both answers
    clear it, so give the path and the domain that your application sets it with.

    Args:
        parameter: the name of the cookie.
        verifier: an `ApiKeyVerifier`, or a function from the key to a `Principal` or None.
        path: ``Path`` of the cookie.
        domain: ``Domain`` of the cookie; empty if the application sets none.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    Raises:
        ConfigurationError: a name, path or domain that no cookie can have.
    """

    place: ClassVar[Place] = "cookie"
    in_cookie = True
    vary = "Cookie"

    def __init__(
        self,
        parameter: str,
        verifier: Verifier[ApiKey] | Lookup | None = None,
        *,
        path: str = "/",
        domain: str = "",
        name: str = "",
        description: str = "",
    ) -> None:
        super().__init__(parameter, verifier, name=name, description=description)
        if _PATH.fullmatch(path) is None or _DOMAIN.fullmatch(domain) is None:
            raise ConfigurationError(
                f"APIKeyCookie(path={path!r}, domain={domain!r}): write them as in Set-Cookie, path='/api' and "
                "domain='shop.example'"
            )
        if parameter.lower().startswith("__host-") and (path != "/" or domain):
            raise ConfigurationError(f"{parameter!r} has the path / and no domain: leave out path= and domain=")
        self.path = path
        self.domain = domain

    def value(self, request: RequestHead) -> str | Rejected | None:
        """The cookie of that name."""
        try:
            return _only(request.cookie(self.parameter))
        except ValueError:
            return _SEVERAL

    def clearing(self, rejected: Rejected) -> tuple[tuple[str, str], ...]:
        """The header that clears a dead cookie."""
        return (clearing(self.parameter, path=self.path, domain=self.domain),) if is_dead(rejected) else ()
