"""Open connection under ASGI: a websocket, an event stream or another response that is sent in parts.

How each is ended, once the credentials that opened it do not hold any more:

- A websocket is closed by code 1008, and the application receives ``websocket.disconnect``.
- An event stream (``text/event-stream``) ends as if the application had ended it, so that ``EventSource`` connects
  again, and meets the 401.
- Any other response is cut: nothing more of it is sent, and the server closes the connection when the application
  returns. So the client can tell that it is not complete (RFC 9112 §8). A response with a ``Content-Length`` ends by
  itself, so it is cut only for a revocation.

The application hears it as it hears that a client has gone: ``receive`` answers a disconnect, and ``send`` raises an
`OSError` (ASGI 2.4). It is not cancelled, since servers do not do that either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from errno import ECONNABORTED
from typing import Any, Final, cast

from authmw.asgi.timer import Timer, timer_here
from authmw.engine.open_connections import WHY, ConnectionEnded, ending_of
from authmw.flow.interruption import Interruption
from authmw.flow.pool import Signal
from authmw.http.request import Message, Receive, Send
from authmw.identity.validity import Ending, Validity

POLICY_VIOLATION: Final = 1008
"""RFC 6455 §7.4.1: a generic status code where there is no other more suitable one."""
EVENT_STREAM: Final = b"text/event-stream"
_SHORTEST: Final = len(EVENT_STREAM)

_CLOSE: Final[Message] = {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": WHY}
_DISCONNECTS: Final[Mapping[str, Message]] = {
    "websocket": {"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": WHY},
    "http": {"type": "http.disconnect"},
}


class Receiving:
    """The ``receive`` of a connection that may be ended. Who waits in it then wakes up."""

    __slots__ = ("_disconnect", "_interruption", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._interruption = Interruption()
        self._disconnect: Message = {}

    async def receive(self) -> Message:
        """The next message, or a disconnect once the connection was ended."""
        message = await self._interruption.wait(self._receive)
        return dict(self._disconnect) if message is None else message

    def end(self, kind: str) -> None:
        """Answer a disconnect from now on. `kind` is the type of the scope."""
        self._disconnect = _DISCONNECTS[kind]
        self._interruption.give()


class OpenConnection:
    """One connection that stays open, from the message that made it so.

    Args:
        kind: the type of the scope.
        validities: until when the credentials hold that opened it.
        headers: of the response; empty for a websocket.
        has_trailers: whether the response announces trailers.
        send: sends a message to the client.
        receiving: what the application receives by.
        noted: called when the connection is ended.
    """

    __slots__ = (
        "_goodbye",
        "_is_done",
        "_kind",
        "_noted",
        "_receiving",
        "_send",
        "_sending",
        "_since",
        "_telling",
        "_timer",
        "_told",
        "ending",
        "is_finite",
        "validities",
    )

    def __init__(
        self,
        kind: str,
        validities: tuple[Validity, ...],
        headers: Mapping[bytes, bytes],
        *,
        has_trailers: bool,
        send: Send,
        receiving: Receiving,
        noted: Callable[[Ending], None],
    ) -> None:
        self._kind = kind
        self.validities: tuple[Validity, ...] = validities
        self.is_finite: bool = b"content-length" in headers
        self.ending: Ending | None = None
        """Why the connection was ended; None while it was not."""
        self._goodbye = _goodbye(kind, headers, has_trailers)
        self._send = send
        self._receiving = receiving
        self._noted = noted
        self._sending = 0
        self._telling = False
        self._told: Signal | None = None
        self._is_done = False
        self._timer: Timer | None = timer_here()
        self._since: tuple[float, ...] = ()
        if self._timer is None:
            self._since = tuple([each.moment() for each in validities])
        else:
            self._timer.add(self)

    async def send(self, message: Message) -> None:
        """Send a message of the application.

        Raises:
            ConnectionEnded: the connection was ended.
        """
        if self._timer is None and not self.is_ended and not self._is_done:
            ending = ending_of(self.validities, self._since, is_finite=self.is_finite)
            if ending is not None:
                self.ending = ending
                self._noted(ending)
                await self._say_goodbye()
        if self.is_ended:
            raise ConnectionEnded(ECONNABORTED, WHY)
        if _is_last(message):
            self.leave()
        self._sending += 1
        try:
            await self._send(message)
        finally:
            self._sending -= 1
            if self._owes_goodbye():
                await self._say_goodbye()

    @property
    def is_ended(self) -> bool:
        """Whether the connection was ended."""
        return self.ending is not None

    def end(self, ending: Ending) -> None:
        """End it. The timer calls this."""
        self.ending = ending
        self._noted(ending)
        # A message that is being sent goes first: servers need not expect two at a time.
        if not self._sending and self._timer is not None:
            self._telling = True
            self._timer.spawn(self._say_goodbye)

    def leave(self) -> None:
        """Look no longer after it: the application has ended it, or has returned."""
        self._is_done = True
        self._noted = _ignore  # no reference cycle with the call
        if self._timer is not None:
            self._timer.drop(self)

    async def finish(self) -> None:
        """Leave. The client has been told before the server sees that the application has returned."""
        self.leave()
        if self._telling:
            self._told = Signal()
            await self._told.wait()

    def caused(self, error: BaseException) -> bool:
        """Whether `error`, which left the application, comes of its end."""
        return self.is_ended and _comes_of_the_end(error, set())

    def _owes_goodbye(self) -> bool:
        """Whether it was ended while messages were being sent, of which none is left."""
        return self.is_ended and not self._sending

    async def _say_goodbye(self) -> None:
        """Tell the client, once, and then the application."""
        goodbye, self._goodbye = self._goodbye, ()
        self._telling = True
        try:
            for message in goodbye:
                with suppress(Exception):  # the client has gone meanwhile
                    await self._send(dict(message))
        finally:
            self._telling = False
            self._receiving.end(self._kind)
            if self._told is not None:
                self._told.give()


def _ignore(_: Ending) -> None:
    """The end of a connection that has left."""


def _goodbye(kind: str, headers: Mapping[bytes, bytes], has_trailers: bool) -> tuple[Message, ...]:
    if kind == "websocket":
        return (_CLOSE,)
    if not is_event_stream(headers.items()):
        return ()
    last: Message = {"type": "http.response.body", "body": b"", "more_body": False}
    trailers: Message = {"type": "http.response.trailers", "headers": [], "more_trailers": False}
    return (last, trailers) if has_trailers else (last,)


def is_event_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a response with these headers is an event stream. Asked for each response, so it looks no further."""
    for name, value in headers:
        if name == b"content-type":
            return len(value) >= _SHORTEST and value[:_SHORTEST].lower() == EVENT_STREAM
    return False


def _is_last(message: Message) -> bool:
    """Whether the application ends the connection by this message."""
    kind: Any = message["type"]
    if kind in ("http.response.body", "http.response.zerocopysend"):
        return not message.get("more_body", False)
    return kind in ("websocket.close", "http.response.pathsend")


def _comes_of_the_end(error: BaseException | None, seen: set[int]) -> bool:
    if error is None or id(error) in seen:
        return False
    seen.add(id(error))
    if isinstance(error, ConnectionEnded):
        return True
    causes: list[BaseException | None] = [error.__cause__, error.__context__]
    if isinstance(error, BaseExceptionGroup):
        causes += cast("BaseExceptionGroup[BaseException]", error).exceptions
    return any(_comes_of_the_end(each, seen) for each in causes)
