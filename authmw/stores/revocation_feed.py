"""Feed of revocations: a copy in this process, so that a check needs no store and a revocation counts within a bound.

Two rules hold everywhere here:

1. Data older than the bound never proves that a token is not revoked. Then the store is asked, and a store that cannot
   answer is a 503.
2. The freshness of the data is read before the data. Otherwise an update between the two reads could make old data
   look new.
"""

from __future__ import annotations

import atexit
import logging
import math
import threading
from collections.abc import Awaitable, Callable
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.errors import ConfigurationError, FlowError
from authmw.flow.clocks import monotonic, now
from authmw.flow.durations import Seconds, in_seconds
from authmw.flow.flow import STORE_TIMEOUT, Ask, Flow
from authmw.flow.forks import in_each_child
from authmw.flow.pool import within
from authmw.http.reasons import Reason
from authmw.identity.validity import Validity, each_of
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.ports import RevocationStore, for_threads, require_methods
from authmw.stores.records import Revocation, RevocationPage
from authmw.stores.revoked import Issuance, Revoked

if TYPE_CHECKING:
    from asyncio import Runner

PAGE: Final = 1000
"""Revocations in one page."""
LONGEST_PAUSE: Final = 5.0
"""The longest pause between two tries while the store fails, in seconds; or the bound, if that is longer."""
_SWEEP_EVERY: Final = 60.0

_left_to_parents: Final[list[Runner]] = []
# A child must not close an event loop of its parent: both share the kernel's list of what the loop waits for.

logger: Final = logging.getLogger("authmw.revocation")


