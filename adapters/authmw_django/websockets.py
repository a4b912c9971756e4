"""Guard of the websockets of a project, around the application that Channels routes them to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authmw.asgi.middleware import AuthMiddleware
from authmw.engine.authentication import LEFT_ALONE
from authmw.engine.context import call_here, enforce
from authmw.identity.principal import ANONYMOUS
from authmw_django.config import checked_configuration
from authmw_django.users import HAS_USER, PrincipalUser

if TYPE_CHECKING:
    from authmw.asgi.middleware import ASGIApp
    from authmw.http.request import Receive, Scope, Send
    from authmw_django.users import UserFinder


class WebsocketMiddleware(AuthMiddleware):
    """Guards the websockets of a project by the setting ``AUTHMW``, before they are accepted.

    In ``asgi.py``, with Channels::

        application = ProtocolTypeRouter({
            "http": get_asgi_application(),
            "websocket": WebsocketMiddleware(URLRouter([path("live", Live.as_asgi())])),
        })

    A consumer finds the user in ``scope["user"]``, and the principal in ``scope["authmw.principal"]``. It declares what
    it needs as ``requires_scopes("orders:read")(Live.as_asgi())``. On a path that ``AUTHMW`` leaves alone, the scope
    keeps the user that it has.

    Args:
        app: the application below.

    Raises:
        ConfigurationError: every mistake in ``AUTHMW`` at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        configuration = checked_configuration()
        settings = configuration.guard_settings
        super().__init__(
            _WithUser(app, configuration.user),
            settings.auth,
            default=settings.default,
            public=settings.public,
            preflights=settings.preflights,
            needs=dict(settings.needs),
            leave=settings.leave,
            hide_credentials=configuration.hides_credentials,
            end_connections=configuration.ends_connections,
        )


class _WithUser:
    """`app`, whose scopes have the user of Django."""

    def __init__(self, app: ASGIApp, users: UserFinder) -> None:
        self.app = app
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = call_here()
        if call is not None and call.authentication is LEFT_ALONE:
            await self.app(scope, receive, send)
            return
        principal = scope["authmw.principal"]
        user: Any = PrincipalUser(ANONYMOUS)
        if principal.is_authenticated:
            user = await self._users.find_async(principal, None)
            if user is None:
                enforce(HAS_USER)
        await self.app({**scope, "user": user}, receive, send)
