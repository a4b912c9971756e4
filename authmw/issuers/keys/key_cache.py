"""Cache of the keys of an issuer: one fetch at a time, refreshed before they expire, kept during an outage.

Rule 1: a request that can be answered with keys at hand never waits.
Rule 2: at most one fetch runs. Other requests that need it wait for it, and no lock is held meanwhile.
Rule 3: a failure is never kept: it delays the next try, longer each time up to a bound, and takes no keys away.
Rule 4: tokens that no key signed, which any client can send, cause at most one fetch in each `CachePolicy.cooldown` on
average, and three at once; of these, one `kid` causes one in each cooldown. So a made-up `kid`, and a client that goes
on sending it, do not delay the key of a rotation.
"""

from __future__ import annotations

import itertools
import logging
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from authmw.crypto.keyring import KeyRing
from authmw.events.hub import hub
from authmw.events.records import IssuerUnreachable, KeysRotated
from authmw.flow.application_code import has_text_of_application, in_words
from authmw.flow.bounded_cache import BoundedCache
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import monotonic
from authmw.flow.single_flight import Call, SingleFlight
from authmw.issuers.fetching.fetch import FetchFailed
from authmw.issuers.keys.cache_policy import CachePolicy
from authmw.issuers.keys.key_source import KeyAnswer, KeySource, NoKeys

logger: Final = logging.getLogger("authmw.issuers")
_generations = itertools.count()  # a new number for each change, different in all caches of the process
_AT_ONCE: Final = 3  # fetches for tokens that no key signed, without a pause between them
_MAX_NOT_FOUND: Final = 64  # names of keys that were looked for in vain
_LONGEST_FETCH: Final = 60.0  # seconds, several times as long as a fetch may take: after it the thread must be dead


@dataclass(frozen=True, slots=True)
class _Held:
    ring: KeyRing
    refresh_at: float
    expires_at: float
    useless_at: float


