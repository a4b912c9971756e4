"""Register of the ids of users and clients, and what follows for other stores when one of them changes or goes."""

from __future__ import annotations

import threading
from typing import NamedTuple, Protocol

from authmw.stores.records import ApiKeyRecord, RefreshFamily, Revocation, RevocationKind, TokenRecord
from authmw.stores.session_records import BrowserSession, Pending
from authmw.stores.throttling import account_key


class Families(Protocol):
    """The refresh families that end with their user or client: `MemoryFamilies`."""

    def end_families(self, subject: str, at: float) -> tuple[RefreshFamily, ...]:
        """End the live families of a user, and answer them."""
        ...

    def end_client_families(self, client_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """End the live families of a client, and answer them."""
        ...

    def of_user(self, subject: str) -> tuple[RefreshFamily, ...]:
        """Every family of a user."""
        ...

    def erase(self, subject: str) -> None:
        """Delete the families of a user."""
        ...

    def rename(self, subject: str, username: str) -> None:
        """Give the families of a user the new name of the user."""
        ...


class Tokens(Protocol):
    """The opaque tokens that end with their user or client: `MemoryTokens`."""

    def revoke_subject_tokens(self, subject: str, at: float) -> object:
        """Revoke the tokens of a user or client."""
        ...

    def revoke_client_tokens(self, client_id: str, at: float) -> object:
        """Revoke the tokens that were issued to a client."""
        ...

    def list(self, subject: str) -> tuple[TokenRecord, ...]:
        """The tokens of a user."""
        ...

    def erase(self, subject: str) -> None:
        """Delete the tokens of a user."""
        ...


class Keys(Protocol):
    """The API keys that go with their user: `MemoryApiKeys`."""

    def list(self, owner: str) -> tuple[ApiKeyRecord, ...]:
        """The keys of a user."""
        ...

    def erase(self, owner: str) -> None:
        """Delete the keys of a user."""
        ...


class Revocations(Protocol):
    """The store that revocations are published in: `MemoryRevocations`."""

    def publish(self, revocation: Revocation) -> object:
        """Store a revocation for every verifier that follows them."""
        ...

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> tuple[Revocation, ...]:
        """The latest revocation of each of `keys`."""
        ...


class Throttle(Protocol):
    """The throttle that knows where users logged in from: `MemoryThrottle`."""

    def familiar_until(self, account: str) -> tuple[float, ...]:
        """Until when each source of an account is known."""
        ...

    def forget(self, account: str) -> None:
        """Forget the sources of an account."""
        ...


class Sessions(Protocol):
    """The browser sessions that end with their user: `MemorySessions`."""

    def end_sessions(self, subject: str, at: float) -> tuple[BrowserSession, ...]:
        """End the live sessions of a user, and answer them."""
        ...

    def of_user(self, subject: str) -> tuple[BrowserSession, ...]:
        """Every session of a user."""
        ...

    def erase(self, subject: str) -> None:
        """Delete the sessions of a user."""
        ...


class PendingOfUsers(Protocol):
    """What is pending for a user: `MemoryPending`."""

    def of_user(self, subject: str) -> tuple[Pending, ...]:
        """Everything that is pending for a user."""
        ...

    def erase(self, subject: str) -> None:
        """Delete what is pending for a user."""
        ...


class Held(NamedTuple):
    """The stores that belong to the same users and clients."""

    families: Families
    tokens: Tokens
    keys: Keys
    revocations: Revocations
    throttle: Throttle
    sessions: Sessions
    pending: PendingOfUsers


class Subjects:
    """The ids of users and clients, each given once, also after its user was deleted.

    No user has the id of a client (RFC 9068 §5): a token of one would be taken for a token of the other.
    """

    def __init__(self) -> None:
        self.disabled_since: dict[str, float] = {}
        """Id → time of disabling, of each disabled user or client, and the time of deletion of each deleted user.
        `MemoryApiKeys` and `MemoryTokens` read it."""
        self.held: Held | None = None
        """The stores whose records end with their subject."""
        self._ids: set[str] = set()
        self._retired: set[str] = set()
        self._lock = threading.Lock()

    def take(self, id: str) -> bool:
        """Give `id` to a new user or client. True if it was free."""
        with self._lock:
            if id in self._ids:
                return False
            self._ids.add(id)
            return True

    def is_retired(self, id: str) -> bool:
        """Whether `id` was that of a user who was deleted."""
        return id in self._retired

    def is_of_other(self, id: str, own: str) -> bool:
        """Whether a user or client that exists has `id`, and it is not `own`."""
        return id != own and id in self._ids and id not in self._retired

    def hold(self, held: Held) -> None:
        """Let the records in these stores end with their subject."""
        self.held = held

    def end_user(self, user_id: str, at: float) -> None:
        """Revoke what was issued to a user until `at`, and publish it."""
        if self.held is not None:
            families, tokens, revocations = self.held.families, self.held.tokens, self.held.revocations
            # First: a login in progress, whose family is not found below, finds this revocation.
            revocations.publish(Revocation.of_user(user_id, at))
            tokens.revoke_subject_tokens(user_id, at)
            _publish_ends(revocations, families.end_families(user_id, at), at)
            _publish_ends(revocations, self.held.sessions.end_sessions(user_id, at), at)
            # A link to a new password is worth nothing once there is one.
            self.forget_pending(user_id)

    def forget_pending(self, user_id: str) -> None:
        """Delete what is pending for a user."""
        if self.held is not None:
            self.held.pending.erase(user_id)

    def erase_user(self, user_id: str, username: str, at: float) -> None:
        """Retire the id of a user, revoke what the user was issued until `at`, and delete it."""
        self._retired.add(user_id)
        self.disabled_since.setdefault(user_id, at)  # for what is issued to the id from now on
        self.end_user(user_id, at)
        if self.held is not None:
            self.held.families.erase(user_id)
            self.held.tokens.erase(user_id)
            self.held.keys.erase(user_id)
            self.held.sessions.erase(user_id)
            self.held.throttle.forget(account_key(username))

    def rename_user(self, user_id: str, old: str, new: str) -> None:
        """Give the families of a user the new name, by which a refresh finds the user."""
        if self.held is not None:
            self.held.families.rename(user_id, new)
            self.held.throttle.forget(account_key(old))

    def end_client(self, client_id: str, at: float) -> None:
        """Revoke what was issued to a client until `at`, and publish it."""
        if self.held is not None:
            families, tokens, revocations = self.held.families, self.held.tokens, self.held.revocations
            revocations.publish(Revocation.of_client(client_id, at))
            tokens.revoke_client_tokens(client_id, at)
            _publish_ends(revocations, families.end_client_families(client_id, at), at)


def _publish_ends(
    revocations: Revocations, ended: tuple[RefreshFamily, ...] | tuple[BrowserSession, ...], at: float
) -> None:
    for each in ended:
        revocations.publish(Revocation.of_family(each.id, at))
