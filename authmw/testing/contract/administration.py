"""Contract of administration: disabling a user or client in one store ends its sessions, tokens and keys in all."""

from __future__ import annotations

from typing import Protocol

import pytest

from authmw.flow.flow import Ask, Flow
from authmw.stores.administration import AlreadyExists, ApiKeyAdmin, ClientAdmin, TokenAdmin, UserAdmin
from authmw.stores.ports import ApiKeyStore, ClientStore, FamilyStore, RevocationStore, TokenKeeper, UserStore
from authmw.stores.records import RefreshFamily, RevocationKind, TokenRecord
from authmw.testing.contract.base import StoreContract, between_processes
from authmw.testing.contract.families import a_family
from authmw.testing.contract.tokens import a_token


class _Users(UserStore, UserAdmin, Protocol):
    """A store that finds, creates and changes users."""


class _Clients(ClientStore, ClientAdmin, Protocol):
    """A store that finds, creates and changes clients."""


class _Keys(ApiKeyStore, ApiKeyAdmin, Protocol):
    """A store that finds, creates and revokes keys."""


class _Tokens(TokenKeeper, TokenAdmin, Protocol):
    """A store that finds, creates and revokes tokens."""


class _Stores(Protocol):
    """An object with all stores, which belong together."""

    @property
    def users(self) -> _Users:
        """Its users."""
        ...

    @property
    def clients(self) -> _Clients:
        """Its OAuth clients."""
        ...

    @property
    def keys(self) -> _Keys:
        """Its API keys, of users and of clients."""
        ...

    @property
    def tokens(self) -> _Tokens:
        """Its opaque tokens, of users and of clients."""
        ...

    @property
    def families(self) -> FamilyStore:
        """Its refresh families, of users."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """Its revocations."""
        ...


class AdministrationContract(StoreContract[_Stores]):
    """The rules of `authmw.stores.administration` that concern several stores at once, as those of `MemoryStores`."""

    def issue(self, subject: str, client_id: str) -> tuple[RefreshFamily, TokenRecord]:
        """A login of `subject` at `client_id`."""
        family = a_family(subject=subject, client_id=client_id)
        token = a_token(subject=subject, client_id=client_id, family_id=family.id)
        self.ask(self.store.families.add_family, family)
        self.ask(self.store.tokens.add_token, token)
        return family, token

    def assert_live(self, family: RefreshFamily, token: TokenRecord) -> None:
        """That login is unchanged."""
        assert self.ask(self.store.families.find_family, family.key) == family
        assert self.ask(self.store.tokens.find_token, token.digest) == token
        assert self.ask(self.store.revocations.find_revocations, (("family", family.id),)) == ()

    def assert_ended(self, kind: RevocationKind, id: str, family: RefreshFamily, token: TokenRecord) -> None:
        """That login has ended, and the revocations that say so are published."""
        ended = self.ask(self.store.families.find_family, family.key)
        assert ended is not None
        assert ended.revoked_at is not None
        found = self.ask(self.store.tokens.find_token, token.digest)
        assert found is not None
        assert found.revoked_at is not None
        keys: tuple[tuple[RevocationKind, str], ...] = ((kind, id), ("family", family.id))
        published = self.ask(self.store.revocations.find_revocations, keys)
        assert {(each.kind, each.id) for each in published} == set(keys)
        page = self.ask(self.store.revocations.revocations_after, "", 100)
        assert set(published) <= set(page.revocations)

    def test_what_was_issued_to_a_user_ends_when_the_user_is_disabled_and_for_good(self) -> None:
        self.ask(self.store.users.create, "alice", id="usr_1")
        mine, others = [self.issue("usr_1", "shop"), self.issue("usr_1", "app")], self.issue("usr_2", "shop")
        self.ask(self.store.users.disable, "alice")
        for each in mine:
            self.assert_ended("user", "usr_1", *each)
        self.ask(self.store.users.enable, "alice")
        for each in mine:
            self.assert_ended("user", "usr_1", *each)
        self.assert_live(*others)
        assert self.ask(self.store.families.families_of, "usr_1", mine[0][0].created_at) == ()

    def test_what_was_issued_by_an_old_password_ends_with_it(self) -> None:
        self.ask(self.store.users.create, "alice", "old", id="usr_1")
        mine, others = self.issue("usr_1", "shop"), self.issue("usr_2", "shop")
        self.ask(self.store.users.set_password, "alice", "new")
        self.assert_ended("user", "usr_1", *mine)
        self.assert_live(*others)
        self.assert_live(*self.issue("usr_1", "shop"))

    def test_what_was_given_to_a_client_ends_when_it_is_disabled_and_for_good(self) -> None:
        self.ask(self.store.clients.create, "shop")
        mine, others = [self.issue("usr_1", "shop"), self.issue("usr_2", "shop")], self.issue("usr_1", "app")
        self.ask(self.store.clients.disable, "shop")
        for each in mine:
            self.assert_ended("client", "shop", *each)
        self.ask(self.store.clients.enable, "shop")
        for each in mine:
            self.assert_ended("client", "shop", *each)
        self.assert_live(*others)

    def test_tokens_that_were_on_their_way_to_a_disabled_client_are_refused(self) -> None:
        self.ask(self.store.clients.create, "shop")
        self.ask(self.store.clients.disable, "shop")
        _, token = self.issue("usr_1", "shop")
        found = self.ask(self.store.tokens.find_token, token.digest)
        assert found is not None
        assert found.revoked_at is not None

    def test_keys_of_a_disabled_user_are_refused_until_enabled(self) -> None:
        self.ask(self.store.users.create, "alice", id="usr_1")
        _, key = self.ask(self.store.keys.create, "usr_1")
        self.ask(self.store.users.disable, "alice")
        found = self.ask(self.store.keys.find_key, key.digest)
        assert found is not None
        assert found.revoked_at is not None
        self.ask(self.store.users.enable, "alice")
        assert self.ask(self.store.keys.find_key, key.digest) == key

    def test_no_client_gets_the_id_of_a_user(self) -> None:
        self.ask(self.store.users.create, "alice", id="usr_1")
        with pytest.raises(AlreadyExists):
            self.ask(self.store.clients.create, "usr_1")
        assert self.ask(self.store.clients.find_client, "usr_1") is None

    def test_no_user_gets_the_id_of_a_client(self) -> None:
        self.ask(self.store.clients.create, "shop")
        for username, id in (("shop", None), ("alice", "shop")):
            with pytest.raises(AlreadyExists):
                self.ask(self.store.users.create, username, id=id)
            assert self.ask(self.store.users.find, username) is None

    def test_of_users_and_clients_that_take_an_id_at_once_one_gets_it(self) -> None:
        for answers in self.race(_create):
            assert answers.count(True) == 1

    @between_processes
    def test_of_users_and_clients_that_take_an_id_in_processes_at_once_one_gets_it(self) -> None:
        for answers in self.race_processes(_create):
            assert answers.count(True) == 1


def _create(store: _Stores, racer: int, number: int) -> Flow[bool]:
    id = f"id-{number}"
    try:
        if racer % 2 == 0:
            yield from Ask(store.clients.create, id)
        else:
            yield from Ask(store.users.create, f"user-{racer}-{number}", id=id)
    except AlreadyExists:
        return False
    return True
