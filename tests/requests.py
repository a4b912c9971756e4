"""Heads of requests, made by hand for tests of what looks at nothing but the head."""

from __future__ import annotations

from typing import Any

from authmw import Auth
from authmw.engine.authentication import Authentication
from authmw.http.request import ASGIRequest, WSGIRequest


def wsgi_request(path: str = "/", method: str = "GET", **headers: str) -> WSGIRequest:
    """The head of a WSGI request; ``x_api_key="k"`` is the header ``X-API-Key``."""
    environ = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return WSGIRequest({"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", **environ})


def asgi_request(path: str = "/", method: str = "GET", **headers: str) -> ASGIRequest:
    """The head of the same request under ASGI."""
    lines = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": lines}
    return ASGIRequest(scope)


def recalled(auth: Auth, authorization: bytes) -> Authentication | None:
    """What `auth` remembers of an ``Authorization`` value, without asking anybody."""
    return None if auth.memo is None else auth.memo.recall(authorization)
