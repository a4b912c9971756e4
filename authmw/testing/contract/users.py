"""Contracts of stores of users: for logins by password and by Digest, and for the replacement of hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, TypeVar

import pytest

from authmw.crypto.http_digest import ha1, userhash
from authmw.flow.flow import Ask, Flow
from authmw.stores.administration import NO_ATTRIBUTES
from authmw.stores.ports import DigestStore, PasswordUpgrader, UserStore
from authmw.stores.records import User
from authmw.testing.contract.base import StoreContract, between_processes

S = TypeVar("S", bound=UserStore)

NAMES: Final = ("alice", "Zo\u00eb", "\u5c71\u7530 \u592a\u90ce", "\U00020bb7", "o'brien \"--;%_\\", "a@example.org")


class _Upgrading(UserStore, PasswordUpgrader, Protocol):
    """A store that finds users and replaces their hashes."""


class _Digesting(UserStore, DigestStore, Protocol):
    """A store that finds users, and their HA1."""


class UsersContract(StoreContract[S]):
    """What the contracts of stores of users have in common."""

    def add_user(
        self,
        username: str,
        password: str | None = None,
        *,
        id: str | None = None,
        scopes: Iterable[str] = (),
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        digest_realm: str | None = None,
        email: str = "",
        email_verified: bool = False,
    ) -> User:
        """A new user, by the store's ``create`` (`UserAdmin`) unless this is overridden."""
        store: Any = self.store
        # `UserStore` itself does not ask for addresses.
        address = {"email": email, "email_verified": email_verified} if email else {}
        user: User = self.ask(
            store.create,
            username,
            password,
            id=id,
            scopes=scopes,
            attributes=attributes,
            digest_realm=digest_realm,
            **address,
        )
        return user

    def found(self, username: str) -> User:
        """The user of that name."""
        user = self.ask(self.store.find, username)
        assert user is not None
        return user


class UserStoreContract(UsersContract[UserStore]):
    """The contract of `authmw.stores.UserStore`."""

    @pytest.mark.parametrize("username", NAMES)
    def test_a_user_is_found_as_stored(self, username: str) -> None:
        attributes = {"email": "z@example.org", "n": {"ratio": 0.1, "list": [1, None, True, "\u00eb"]}}
        scopes = frozenset({"orders:read", "https://example.org/x?y=z"})
        user = self.add_user(username, id=f"id of {username}", scopes=scopes, attributes=attributes)
        self.add_user("somebody else")
        found = self.found(username)
        assert found == user
        assert (found.id, found.username, found.scopes) == (f"id of {username}", username, scopes)
        assert dict(found.attributes) == attributes
        assert not found.disabled

    def test_a_user_of_whom_little_is_known_is_found_too(self) -> None:
        self.add_user("alice")
        found = self.found("alice")
        assert (found.id, found.password_hash, found.scopes, dict(found.attributes)) == ("alice", None, frozenset(), {})

    @pytest.mark.parametrize(
        "other", ["Alice", "alice ", " alice", "alic", "alice%", "_lice", "%", "' OR 1=1 --", "id"]
    )
    def test_names_are_compared_exactly(self, other: str) -> None:
        self.add_user("alice", id="id")
        assert self.ask(self.store.find, other) is None

    def test_names_that_only_look_alike_are_names_of_different_users(self) -> None:
        names = ("Zoe", "Zo\u00eb", "zo\u00eb", "Z\u03bf\u00eb", "ss", "\u00df", "i", "\u0131")
        users = [self.add_user(name) for name in names]
        assert [self.found(name) for name in names] == users


class PasswordUpgraderContract(UsersContract[_Upgrading]):
    """The contract of `authmw.stores.PasswordUpgrader`."""

    def hash_of(self, username: str) -> str:
        """The stored hash."""
        return self.found(username).password_hash or ""

    def test_a_hash_is_replaced_only_where_it_still_is_what_was_verified(self) -> None:
        user, other = self.add_user("alice", "pw", id="usr_1"), self.add_user("bob", "pw")
        old = self.hash_of("alice")
        for user_id, expected in (("usr_1", "another"), ("usr_1", ""), ("nobody", old), ("alice", old)):
            assert self.ask(self.store.replace_password_hash, user_id, expected, "new") is False
        assert self.found("alice") == user
        assert self.ask(self.store.replace_password_hash, "usr_1", old, "new") is True
        assert self.ask(self.store.replace_password_hash, "usr_1", old, "newer") is False
        assert self.hash_of("alice") == "new"
        assert self.found("bob") == other

    def test_of_many_replacements_at_once_one_is_stored(self) -> None:
        self.add_users()
        self.assert_one_won(self.race(_replace))

    @between_processes
    def test_of_replacements_by_processes_at_once_one_is_stored(self) -> None:
        self.add_users()
        self.assert_one_won(self.race_processes(_replace))

    def add_users(self) -> None:
        """Add a user for each round, with a hash that all racers know."""
        for number in range(self.rounds):
            user = self.add_user(f"user-{number}", "pw")
            assert self.ask(self.store.replace_password_hash, user.id, user.password_hash or "", "old")

    def assert_one_won(self, rounds: list[list[bool]]) -> None:
        """One answer is true, and its hash is stored."""
        for number, answers in enumerate(rounds):
            assert answers.count(True) == 1
            assert self.hash_of(f"user-{number}") == f"new {answers.index(True)}"


class DigestStoreContract(UsersContract[_Digesting]):
    """The contract of `authmw.stores.DigestStore`, for SHA-256."""

    @pytest.mark.parametrize("username", ["alice", "Zo\u00eb"])
    def test_a_user_is_found_with_the_ha1_of_the_realm_and_no_other(self, username: str) -> None:
        user = self.add_user(username, "pw", digest_realm="app")
        found = self.ask(self.store.find_digest, username, "app", "SHA-256")
        assert found is not None
        assert found.user == user
        assert found.ha1 == ha1(username=username, realm="app", password="pw")
        for name, realm in (("bob", "app"), (username, "App"), (username, "other"), (username.upper(), "app")):
            assert self.ask(self.store.find_digest, name, realm, "SHA-256") is None

    def test_a_user_is_found_by_userhash(self) -> None:
        self.add_user("alice", "pw", digest_realm="app")
        self.add_user("bob", "pw", digest_realm="app")
        hashed = userhash(username="bob", realm="app")
        found = self.ask(self.store.find_digest_by_userhash, hashed, "app", "SHA-256")
        assert found is not None
        assert (found.user.username, found.ha1) == ("bob", ha1(username="bob", realm="app", password="pw"))
        for text, realm in ((hashed, "other"), (hashed[:-1], "app"), ("bob", "app"), ("%", "app")):
            assert self.ask(self.store.find_digest_by_userhash, text, realm, "SHA-256") is None

    def test_a_user_without_an_ha1_is_not_found(self) -> None:
        self.add_user("alice", "pw")
        assert self.ask(self.store.find_digest, "alice", "app", "SHA-256") is None


def _replace(store: PasswordUpgrader, racer: int, number: int) -> Flow[bool]:
    return (yield from Ask(store.replace_password_hash, f"user-{number}", "old", f"new {racer}"))
