"""Contract of stores that find users by their id and address, and change what users change of themselves."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import UserStore
from authmw.stores.records import User
from authmw.stores.session_ports import UserDirectory
from authmw.testing.contract.base import between_processes
from authmw.testing.contract.users import UsersContract


class _Directory(UserStore, UserDirectory, Protocol):
    """A store that finds users by name, by id and by address."""


class UserDirectoryContract(UsersContract[_Directory]):
    """The contract of `authmw.stores.UserDirectory`."""

    def by_email(self, email: str) -> list[str]:
        """The ids of the users with that address, sorted."""
        return sorted(user.id for user in self.ask(self.store.find_by_email, email))

    def hash_of(self, username: str) -> str | None:
        """The stored hash."""
        return self.found(username).password_hash

    # Who is found

    def test_a_user_is_found_by_id_as_by_name(self) -> None:
        alice = self.add_user("alice", id="usr_1", email="Alice@Shop.example", email_verified=True)
        bob = self.add_user("bob", "pw", scopes=["orders:read"])
        assert self.ask(self.store.find_by_id, "usr_1") == alice == self.found("alice")
        assert self.ask(self.store.find_by_id, bob.id) == bob
        assert (alice.email, alice.email_verified) == ("Alice@Shop.example", True)
        assert (bob.email, bob.email_verified) == ("", False)

    @pytest.mark.parametrize("other", ["USR_1", "usr_1 ", "usr_", "alice", "%", "", "' OR 1=1 --"])
    def test_ids_are_compared_exactly(self, other: str) -> None:
        self.add_user("alice", id="usr_1")
        assert self.ask(self.store.find_by_id, other) is None

    @pytest.mark.parametrize(
        "stored, asked",
        [
            ("alice@shop.example", "alice@shop.example"),
            ("Alice@Shop.Example", "aLICE@sHOP.eXAMPLE"),
            ("zo\u00eb@shop.example", "ZO\u00cb@SHOP.EXAMPLE"),
            ("stra\u00dfe@shop.example", "STRASSE@shop.example"),
            ("\u03c3\u03c2@shop.example", "\u03a3\u03a3@shop.example"),
            ("\u0130@shop.example", "i\u0307@shop.example"),
        ],
        ids=["as it is", "ascii", "diaeresis", "sharp s", "sigma", "dotted i"],
    )
    def test_an_address_is_found_without_case(self, stored: str, asked: str) -> None:
        alice = self.add_user("alice", email=stored)
        self.add_user("bob", email="bob@shop.example")
        for email in (stored, asked):
            assert self.ask(self.store.find_by_email, email) == (alice,)

    @pytest.mark.parametrize(
        "other",
        [
            "alice",
            "alice@shop.exampl",
            "lice@shop.example",
            " alice@shop.example",
            "%@shop.example",
            "_lice@shop.example",
        ],
    )
    def test_no_other_address_is_found(self, other: str) -> None:
        self.add_user("alice", email="alice@shop.example")
        assert self.ask(self.store.find_by_email, other) == ()

    def test_an_empty_address_finds_nobody(self) -> None:
        self.add_user("alice")
        self.add_user("bob", email="bob@shop.example")
        assert self.ask(self.store.find_by_email, "") == ()

    def test_everybody_with_an_address_is_found(self) -> None:
        for username, email in (("alice", "us@shop.example"), ("bob", "US@shop.example"), ("carol", "c@shop.example")):
            self.add_user(username, email=email)
        assert self.by_email("Us@Shop.example") == ["alice", "bob"]

    # A new password

    def test_a_password_hash_is_changed_only_where_it_still_is_what_it_was(self) -> None:
        alice, bob = self.add_user("alice", "pw", id="usr_1"), self.add_user("bob", "pw")
        old = alice.password_hash
        assert old
        for user_id, expected in (
            ("usr_1", "another"),
            ("usr_1", ""),
            ("usr_1", None),
            ("nobody", old),
            ("alice", old),
        ):
            assert self.ask(self.store.change_password_hash, user_id, expected, "new") is False
        assert self.found("alice") == alice
        assert self.ask(self.store.change_password_hash, "usr_1", old, "new") is True
        assert self.ask(self.store.change_password_hash, "usr_1", old, "newer") is False
        assert self.hash_of("alice") == "new"
        assert self.found("bob") == bob

    def test_a_user_without_a_password_gets_one(self) -> None:
        self.add_user("alice", id="usr_1")
        assert self.ask(self.store.change_password_hash, "usr_1", "", "new") is False
        assert self.ask(self.store.change_password_hash, "usr_1", None, "new") is True
        assert self.ask(self.store.change_password_hash, "usr_1", None, "newer") is False
        assert self.hash_of("alice") == "new"

    def test_every_ha1_goes_with_the_old_password(self) -> None:
        store: Any = self.store
        if not hasattr(store, "find_digest"):
            pytest.skip("this store has no HA1")
        alice = self.add_user("alice", "pw", digest_realm="app")
        self.add_user("bob", "pw", digest_realm="app")
        assert self.ask(self.store.change_password_hash, alice.id, "another", "new") is False
        assert self.ask(store.find_digest, "alice", "app", "SHA-256") is not None
        assert self.ask(self.store.change_password_hash, alice.id, alice.password_hash, "new") is True
        assert self.ask(store.find_digest, "alice", "app", "SHA-256") is None
        assert self.ask(store.find_digest, "bob", "app", "SHA-256") is not None

    def test_of_many_changes_at_once_one_is_stored(self) -> None:
        self.add_users()
        self.assert_one_won(self.race(_change))

    @between_processes
    def test_of_changes_by_processes_at_once_one_is_stored(self) -> None:
        self.add_users()
        self.assert_one_won(self.race_processes(_change))

    def add_users(self) -> None:
        """Add a user without a password for each round."""
        for number in range(self.rounds):
            self.add_user(f"user-{number}", id=f"id-{number}")

    def assert_one_won(self, rounds: list[list[bool]]) -> None:
        """One answer is true, and its hash is stored."""
        for number, answers in enumerate(rounds):
            assert answers.count(True) == 1
            assert self.hash_of(f"user-{number}") == f"new {answers.index(True)}"

    # The address belongs to the user

    def test_an_address_is_verified_only_while_it_is_the_users(self) -> None:
        alice = self.add_user("alice", id="usr_1", email="alice@shop.example")
        bob = self.add_user("bob", email="alice@shop.example")
        for user_id, email in (
            ("usr_1", "other@shop.example"),
            ("usr_1", ""),
            ("usr_1", "ALICE@shop.example"),
            ("nobody", "alice@shop.example"),
        ):
            assert self.ask(self.store.verify_email, user_id, email) is False
        assert self.found("alice") == alice
        for _ in range(2):
            assert self.ask(self.store.verify_email, "usr_1", "alice@shop.example") is True
        assert self.found("alice").email_verified
        assert self.found("bob") == bob

    def test_no_address_is_none_to_verify(self) -> None:
        alice: User = self.add_user("alice")
        assert self.ask(self.store.verify_email, alice.id, "") is False
        assert not self.found("alice").email_verified


def _change(store: UserDirectory, racer: int, number: int) -> Flow[bool]:
    return (yield from Ask(store.change_password_hash, f"id-{number}", None, f"new {racer}"))