class KeyCache:
    """The keys of one issuer in this process.

    Args:
        source: fetches the keys, in one thread at a time.
        name: the issuer, for the log.
        policy: how long they are kept.
        timer: a monotonic clock in seconds.
        chance: a random number in [0, 1), so that the processes of a fleet do not all fetch at the same moment.
    """

    def __init__(
        self,
        source: KeySource,
        *,
        name: str,
        policy: CachePolicy | None = None,
        timer: Callable[[], float] = monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._name = name
        self._policy = policy or CachePolicy()
        self._timer = timer
        self._chance = chance
        self._held: _Held | None = None
        self._generation = next(_generations)
        self._failures = 0
        self._failure = ""
        self._retry_at = -math.inf
        self._paid_until = -math.inf
        self._not_found = BoundedCache[str, bool](_MAX_NOT_FOUND, clock=timer)
        self._flights = SingleFlight[None](longest=_LONGEST_FETCH, timer=timer)

    @property
    def version(self) -> int:
        """Changes when the issuer removes a key.

        Negative while this is unknown: then no earlier verdict may be used. Reading it starts a refresh that is due.
        """
        # A different negative number for each such time: otherwise a change between two of them would be missed.
        return -1 - self._generation if self.at_hand() is None else self._generation

    @property
    def is_failing(self) -> bool:
        """Whether the last fetch failed, so that the keys at hand may be old."""
        return self._failures > 0

    def at_hand(self) -> KeyRing | None:
        """The keys to verify with; None if they have to be fetched first. Never blocks.

        Keys that are soon too old are replaced in the background.
        """
        held = self._held
        if held is None:
            return None
        now = self._timer()
        if now < held.refresh_at:
            return held.ring
        if now >= held.useless_at:
            self._withdraw(held)
            return None
        if now >= held.expires_at and not self._is_down(now):
            return None  # no request came for a long time, so it is unknown whether the keys are still valid
        self._refresh_in_background(now)
        return held.ring

    def _is_down(self, now: float) -> bool:
        """Whether the last fetch failed recently. After an old failure the issuer may have removed keys since."""
        return now < self._retry_at + self._policy.last_retry  # -inf after a success

    @CallMode.OWN_TIMEOUT  # the fetcher has a deadline of its own
    def wait(self) -> KeyRing:
        """The keys to verify with. Waits for a fetch if there are none.

        Raises:
            FetchFailed: the fetch failed, and there are no keys within `CachePolicy.stale`.
        """
        for _ in range(3):
            ring = self.at_hand()
            if ring is not None:
                return ring
            fetch, leads = self._join_or_lead()
            if fetch is None:
                break
            self._wait(fetch, leads=leads)
        ring = self.at_hand()
        if ring is None:
            raise self._unavailable()
        return ring

    @CallMode.OWN_TIMEOUT
    def wait_for(self, kid: str | None, tried: KeyRing) -> KeyRing | None:
        """Newer keys than `tried`, for a token that no key of `tried` signed; None if there are none.

        Args:
            kid: the key that the token names; None if it names none.
            tried: the keys at hand.

        Raises:
            FetchFailed: the fetch failed, so it is unknown whether the token is valid. A token that names a key of
                `tried` is refused then: only where an issuer changes a key and keeps its name it might be valid.
        """
        for _ in range(3):
            newer = self._newer(kid, tried)
            if newer is not None:
                return newer
            fetch, leads = self._join_or_lead(kid, tried)
            if fetch is None:
                break
            self._wait(fetch, leads=leads)
            if leads:
                break  # one token costs one fetch; one that was joined may have begun before the token was signed
        newer = self._newer(kid, tried)
        if newer is None and self._failures and (kid is None or kid not in tried.current.by_kid):
            raise self._unavailable()
        return newer

    def _newer(self, kid: str | None, tried: KeyRing) -> KeyRing | None:
        ring = self.at_hand()
        if ring is None or ring is tried or (kid is not None and kid not in ring.current.by_kid):
            return None
        return ring

    def _join_or_lead(self, kid: str | None = None, tried: KeyRing | None = None) -> tuple[Call[None] | None, bool]:
        """The fetch to wait for, and whether the caller has to run it; None while no fetch is allowed."""
        with self._flights.lock:
            fetch = self._flights.current(self._name)
            if fetch is not None:
                return fetch, False
            now = self._timer()
            if now < self._retry_at:
                return None, False
            held = self._held
            if tried is None and held is not None and now < held.refresh_at:
                return None, False  # another fetch has ended since the caller looked for keys
            if tried is not None:
                newer = None if held is None or held.ring is tried else held.ring.current
                if newer is not None and (kid is None or kid in newer.by_kid):
                    return None, False  # another fetch has ended since the caller read the keys
                cooldown = self._policy.cooldown
                unknown = "" if kid is None or kid in tried.current.by_kid else kid
                if self._paid_until > now + (_AT_ONCE - 1) * cooldown or (unknown and self._not_found.get(unknown)):
                    return None, False
                if unknown:
                    self._not_found.put(unknown, True, now + cooldown)
                self._paid_until = max(self._paid_until, now) + cooldown  # each fetch is paid for by one cooldown
            return self._flights.begin(self._name), True

    def _wait(self, fetch: Call[None], *, leads: bool) -> None:
        if leads:
            self._fetch(fetch)
        else:
            fetch.over.wait(_LONGEST_FETCH)

    def _refresh_in_background(self, now: float) -> None:
        if now < self._retry_at or self._flights.current(self._name) is not None:
            return
        fetch, leads = self._join_or_lead()
        if fetch is None or not leads:
            return
        try:
            threading.Thread(target=self._fetch, args=(fetch,), name="authmw-keys", daemon=True).start()
        except RuntimeError:  # no more threads: the next request tries again
            self._flights.finish(self._name, fetch)

    def _fetch(self, fetch: Call[None]) -> None:
        try:
            answer = self._source.keys()
        except FetchFailed as error:
            self._failed(error, fetch)
        except Exception as error:  # a custom source may raise any exception
            failure = FetchFailed(f"{type(self._source).__name__} raised {type(error).__name__}")
            failure.__cause__ = error
            self._failed(failure, fetch)
        else:
            self._keep(answer, fetch)
        finally:
            self._flights.finish(self._name, fetch)

    def _keep(self, answer: KeyAnswer, fetch: Call[None]) -> None:
        ring = KeyRing(*answer.keys)
        with self._flights.lock:
            if not self._flights.is_latest(self._name, fetch):
                return  # it took so long that a later fetch has started, whose keys are newer
            now, fresh = self._timer(), self._policy.fresh_for(answer.lifetime)
            held, failures = self._held, self._failures
            gone = held is not None and not _names(held.ring) <= _names(ring)
            if held is not None and _names(ring) == _names(held.ring):
                ring = held.ring
            # Refresh after 75 to 95 % of the time, so that there is time left for a second try.
            early = now + fresh * (0.75 + 0.2 * self._chance())
            self._failures, self._failure, self._retry_at = 0, "", -math.inf
            self._held = _Held(ring, early, now + fresh, now + fresh + self._policy.stale)
            # Set after the keys, never before: otherwise a verdict by the old keys could be remembered under the new
            # version.
            self._generation = next(_generations) if gone else self._generation
        if failures:
            logger.info("%s answers again, after %d failures", self._name, failures)
        if hub.listening and held is not None and ring is not held.ring:
            self._tell_of_change(held.ring, ring)

    def _tell_of_change(self, before: KeyRing, now: KeyRing) -> None:
        old, new = before.current.by_kid, now.current.by_kid
        added, removed = (tuple(kid for kid in one if kid not in other) for one, other in ((new, old), (old, new)))
        hub.emit(KeysRotated(issuer=self._name, added=added, removed=removed))

    def _failed(self, error: FetchFailed, fetch: Call[None]) -> None:
        said = in_words(error)
        with self._flights.lock:
            if not self._flights.is_latest(self._name, fetch):
                return
            self._failures += 1
            self._failure = said
            delay = self._policy.retry_after(self._failures, self._chance())
            self._retry_at = self._timer() + delay
            held = self._held
            if isinstance(error, NoKeys) and held is not None:
                # The issuer has answered, and publishes none of the kept keys any longer.
                self._held, held = None, None
                self._generation = next(_generations)
        kept = "its tokens are answered by 503" if held is None else "the known keys are used for now"
        logger.warning(
            "the keys of %s could not be fetched (%s); %s; next try in %.1f s", self._name, said, kept, delay
        )
        if logger.isEnabledFor(logging.DEBUG) and (error.__cause__ or has_text_of_application(error)):
            from authmw.engine.redaction import redacted_traceback

            logger.debug("authmw traceback, without credentials:\n%s", redacted_traceback(error))
        if hub.listening:
            keys = "none" if held is None else "kept"
            hub.emit(IssuerUnreachable(issuer=self._name, reason=said, keys=keys))

    def _withdraw(self, held: _Held) -> None:
        with self._flights.lock:
            if self._held is not held:
                return
            self._held = None
            self._generation = next(_generations)
        logger.error("the keys of %s are too old to be used", self._name)

    def _unavailable(self) -> FetchFailed:
        unavailable = FetchFailed(f"{self._name}: {self._failure or 'its keys are not fetched yet'}")
        unavailable.retry_after = max(1, math.ceil(self._retry_at - self._timer())) if self._failures else 1
        return unavailable


def _names(ring: KeyRing) -> frozenset[tuple[str, ...]]:
    """The identity of the keys of a ring: their names and their content."""
    return frozenset(tuple(sorted((key.public_jwk() or {}).values())) for key in ring.current.keys)
