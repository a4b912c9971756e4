"""The ASGI application of the project of the tests: HTTP, and websockets of Channels behind the guard."""

from __future__ import annotations

from typing import Any

from authmw_django import WebsocketMiddleware
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

from authmw import current_principal, requires_scopes


class Live(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.accept()
        scope: Any = self.scope
        user, principal = scope["user"], current_principal()
        await self.send(text_data=f"{user.get_username()} {user.is_authenticated} {principal.id}")


class Guarded(Live):
    """It needs a scope."""


def make_application() -> Any:
    """The application, by the settings as they are now."""
    live: Any = Live.as_asgi()
    guarded: Any = requires_scopes("orders:read")(Guarded.as_asgi())
    routes: Any = [path("live", live), path("open/live", live), path("guarded/<int:number>", guarded)]
    return ProtocolTypeRouter({"http": get_asgi_application(), "websocket": WebsocketMiddleware(URLRouter(routes))})
