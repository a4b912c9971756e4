"""Parts of every verifier that finds a user by name: limit of attempts, check of the store's answer, principal.

All ways to log in (Basic, Digest, the token endpoint) share one count of attempts. Otherwise a client that is throttled
on one way could continue on another.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from math import ceil
from typing import ClassVar, Final, TypeVar

from authmw.crypto.opaque_tokens import token_digest
from authmw.errors import FlowError, Unavailable
from authmw.events.hub import hub
from authmw.events.records import Throttled
from authmw.flow.flow import Ask, Flow, Shielded
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from authmw.stores.ports import Throttle, require_methods
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, User, Wait
from authmw.stores.throttling import account_key

T = TypeVar("T")

FAMILIAR_FOR: Final = 30 * 86_400.0
"""Seconds that a source stays familiar after a login."""
THROTTLE_VERBS: Final = ("reserve", "settle", "make_familiar")
"""The methods of a throttle."""
_RENEW_EVERY: Final = 86_400.0
# The digest was right, but late: nobody guessed it.
_NO_GUESSES: Final = frozenset({Reason.DIGEST_STALE, Reason.DIGEST_REPLAYED})


def principal_of(user: User, scheme: str) -> Principal:
    """The principal that stands for `user`, authenticated by `scheme`."""
    return Principal(user.id, scopes=user.scopes, claims=user.attributes, scheme=scheme, name=user.username)


def checked_user(found: object, method: str = "find") -> User | None:
    """The answer of a user store, checked.

    Raises:
        FlowError: it is neither a `User` nor None, or the id of the user is not a str or is empty.
    """
    if found is None:
        return None
    if not isinstance(found, User):
        raise FlowError(f"{method} answers a User or None, not {type(found).__name__}")
    if not _is_id(found.id):
        raise FlowError(f"{method} answers a User whose id is a str that is not empty: write User(str(row.id), ...)")
    return found


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value != ""


class Attempts:
    """Limits the checks of credentials, by source and by account. Each is reserved before and settled after it.

    A source that logged in to the account before is familiar. Attempts from a familiar source are counted for the pair
    of account and source, so attempts of others do not make the owner wait. All other networks take turns.

    Args:
        throttle: limits the attempts; None for no limit.
        clock: seconds since the epoch.
    """

    asks: ClassVar[tuple[str, ...]] = THROTTLE_VERBS
    """The methods of stores that it calls."""

    def __init__(self, throttle: Throttle | None, clock: Callable[[], float]) -> None:
        if throttle is not None:
            require_methods("throttle=", throttle, *THROTTLE_VERBS)
        self._throttle = throttle
        self._clock = clock

    def on_account(self, name: str, request: RequestHead, check: Flow[T | Rejected]) -> Flow[T | Rejected]:
        """The result of `check`, which verifies a guessable secret of the account, if it may be checked now.

        The same is done for an account that does not exist. `check` must not wait for the client: it could be made to
        last longer than its reservation.
        """
        if self._throttle is None:
            return check
        account, source = account_key(name), source_key(request.client)
        marks = (mark_of(account, source),) if source else ()
        attempt = Attempt(source, account, network_key(request.client), marks)
        return self._judged(attempt, check)

    def from_source(
        self, request: RequestHead, check: Flow[T | Rejected], *, guessable: bool = True
    ) -> Flow[T | Rejected]:
        """The result of `check`, if the source has not failed too often. What is checked belongs to no account.

        Args:
            request: the request, for its source.
            check: verifies the credentials.
            guessable: whether they can be guessed. Any number of random secrets may be checked at the same time.
        """
        return self._judged(_attempt_from(request.client, guessable), check)

    def _judged(self, attempt: Attempt, check: Flow[T | Rejected]) -> Flow[T | Rejected]:
        throttle = self._throttle
        if throttle is None or not (attempt.source or attempt.account):
            return (yield from check)
        # A client that has gone must neither leave a reservation behind, which others would wait for, nor get its
        # guess for nothing.
        return (yield from Shielded(self._reserved(throttle, attempt, check)))

    def _reserved(self, throttle: Throttle, attempt: Attempt, check: Flow[T | Rejected]) -> Flow[T | Rejected]:
        reserved = _checked((yield from Ask(throttle.reserve, attempt, self._clock())))
        if isinstance(reserved, Wait):
            check.close()
            return _refusal(reserved, attempt)
        try:
            result = yield from check
        except Exception:
            yield from self._give_back(throttle, reserved)
            raise
        outcome, familiar_until = AttemptOutcome.SUCCEEDED, 0.0
        if isinstance(result, Rejected):
            outcome = AttemptOutcome.ABANDONED if result.reason in _NO_GUESSES else AttemptOutcome.FAILED
        if outcome is AttemptOutcome.SUCCEEDED and not reserved.held_until:
            return result  # nothing is held, and nobody becomes familiar by a random secret
        now = self._clock()
        # With Basic each request is a login: the source is stored once a day.
        if outcome is AttemptOutcome.SUCCEEDED and reserved.known_until < now + FAMILIAR_FOR - _RENEW_EVERY:
            familiar_until = now + FAMILIAR_FOR
        yield from Ask(throttle.settle, reserved, outcome, now, familiar_until)
        return result

    def _give_back(self, throttle: Throttle, reserved: Reservation) -> Flow[None]:
        """Give the reservation back. If the throttle is down too, it ends by itself."""
        if reserved.held_until:
            with suppress(Unavailable):
                yield from Ask(throttle.settle, reserved, AttemptOutcome.ABANDONED, self._clock(), 0.0)


@lru_cache(maxsize=1024)
def _attempt_from(client: str, guessable: bool) -> Attempt:
    return Attempt(source_key(client), guessable=guessable)


def _checked(answer: object) -> Reservation | Wait:
    if not isinstance(answer, (Reservation, Wait)):
        raise FlowError(f"reserve answers a Reservation or a Wait, not {type(answer).__name__}")
    return answer


def _refusal(wait: Wait, attempt: Attempt) -> Rejected:
    reason = Reason.TOO_MANY_ATTEMPTS if wait.source_failed else Reason.ACCOUNT_THROTTLED
    seconds = ceil(wait.seconds)
    if hub.listening:
        by = "source" if wait.source_failed else "account"
        hub.emit(Throttled(by=by, source=attempt.source.removeprefix("source:"), retry_after=seconds))
    return Rejected(reason, retry_after=seconds)


def made_familiar(throttle: Throttle, name: str, client: str, until: float) -> Flow[None]:
    """Make the account familiar with the peer `client` until then, as a login from there does."""
    account = account_key(name)
    yield from Ask(throttle.make_familiar, account, mark_of(account, source_key(client)), until)


def mark_of(account: str, source: str) -> str:
    """The mark by which an account is familiar with a source: a digest, so that no store tells who was where."""
    # A user name must not be able to stand for another account and source, so neither can hold the separator.
    return token_digest(f"{account}\0{source}")


def source_key(client: str) -> str:
    """The key for the attempts of the peer `client`; empty if the server does not know the peer.

    Of an IPv6 address only the /64 network counts: a client with one address there has all 2**64. A dual-stack socket
    shows an IPv4 address as ``::ffff:192.0.2.7``. It is read as IPv4: all such addresses are in one /64 network.

    >>> source_key("192.0.2.7"), source_key("2001:db8::1:2"), source_key("::ffff:192.0.2.7"), source_key("")
    ('source:192.0.2.7', 'source:2001:db8::/64', 'source:192.0.2.7', '')
    """
    address = _network(client, 32, 64).removesuffix("/32") if ":" in client else client
    return f"source:{address}" if client else ""


def network_key(client: str) -> str:
    """The network of the peer `client`, of which each has one turn: /24 of IPv4, /48 of IPv6.

    >>> network_key("192.0.2.7"), network_key("2001:db8:0:8::1"), network_key("a socket")
    ('192.0.2.0/24', '2001:db8::/48', 'a socket')
    """
    return _network(client, 24, 48)


@lru_cache(maxsize=4096)
def _network(client: str, ipv4: int, ipv6: int) -> str:
    """The network of the peer, with that many bits; the peer as it is written if it has no IP address."""
    from ipaddress import IPv6Address, ip_address, ip_network

    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(ip_network((address, ipv4 if address.version == 4 else ipv6), strict=False))
