"""Stream under WSGI: a response that is sent in parts, and that ends between two of them.

An event stream (``text/event-stream``) ends as if the application had ended it, so that ``EventSource`` connects again,
and meets the 401. Any other response is cut: an exception makes the server close the connection, so that the client
can tell that the response is not complete (RFC 9112 §8). A response with a ``Content-Length`` ends by itself, so it is
cut only for a revocation.

Nothing looks after a response while the application makes the next part: then the thread or greenlet is the
application's. A part that was made after the end is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from errno import ECONNRESET
from typing import Final

from authmw.engine.open_connections import WHY, ending_of
from authmw.identity.validity import Ending, Validity

EVENT_STREAM: Final = "text/event-stream"


class StreamCut(ConnectionResetError):
    """The response is not complete, and the server has to close the connection.

    Gunicorn logs a reset connection at DEBUG only.
    """


class Stream:
    """One response that is sent in parts.

    Args:
        validities: until when the credentials hold by which the caller was let in.
        headers: of the response.
        noted: called when it is ended.
        age: seconds since its first part.
    """

    __slots__ = ("_noted", "_since", "is_event_stream", "is_finite", "validities")

    def __init__(
        self,
        validities: tuple[Validity, ...],
        headers: Sequence[tuple[str, str]],
        noted: Callable[[Ending], None],
        *,
        age: float = 0.0,
    ) -> None:
        self.validities: tuple[Validity, ...] = validities
        self._since = tuple([each.moment() - age for each in validities])
        self._noted = noted
        self.is_event_stream: bool = is_event_stream(headers)
        """Its first part may have been waited for. That of another response is the answer to a request."""
        self.is_finite: bool = any(name.lower() == "content-length" for name, _ in headers)
        """Whether it ends by itself."""

    def is_over(self) -> bool:
        """Whether it ends here, instead of with the part that the application has made.

        Raises:
            StreamCut: it does not end here, but is cut.
        """
        ending = ending_of(self.validities, self._since, is_finite=self.is_finite)
        if ending is None:
            return False
        self._noted(ending)
        if not self.is_event_stream:
            raise StreamCut(ECONNRESET, WHY)
        return True


def is_event_stream(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a response with these headers is an event stream. Asked for many responses, so it looks no further."""
    for name, value in headers:
        if len(name) == 12 and name.lower() == "content-type":
            return value[:17].lower() == EVENT_STREAM
    return False
