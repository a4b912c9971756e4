"""What every store of API keys and opaque tokens promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authmw import ConfigurationError
from authmw.crypto.opaque_tokens import has_checksum, token_digest
from authmw.stores.administration import ApiKeyAdmin, NotFound, TokenAdmin
from authmw.stores.ports import ApiKeyStore, TokenStore
from authmw.stores.records import ApiKeyRecord, TokenRecord
from tests.stores.support import Clock, Stores, at_once


def test_keys_and_tokens_are_what_the_ports_ask_for(stores: Stores) -> None:
    keys: tuple[ApiKeyStore, ApiKeyAdmin] = (stores.keys, stores.keys)
    tokens: tuple[TokenStore, TokenAdmin] = (stores.tokens, stores.tokens)
    assert keys[0].find_key("0" * 64) is None
    assert tokens[0].find_token("0" * 64) is None


def test_key_1_a_created_key_is_found_by_its_digest_alone(stores: Stores, clock: Clock) -> None:
    key, record = stores.keys.create("alice", ["b", "a"], name="laptop", lifetime=60)
    assert has_checksum(key, "ak")
    assert stores.keys.find_key(token_digest(key)) == record
    assert stores.keys.find_key(key) is None
    assert (record.owner, record.scopes, record.name) == ("alice", frozenset({"a", "b"}), "laptop")
    assert (record.created_at, record.expires_at) == (clock.now, clock.now + 60)
    assert (record.revoked_at, record.last_used_at) == (None, None)


def test_a_created_token_is_found_by_its_digest_alone(stores: Stores, clock: Clock) -> None:
    token, record = stores.tokens.create("shop", ["a"], lifetime=60, kind="client", client_id="shop")
    assert has_checksum(token, "at")
    assert stores.tokens.find_token(token_digest(token)) == record
    assert stores.tokens.find_token(token) is None
    assert (record.subject, record.kind, record.client_id) == ("shop", "client", "shop")
    assert (record.created_at, record.expires_at, record.revoked_at) == (clock.now, clock.now + 60, None)


def test_what_is_not_said_of_a_new_key_or_token_is_nothing(stores: Stores, clock: Clock) -> None:
    key, of_key = stores.keys.create("alice")
    assert of_key == ApiKeyRecord(of_key.id, token_digest(key), "alice", created_at=clock.now)
    token, of_token = stores.tokens.create("alice")
    assert of_token == TokenRecord(of_token.id, token_digest(token), "alice", clock.now + 3600, created_at=clock.now)
    assert (of_key.id[:4], of_token.id[:4], of_token.kind, of_token.client_id) == ("key_", "tok_", "user", None)


def test_all_that_is_said_of_a_new_key_or_token_is_kept(stores: Stores, clock: Clock) -> None:
    key, of_key = stores.keys.create("alice", ["b", "a"], name="laptop", lifetime=timedelta(minutes=1))
    scopes, end = frozenset({"a", "b"}), clock.now + 60
    assert of_key == ApiKeyRecord(of_key.id, token_digest(key), "alice", scopes, "laptop", clock.now, end)
    assert stores.keys.list() == (of_key,)
    token, of_token = stores.tokens.create(
        "shop", ["b", "a"], lifetime=timedelta(minutes=1), kind="client", client_id="web"
    )
    assert of_token == TokenRecord(
        of_token.id, token_digest(token), "shop", end, scopes, "client", "web", created_at=clock.now
    )
    assert stores.tokens.list() == (of_token,)


@pytest.mark.parametrize("lifetime", [0, -1, float("inf"), float("nan")])
def test_a_lifetime_is_finite_and_above_zero(stores: Stores, lifetime: float) -> None:
    with pytest.raises(ConfigurationError, match="lifetime"):
        stores.keys.create("alice", lifetime=lifetime)
    with pytest.raises(ConfigurationError, match="lifetime"):
        stores.tokens.create("alice", lifetime=lifetime)


def test_class_18_nobody_owns_no_key(stores: Stores) -> None:
    with pytest.raises(ConfigurationError, match="owner"):
        stores.keys.create("")
    with pytest.raises(ConfigurationError, match="subject"):
        stores.tokens.create("")


def test_key_4_a_revoked_key_stays_revoked_since_the_first_time(stores: Stores, clock: Clock) -> None:
    key, record = stores.keys.create("alice")
    first = clock.now
    assert stores.keys.revoke(record.id).revoked_at == first
    clock.now += 10
    assert stores.keys.revoke(record.id).revoked_at == first
    found = stores.keys.find_key(token_digest(key))
    assert found is not None
    assert found.revoked_at == first


def test_class_27_a_revoked_token_stays_revoked_since_the_first_time(stores: Stores, clock: Clock) -> None:
    token, record = stores.tokens.create("alice")
    first = clock.now
    stores.tokens.revoke(record.id)
    clock.now += 10
    assert stores.tokens.revoke(record.id).revoked_at == first
    found = stores.tokens.find_token(token_digest(token))
    assert found is not None
    assert found.revoked_at == first


def test_what_is_not_there_cannot_be_revoked(stores: Stores) -> None:
    for change in (
        lambda: stores.keys.revoke("key_x"),
        lambda: stores.keys.rotate("key_x"),
        lambda: stores.tokens.revoke("tok_x"),
    ):
        with pytest.raises(NotFound, match="_x"):
            change()


def test_lists_are_by_owner_oldest_first(stores: Stores, clock: Clock) -> None:
    made: list[str] = []
    for owner in ("bob", "alice", "bob"):
        made.append(stores.keys.create(owner)[1].id)
        stores.tokens.create(owner)
        clock.now += 1
    assert [record.id for record in stores.keys.list()] == made
    assert [record.id for record in stores.keys.list("bob")] == [made[0], made[2]]
    assert stores.keys.list("carol") == ()
    assert [record.subject for record in stores.tokens.list()] == ["bob", "alice", "bob"]
    assert [record.subject for record in stores.tokens.list("alice")] == ["alice"]


def test_key_4_the_last_use_only_moves_forward(stores: Stores) -> None:
    key, record = stores.keys.create("alice")
    for at, expected in ((5.0, 5.0), (9.0, 9.0), (7.0, 9.0)):
        stores.keys.touch_key(record.id, at)
        found = stores.keys.find_key(token_digest(key))
        assert found is not None
        assert found.last_used_at == expected
    stores.keys.touch_key("key_x", 1.0)


def test_key_4_a_key_is_rotated_with_an_overlap(stores: Stores, clock: Clock) -> None:
    old_key, old = stores.keys.create("alice", ["a"], name="laptop", lifetime=1000)
    new_key, new = stores.keys.rotate(old.id, overlap=60)
    assert new_key != old_key
    assert (new.owner, new.scopes, new.name, new.expires_at) == ("alice", frozenset({"a"}), "laptop", old.expires_at)
    assert stores.keys.find_key(token_digest(new_key)) == new
    fading = stores.keys.find_key(token_digest(old_key))
    assert fading is not None
    assert fading.expires_at == clock.now + 60


def test_key_4_without_an_overlap_an_old_key_ends_at_once_and_the_new_one_is_as_it_was(
    stores: Stores, clock: Clock
) -> None:
    old_key, old = stores.keys.create("alice", ["a"], name="laptop")
    created_at = clock.now
    clock.advance(5)
    new_key, new = stores.keys.rotate(old.id)
    assert new == replace(old, id=new.id, digest=token_digest(new_key), created_at=clock.now)
    ended = replace(old, expires_at=clock.now)
    assert stores.keys.find_key(token_digest(old_key)) == ended
    assert stores.keys.list() == (ended, new)
    assert (old.created_at, old.expires_at, new.expires_at) == (created_at, None, None)


def test_key_4_an_overlap_never_prolongs_a_key(stores: Stores, clock: Clock) -> None:
    key, record = stores.keys.create("alice", lifetime=10)
    stores.keys.rotate(record.id, overlap=1000)
    found = stores.keys.find_key(token_digest(key))
    assert found is not None
    assert found.expires_at == clock.now + 10


def test_key_4_a_revoked_key_is_not_rotated(stores: Stores) -> None:
    _, record = stores.keys.create("alice")
    stores.keys.revoke(record.id)
    with pytest.raises(NotFound, match="revoked"):
        stores.keys.rotate(record.id)
    assert len(stores.keys.list()) == 1


def test_keys_of_a_disabled_user_are_refused_until_enabled(stores: Stores, clock: Clock) -> None:
    stores.users.create("alice", id="usr_1")
    key, record = stores.keys.create("usr_1")
    stores.users.disable("alice")
    found = stores.keys.find_key(token_digest(key))
    assert found is not None
    assert found.revoked_at == clock.now
    assert stores.keys.list() == (record,), "the key itself is as it was"
    stores.users.enable("alice")
    assert stores.keys.find_key(token_digest(key)) == record


def test_tokens_of_a_disabled_user_are_refused_for_good(stores: Stores, clock: Clock) -> None:
    stores.users.create("alice", id="usr_1")
    token, _ = stores.tokens.create("usr_1")
    stores.users.disable("alice")
    late, record = stores.tokens.create("usr_1")
    found = stores.tokens.find_token(token_digest(late))
    assert found is not None
    assert found.revoked_at == clock.now, "as if by a login that was on its way"
    stores.users.enable("alice")
    assert stores.tokens.find_token(token_digest(late)) == record
    found = stores.tokens.find_token(token_digest(token))
    assert found is not None
    assert found.revoked_at == clock.now


def test_enabling_a_user_brings_no_revoked_key_back(stores: Stores) -> None:
    stores.users.create("alice")
    key, record = stores.keys.create("alice")
    stores.keys.revoke(record.id)
    stores.users.disable("alice")
    stores.users.enable("alice")
    found = stores.keys.find_key(token_digest(key))
    assert found is not None
    assert found.revoked_at is not None


def test_keys_of_other_owners_are_left_alone_when_a_user_is_disabled(stores: Stores) -> None:
    stores.users.create("alice")
    key, record = stores.keys.create("nightly-job")
    stores.users.disable("alice")
    assert stores.keys.find_key(token_digest(key)) == record


def test_class_26_eight_threads_see_one_time_of_revocation(stores: Stores, clock: Clock) -> None:
    _, record = stores.keys.create("alice")

    def revoke(number: int) -> float | None:
        clock.now += 1
        return stores.keys.revoke(record.id).revoked_at

    assert len(set(at_once(8, revoke))) == 1


def test_eight_threads_create_and_find(stores: Stores) -> None:
    def use(number: int) -> bool:
        for _ in range(10):
            token, record = stores.tokens.create(f"user-{number}")
            if stores.tokens.find_token(token_digest(token)) != record:
                return False
        return True

    assert all(at_once(8, use))
    assert len(stores.tokens.list()) == 80
