"""The names of `fastapi.security`, read by authmw: the import line is the only change.

``from authmw_fastapi.security import OAuth2PasswordBearer`` in place of ``from fastapi.security import …``. What
FastAPI's classes document, return and answer is kept; like them, these read credentials and verify nothing. Mended is
what no program can have wanted:

- In Basic, names and passwords in UTF-8 are read (RFC 7617), and base64 with anything else in it is not.
- An empty token, a blank API key, a control character, and a tab in place of the space are refused.
- Two ``Authorization`` headers are refused, and so are two API keys in one place: nobody can tell which one counts.
- A realm is written as a quoted-string, whatever is in it.

Every version of FastAPI behaves as the newest one: 401 with a challenge, and websockets.
"""

from typing import TYPE_CHECKING

from authmw.errors import face
from authmw_fastapi.security.api_key import APIKeyCookie, APIKeyHeader, APIKeyQuery
from authmw_fastapi.security.forms import (
    OAuth2ClientCredentialsRequestForm,
    OAuth2PasswordRequestForm,
    OAuth2PasswordRequestFormStrict,
    OAuth2RefreshRequestForm,
)
from authmw_fastapi.security.http import (
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
    HTTPDigest,
)
from authmw_fastapi.security.oauth2 import (
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
    SecurityScopes,
)
from authmw_fastapi.security.open_id_connect_url import OpenIdConnect

__all__ = [
    "APIKeyCookie",
    "APIKeyHeader",
    "APIKeyQuery",
    "HTTPAuthorizationCredentials",
    "HTTPBasic",
    "HTTPBasicCredentials",
    "HTTPBearer",
    "HTTPDigest",
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2ClientCredentialsBearer",
    "OAuth2ClientCredentialsRequestForm",
    "OAuth2PasswordBearer",
    "OAuth2PasswordRequestForm",
    "OAuth2PasswordRequestFormStrict",
    "OAuth2RefreshRequestForm",
    "OpenIdConnect",
    "SecurityScopes",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
