"""Forgotten passwords and addresses that are to be verified: links in mails, each good for one use.

A link has a random token of which only the digest is stored. Opening it changes nothing, since programs that look
through mail open every link: the page that it leads to has a form, and the form uses the token up.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from authmw.crypto.opaque_tokens import Entropy, has_checksum, new_token, token_digest
from authmw.crypto.passwords import PasswordHasher
from authmw.flow.flow import Ask, Flow, Work
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.usernames import canonical_username
from authmw.identity.verdict import Rejected
from authmw.login.kept import KeptForLogin
from authmw.login.lifetimes import SessionLifetimes
from authmw.stores.records import User
from authmw.stores.revocation import end_user
from authmw.stores.session_records import Pending
from authmw.verifiers.accounts import Attempts, checked_user

RECOVERY: Final = "recovery"
VERIFICATION: Final = "verification"
_PREFIXES: Final = {RECOVERY: "rl", VERIFICATION: "vl"}
_MOST_USERS: Final = 5
"""The most users of one address who get a mail."""
_MOST_LINKS: Final = 3
"""The most links for a new password that a user gets within the lifetime of one, whoever asks for them."""
_COUNT: Final = "recovery-count"


@dataclass(frozen=True, slots=True)
class Link:
    """A link that a user gets by mail.

    Args:
        user: the user.
        token: the secret of the link.
        seconds: how long it is good for.
    """

    user: User
    token: str = field(repr=False)
    seconds: float


class Links:
    """Makes links, and redeems them.

    Args:
        kept: the stores.
        lifetimes: how long links are good for.
        hasher: hashes new passwords.
        entropy: makes random bytes.
    """

    def __init__(
        self,
        kept: KeptForLogin,
        lifetimes: SessionLifetimes,
        hasher: PasswordHasher,
        *,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._kept = kept
        self._lifetimes = lifetimes
        self._hasher = hasher
        self._entropy = entropy
        self._clock: Callable[[], float] = kept.clock
        self._attempts = Attempts(kept.throttle, kept.clock)

    def for_forgotten(self, request: RequestHead, name_or_email: str) -> Flow[tuple[Link, ...] | Rejected]:
        """The links for the users with that name or address; none where there is no such user.

        Each request counts as an attempt that failed, of its source and of an account of its own for that name. A user
        who has three links already gets no other, so that no number of sources fills a mailbox: each of the three is
        good. The stores are asked the same for a name that nobody has.
        """
        found: list[Link] = []
        name = canonical_username(name_or_email) or ""
        check = self._find(name, name_or_email, found)
        refused = yield from self._attempts.on_account(f"{RECOVERY}\0{name.casefold()}", request, check)
        if refused.retry_after is not None:
            return refused
        return tuple(found)

    def for_address(self, user: User) -> Flow[Link | None]:
        """A link that verifies the address of `user`; None without an address, or if it is verified."""
        if not user.email or user.email_verified:
            return None
        return (yield from self._link(VERIFICATION, user, {"email": user.email}, self._lifetimes.verification))

    def peek(self, kind: str, token: str | None) -> Flow[User | None]:
        """The user of a link that is still good; None for any other text. The link stays good."""
        digest = _digest_of(kind, token)
        if digest is None:
            return None
        pending = yield from Ask(self._kept.pending.peek_pending, digest, kind, self._clock())
        return (yield from self._user_of(pending, digest, kind))

    def new_password(self, token: str | None, password: str) -> Flow[User | None]:
        """Use a link up: the user gets the password, and all that the user was issued ends. None: it is not good."""
        pending, user = yield from self._take(RECOVERY, token)
        if pending is None or user is None:
            return None
        # Before too: the link is used up, so if the store fails behind the change, nobody could end what is left.
        yield from end_user(self._kept, user.id)
        new = yield from Work(self._hasher.hash, password)
        if (yield from Ask(self._kept.users.change_password_hash, user.id, user.password_hash, new)) is not True:
            return None
        # The mail arrived, so the address is the user's.
        yield from Ask(self._kept.users.verify_email, user.id, user.email)
        yield from Ask(self._kept.pending.drop_pending, user.id, RECOVERY)
        yield from end_user(self._kept, user.id)
        return user

    def verified(self, token: str | None) -> Flow[User | None]:
        """Use a link up that verifies an address; the user, or None if it is not good."""
        pending, user = yield from self._take(VERIFICATION, token)
        if pending is None or user is None:
            return None
        is_stored = yield from Ask(self._kept.users.verify_email, user.id, user.email)
        return user if is_stored is True else None

    def changed_password(self, user: User, password: str) -> Flow[bool]:
        """Give `user`, who has proved the old password, a new one. False if it was changed meanwhile.

        What else the user was issued stays: the caller ends it.
        """
        new = yield from Work(self._hasher.hash, password)
        is_stored = yield from Ask(self._kept.users.change_password_hash, user.id, user.password_hash, new)
        if is_stored is not True:
            return False
        yield from Ask(self._kept.pending.drop_pending, user.id, RECOVERY)
        return True

    def _find(self, name: str, address: str, found: list[Link]) -> Flow[Rejected]:
        by_name = None
        if name:
            by_name = checked_user((yield from Ask(self._kept.users.find, name)))
        by_address: tuple[User, ...] = ()
        if "@" in address:
            by_address = yield from Ask(self._kept.users.find_by_email, address)
        users = {user.id: user for user in (*((by_name,) if by_name else ()), *by_address)}
        # A user who has no password, as one who logs in elsewhere, gets none by mail.
        able = [each for each in users.values() if each.email and each.password_hash and not each.disabled]
        for user in able[:_MOST_USERS]:
            if (yield from self._may_have_another(user.id, f"user {user.id}")):
                found.append((yield from self._recovery_of(user)))
        if not able:  # the same work for nobody
            yield from self._may_have_another("", f"name {name.casefold()}")
        if not found:
            yield from self._put(RECOVERY, "", {}, self._lifetimes.recovery)
        return Rejected(Reason.USER_UNKNOWN)

    def _may_have_another(self, subject: str, owner: str) -> Flow[bool]:
        """Whether `owner` may get another link, which is counted."""
        digest, now = token_digest(f"{_COUNT}\0{owner}"), self._clock()
        counted: Pending | None = yield from Ask(self._kept.pending.peek_pending, digest, _COUNT, now)
        count = 0 if counted is None else int(counted.data.get("count", "0"))
        ends = now + self._lifetimes.recovery if counted is None else counted.expires_at
        more = Pending(digest, _COUNT, subject, ends, {"count": str(min(count + 1, _MOST_LINKS + 1))})
        yield from Ask(self._kept.pending.put_pending, more)
        return count < _MOST_LINKS

    def _recovery_of(self, user: User) -> Flow[Link]:
        data = {"hash": _mark(user), "email": user.email}
        return (yield from self._link(RECOVERY, user, data, self._lifetimes.recovery))

    def _link(self, kind: str, user: User, data: dict[str, str], seconds: float) -> Flow[Link]:
        return Link(user, (yield from self._put(kind, user.id, data, seconds)), seconds)

    def _put(self, kind: str, subject: str, data: dict[str, str], seconds: float) -> Flow[str]:
        token = new_token(_PREFIXES[kind], entropy=self._entropy)
        pending = Pending(token_digest(token), kind, subject, self._clock() + seconds, data)
        yield from Ask(self._kept.pending.put_pending, pending)
        return token

    def _take(self, kind: str, token: str | None) -> Flow[tuple[Pending | None, User | None]]:
        digest = _digest_of(kind, token)
        if digest is None:
            return None, None
        pending = yield from Ask(self._kept.pending.take_pending, digest, kind, self._clock())
        return pending, (yield from self._user_of(pending, digest, kind))

    def _user_of(self, pending: Pending | None, digest: str, kind: str) -> Flow[User | None]:
        # Defence in depth: the store may compare loosely.
        if pending is None or pending.kind != kind or not compare_digest(pending.digest.encode(), digest.encode()):
            return None
        if not pending.subject:
            return None
        user = checked_user((yield from Ask(self._kept.users.find_by_id, pending.subject)), "find_by_id")
        if user is None or user.disabled or user.id != pending.subject:
            return None
        # Whoever reads an earlier mailbox is not the user any more, and learns neither the new address nor more.
        if pending.data.get("email") != user.email:
            return None
        if kind == RECOVERY and not compare_digest(_mark(user).encode(), pending.data.get("hash", "").encode()):
            return None  # the password was changed after the mail was sent
        return user


def _digest_of(kind: str, token: str | None) -> str | None:
    """The digest of the token of a link; None for any other text."""
    return token_digest(token) if token is not None and has_checksum(token, _PREFIXES[kind]) else None


def _mark(user: User) -> str:
    """Tells whether the password was changed since: the digest of its hash."""
    return token_digest(user.password_hash or "")
