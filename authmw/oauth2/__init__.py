"""The token service: log in, refresh, revoke (RFC 6749, 7009, 7662, 8414).

The service as an application is in
`authmw.oauth2.wsgi` and `authmw.oauth2.asgi`.
"""

from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.cookies import session_cookie
from authmw.oauth2.metadata import metadata_path
from authmw.oauth2.service import TokenService
from authmw.oauth2.sessions import AsyncSessions, Sessions

__all__ = [
    "AsyncSessions",
    "CookieMode",
    "Sessions",
    "TokenService",
    "metadata_path",
    "session_cookie",
]
