"""Replacements for the names of `fastapi.security`, with stricter reading of credentials: only the import changes.

Write ``from authmw_fastapi.security import OAuth2PasswordBearer`` instead of ``from fastapi.security import …``. The
classes document, return and respond the same as FastAPI's. Like those, they read credentials and verify nothing. These
faults are corrected:

- Basic reads names and passwords in UTF-8 (RFC 7617), and refuses base64 with any other character in it.
- An empty token, a blank API key, a control character, and a tab instead of the space are refused.
- Two ``Authorization`` headers are refused, and so are two API keys in one place: it is unknown which one counts.
- A realm is written as a quoted-string, whatever characters it has (RFC 9110 §5.6.4).

They behave as those of the newest FastAPI with every version of it: 401 with a challenge, and websockets.
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
