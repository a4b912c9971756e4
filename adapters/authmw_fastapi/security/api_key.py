"""API keys in a header, a query parameter or a cookie: the classes of `fastapi.security.api_key`."""

from fastapi.openapi.models import APIKey, APIKeyIn
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.status import HTTP_401_UNAUTHORIZED

from authmw_fastapi.security.base import Scheme
from authmw_fastapi.security.reading import is_usable, key_in_cookie, key_in_header, key_in_query

__all__ = ["APIKeyBase", "APIKeyCookie", "APIKeyHeader", "APIKeyQuery"]


class APIKeyBase(Scheme):
    """Base of the three classes for API keys: OpenAPI's ``apiKey``, and the response without a key.

    Args:
        location: where the key is.
        name: the name of the header, the query parameter or the cookie.
        description: for the OpenAPI document.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        auto_error: whether a request without a key is refused; otherwise it is given None.

    >>> key = APIKeyBase(APIKeyIn.header, "X-Key", None, None, False)
    >>> key.scheme_name, key.check_api_key("  ")
    ('APIKeyBase', None)
    """

    model: APIKey

    def __init__(
        self,
        location: APIKeyIn,
        name: str,
        description: str | None,
        scheme_name: str | None,
        auto_error: bool,
    ) -> None:
        super().__init__(scheme_name=scheme_name, auto_error=auto_error)
        self.model = APIKey.model_validate({"in": location, "name": name, "description": description})  # pyright: ignore[reportIncompatibleVariableOverride] - as FastAPI

    def make_not_authenticated_error(self) -> HTTPException:
        """401 with the challenge ``APIKey``. No scheme is registered for API keys, but a 401 needs a challenge."""
        return HTTPException(HTTP_401_UNAUTHORIZED, "Not authenticated", {"WWW-Authenticate": "APIKey"})

    def check_api_key(self, api_key: str | None) -> str | None:
        """`api_key`, if it can be one; otherwise None, or an error as `auto_error` says."""
        if api_key is not None and is_usable(api_key):
            return api_key
        self._go_without()
        return None


class APIKeyQuery(APIKeyBase):
    """An API key in a query parameter. URLs end up in logs and histories: prefer `APIKeyHeader`.

    Args:
        name: the parameter.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without a key is refused; otherwise it is given None.

    >>> APIKeyQuery(name="api_key").model.in_.value
    'query'
    """

    def __init__(
        self,
        *,
        name: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(APIKeyIn.query, name, description, scheme_name, auto_error)

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The key, if the parameter is there once."""
        return self.check_api_key(key_in_query(request, self.model.name))


class APIKeyHeader(APIKeyBase):
    """An API key in a header.

    Args:
        name: the header.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without a key is refused; otherwise it is given None.

    >>> APIKeyHeader(name="X-API-Key").make_not_authenticated_error().headers
    {'WWW-Authenticate': 'APIKey'}
    """

    def __init__(
        self,
        *,
        name: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(APIKeyIn.header, name, description, scheme_name, auto_error)

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The key, if there is one such header."""
        return self.check_api_key(key_in_header(request, self.model.name))


class APIKeyCookie(APIKeyBase):
    """An API key in a cookie. Browsers send cookies by themselves: guard unsafe methods against CSRF.

    Args:
        name: the cookie.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without a key is refused; otherwise it is given None.

    >>> APIKeyCookie(name="session", scheme_name="Session").scheme_name
    'Session'
    """

    def __init__(
        self,
        *,
        name: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(APIKeyIn.cookie, name, description, scheme_name, auto_error)

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The key, if there is one such cookie."""
        return self.check_api_key(key_in_cookie(request, self.model.name))
