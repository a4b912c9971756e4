"""Call of one request of Django, and the streaming response that is made while it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from authmw.engine import audit
from authmw.engine.authentication import LEFT_ALONE
from authmw.engine.context import Call
from authmw.engine.promise import PathPromise
from authmw.identity.calling import current_call
from authmw.wsgi.streams import Stream
from authmw_django.heads import DjangoRequest
from authmw_django.later_stream import LaterStream

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from authmw.engine.auth import Auth
    from authmw.engine.authentication import Authentication
    from authmw.engine.guard import Passage
    from authmw.engine.promise import Promise
    from authmw.identity.principal import Principal
    from authmw.identity.validity import Ending


class DjangoCall(Call):
    """One request on its way through a Django project.

    Args:
        auth: the engine that authenticated it.
        authentication: its result.
        head: the head of the request, as it came in.
        passage: how it passes the guard.
        promise: what a stranger was let in for; None for everybody else.
    """

    def __init__(
        self, auth: Auth, authentication: Authentication, head: DjangoRequest, passage: Passage, promise: Promise | None
    ) -> None:
        super().__init__(auth, authentication, head)
        self.django: HttpRequest = head.django
        self._asked = (head.method, head.path)
        self.vary: bool = authentication is not LEFT_ALONE
        """Whether the response depends on credentials: on a path that is left alone nothing was looked at."""
        self.passage = passage
        self.promise = promise
        self.principal: Principal = authentication.principal
        self.is_authenticated: bool = authentication.principal.is_authenticated

    decided: tuple[str, str] | None = None
    """The method and the path for which the caller may call the view that Django has chosen."""
    is_reached: bool = False
    """A view is reached that the caller may call."""

    def reach(self) -> None:
        """Note that the view is called next, which keeps the promise to a stranger."""
        self.is_reached = True
        if self.promise is not None:
            self.promise.kept = True

    def note(self, ending: Ending) -> None:
        """Record that its response was ended."""
        audit.closed(ending, self.principal, self.request)

    @property
    def has_adapter(self) -> bool:
        """True."""
        return True

    def end(self) -> None:
        """Forget the caller, and let the request go, which refers to this call."""
        super().end()
        vars(self.django).pop("_authmw_call", None)

    def is_changed(self, head: DjangoRequest) -> bool:
        """Whether a layer has changed what the request asks for."""
        return (head.method, head.path) != self._asked

    def allows(self, status: int) -> bool:
        """Whether a response of `status` may be sent to a stranger who was let in by a promise.

        A layer may answer on a public path. If it has changed that path, and no view is reached, the new one counts.
        """
        promise = self.promise
        if promise is None:
            return True
        if isinstance(promise, PathPromise) and not self.is_reached:
            return promise.holds(DjangoRequest(self.django))
        return promise.allows(status)


def stream_as(call: DjangoCall, response: HttpResponseBase, *, ends: bool) -> None:
    """Let `call` end with `response`: after a streaming body was sent, and otherwise now.

    Args:
        call: the call.
        response: its response.
        ends: whether a streaming body ends with the credentials of the caller.
    """
    body: Any = response
    if not response.streaming or getattr(body, "file_to_stream", None) is not None:
        call.end()  # no code of the project runs from here on
        return
    content, close = body.streaming_content, body.close
    validities, headers = call.authentication.validities if ends else (), list(response.items())
    if body.is_async:
        later = LaterStream(validities, headers, call.note) if validities else None
        body.streaming_content = _later_chunks(call, content, later)
    else:
        stream = Stream(validities, headers, call.note) if validities else None
        body.streaming_content = _chunks(call, content, stream)

    def close_as_caller() -> None:
        token = current_call.set(call)
        try:
            close()
        finally:
            current_call.reset(token)
            call.end()
            del body.close  # no reference cycle

    body.close = close_as_caller


def _chunks(call: DjangoCall, content: Iterator[bytes], stream: Stream | None) -> Iterator[bytes]:
    """`content`, each chunk of which is made with the principal in the context."""
    is_first = True
    while True:
        token = current_call.set(call)
        try:
            chunk = next(content, None)
        finally:
            current_call.reset(token)
        if chunk is None:
            return
        if stream is not None and (not is_first or stream.is_event_stream) and stream.is_over():
            return
        is_first = False
        yield chunk


async def _later_chunks(
    call: DjangoCall, content: AsyncIterator[bytes], stream: LaterStream | None
) -> AsyncIterator[bytes]:
    try:
        while True:
            token = current_call.set(call)
            try:
                next_chunk = partial(anext, content, None)
                chunk = await (next_chunk() if stream is None else stream.wait(next_chunk))
            finally:
                current_call.reset(token)
            if chunk is None:
                return
            yield chunk
    finally:
        if stream is not None:
            stream.leave()
        await content.aclose()  # type: ignore[attr-defined]  # pyright: ignore
