"""What every store of users promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import pbkdf2_hmac
from typing import Any

import pytest

from authmw import ConfigurationError
from authmw.crypto.http_digest import ha1, userhash
from authmw.crypto.opaque_tokens import token_digest
from authmw.crypto.passwords import CHEAPEST, Match, PasswordHasher
from authmw.events import on_event
from authmw.stores.administration import AlreadyExists, NotFound, UserAdmin
from authmw.stores.personal_data import moment
from authmw.stores.ports import DigestStore, PasswordUpgrader, UserStore
from authmw.stores.records import User
from authmw.stores.told_changes import changes_user
from authmw.testing.contract.pending import a_pending
from tests.stores.support import Clock, Stores, at_once

HASHER = PasswordHasher(CHEAPEST)


def is_password(user: User | None, password: str) -> bool:
    assert user is not None
    assert user.password_hash is not None
    return HASHER.verify(password=password, hash=user.password_hash) is not Match.MISMATCH


def test_users_are_what_the_ports_ask_for(stores: Stores) -> None:
    users = stores.users
    ports: tuple[UserStore, PasswordUpgrader, DigestStore, UserAdmin] = (users, users, users, users)
    assert ports[0].find("nobody") is None


def test_a_created_user_is_found_again(stores: Stores) -> None:
    created = stores.users.create("alice", "pw", scopes=["b", "a", "b"], attributes={"email": "a@example.org"})
    found = stores.users.find("alice")
    assert found == created
    assert (created.id, created.username, created.scopes) == ("alice", "alice", frozenset({"a", "b"}))
    assert dict(created.attributes) == {"email": "a@example.org"}
    assert not created.disabled
    assert is_password(found, "pw")


WERKZEUG = "pbkdf2:sha256:100$salt$" + pbkdf2_hmac("sha256", b"pw", b"salt", 100).hex()


def test_a_user_may_bring_the_hash_that_another_program_made(stores: Stores) -> None:
    created = stores.users.create("alice", password_hash=WERKZEUG, scopes=["a"])
    assert created == stores.users.find("alice")
    assert created.password_hash == WERKZEUG
    assert is_password(created, "pw")
    assert not is_password(created, WERKZEUG)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"password_hash": "md5$salt$0123456789abcdef"}, r"not known \(md5\)"),
        ({"password_hash": ""}, "not known"),
        ({"password_hash": WERKZEUG.replace(":100$", ":9000000$")}, "more work than is allowed"),
        ({"password_hash": WERKZEUG, "password": "pw"}, "not both"),
        ({"password_hash": WERKZEUG, "digest_realm": "app"}, "needs the password"),
    ],
    ids=["unknown", "empty", "absurd", "both", "digest"],
)
def test_a_hash_that_matches_no_password_is_refused_when_a_user_is_created(
    stores: Stores, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        stores.users.create("alice", **options)  # type: ignore[arg-type]  # each is a str
    assert "0123456789abcdef" not in str(refused.value)
    assert stores.users.find("alice") is None


def test_a_password_that_looks_like_a_hash_is_warned_about(stores: Stores, caplog: pytest.LogCaptureFixture) -> None:
    stores.users.create("alice", WERKZEUG)
    (message,) = [record.getMessage() for record in caplog.records if record.name == "authmw.passwords"]
    assert "pass password_hash=" in message
    assert WERKZEUG not in message
    assert is_password(stores.users.find("alice"), WERKZEUG)


def test_the_store_says_which_digest_algorithms_it_keeps(stores: Stores) -> None:
    assert stores.users.digest_algorithms == ("SHA-256",)


@pytest.mark.parametrize("name", ["Alice", "alice ", "alic", "", "al\0ice", "alice\ud800", "%", "' OR 1=1 --"])
def test_names_are_compared_exactly(stores: Stores, name: str) -> None:
    stores.users.create("alice")
    assert stores.users.find(name) is None


def test_class_13_a_name_has_one_spelling_in_nfc(stores: Stores) -> None:
    stores.users.create("Zoe\u0308", "pw")
    user = stores.users.find("Zo\u00eb")
    assert user is not None
    assert user.username == "Zo\u00eb"
    assert stores.users.find("Zoe\u0308") == user
    with pytest.raises(AlreadyExists):
        stores.users.create("Zo\u00eb")


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "a\x7f", "x" * 257, "\u20ac" * 86, "\ud800"])
def test_a_name_nobody_could_log_in_with_is_refused(stores: Stores, name: str) -> None:
    with pytest.raises(ConfigurationError, match="user name"):
        stores.users.create(name)
    assert stores.users.list() == ()


@pytest.mark.parametrize("password", ["", "a\0b", "x" * 1025])
def test_a_password_nobody_could_log_in_with_is_refused(stores: Stores, password: str) -> None:
    for realm in (None, "app"):
        with pytest.raises(ConfigurationError, match="password has") as caught:
            stores.users.create("alice", password, digest_realm=realm)
        assert not password or password not in str(caught.value)
    assert stores.users.find("alice") is None


def test_a_scope_that_is_none_is_refused(stores: Stores) -> None:
    with pytest.raises(ConfigurationError, match="scope"):
        stores.users.create("alice", scopes=["a b"])


def test_a_user_without_a_password_has_no_hash(stores: Stores) -> None:
    stores.users.create("alice")
    user = stores.users.find("alice")
    assert user is not None
    assert user.password_hash is None


def test_an_id_is_kept_apart_from_the_name_and_is_unique_too(stores: Stores) -> None:
    stores.users.create("alice", id="usr_1")
    user = stores.users.find("alice")
    assert user is not None
    assert user.id == "usr_1"
    assert stores.users.find("usr_1") is None
    with pytest.raises(AlreadyExists, match="'bob'"):
        stores.users.create("bob", id="usr_1")
    assert stores.users.find("bob") is None


def test_class_34_no_user_gets_the_id_of_another_by_way_of_a_name(stores: Stores) -> None:
    stores.users.create("mallory", id="alice")
    with pytest.raises(AlreadyExists):
        stores.users.create("alice")


def test_a_name_is_given_once_of_eight_at_once(stores: Stores) -> None:
    def create(number: int) -> bool:
        try:
            stores.users.create("alice", id=f"usr_{number}")
        except AlreadyExists:
            return False
        return True

    assert sum(at_once(8, create)) == 1
    assert len(stores.users.list()) == 1


def test_users_are_listed_by_name(stores: Stores) -> None:
    for name in ("carol", "alice", "bob"):
        stores.users.create(name)
    assert [user.username for user in stores.users.list()] == ["alice", "bob", "carol"]


def test_a_disabled_user_is_found_as_such_until_enabled(stores: Stores) -> None:
    stores.users.create("alice")
    assert stores.users.disable("alice").disabled
    found = stores.users.find("alice")
    assert found is not None
    assert found.disabled
    assert not stores.users.enable("alice").disabled
    assert stores.users.find("alice") == stores.users.list()[0]


def test_scopes_are_replaced(stores: Stores) -> None:
    stores.users.create("alice", scopes=["a"])
    assert stores.users.set_scopes("alice", ["b", "c"]).scopes == {"b", "c"}
    assert stores.users.set_scopes("alice", []).scopes == frozenset()
    found = stores.users.find("alice")
    assert found is not None
    assert found.scopes == frozenset()


def test_a_password_is_replaced(stores: Stores) -> None:
    stores.users.create("alice", "old")
    assert is_password(stores.users.set_password("alice", "new"), "new")
    assert not is_password(stores.users.find("alice"), "old")


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """The fields of each event, in order."""
    events: list[dict[str, Any]] = []
    stop = on_event(lambda event: events.append({"name": event.name, **event.fields()}), inline=True)
    yield events
    stop()


def test_each_change_of_a_user_is_told(stores: Stores, told: list[dict[str, Any]]) -> None:
    users = stores.users
    users.create("alice", "pw", id="usr_1")
    changes: dict[str, Callable[[], User]] = {
        "disabled": lambda: users.disable("alice"),
        "enabled": lambda: users.enable("alice"),
        "password": lambda: users.set_password("alice", "another"),
        "scopes": lambda: users.set_scopes("alice", ["a"]),
        "email": lambda: users.set_email("alice", "alice@mail.example"),
        "renamed": lambda: users.rename("alice", "al"),
        "deleted": lambda: users.delete("al"),
    }
    for change in changes.values():
        change()
    assert [each | {"at": None} for each in told] == [
        {"name": "user_changed", "at": None, "principal": "usr_1", "change": change} for change in ("created", *changes)
    ]


def test_each_revocation_of_a_key_a_token_or_a_client_is_told(stores: Stores, told: list[dict[str, Any]]) -> None:
    _, key = stores.keys.create("alice")
    _, token = stores.tokens.create("alice")
    stores.clients.create("shop")
    stores.keys.revoke(key.id)
    stores.tokens.revoke(token.id)
    stores.clients.disable("shop")
    assert [each | {"at": None} for each in told] == [
        {"name": "revoked", "at": None, "kind": kind, "id": id}
        for kind, id in (("key", key.id), ("token", token.id), ("client", "shop"))
    ]


def test_a_change_that_fails_is_not_told(stores: Stores, told: list[dict[str, Any]]) -> None:
    for change in (
        lambda: stores.users.disable("bob"),
        lambda: stores.keys.revoke("key_x"),
        lambda: stores.tokens.revoke("tok_x"),
        lambda: stores.clients.disable("shop"),
    ):
        with pytest.raises(NotFound):
            change()
    assert told == []


class AsyncUsers:
    """Users on an event loop."""

    @changes_user("disabled")  # type: ignore[arg-type]  # as the stores of SQL, whose answers are awaited
    async def disable(self, username: str) -> User:
        if username != "alice":
            raise NotFound(username)
        return User("usr_1", "alice", disabled=True)


def test_a_change_on_an_event_loop_is_told_once_it_has_succeeded(told: list[dict[str, Any]]) -> None:
    users: Any = AsyncUsers()
    answer = users.disable("alice")
    assert told == []
    assert asyncio.run(answer) == User("usr_1", "alice", disabled=True)
    with pytest.raises(NotFound):
        asyncio.run(users.disable("bob"))
    assert [(each["name"], each["principal"], each["change"]) for each in told] == [
        ("user_changed", "usr_1", "disabled")
    ]


def test_a_user_who_is_disabled_again_is_disabled_since_the_first_time(stores: Stores, clock: Clock) -> None:
    stores.users.create("alice")
    key, record = stores.keys.create("alice")
    first = clock.now
    stores.users.disable("alice")
    clock.advance(10)
    stores.users.disable("alice")
    assert stores.users.export("alice")["user"]["disabled_at"] == moment(first)
    assert stores.keys.find_key(token_digest(key)) == replace(record, revoked_at=first)
    stores.users.enable("alice")
    assert stores.users.export("alice")["user"]["disabled_at"] is None
    stores.users.disable("alice")
    assert stores.users.export("alice")["user"]["disabled_at"] == moment(clock.now)


def test_a_new_address_or_password_ends_what_is_pending_and_other_changes_do_not(stores: Stores) -> None:
    stores.users.create("alice", "pw", id="usr_1")
    changes: dict[str, tuple[Callable[[], User], bool]] = {
        "scopes": (lambda: stores.users.set_scopes("alice", ["a"]), True),
        "enabled": (lambda: stores.users.enable("alice"), True),
        "password": (lambda: stores.users.set_password("alice", "another"), False),
        "email": (lambda: stores.users.set_email("alice", "alice@mail.example"), False),
        "renamed": (lambda: stores.users.rename("alice", "al"), True),
        "disabled": (lambda: stores.users.disable("al"), False),
    }
    for change, is_left in changes.values():
        own, other = a_pending(subject="usr_1"), a_pending(subject="usr_2")
        for each in (own, other):
            stores.pending.put_pending(each)
        change()
        left = [stores.pending.take_pending(each.digest, each.kind, each.expires_at - 1) for each in (own, other)]
        assert left == [own if is_left else None, other]


def test_what_is_not_said_of_a_new_user_is_nothing(stores: Stores) -> None:
    assert stores.users.create("alice") == stores.users.find("alice") == User("alice", "alice")
    full = stores.users.create(
        "bob",
        id="usr_1",
        password_hash=WERKZEUG,
        scopes=["a"],
        attributes={"team": "blue"},
        email="bob@mail.example",
        email_verified=True,
    )
    assert full == User("usr_1", "bob", WERKZEUG, frozenset({"a"}), False, {"team": "blue"}, "bob@mail.example", True)
    assert stores.users.find("bob") == stores.users.find_by_id("usr_1") == full


def test_no_address_is_none_that_is_verified(stores: Stores) -> None:
    assert not stores.users.create("alice", email_verified=True).email_verified
    assert stores.users.set_email("alice", "alice@mail.example", verified=True).email_verified
    assert not stores.users.set_email("alice", "another@mail.example").email_verified
    assert not stores.users.set_email("alice", "", verified=True).email_verified


def test_what_is_not_there_cannot_be_changed(stores: Stores) -> None:
    users = stores.users
    changes: list[Callable[[], User]] = [
        lambda: users.disable("bob"),
        lambda: users.enable("bob"),
        lambda: users.set_scopes("bob", ["a"]),
        lambda: users.set_password("bob", "pw"),
        lambda: users.set_email("bob", ""),
        lambda: users.rename("bob", "rob"),
        lambda: users.delete("bob"),
    ]
    for change in changes:
        with pytest.raises(NotFound, match="'bob'"):
            change()


def test_class_26_a_hash_is_replaced_only_where_it_still_is_what_was_verified(stores: Stores) -> None:
    user = stores.users.create("alice", "pw")
    old = user.password_hash
    assert old is not None
    assert not stores.users.replace_password_hash(user.id, "another", "new")
    assert not stores.users.replace_password_hash("nobody", old, "new")
    assert stores.users.replace_password_hash(user.id, old, "new")
    assert not stores.users.replace_password_hash(user.id, old, "newer")
    found = stores.users.find("alice")
    assert found is not None
    assert found.password_hash == "new"


def test_class_26_of_eight_replacements_at_once_one_wins(stores: Stores) -> None:
    def hash_now() -> str:
        found = stores.users.find("alice")
        assert found is not None
        return found.password_hash or ""

    stores.users.create("alice", "pw")
    for _ in range(5):
        old = hash_now()
        won = at_once(8, partial(_replace, stores, old))
        assert sum(won) == 1
        assert hash_now() == f"{old}{won.index(True)}"


def _replace(stores: Stores, old: str, number: int) -> bool:
    return stores.users.replace_password_hash("alice", old, f"{old}{number}")


def test_dig_8_an_ha1_is_kept_for_the_realm_that_was_asked_for_and_no_other(stores: Stores) -> None:
    stores.users.create("alice", "pw", digest_realm="app")
    found = stores.users.find_digest("alice", "app", "SHA-256")
    assert found is not None
    assert found.ha1 == ha1(username="alice", realm="app", password="pw")
    assert found.user == stores.users.find("alice")
    assert stores.users.find_digest("alice", "other", "SHA-256") is None
    assert stores.users.find_digest("alice", "app", "MD5") is None
    assert stores.users.find_digest("bob", "app", "SHA-256") is None


def test_dig_4_a_user_is_found_by_userhash(stores: Stores) -> None:
    stores.users.create("alice", "pw", digest_realm="app")
    stores.users.create("bob", "pw", digest_realm="app")
    hashed = userhash(username="bob", realm="app")
    found = stores.users.find_digest_by_userhash(hashed, "app", "SHA-256")
    assert found is not None
    assert found.user.id == "bob"
    assert stores.users.find_digest_by_userhash(hashed, "other", "SHA-256") is None
    assert stores.users.find_digest_by_userhash("bob", "app", "SHA-256") is None


def test_a_new_password_replaces_every_ha1_so_that_the_old_one_opens_nothing(stores: Stores) -> None:
    stores.users.create("alice", "old", digest_realm="app")
    stores.users.set_password("alice", "new", digest_realm="admin")
    for realm in ("app", "admin"):
        found = stores.users.find_digest("alice", realm, "SHA-256")
        assert found is not None
        assert found.ha1 == ha1(username="alice", realm=realm, password="new")


def test_an_ha1_is_of_the_name_and_the_password_in_nfc(stores: Stores) -> None:
    stores.users.create("Zoe\u0308", "e\u0301", digest_realm="app")
    found = stores.users.find_digest("Zoe\u0308", "app", "SHA-256")
    assert found is not None
    assert found.ha1 == ha1(username="Zo\u00eb", realm="app", password="\u00e9")


def test_a_user_without_a_password_has_no_ha1(stores: Stores) -> None:
    stores.users.create("alice", digest_realm="app")
    assert stores.users.find_digest("alice", "app", "SHA-256") is None
