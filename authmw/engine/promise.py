"""Promise to a stranger whom the route table let in: the response counts once the public endpoint is reached.

The route table is asked in front of the application. Something inside may still answer instead: a layer that serves
files, or one that changes the path. So the adapter confirms when the endpoint is reached. A response that begins before
is replaced by a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from authmw.engine.public_paths import KnowsRouter, PublicPaths
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from authmw.identity.calling import active_call

PROMISES: Final = "authmw.promises"
"""The key of the promises of a request, in its environ or scope: one for each guard around, outermost first."""

_NOT_MODIFIED: Final = 304


class Promise:
    """The promise of one guard for one request. An adapter may make its own, as `RequestHead.promise`."""

    kept: bool = False
    """A public endpoint is reached."""
    routed: bool = False
    """The framework has chosen a public endpoint, and still calls functions of the application before it."""

    def allows(self, status: int) -> bool:
        """Whether a response of `status` may begin now.

        A function that the framework calls between the choice of the endpoint and the endpoint itself may send the
        caller elsewhere or refuse, as a rate limit does. It has nothing to serve.
        """
        return self.kept or (self.routed and status >= 300 and status != _NOT_MODIFIED)


class PathPromise(Promise):
    """The promise to a stranger who was let in for a public path: layers may answer, and another path needs a caller.

    Args:
        public: the public paths.
        request: the request as it came in.
        knows_router: see `PublicPaths.matches`.
    """

    def __init__(self, public: PublicPaths, request: RequestHead, knows_router: KnowsRouter | None = None) -> None:
        self.kept = True
        self._knows_router = knows_router
        self._public = public
        self._root = request.root
        self._read = (request.method, request.path)

    def places(self) -> Iterable[tuple[object, str]]:
        """The routers on the way of the request as it came in, each with its root. Adapters that mount set it."""
        return ()

    def holds(self, request: RequestHead, router: object = None) -> bool:
        """Whether `request`, as it arrived at `router`, still has that path and method, or others that are public.

        A router inside may have moved the begin of the path to the part where the application is mounted. If it is a
        layer that moves what a header of the request names, the rest has to be public too.
        """
        if (request.method, request.path) == self._read:
            return True  # a layer may have been told of a prefix that a proxy took away
        whole = request.root + request.path
        if (request.method, whole) != (self._read[0], self._root + self._read[1]) and not self._is_public(
            self._root, whole, request
        ):
            return False
        moved = request.root.removeprefix(self._root)
        if not _names_prefix(request, moved) or self._is_public(request.root, whole, request):
            return True
        return any(place is router and root == request.root for place, root in self.places())

    def _is_public(self, root: str, whole: str, request: RequestHead) -> bool:
        return self._public.matches(_mounted_at(root, whole, request), self._knows_router)


def promise_for(request: RequestHead) -> Promise:
    """The promise that the adapter has made for `request`, or else a new one."""
    promise: object = getattr(request, "promise", None)
    return promise if isinstance(promise, Promise) else Promise()


def promises_of(request: Mapping[str, Any]) -> tuple[Promise, ...]:
    """The promises of a request, by its environ or scope; or by its call, if a layer has made a new one of these."""
    promises: tuple[Promise, ...] | None = request.get(PROMISES)
    return getattr(active_call(), "promises", ()) if promises is None else promises


def _names_prefix(request: RequestHead, moved: str) -> bool:
    """Whether a header of `request` names the prefix `moved` or a part of it, as ``X-Forwarded-Prefix`` may."""
    path = f"/{moved.strip('/')}/"
    named = (member.strip(" \t/") for _, value in request.headers for member in value.split(","))
    return path != "//" and any(each and f"/{each}/" in path for each in named)


def _mounted_at(root: str, whole: str, request: RequestHead) -> RequestHead:
    """`request` with its `whole` path, for an application that is mounted at `root`. The path is not the client's."""
    if isinstance(request, ASGIRequest):
        return ASGIRequest({**request.scope, "root_path": root, "path": whole, "raw_path": None})
    environ = dict(request.environ) if isinstance(request, WSGIRequest) else {}
    for name in ("REQUEST_URI", "RAW_URI"):
        environ.pop(name, None)
    path = whole[len(root) :] if whole.startswith(root) else whole
    return WSGIRequest({**environ, "REQUEST_METHOD": request.method, "SCRIPT_NAME": root, "PATH_INFO": path})