class RevocationFeed:
    """The revocations that this process knows. A thread reads the store four times within each `bound`.

    A revocation that the store has accepted is honoured here within `bound` seconds. While the feed `is_fresh`, a
    request asks no store. Otherwise each request asks the store, until the feed is fresh again.

    The thread starts at the first use in each process, also after a fork, and never earlier. Where threads do not run
    (uWSGI without ``--enable-threads``), each request asks the store. The thread reads an ``async def`` store on its
    own event loop. Clients of a database or of Redis belong to the loop of their first use: such a store has a twin
    with ``def`` methods as its attribute ``sync``, and the thread reads that twin. A ``def`` method needs a timeout of
    its own; while it hangs, each request asks the store.

    A connection that stays open is ended once a revocation of what opened it is known. It is not ended because the
    store fails for a moment, but after `outage_bound` seconds, since nobody can say by then that it was not revoked.

    Args:
        store: where revocations are published.
        bound: seconds within which a revocation is honoured.
        outage_bound: seconds for which open connections stay open while the store cannot be read.
        clock: seconds since the epoch.
        monotonic: a monotonic clock in seconds.

    Raises:
        ConfigurationError: the store lacks a method, or the bound is not a number of seconds above 0.

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
        bound: Seconds = 1.0,
        outage_bound: Seconds = 30.0,
        clock: Callable[[], float] = now,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        require_methods("RevocationFeed", store, "revocations_after", "find_revocations")
        self.bound: float = _above_zero("bound", bound, 1.0)
        self.outage_bound: float = _above_zero("outage_bound", outage_bound, 30.0)
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
        self._passes = self.passes  # made once, then bound to each issuance: a `partial` takes three times the memory
        self._after_fork()
        in_each_child(self._after_fork)

    @property
    def is_fresh(self) -> bool:
        """Whether the last complete reading began less than `bound` seconds ago. A hanging reading makes it stale."""
        return self._monotonic() < self._fresh_until

    def check(self, issuance: Issuance, authenticated: Authenticated) -> Verdict | Flow[Verdict]:
        """`authenticated`, unless the token, its family, its user or its client is revoked.

        The verdict may be remembered as long as `passes` is true for its issuance.

        Returns:
            The verdict, or a flow if the store has to be asked.
        """
        is_fresh = self._monotonic() < self._fresh_until
        # A revocation is never undone, so old data can refuse too.
        if self._revoked.refuses(issuance):
            return _revoked(issuance)
        authenticated = self._followed(authenticated, issuance)
        if is_fresh:
            return authenticated
        self._start()
        return self._ask(issuance, authenticated)

    def passes(self, issuance: Issuance) -> bool:
        """Whether fresh data says that no revocation refuses this issuance. Asks nothing."""
        return self._monotonic() < self._fresh_until and not self._revoked.refuses(issuance)

    def refuses(self, issuance: Issuance) -> bool:
        """Whether a known revocation refuses this issuance. Old data can refuse too."""
        return self._revoked.refuses(issuance)

    @property
    def changes(self) -> int:
        """A number that grows with each revocation that becomes known."""
        return self._revoked.changes

    def moment(self) -> float:
        """The time of the monotonic clock."""
        return self._monotonic()

    def unknown_before(self) -> float:
        """The moment before which credentials were verified of which nobody can say any more whether they hold.

        ``-inf`` while the feed is fresh, and for `outage_bound` seconds after that. Starts the thread unless it runs.
        """
        moment, fresh_until = self._monotonic(), self._fresh_until
        if moment < fresh_until:
            return -math.inf
        self._start()
        return -math.inf if moment < fresh_until + self.outage_bound else moment - self.outage_bound

    def note(self, revocation: Revocation) -> None:
        """Honour at once a revocation that this process itself has published. The thread may read it again."""
        self._revoked.note(revocation)

    def follow_once(self) -> None:
        """Read all new revocations. The thread does this again and again; tests call it without a thread.

        Raises:
            Exception: the error of the store. The freshness of the feed does not change.
            FlowError: the store does not answer with a `RevocationPage`, or its cursor does not advance.
        """
        began = self._monotonic()
        if self._clock() < self._told_at:
            self._cursor = ""  # the clock was set back: revocations that had expired count again
        self._told_at = self._clock()
        while True:
            answer = self._answer(self._read_from.revocations_after(self._cursor, PAGE))
            page = _checked_page(answer)
            for revocation in page.revocations:
                self._revoked.note(revocation)
            is_last = len(page.revocations) < PAGE
            if not is_last and page.cursor == self._cursor:
                raise FlowError("revocations_after answers a full page whose cursor does not advance")
            # Only after the page is noted: an interrupted reading reads the page again.
            self._cursor = page.cursor
            if is_last:
                break
        if began >= self._swept_at + _SWEEP_EVERY:
            self._swept_at = began
            self._revoked.drop_expired(self._told_at)
        self._fresh_until = began + self.bound

    def close(self) -> None:
        """Stop the thread. From then on each check asks the store."""
        atexit.unregister(self.close)
        self._closing.set()
        self._fresh_until = -math.inf
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(self.bound)
            self._fresh_until = -math.inf

    def __repr__(self) -> str:
        return f"RevocationFeed({type(self._store).__name__}, bound={self.bound})"

    def _followed(self, authenticated: Authenticated, issuance: Issuance) -> Authenticated:
        """`authenticated`, which holds as long as no revocation of its issuance is known."""
        principal = authenticated.principal
        validities = each_of(authenticated.validities, principal.expires_at) or (
            Validity(math.inf if principal.expires_at is None else principal.expires_at, self._clock),
        )
        return Authenticated(
            principal,
            authenticated.remember_until,
            authenticated.headers,
            MethodType(self._passes, issuance),
            tuple([Validity(each.until, each.clock, self, issuance) for each in validities]),
        )

    def _ask(self, issuance: Issuance, authenticated: Authenticated) -> Flow[Verdict]:
        for revocation in _checked_tuple((yield from Ask(self._store.find_revocations, issuance.keys))):
            self._revoked.note(revocation)
        return _revoked(issuance) if self._revoked.refuses(issuance) else authenticated

    def _answer(self, answer: Any) -> object:
        """The answer of the store, awaited on one loop for the whole life of the thread."""
        if not hasattr(answer, "__await__"):
            return answer
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner.run(_awaited(answer))

    def _after_fork(self) -> None:
        # No thread survives a fork, and another thread may have held a lock. The known revocations stay true.
        if self._runner is not None:
            _left_to_parents.append(self._runner)
        self._thread = None
        self._runner = None
        self._lock = threading.Lock()
        self._revoked.unlock()
        self._closing = threading.Event()
        self._fresh_until = -math.inf

    def _start(self) -> None:
        """Start the thread unless it runs."""
        thread = self._thread
        if self._closing.is_set() or (thread is not None and thread.is_alive()):
            return
        with self._lock:
            if self._thread is not thread:
                return  # another request has just started it
            started = threading.Thread(target=self._follow, name="authmw-revocations", daemon=True)
            try:
                started.start()
            except RuntimeError as error:  # no more threads, or the interpreter ends: each request asks the store
                if not self._has_warned:
                    logger.warning("authmw could not start to follow revocations cause=%s", error)
                self._has_warned = True
                return
            self._thread = started
        atexit.register(self.close)

    def _follow(self) -> None:
        from random import SystemRandom

        # Not the module's own generator: a program may seed it, and all children of a fork inherit its state.
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
            # Processes that started together must not all ask at the same moment.
            pause = self.bound / 4 * random.uniform(0.75, 1.25)
            self._closing.wait(min(pause * 2 ** min(failures, 32), max(LONGEST_PAUSE, self.bound)))
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


def _above_zero(name: str, duration: Seconds, usual: float) -> float:
    number: Any = in_seconds(duration)
    if type(number) not in (int, float) or not 0 < number < math.inf:
        raise ConfigurationError(
            f"RevocationFeed({name}={duration!r}) has to be a number of seconds above 0: {name}={usual}"
        )
    return cast("float", number)


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
