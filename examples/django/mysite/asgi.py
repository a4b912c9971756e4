"""The project under ASGI, with a websocket of Channels: ``uvicorn mysite.asgi:application``."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
http = get_asgi_application()

from authmw_django import WebsocketMiddleware  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - Django has to be set up before
from django.urls import path  # noqa: E402

from authmw import requires_scopes  # noqa: E402

from .live import Live  # noqa: E402

live: Any = requires_scopes("orders:read")(Live.as_asgi())  # the types of Channels know no decorator
routes: Any = [path("live", live)]
application = ProtocolTypeRouter({"http": http, "websocket": WebsocketMiddleware(URLRouter(routes))})
