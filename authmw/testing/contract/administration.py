"""Contract of administration: disabling a user or client in one store ends its logins, tokens and keys in all."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import pytest

from authmw.errors import ConfigurationError
from authmw.flow.flow import Ask, Flow
from authmw.stores.administration import AlreadyExists, ApiKeyAdmin, ClientAdmin, NotFound, TokenAdmin, UserAdmin
from authmw.stores.ports import (
    ApiKeyStore,
    ClientStore,
    DigestStore,
    FamilyStore,
    RevocationStore,
    TokenKeeper,
    UserStore,
)
from authmw.stores.records import RefreshFamily, RevocationKind, TokenRecord, User
from authmw.stores.session_ports import PendingStore, SessionStore, UserDirectory
from authmw.stores.session_records import BrowserSession, Pending
from authmw.testing.contract.base import RACERS, StoreContract, between_processes
from authmw.testing.contract.families import a_family
from authmw.testing.contract.pending import a_pending
from authmw.testing.contract.sessions import a_session
from authmw.testing.contract.tokens import a_token


class _Users(UserStore, DigestStore, UserDirectory, UserAdmin, Protocol):
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
    def sessions(self) -> SessionStore:
        """Its browser sessions, of users."""
        ...

    @property
    def pending(self) -> PendingStore:
        """What is pending for its users."""
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

    def begin(self, subject: str) -> tuple[BrowserSession, Pending]:
        """A session of `subject`, and something that is pending."""
        session, pending = a_session(subject=subject), a_pending(subject=subject)
        self.ask(self.store.sessions.add_session, session)
        self.ask(self.store.pending.put_pending, pending)
        return session, pending

    def pending_now(self, pending: Pending) -> Pending | None:
        """What is pending, if it still is."""
        return self.ask(self.store.pending.peek_pending, pending.digest, pending.kind, pending.expires_at - 1)

    def assert_session_live(self, session: BrowserSession, pending: Pending) -> None:
        """That session is unchanged, and so is what is pending."""
        assert self.ask(self.store.sessions.find_session, session.key) == session
        assert self.pending_now(pending) == pending
        assert self.ask(self.store.revocations.find_revocations, (("family", session.id),)) == ()

    def assert_session_ended(self, session: BrowserSession, pending: Pending) -> None:
        """That session has ended, and is published as a revocation; nothing is pending."""
        ended = self.ask(self.store.sessions.find_session, session.key)
        assert ended is not None
        assert ended.ended_at is not None
        (published,) = self.ask(self.store.revocations.find_revocations, (("family", session.id),))
        assert published.at == ended.ended_at
        assert self.pending_now(pending) is None

    def test_what_was_issued_to_a_user_ends_when_the_user_is_disabled_and_for_good(self) -> None:
        self.ask(self.store.users.create, "alice", id="usr_1")
        mine, others = [self.issue("usr_1", "shop"), self.issue("usr_1", "app")], self.issue("usr_2", "shop")
        my_sessions, other_session = [self.begin("usr_1"), self.begin("usr_1")], self.begin("usr_2")
        self.ask(self.store.users.disable, "alice")
        for each in mine:
            self.assert_ended("user", "usr_1", *each)
        self.ask(self.store.users.enable, "alice")
        for each in mine:
            self.assert_ended("user", "usr_1", *each)
        for begun in my_sessions:
            self.assert_session_ended(*begun)
        self.assert_live(*others)
        self.assert_session_live(*other_session)
        assert self.ask(self.store.sessions.sessions_of, "usr_1", my_sessions[0][0].created_at) == ()
        assert self.ask(self.store.families.families_of, "usr_1", mine[0][0].created_at) == ()

    def test_what_was_issued_by_an_old_password_ends_with_it(self) -> None:
        self.ask(self.store.users.create, "alice", "old", id="usr_1")
        mine, others = self.issue("usr_1", "shop"), self.issue("usr_2", "shop")
        my_session, other_session = self.begin("usr_1"), self.begin("usr_2")
        self.ask(self.store.users.set_password, "alice", "new")
        self.assert_ended("user", "usr_1", *mine)
        self.assert_session_ended(*my_session)
        self.assert_live(*others)
        self.assert_session_live(*other_session)
        self.assert_live(*self.issue("usr_1", "shop"))
        self.assert_session_live(*self.begin("usr_1"))

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

    def assert_erased(self, id: str, family: RefreshFamily, token: TokenRecord) -> None:
        """Nothing is left of that login, and the revocations that refuse its signed tokens are published."""
        assert self.ask(self.store.families.find_family, family.key) is None
        assert self.ask(self.store.tokens.find_token, token.digest) is None
        keys: tuple[tuple[RevocationKind, str], ...] = (("user", id), ("family", family.id))
        published = self.ask(self.store.revocations.find_revocations, keys)
        assert {(each.kind, each.id) for each in published} == set(keys)
        page = self.ask(self.store.revocations.revocations_after, "", 100)
        assert set(published) <= set(page.revocations)

    def test_of_a_deleted_user_nothing_is_left_and_what_was_issued_is_refused(self) -> None:
        alice = self.ask(self.store.users.create, "alice", "pw", id="usr_1", digest_realm="app")
        self.ask(self.store.users.create, "bob", id="usr_2")
        mine, others = [self.issue("usr_1", "shop"), self.issue("usr_1", "app")], self.issue("usr_2", "shop")
        _, key = self.ask(self.store.keys.create, "usr_1")
        _, other_key = self.ask(self.store.keys.create, "usr_2")
        (my_session, my_pending), other_session = self.begin("usr_1"), self.begin("usr_2")
        assert self.ask(self.store.users.delete, "alice") == alice
        assert self.ask(self.store.sessions.find_session, my_session.key) is None
        assert self.pending_now(my_pending) is None
        assert self.ask(self.store.revocations.find_revocations, (("family", my_session.id),)) != ()
        self.assert_session_live(*other_session)
        for each in mine:
            self.assert_erased("usr_1", *each)
        assert self.ask(self.store.keys.find_key, key.digest) is None
        assert self.ask(self.store.users.find, "alice") is None
        assert [user.username for user in self.ask(self.store.users.list)] == ["bob"]
        assert self.ask(self.store.users.find_by_id, "usr_1") is None
        assert self.ask(self.store.keys.list, "usr_1") == ()
        assert self.ask(self.store.tokens.list, "usr_1") == ()
        self.assert_live(*others)
        assert self.ask(self.store.keys.find_key, other_key.digest) == other_key
        with pytest.raises(NotFound):
            self.ask(self.store.users.delete, "alice")

    def test_a_new_user_of_the_name_of_a_deleted_one_has_another_id(self) -> None:
        self.ask(self.store.users.create, "alice", "pw", digest_realm="app")
        family, token = self.issue("alice", "shop")
        self.ask(self.store.users.delete, "alice")
        new = self.ask(self.store.users.create, "alice")
        assert new.id not in ("", "alice")
        assert self.ask(self.store.users.find, "alice") == new
        assert self.ask(self.store.users.export, "alice")["user"]["digest_realms"] == []
        self.assert_erased("alice", family, token)
        assert self.ask(self.store.families.families_of, new.id, family.created_at) == ()
        self.assert_live(*self.issue(new.id, "shop"))
        self.ask(self.store.users.delete, "alice")
        assert self.ask(self.store.users.create, "alice").id not in ("alice", new.id)

    def test_nobody_gets_the_id_of_a_deleted_user(self) -> None:
        self.ask(self.store.users.create, "alice", id="usr_1")
        self.ask(self.store.users.delete, "alice")
        with pytest.raises(AlreadyExists):
            self.ask(self.store.users.create, "bob", id="usr_1")
        with pytest.raises(AlreadyExists):
            self.ask(self.store.clients.create, "usr_1")
        assert self.ask(self.store.users.find, "bob") is None
        assert self.ask(self.store.clients.find_client, "usr_1") is None

    def test_keys_and_tokens_that_are_made_for_a_deleted_user_are_refused(self) -> None:
        self.ask(self.store.users.create, "alice", id="usr_1")
        self.ask(self.store.users.delete, "alice")
        _, key = self.ask(self.store.keys.create, "usr_1")
        _, token = self.ask(self.store.tokens.create, "usr_1")
        found_key = self.ask(self.store.keys.find_key, key.digest)
        found_token = self.ask(self.store.tokens.find_token, token.digest)
        assert found_key is None or found_key.revoked_at is not None
        assert found_token is None or found_token.revoked_at is not None

    def test_a_renamed_user_keeps_the_id_and_all_that_belongs_to_it(self) -> None:
        alice = self.ask(self.store.users.create, "alice", "pw", id="usr_1", scopes=["orders:read"])
        family, token = self.issue("usr_1", "shop")
        others = self.issue("usr_2", "shop")
        session = self.begin("usr_1")
        _, key = self.ask(self.store.keys.create, "usr_1")
        renamed = self.ask(self.store.users.rename, "alice", "Zo\u0065\u0308")
        assert renamed == replace(alice, username="Zo\u00eb")
        assert self.ask(self.store.users.find, "Zo\u00eb") == renamed
        assert self.ask(self.store.users.find, "alice") is None
        self.assert_live(replace(family, username="Zo\u00eb"), token)
        self.assert_session_live(*session)
        assert self.ask(self.store.users.find_by_id, "usr_1") == renamed
        self.assert_live(*others)
        assert self.ask(self.store.keys.find_key, key.digest) == key
        assert self.ask(self.store.users.rename, "Zo\u00eb", "Zo\u00eb") == renamed
        assert self.ask(self.store.users.rename, "Zo\u00eb", "alice") == alice

    def test_an_ha1_does_not_outlive_the_name_that_it_is_a_digest_of(self) -> None:
        self.ask(self.store.users.create, "alice", "pw", digest_realm="app")
        assert self.ask(self.store.users.export, "alice")["user"]["digest_realms"] != []
        self.ask(self.store.users.rename, "alice", "bob")
        self.ask(self.store.users.create, "alice", id="usr_2")
        for name in ("alice", "bob"):
            assert self.ask(self.store.users.export, name)["user"]["digest_realms"] == []

    def test_no_user_is_renamed_to_what_names_somebody_else(self) -> None:
        alice = self.ask(self.store.users.create, "alice", id="usr_1")
        self.ask(self.store.users.create, "bob", id="robert")
        self.ask(self.store.clients.create, "shop")
        for taken in ("bob", "robert", "shop"):
            with pytest.raises(AlreadyExists):
                self.ask(self.store.users.rename, "alice", taken)
        with pytest.raises(ConfigurationError):
            self.ask(self.store.users.rename, "alice", "a:b")
        with pytest.raises(NotFound):
            self.ask(self.store.users.rename, "carol", "dave")
        assert self.ask(self.store.users.find, "alice") == alice

    def test_an_export_has_what_is_kept_about_the_user_alone_and_no_secret(self) -> None:
        alice = self.ask(
            self.store.users.create,
            "alice",
            "pw",
            id="usr_1",
            attributes={"n": 1},
            digest_realm="app",
            email="alice@shop.example",
        )
        family, token = self.issue("usr_1", "shop")
        ended, _ = self.issue("usr_1", "app")
        self.ask(self.store.families.end_family, ended.id, ended.created_at)
        self.issue("usr_2", "shop")
        (session, pending), (ended_session, _) = self.begin("usr_1"), self.begin("usr_1")
        self.ask(self.store.sessions.end_session, ended_session.id, ended_session.created_at)
        self.begin("usr_2")
        secret, key = self.ask(self.store.keys.create, "usr_1", name="laptop")
        self.ask(self.store.keys.create, "usr_2")
        exported = self.ask(self.store.users.export, "alice")
        written = json.dumps(exported)
        assert exported["user"]["attributes"] == {"n": 1}
        assert (exported["user"]["id"], exported["user"]["username"]) == ("usr_1", "alice")
        assert exported["user"]["digest_realms"] == [{"realm": "app", "algorithm": "SHA-256"}]
        assert [(each["id"], each["name"]) for each in exported["api_keys"]] == [(key.id, "laptop")]
        assert token.id in {each["id"] for each in exported["tokens"]}
        assert {each["id"] for each in exported["sessions"]} == {family.id, ended.id}
        assert {each["id"] for each in exported["browser_sessions"]} == {session.id, ended_session.id}
        assert [each["kind"] for each in exported["pending"]] == [pending.kind, pending.kind]
        assert (exported["user"]["email"], exported["user"]["email_verified"]) == ("alice@shop.example", False)
        assert "usr_2" not in written
        kept = self.ask(self.store.users.find_digest, "alice", "app", "SHA-256")
        assert kept is not None
        for secret_text in (
            alice.password_hash,
            secret,
            key.digest,
            token.digest,
            family.key,
            family.current,
            kept.ha1,
            session.key,
            session.current,
            pending.digest,
        ):
            assert secret_text
            assert secret_text not in written
        with pytest.raises(NotFound):
            self.ask(self.store.users.export, "bob")

    def test_of_a_deletion_and_a_key_that_is_made_at_once_no_key_is_left_that_works(self) -> None:
        for number in range(self.rounds):
            self.ask(self.store.users.create, f"user-{number}", id=f"id-{number}")
        for number, answers in enumerate(self.race(_delete_or_make_key)):
            for digest in filter(None, answers):
                found = self.ask(self.store.keys.find_key, digest)
                assert found is None or found.revoked_at is not None, number

    def test_of_several_users_who_take_a_name_at_once_one_gets_it(self) -> None:
        for racer in range(RACERS):
            for number in range(self.rounds):
                self.ask(self.store.users.create, f"user-{racer}-{number}")
        for answers in self.race(_rename):
            assert answers.count(True) == 1

    def test_a_user_has_another_address_which_is_found_in_place_of_the_old_one(self) -> None:
        self.ask(self.store.users.create, "alice", email="old@shop.example", email_verified=True)
        bob = self.ask(self.store.users.create, "bob", email="bob@shop.example")
        (_, link), (_, other_link) = self.begin("alice"), self.begin("bob")
        changed = self.ask(self.store.users.set_email, "alice", "New@shop.example")
        assert (changed.email, changed.email_verified) == ("New@shop.example", False)
        assert self.pending_now(link) is None, "a link that was mailed to the old address"
        assert self.pending_now(other_link) == other_link
        assert self.ask(self.store.users.find, "alice") == changed
        assert self.ask(self.store.users.find_by_email, "new@SHOP.example") == (changed,)
        assert self.ask(self.store.users.find_by_email, "old@shop.example") == ()
        verified = self.ask(self.store.users.set_email, "alice", "new@shop.example", verified=True)
        assert verified == replace(changed, email="new@shop.example", email_verified=True)
        assert self.ask(self.store.users.find, "bob") == bob

    def test_a_user_without_an_address_has_none_that_is_verified(self) -> None:
        for made in (
            self.ask(self.store.users.create, "alice", email="", email_verified=True),
            self.ask(self.store.users.set_email, "alice", "", verified=True),
        ):
            assert (made.email, made.email_verified) == ("", False)
            assert self.ask(self.store.users.find, "alice") == made
        with pytest.raises(ConfigurationError):
            self.ask(self.store.users.set_email, "alice", "no address")
        with pytest.raises(NotFound):
            self.ask(self.store.users.set_email, "bob", "bob@shop.example")

    def test_of_a_new_address_and_a_verification_of_the_old_one_at_once_no_address_is_verified_unseen(self) -> None:
        for number in range(self.rounds):
            self.ask(self.store.users.create, f"user-{number}", id=f"id-{number}", email="old@shop.example")
        self.race(_verify_or_change)
        for number in range(self.rounds):
            found = self.ask(self.store.users.find, f"user-{number}")
            assert found is not None
            assert (found.email, found.email_verified) == ("new@shop.example", False)

    def test_of_a_user_who_is_disabled_and_logs_in_at_once_no_session_is_left(self) -> None:
        for number in range(self.rounds):
            self.ask(self.store.users.create, f"user-{number}", id=f"id-{number}")
        for number, answers in enumerate(self.race(_disable_or_log_in)):
            for key in filter(None, answers):
                found = self.ask(self.store.sessions.find_session, key)
                assert found is None or found.ended_at is not None, number  # a store may drop what has ended

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


def _delete_or_make_key(store: _Stores, racer: int, number: int) -> Flow[str]:
    if racer == 0:
        yield from Ask(store.users.delete, f"user-{number}")
        return ""
    _, key = yield from Ask(store.keys.create, f"id-{number}")
    if racer == 1:
        with suppress(NotFound):  # it is gone already
            _, key = yield from Ask(store.keys.rotate, key.id)
    return key.digest


def _verify_or_change(store: _Stores, racer: int, number: int) -> Flow[None]:
    if racer == 0:
        yield from Ask(store.users.set_email, f"user-{number}", "new@shop.example")
    else:
        yield from Ask(store.users.verify_email, f"id-{number}", "old@shop.example")


def _disable_or_log_in(store: _Stores, racer: int, number: int) -> Flow[str]:
    """Log in as a flow does: a session that is stored although the user was disabled meanwhile is ended."""
    if racer == 0:
        yield from Ask(store.users.disable, f"user-{number}")
        return ""
    user: User | None = yield from Ask(store.users.find_by_id, f"id-{number}")
    if user is None or user.disabled:
        return ""
    session = a_session(subject=user.id)
    yield from Ask(store.sessions.add_session, session)
    again: User | None = yield from Ask(store.users.find_by_id, user.id)
    if again is None or again.disabled:
        yield from Ask(store.sessions.end_session, session.id, session.created_at)
    return session.key


def _rename(store: _Stores, racer: int, number: int) -> Flow[bool]:
    try:
        yield from Ask(store.users.rename, f"user-{racer}-{number}", f"taken-{number}")
    except AlreadyExists:
        return False
    return True


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
