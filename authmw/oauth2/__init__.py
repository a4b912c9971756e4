"""The token service: log in, refresh, revoke (RFC 6749, 7009, 7662, 8414).

The names below are imported from their modules when they are first used. The service as an application is in
`authmw.oauth2.wsgi` and `authmw.oauth2.asgi`.
"""

from typing import TYPE_CHECKING

from authmw.lazy import lazily as _lazily

if TYPE_CHECKING:
    from authmw.oauth2.cookies import CookieMode, session_cookie
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

_HOMES = {
    "cookies": "CookieMode session_cookie",
    "metadata": "metadata_path",
    "service": "TokenService",
    "sessions": "AsyncSessions Sessions",
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for one of ours
    __getattr__, __dir__ = _lazily(__name__, _HOMES)
