"""Steps of a login: the password first, then what else the application asks for, as a one-time code.

Each step has proved something when it is passed, and says how by its ``amr`` (RFC 8176). The session begins after the
last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from authmw.crypto.passwords import PasswordHasher
from authmw.flow.flow import Flow
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Rejected
from authmw.stores.ports import Answer, Throttle, UserStore
from authmw.stores.records import User
from authmw.verifiers.password import PasswordVerifier


class LoginStep(Protocol):
    """A step of a login after the password. Its methods may be ``def`` or ``async def``.

    An exception of it is a 503, as that of a store.
    """

    @property
    def name(self) -> str:
        """Names the step in its form."""
        ...

    @property
    def amr(self) -> str:
        """How it proves who the user is, as ``otp`` (RFC 8176 §2)."""
        ...

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The fields of its form: the name, and the label that people read."""
        ...

    def is_needed(self, user: User, /) -> Answer[bool]:
        """Whether this user has to pass it. Only True and False are answers."""
        ...

    def check(self, user: User, values: Mapping[str, str], /) -> Answer[bool]:
        """Whether what was typed proves it, by the names of the fields. Only True does.

        A one-time code has to be used up here. Failures count as attempts to log in.
        """
        ...


class PasswordStep:
    """The first step: user name and password, with the throttle that all ways to log in share.

    Args:
        users: finds users by name.
        hasher: verifies passwords.
        throttle: limits attempts.
        clock: seconds since the epoch.
    """

    amr = "pwd"
    """A password (RFC 8176 §2)."""

    def __init__(
        self, users: UserStore, *, hasher: PasswordHasher | None, throttle: Throttle, clock: Callable[[], float]
    ) -> None:
        # A login begins a session of hours: it is rare, and always checked and counted.
        self.passwords: PasswordVerifier = PasswordVerifier(
            users, hasher=hasher, throttle=throttle, remember_for=0, clock=clock
        )

    def find(self, username: str, password: str, request: RequestHead) -> Flow[User | Rejected]:
        """The user, if the password is right."""
        return (yield from self.passwords.find_user(BasicCredentials(username, password), request))

    def prove(self, user: User, password: str, request: RequestHead) -> Flow[User | Rejected]:
        """As `find`, for a user who is known already."""
        found = yield from self.find(user.username, password, request)
        if isinstance(found, User) and found.id != user.id:
            return Rejected(Reason.USER_UNKNOWN, "the name belongs to another user by now")
        return found

    def still_holds(self, user: User, password: str) -> Flow[bool]:
        """Whether the password still is that of `user`, an earlier answer of `find`."""
        return (yield from self.passwords.still_matches(user, BasicCredentials(user.username, password)))
