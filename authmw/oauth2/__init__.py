"""The token service: log in, refresh, revoke (RFC 6749, 7009, 7662, 8414).

`authmw.wsgi.Mount` and `authmw.asgi.Mount` serve a `TokenService`.
"""

from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.cookies import session_cookie
from authmw.oauth2.documents import metadata_path
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.routed import AuthorizationServerMetadata
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.oauth2.sessions import AsyncSessions, Sessions

__all__ = [
    "AsyncSessions",
    "AuthorizationServerMetadata",
    "CookieMode",
    "Lifetimes",
    "Runtime",
    "Sessions",
    "TokenService",
    "metadata_path",
    "session_cookie",
]
