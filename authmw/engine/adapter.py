"""Adapter of a framework, as the middleware in front of an application sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from authmw.flow.application_code import Surroundings
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import Environ, RequestHead
from authmw.http.response import Response, StartResponse
from authmw.identity.requirement import Requirement


class Adapter:
    """What a middleware asks the adapter of a framework. This class is the answer where no framework is known."""

    keeps_promises: ClassVar[bool] = False
    """Whether the adapter looks at requests again where they arrive, keeps each `Promise`, and carries refusals through
    the framework by exceptions of its own."""
    own_ends: ClassVar[tuple[str, ...]] = ()
    """How the paths of endpoints end that authenticate their callers themselves; see `reads_own_credentials`."""
    around: Surroundings | None = None
    """What surrounds functions of the application while a request is authenticated; None for nothing."""

    def requirement_of(self, request: RequestHead) -> Requirement | None:
        """The requirement of the endpoint of `request` in the route table; None when the table has none.

        It is asked only for requests without credentials. The adapter enforces the requirement of the endpoint that is
        reached.
        """
        return None

    def reads_own_credentials(self, request: RequestHead) -> bool:
        """Whether the endpoint of `request` authenticates its callers itself, as a token endpoint does."""
        return False

    def knows_router(self, request: RequestHead) -> bool:
        """Whether the router that finds the view of `request` reads its path as authmw does; see `PublicPaths`."""
        return False

    def arrived(self, request: RequestHead, served: RequestHead | None = None) -> RequestHead:
        """The head of `request` as it arrived at the endpoint, if a layer has changed a copy of it; for predicates.

        Args:
            request: as it reached the guard.
            served: what `served` answered for it, for a part of the response that is made behind the framework.
        """
        return request

    def served(self, environ: Environ) -> RequestHead | None:
        """The head of the request that the framework serves as the response starts, under WSGI.

        None if its environ is `environ`, with the same method, and where no framework is known.
        """
        return None

    def carry(self, refusal: Refusal, request: RequestHead) -> AccessRefused:
        """The exception that carries `refusal` of `request` through the framework."""
        return AccessRefused(refusal)

    @staticmethod
    def is_finished(body: Iterable[bytes]) -> bool:
        """Whether no code of the application runs any more for `body`, which is no list, under WSGI."""
        return False

    def serve(self, response: Response, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Send a response that is made in front of the application, under WSGI."""
        return response.serve_wsgi(environ, start_response)

    def refuse(
        self, refusal: Refusal, response: Response, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Send `response`, which is that of `refusal`, in front of the application under WSGI.

        For a navigation, an adapter may send the page of an error handler of the application; see `RefusalPages`.
        """
        return self.serve(response, environ, start_response)


class OneOperation(Adapter):
    """The adapter of an application that is one operation, with one requirement for all requests.

    Args:
        requirement: its requirement; None if it declares none.
    """

    def __init__(self, requirement: Requirement | None) -> None:
        self._requirement = requirement

    def requirement_of(self, request: RequestHead) -> Requirement | None:
        """The requirement of the application."""
        return self._requirement
