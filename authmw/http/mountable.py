"""Protocols of the objects that a `Mount` can serve: they respond at once, or by a flow that asks stores."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar, runtime_checkable

from authmw.errors import ConfigurationError
from authmw.flow.flow import Flow
from authmw.flow.pool import WorkPool
from authmw.http.request import RequestHead
from authmw.http.response import Response

T = TypeVar("T")

_NOTHING_HERE: Final = b"There is nothing at this path.\n"
NOT_FOUND: Final = Response(
    404, (("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_NOTHING_HERE)))), _NOTHING_HERE
)
"""The response to a request below a mount if the mounted object does not respond."""


@runtime_checkable
class Responder(Protocol):
    """An object that responds without waiting, such as a document. Under ASGI it is called on the event loop."""

    def respond(self, request: RequestHead) -> Response | None:
        """The response to `request`; None if the request is for something else."""
        ...


@runtime_checkable
class FlowResponder(Protocol):
    """An object that responds by a flow, such as a service that asks stores."""

    @property
    def pool(self) -> WorkPool:
        """The pool on which the flow hashes passwords."""
        ...

    @property
    def store_timeout(self) -> float:
        """Seconds that a store may take to answer under ASGI."""
        ...

    def respond(self, request: RequestHead) -> Flow[Response | None]:
        """The flow that returns the response; None if the request is for something else."""
        ...


Mountable = Responder | FlowResponder


def checked(served: T) -> T:
    """`served`, if it can be mounted.

    Raises:
        ConfigurationError: `served` is a class, or has no method ``respond``.
    """
    if isinstance(served, type) or not isinstance(served, Responder):
        name = getattr(served, "__name__", type(served).__name__)
        raise ConfigurationError(
            f"{name} does not respond to requests: "
            "write Mount(DocsPage(...)), Mount(ProtectedResource(...)) or Mount(TokenService(...))"
        )
    return served
