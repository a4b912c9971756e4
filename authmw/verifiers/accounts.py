"""What every verifier that finds a user by name shares: the name, the counting of attempts, the principal.

Attempts are counted in one place for all pathways, so that a lock on one of them is a lock on all (class 28).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from math import ceil
from typing import Final

from authmw.errors import FlowError
from authmw.flow import Ask, Flow
from authmw.ports import Throttle, User, needs
from authmw.principal import Principal
from authmw.reasons import Reason
from authmw.request import RequestHead
from authmw.verdict import Rejected

MAX_USERNAME_BYTES: Final = 256
"""The longest user name, in bytes of UTF-8 (BAS-4)."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def canonical_username(username: str) -> str | None:
    """The name a store is asked for: in NFC, else as it stands; None for what no store is asked for.

    That is an empty name, one of more than 256 bytes, one with control characters or lone surrogates.

    >>> canonical_username("Zoe\u0308") == "Zo\u00eb"
    True
    """
    if not username or len(username) > MAX_USERNAME_BYTES or _CONTROL.search(username) is not None:
        return None
    if username.isascii():
        return username
    try:
        name = unicodedata.normalize("NFC", username)
        return name if len(name.encode()) <= MAX_USERNAME_BYTES else None
    except UnicodeEncodeError:
        return None


def principal_of(user: User, scheme: str) -> Principal:
    """The principal that stands for `user`, authenticated by `scheme`."""
    return Principal(user.id, scopes=user.scopes, claims=user.attributes, scheme=scheme, name=user.username)


def checked_user(found: object, method: str = "find") -> User | None:
    """What a store answered, if it is an answer.

    Raises:
        FlowError: it is something else, as a dict, or a user without an id of text.
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
    """Counts attempts by source and by account, each before the credentials are looked at.

    Args:
        throttle: where they are counted; None for nowhere.
        clock: seconds since the epoch.
    """

    def __init__(self, throttle: Throttle | None, clock: Callable[[], float]) -> None:
        if throttle is not None:
            needs("throttle=", throttle, "attempt", "succeeded")
        self._throttle = throttle
        self._clock = clock

    @property
    def are_counted(self) -> bool:
        """Whether there is a throttle; without one, nothing need be asked."""
        return self._throttle is not None

    def from_source(self, request: RequestHead) -> Flow[Rejected | None]:
        """Count one for the peer; a refusal that may be told (429) when it made too many."""
        source = source_key(request.client)
        if self._throttle is None or not source:
            return None
        wait = yield from Ask(self._throttle.attempt, source, self._clock())
        return Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=ceil(wait)) if wait > 0 else None

    def on_account(self, username: str) -> Flow[Rejected | None]:
        """Count one for the account, which need not exist; a refusal that looks like any other when it had too many."""
        if self._throttle is None:
            return None
        wait = yield from Ask(self._throttle.attempt, account_key(username), self._clock())
        return Rejected(Reason.ACCOUNT_THROTTLED) if wait > 0 else None

    def succeeded(self, username: str, request: RequestHead) -> Flow[None]:
        """The attempt was no guess."""
        if self._throttle is None:
            return
        yield from Ask(self._throttle.succeeded, account_key(username))
        source = source_key(request.client)
        if source:
            yield from Ask(self._throttle.succeeded, source)


def account_key(username: str) -> str:
    """The key that attempts on an account are counted under, on every pathway."""
    return f"account:{username}"


def source_key(client: str) -> str:
    """The key that attempts from the peer `client` are counted under; empty when the server does not tell it.

    Of an IPv6 address only the network counts: whoever has one address there has all 2**64.

    >>> source_key("192.0.2.7"), source_key("2001:db8::1:2"), source_key("")
    ('source:192.0.2.7', 'source:2001:db8::/64', '')
    """
    if ":" in client:
        from ipaddress import IPv6Network

        try:
            return f"source:{IPv6Network((client.partition('%')[0], 64), strict=False)}"
        except ValueError:
            pass
    return f"source:{client}" if client else ""
