"""The token service: log in, refresh, revoke, introspect (RFC 6749, 7009, 7662, 8414)."""

from typing import TYPE_CHECKING

from authmw.errors import face
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.cookies import token_cookie
from authmw.oauth2.documents import metadata_path
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.routed import AuthorizationServerMetadata
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.oauth2.sessions import AsyncSessions, Sessions
from authmw.schemes.token_cookie import TokenCookie

__all__ = [
    "AsyncSessions",
    "AuthorizationServerMetadata",
    "CookieMode",
    "Lifetimes",
    "Runtime",
    "Sessions",
    "TokenCookie",
    "TokenService",
    "metadata_path",
    "token_cookie",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
