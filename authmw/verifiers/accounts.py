"""Parts of every verifier that finds a user by name: count of attempts, check of the store's answer, principal.

All ways to log in (Basic, Digest, the token endpoint) share one count of attempts. Otherwise a client that is throttled
on one way could continue on another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal, cast

from authmw.errors import FlowError
from authmw.flow.bounded_cache import BoundedCache
from authmw.flow.flow import Ask, Flow
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from authmw.stores.ports import FamiliarSources, Throttle, require_methods
from authmw.stores.records import User

FAMILIAR_FOR: Final = 30 * 86_400.0
"""Seconds that a source stays familiar after a login."""
_RENEW_EVERY: Final = 86_400.0
_MAX_RENEWALS: Final = 4096


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
    """Counts attempts by source and by account. Each is counted before its credentials are checked.

    A source that logged in to the account before is familiar. Attempts from a familiar source are counted for the pair
    of account and source, so attempts of others do not make the owner wait. Attempts from all other sources are counted
    for the account. So an owner who comes from a new network during an attack may have to wait, at most for the longest
    wait of the throttle.

    Args:
        throttle: counts the attempts; None to count none. One with the methods of `FamiliarSources` also knows the
            familiar sources.
        clock: seconds since the epoch.
        kind: the kind of account that is attempted.
    """

    def __init__(
        self, throttle: Throttle | None, clock: Callable[[], float], *, kind: Literal["account", "client"] = "account"
    ) -> None:
        if throttle is not None:
            require_methods("throttle=", throttle, "attempt", "succeeded")
        self._throttle = throttle
        self._sources = cast("FamiliarSources", throttle) if _tells_sources_apart(throttle) else None
        self._clock = clock
        self._kind = kind
        self._renewed = BoundedCache[str, bool](_MAX_RENEWALS, clock=clock)

    @property
    def are_counted(self) -> bool:
        """Whether there is a throttle. Without one, nothing has to be asked."""
        return self._throttle is not None

    def from_source(self, request: RequestHead) -> Flow[Rejected | None]:
        """Count one attempt for the peer. Answers a refusal (429, which may be shown) if it has made too many."""
        source = source_key(request.client)
        if self._throttle is None or not source:
            return None
        wait = yield from Ask(self._throttle.attempt, source, self._clock())
        return Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=ceil(wait)) if wait > 0 else None

    def on_account(self, name: str, request: RequestHead) -> Flow[Counted]:
        """Count one attempt for the account. The same is done for an account that does not exist."""
        key, source, now = f"{self._kind}:{name}", source_key(request.client), self._clock()
        pair, is_familiar = "", False
        if self._sources is not None and source:
            pair = _pair_key(source, key)
            is_familiar = (yield from Ask(self._sources.knows_source, pair, now)) is True
        counted = pair if is_familiar else key
        wait = 0.0
        if self._throttle is not None:
            wait = yield from Ask(self._throttle.attempt, counted, now)
        return Counted(counted, pair, is_familiar, Rejected(Reason.ACCOUNT_THROTTLED) if wait > 0 else None)

    def succeeded(self, counted: Counted, request: RequestHead) -> Flow[None]:
        """Remove one attempt from the count: its credentials were right. Its source is familiar from now on."""
        if self._throttle is None:
            return
        yield from Ask(self._throttle.succeeded, counted.key)
        source = source_key(request.client)
        if source:
            yield from Ask(self._throttle.succeeded, source)
        if self._sources is None or not counted.pair:
            return
        now = self._clock()
        # With Basic each request is a login: the source is stored once a day.
        if counted.is_familiar and self._renewed.get(counted.pair):
            return
        yield from Ask(self._sources.remember_source, counted.pair, now + FAMILIAR_FOR)
        self._renewed.put(counted.pair, True, now + _RENEW_EVERY)


@dataclass(frozen=True, slots=True)
class Counted:
    """A counted attempt on an account.

    Args:
        key: the key of its count.
        pair: the account and the source; empty if familiar sources are not known.
        is_familiar: whether the source logged in to the account before.
        rejected: the refusal if there were too many attempts. Its response is that of a wrong password.
    """

    key: str
    pair: str
    is_familiar: bool
    rejected: Rejected | None


def _tells_sources_apart(throttle: object) -> bool:
    return all(callable(getattr(throttle, verb, None)) for verb in ("remember_source", "knows_source"))


def _pair_key(source: str, account: str) -> str:
    # The prefix differs from that of account keys. Otherwise an attempt on a user named "alice|source:192.0.2.7" would
    # count for this pair.
    return f"familiar:{source}|{account}"


def source_key(client: str) -> str:
    """The key for the attempts of the peer `client`; empty if the server does not know the peer.

    Of an IPv6 address only the /64 network counts: a client with one address there has all 2**64. A dual-stack socket
    shows an IPv4 address as ``::ffff:192.0.2.7``. It is read as IPv4: all such addresses are in one /64 network.

    >>> source_key("192.0.2.7"), source_key("2001:db8::1:2"), source_key("::ffff:192.0.2.7"), source_key("")
    ('source:192.0.2.7', 'source:2001:db8::/64', 'source:192.0.2.7', '')
    """
    if ":" in client:
        from ipaddress import IPv6Address, IPv6Network

        try:
            address = IPv6Address(client.partition("%")[0])
        except ValueError:
            pass
        else:
            return f"source:{address.ipv4_mapped or IPv6Network((address, 64), strict=False)}"
    return f"source:{client}" if client else ""
