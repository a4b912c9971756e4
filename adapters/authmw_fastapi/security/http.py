"""Schemes of the header ``Authorization``: the classes of `fastapi.security.http`."""

import re
from typing import Final

from fastapi.exceptions import HTTPException
from fastapi.openapi.models import HTTPBase as HTTPBaseModel
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection
from starlette.status import HTTP_401_UNAUTHORIZED

from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.schemes.http_basic import decode_base64
from authmw_fastapi.security.base import Scheme
from authmw_fastapi.security.reading import authorization

__all__ = [
    "HTTPAuthorizationCredentials",
    "HTTPBase",
    "HTTPBasic",
    "HTTPBasicCredentials",
    "HTTPBearer",
    "HTTPDigest",
]

# user-pass holds no control characters (RFC 7617 §2); C1 controls and DEL are refused as well.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# FastAPI writes a realm unchanged, and browsers show it, so latin-1 is kept (obs-text, RFC 9110 §5.6.4).
_NOT_IN_A_HEADER: Final = re.compile(r"[^\x20-\x7e\xa0-\xff]")
_TO_ESCAPE: Final = re.compile(r'(["\\])')


class HTTPBasicCredentials(BaseModel):
    """The name and the password of `HTTPBasic`.

    >>> HTTPBasicCredentials(username="alice", password="secret")
    HTTPBasicCredentials(username='alice')
    """

    username: str
    password: str = Field(repr=False)


class HTTPAuthorizationCredentials(BaseModel):
    """The scheme, as the client wrote it, and the text after it.

    >>> HTTPAuthorizationCredentials(scheme="Bearer", credentials="t0ken")
    HTTPAuthorizationCredentials(scheme='Bearer')
    """

    scheme: str
    credentials: str = Field(repr=False)


class HTTPBase(Scheme):
    """Any scheme of ``Authorization`` (RFC 9110 §11). As in FastAPI, credentials of other schemes are returned too.

    Args:
        scheme: the scheme, for the challenge and the OpenAPI document.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without credentials is refused; otherwise it is given None.

    >>> HTTPBase(scheme="hawk").make_authenticate_headers()
    {'WWW-Authenticate': 'Hawk'}
    """

    model: HTTPBaseModel

    def __init__(
        self,
        *,
        scheme: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme_name=scheme_name, auto_error=auto_error)
        self.model = HTTPBaseModel(scheme=scheme, description=description)  # pyright: ignore[reportIncompatibleVariableOverride] - as FastAPI

    def make_authenticate_headers(self) -> dict[str, str]:
        """The challenge."""
        return {"WWW-Authenticate": self.model.scheme.title()}

    def make_not_authenticated_error(self) -> HTTPException:
        """401 with the challenge."""
        return HTTPException(HTTP_401_UNAUTHORIZED, "Not authenticated", self.make_authenticate_headers())

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        """The credentials, of any scheme."""
        found = authorization(request)
        if found is None or not found.scheme or not found.value:
            self._go_without()
            return None
        return HTTPAuthorizationCredentials(scheme=found.scheme, credentials=found.value)


class HTTPBasic(HTTPBase):
    """A name and a password in the ``Authorization`` header, in UTF-8 (RFC 7617).

    Args:
        scheme_name: the key in the OpenAPI document; the class's name by default.
        realm: the protection space, for the challenge.
        description: for the OpenAPI document.
        auto_error: whether a request without such credentials is refused; otherwise it is given None. Credentials
            that cannot be read are refused in either case.

    >>> print(HTTPBasic(realm='the "back" office').make_authenticate_headers()["WWW-Authenticate"])
    Basic realm="the \\"back\\" office"
    """

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        realm: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme="basic", scheme_name=scheme_name, description=description, auto_error=auto_error)
        self.realm: str | None = realm

    def make_authenticate_headers(self) -> dict[str, str]:
        """``Basic``, or ``Basic realm="…"``."""
        if not self.realm:
            return {"WWW-Authenticate": "Basic"}
        return {"WWW-Authenticate": f'Basic realm="{_escaped(self.realm)}"'}

    async def __call__(  # type: ignore[override]  # FastAPI's HTTPBasic is an HTTPBase as well
        self, request: HTTPConnection
    ) -> HTTPBasicCredentials | None:
        """The name and the password."""
        found = authorization(request)
        if found is None or found.scheme.lower() != "basic":
            self._go_without()
            return None
        credentials = _user_pass(found.value)
        if credentials is None:
            raise self.make_not_authenticated_error()
        return credentials


class HTTPBearer(HTTPBase):
    """A token in the ``Authorization`` header (RFC 6750 §2.1).

    Args:
        bearerFormat: a hint for the OpenAPI document, as ``JWT``.
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without a token is refused; otherwise it is given None.

    >>> HTTPBearer(bearerFormat="JWT").model.bearerFormat
    'JWT'
    """

    def __init__(
        self,
        *,
        bearerFormat: str | None = None,  # noqa: N803 - as OpenAPI and FastAPI spell it
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme="bearer", scheme_name=scheme_name, auto_error=auto_error)
        self.model: HTTPBearerModel = HTTPBearerModel(bearerFormat=bearerFormat, description=description)  # pyright: ignore[reportIncompatibleVariableOverride] - as FastAPI

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        """The scheme, as the client wrote it, and the token."""
        found = authorization(request)
        token = found.bearer_token if found else None
        if found is None or token is None:
            self._go_without()
            return None
        return HTTPAuthorizationCredentials(scheme=found.scheme, credentials=token)


class HTTPDigest(HTTPBase):
    """The text after ``Digest`` in the ``Authorization`` header (RFC 7616), which is not parsed.

    To verify Digest, use `authmw.HTTPDigest` with a `DigestVerifier`.

    Args:
        scheme_name: the key in the OpenAPI document; the class's name by default.
        description: for the OpenAPI document.
        auto_error: whether a request without such credentials is refused; otherwise it is given None.

    >>> HTTPDigest().make_authenticate_headers()
    {'WWW-Authenticate': 'Digest'}
    """

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme="digest", scheme_name=scheme_name, description=description, auto_error=auto_error)

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        """The scheme and the parameters, both as the client wrote them."""
        found = authorization(request)
        if found is None or not found.is_of("digest"):
            self._go_without()
            return None
        return HTTPAuthorizationCredentials(scheme=found.scheme, credentials=found.value)


def _user_pass(value: str) -> HTTPBasicCredentials | None:
    """user-pass of RFC 7617 §2: strict base64, strict UTF-8, split at the first colon. Either part may be empty."""
    raw = decode_base64(value) if len(value) <= MAX_CREDENTIAL_LENGTH else None
    if raw is None:
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    username, colon, password = text.partition(":")
    if not colon or _CONTROL.search(text):
        return None
    return HTTPBasicCredentials(username=username, password=password)


def _escaped(realm: str) -> str:
    return _TO_ESCAPE.sub(r"\\\1", _NOT_IN_A_HEADER.sub("?", realm))
