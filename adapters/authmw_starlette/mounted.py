"""Starlette endpoints that serve the documents and services of authmw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.asgi.mount import Mount

if TYPE_CHECKING:
    from authmw.http.mountable import Mountable


class MountedEndpoint(Mount):
    """An ASGI application as an endpoint, so that Starlette neither reads the body nor refuses methods.

    Args:
        served: the object that responds.
        name: of the endpoint, after which Starlette names its route.
    """

    def __init__(self, served: Mountable, name: str) -> None:
        super().__init__(served)
        self.__name__ = name
