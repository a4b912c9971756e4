"""Stream of Django under ASGI, which ends also while the project waits for its next part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from authmw.asgi.timer import Timer, timer_here
from authmw.flow.interruption import Interruption
from authmw.wsgi.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authmw.identity.validity import Ending, Validity


class LaterStream(Stream):
    """One response that an asynchronous iterator makes. It is ended as a `Stream` is, and by the timer of the loop.

    Args:
        validities: until when the credentials hold by which the caller was let in.
        headers: of the response.
        noted: called when it is ended.
    """

    __slots__ = ("_interruption", "_is_open", "_timer", "ending")

    def __init__(
        self, validities: tuple[Validity, ...], headers: Sequence[tuple[str, str]], noted: Callable[[Ending], None]
    ) -> None:
        super().__init__(validities, headers, noted)
        self._interruption = Interruption()
        self._timer: Timer | None = None
        self._is_open = False
        self.ending: Ending | None = None
        """Why it was ended; None while it was not."""

    def end(self, ending: Ending) -> None:
        """End it. The timer calls this."""
        self.ending = ending
        self._noted(ending)
        self._interruption.give()

    def leave(self) -> None:
        """Look no longer after it."""
        if self._timer is not None:
            self._timer.drop(self)

    async def wait(self, part: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """The next part; None at the end.

        Raises:
            asyncio.CancelledError: it does not end here, but is cut. Django takes it for a client that has gone: it
                closes the response, and sends nothing more. Of another exception it would not close the request.
        """
        if self._is_open or self.is_event_stream:
            self._look_after()
        self._is_open = True
        made = await self._interruption.wait(part)
        if self.ending is None:
            return made
        if not self.is_event_stream:
            import asyncio

            raise asyncio.CancelledError
        return None

    def _look_after(self) -> None:
        if self._timer is None:
            self._timer = timer_here()
            if self._timer is not None:
                self._timer.add(self)
