"""Follows what was revoked, so that a revoked token is refused within a bounded time and no store is asked for it.

Two rules hold everywhere here:

1. Nothing is taken for not revoked from data that is older than the bound: then the store is asked, and a store that
   cannot answer is a 503.
2. Whether the data is fresh is looked at before the data is, so that no reading in between makes old data look new.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.errors import ConfigurationError, FlowError
from authmw.flow.flow import STORE_TIMEOUT, Ask, Flow
from authmw.flow.forks import in_each_child
from authmw.flow.pool import within
from authmw.http.reasons import Reason
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.ports import RevocationStore, for_threads, require_methods
from authmw.stores.records import Revocation, RevocationPage
from authmw.stores.revoked import Issuance, Revoked

if TYPE_CHECKING:
    from asyncio import Runner

PAGE: Final = 1000
"""Revocations that are read at once."""
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries while the store fails, at most; or the bound, if that is longer."""
_SWEEP_EVERY: Final = 60.0

_left_to_parents: Final[list[Runner]] = []
# A child must not even close a loop of its parent's: both share the kernel's list of what the loop waits for.

logger: Final = logging.getLogger("authmw.revocation")


class RevocationFeed:
    """What was revoked, as this process knows it: read again four times within each `bound`, by a thread of its own.

    A revocation that the store has accepted is honoured here within `bound` seconds. Nothing is asked on the way of a
    request while the feed `is_fresh`; else the store is, request by request, until the feed has caught up.

    The thread starts at the first use in each process, also after a fork, and never earlier. Where threads do not run
    (uWSGI without ``--enable-threads``), each request asks. An ``async def`` store is read on an event loop of the
    thread's. Clients of a database or of Redis belong to the loop of their first use: such a store has a twin with
    ``def`` methods as its attribute ``sync``, and the thread reads that one. Its own timeouts bound how long a
    ``def`` may hang; meanwhile each request asks.

    Args:
        store: where revocations are published.
        bound: seconds within which a revocation is honoured.
        clock: seconds since the epoch.
        monotonic: seconds of a clock that is never set.

    Raises:
        ConfigurationError: a store without the verbs, or a bound that is no number of seconds.

    >>> class Nothing:
    ...     def publish(self, revocation): ...
    ...     def revocations_after(self, cursor, limit): return RevocationPage((), "")
    ...     def find_revocations(self, keys): return ()
    >>> feed = RevocationFeed(Nothing())
    >>> feed.is_fresh
    False
    >>> feed.follow_once()
    >>> feed.is_fresh, feed.passes(Issuance("jti-1", None, "alice", None, 1_800_000_000.0))
    (True, True)
    """

    def __init__(
        self,
        store: RevocationStore,
        *,
        bound: float = 1.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        require_methods("RevocationFeed", store, "revocations_after", "find_revocations")
        if type(bound) not in (int, float) or not 0 < bound < math.inf:
            raise ConfigurationError(
                f"RevocationFeed(bound={bound!r}) has to be a number of seconds above 0: bound=1.0"
            )
        self.bound = bound
        self._store = store
        self._read_from: Any = for_threads(store)
        self._clock = clock
        self._monotonic = monotonic
        self._revoked = Revoked()
        self._runner: Runner | None = None
        self._thread: threading.Thread | None = None
        self._cursor = ""
        self._swept_at = -math.inf
        self._told_at = -math.inf
        self._has_warned = False
        self._passes = self.passes  # bound once, and to each issuance again: a partial takes three times the memory
        self._after_fork()
        in_each_child(self._after_fork)

    @property
    def is_fresh(self) -> bool:
        """Whether the last complete reading began less than `bound` seconds ago. One that hangs makes it stale."""
        return self._monotonic() < self._fresh_until

    def check(self, issuance: Issuance, authenticated: Authenticated) -> Verdict | Flow[Verdict]:
        """`authenticated`, to be remembered while the feed knows that it holds, unless something of it is revoked.

        Returns:
            The verdict, or a flow when the store has to be asked.
        """
        is_fresh = self._monotonic() < self._fresh_until
        # What is revoked stays so: that much is true of old data too.
        if self._revoked.refuses(issuance):
            return _revoked(issuance)
        until, headers = authenticated.remember_until, authenticated.headers
        authenticated = Authenticated(authenticated.principal, until, headers, MethodType(self._passes, issuance))
        if is_fresh:
            return authenticated
        self._start()
        return self._ask(issuance, authenticated)

    def passes(self, issuance: Issuance) -> bool:
        """Whether it is certain, without asking, that nothing of this is revoked."""
        return self._monotonic() < self._fresh_until and not self._revoked.refuses(issuance)

    def note(self, revocation: Revocation) -> None:
        """Honour at once what this process itself has published. Reading finds it again, which is no harm."""
        self._revoked.note(revocation)

    def follow_once(self) -> None:
        """Read what is new, to its end. What the thread does all the time, and tests do without one.

        Raises:
            Exception: whatever the store raises. The feed is as fresh as it was before.
            FlowError: the store answers something else than pages that lead to an end.
        """
        began = self._monotonic()
        if self._clock() < self._told_at:
            self._cursor = ""  # the clock was set back: what had expired before, is valid again
        self._told_at = self._clock()
        while True:
            answer = self._answer(self._read_from.revocations_after(self._cursor, PAGE))
            page = _checked_page(answer)
            for revocation in page.revocations:
                self._revoked.note(revocation)
            is_last = len(page.revocations) < PAGE
            if not is_last and page.cursor == self._cursor:
                raise FlowError("revocations_after answers a full page whose cursor leads nowhere")
            # Moved once the page is noted: whoever is interrupted reads it again.
            self._cursor = page.cursor
            if is_last:
                break
        if began >= self._swept_at + _SWEEP_EVERY:
            self._swept_at = began
            self._revoked.drop_expired(self._told_at)
        self._fresh_until = began + self.bound

    def close(self) -> None:
        """End the thread. From then on each check asks the store."""
        import atexit

        atexit.unregister(self.close)
        self._closing.set()
        self._fresh_until = -math.inf
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(self.bound)
            self._fresh_until = -math.inf

    def __repr__(self) -> str:
        return f"RevocationFeed({type(self._store).__name__}, bound={self.bound})"

    def _ask(self, issuance: Issuance, authenticated: Authenticated) -> Flow[Verdict]:
        for revocation in _checked_tuple((yield from Ask(self._store.find_revocations, issuance.keys))):
            self._revoked.note(revocation)
        return _revoked(issuance) if self._revoked.refuses(issuance) else authenticated

    def _answer(self, answer: Any) -> object:
        """What the store answers, awaited on a loop that stays the same for as long as the thread lives."""
        if not hasattr(answer, "__await__"):
            return answer
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner.run(_awaited(answer))

    def _after_fork(self) -> None:
        # No thread survives a fork, and a lock may have been held. What is known stays true.
        if self._runner is not None:
            _left_to_parents.append(self._runner)
        self._thread = None
        self._runner = None
        self._lock = threading.Lock()
        self._revoked.unlock()
        self._closing = threading.Event()
        self._fresh_until = -math.inf

    def _start(self) -> None:
        """See to it that the thread runs."""
        thread = self._thread
        if self._closing.is_set() or (thread is not None and thread.is_alive()):
            return
        with self._lock:
            if self._thread is not thread:
                return  # another request has just started it
            started = threading.Thread(target=self._follow, name="authmw-revocations", daemon=True)
            try:
                started.start()
            except RuntimeError as error:  # no more threads, or the interpreter ends: each request asks
                if not self._has_warned:
                    logger.warning("authmw could not start to follow revocations cause=%s", error)
                self._has_warned = True
                return
            self._thread = started
        import atexit

        atexit.register(self.close)

    def _follow(self) -> None:
        from random import SystemRandom

        # Neither that of a program that was seeded, nor the same in all children of a process.
        random = SystemRandom()
        failures = 0
        while not self._closing.is_set():
            try:
                self.follow_once()
            except Exception as error:
                failures += 1
                if failures == 1:
                    cause = type(error).__name__
                    logger.warning("authmw cannot follow revocations: the store is asked instead cause=%s", cause)
            else:
                if failures:
                    logger.info("authmw follows revocations again after %d failures", failures)
                failures = 0
            # Processes that started together are not to ask together.
            pause = self.bound / 4 * random.uniform(0.75, 1.25)
            self._closing.wait(min(pause * 2 ** min(failures, 32), max(LONGEST_PAUSE, self.bound)))
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


def _revoked(issuance: Issuance) -> Rejected:
    return Rejected(Reason.TOKEN_REVOKED, f"token {issuance.credential_id}" if issuance.credential_id else "")


def _checked_page(page: object) -> RevocationPage:
    if not isinstance(page, RevocationPage):
        raise FlowError(f"revocations_after answers a RevocationPage, not {type(page).__name__}")
    return page


def _checked_tuple(found: object) -> tuple[object, ...]:
    if not isinstance(found, tuple):
        raise FlowError(f"find_revocations answers a tuple of Revocation, not {type(found).__name__}")
    return cast("tuple[object, ...]", found)


async def _awaited(answer: Awaitable[object]) -> object:
    return await within(STORE_TIMEOUT, answer)
