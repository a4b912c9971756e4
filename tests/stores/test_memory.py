"""The stores in memory: what only they promise. What every store promises is in tests/stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import isfunction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import ConfigurationError
from authmw.crypto.opaque_tokens import Entropy, has_checksum, token_digest
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow, run
from authmw.stores import (
    MemoryApiKeys,
    MemoryClients,
    MemoryFamilies,
    MemoryNonces,
    MemoryPending,
    MemoryRevocations,
    MemorySessions,
    MemoryStores,
    MemoryThrottle,
    MemoryTokens,
    MemoryUsers,
    Stores,
    StoreUnavailable,
)
from authmw.stores.memory.sweep import Sweep
from authmw.stores.personal_data import document_of, moment
from authmw.stores.ports import (
    ClientStore,
    FamilyStore,
    NonceStore,
    RevocationStore,
    Throttle,
    TokenKeeper,
    require_methods,
)
from authmw.stores.records import (
    Attempt,
    AttemptOutcome,
    NonceUse,
    RefreshFamily,
    Reservation,
    Revocation,
    RevocationKind,
    Wait,
)
from authmw.stores.session_records import Pending
from authmw.stores.throttling import HOLD
from authmw.testing import FakeClock
from authmw.testing.contract.sessions import a_session
from tests.stores.support import Clock, at_once
from tests.stores.support import Stores as AnyStores

LATER = 2_000_000.0


def test_nonces_and_throttle_are_what_the_ports_ask_for() -> None:
    stores = MemoryStores()
    ports: tuple[NonceStore, Throttle] = (stores.nonces, stores.throttle)
    assert ports[1].reserve(Attempt("k"), 0.0) == Reservation(Attempt("k"), held_until=30.0)


def test_what_the_token_service_needs_is_what_the_ports_ask_for() -> None:
    stores = MemoryStores()
    ports: tuple[ClientStore, TokenKeeper, FamilyStore, RevocationStore] = (
        stores.clients,
        stores.tokens,
        stores.families,
        stores.revocations,
    )
    assert ports[0].find_client("nobody") is None


def test_all_of_them_are_in_one() -> None:
    assert None not in vars_of(Stores.of(MemoryStores()))


@pytest.mark.parametrize("name", Stores.__slots__)
def test_each_of_them_is_known_for_itself(name: str) -> None:
    store = getattr(MemoryStores(), name)
    assert getattr(Stores.of(store), name) is store
    kind: type[object] = store.__class__
    (method, *_) = [each for each, function in vars(kind).items() if each[0] != "_" and isfunction(function)]
    with pytest.raises(ConfigurationError, match=f"pass its .{name}, as stores.{name}"):
        require_methods("A verifier", MemoryStores(), method)


class Half:
    """A store with some of the methods that a receiver needs."""

    second = "no method"

    def first(self) -> None: ...


@pytest.mark.parametrize(
    "store, methods, said",
    [
        (Half(), ("first",), None),
        (Half, ("first",), "A verifier needs a store, not its class: pass Half(...)"),
        (
            Half(),
            ("first", "second", "third"),
            "A verifier needs a store with .first and .second and .third: Half has no .second and no .third; "
            "write a class with `def first(self, ...)`",
        ),
        (
            MemoryStores(),
            ("find_key", "touch_key"),
            "A verifier needs a store with .find_key and .touch_key: MemoryStores has no .find_key and no .touch_key; "
            "pass its .keys, as stores.keys",
        ),
        (
            MemoryStores(),
            ("find_key", "find_token"),
            "A verifier needs a store with .find_key and .find_token: "
            "MemoryStores has no .find_key and no .find_token; write a class with `def find_key(self, ...)`",
        ),
    ],
)
def test_what_a_store_lacks_is_said_with_what_to_pass_instead(
    store: object, methods: tuple[str, ...], said: str | None
) -> None:
    if said is None:
        require_methods("A verifier", store, *methods)
        return
    with pytest.raises(ConfigurationError) as refused:
        require_methods("A verifier", store, *methods)
    assert refused.value.mistakes == (said,)


def test_a_collection_of_stores_may_have_a_method_of_their_names() -> None:
    class Kept:
        users = MemoryUsers()

        def find(self, name: str) -> None: ...

    assert Stores.of(Kept()).users is Kept.users


def test_a_store_that_is_no_collection_of_stores_gets_a_class_to_write() -> None:
    with pytest.raises(ConfigurationError, match=r"object has no \.find; write a class with `def find"):
        require_methods("A verifier", object(), "find")


def swept(add: Callable[[int], object], find: Callable[[int], object | None]) -> bool:
    """Whether a store still has the first of its records after those that have ended were dropped."""
    for number in range(1025):
        add(number)
    return find(0) is not None


def keeps_families(stores: MemoryStores, until: float) -> bool:
    return swept(
        lambda number: stores.families.add_family(a_family(number, ends=until)),
        lambda number: stores.families.find_family(f"key_{number}"),
    )


def keeps_sessions(stores: MemoryStores, until: float) -> bool:
    return swept(
        lambda number: stores.sessions.add_session(
            a_session(id=f"sid_{number}", key=f"key_{number}", expires_at=until, idle_until=until)
        ),
        lambda number: stores.sessions.find_session(f"key_{number}"),
    )


def keeps_pending(stores: MemoryStores, until: float) -> bool:
    return swept(
        lambda number: stores.pending.put_pending(Pending(f"digest_{number}", "recovery", "7", until)),
        lambda number: stores.pending.peek_pending(f"digest_{number}", "recovery", 0.0),
    )


def keeps_revocations(stores: MemoryStores, until: float) -> bool:
    stores.revocations.publish(Revocation("token", "jti", 0.0, until))
    return stores.revocations.find_revocations((("token", "jti"),)) != ()


def keeps_nonces(stores: MemoryStores, until: float) -> bool:
    return stores.nonces.use_nonce("n", 1, until) is NonceUse.FRESH


@pytest.mark.parametrize(
    "keeps",
    [
        keeps_families,
        keeps_sessions,
        keeps_pending,
        keeps_revocations,
        keeps_nonces,
    ],
)
def test_what_ends_in_a_store_ends_by_the_clock_of_its_collection(keeps: Callable[[MemoryStores, float], bool]) -> None:
    now = Clock().now
    assert keeps(MemoryStores(clock=lambda: now), now + 1)
    assert not keeps(MemoryStores(clock=lambda: now), now)


def test_what_is_made_in_a_store_is_of_the_time_of_the_clock_of_its_collection(stores: AnyStores, clock: Clock) -> None:
    alice = stores.users.create("alice")
    _, client = stores.clients.create()
    _, key = stores.keys.create(alice.id)
    _, token = stores.tokens.create(alice.id)
    assert {client.created_at, key.created_at, token.created_at} == {clock.now}
    assert stores.users.export("alice")["user"]["created_at"] == moment(clock.now)
    assert stores.keys.revoke(key.id).revoked_at == stores.tokens.revoke(token.id).revoked_at == clock.now


def test_the_hasher_and_the_digest_algorithms_of_a_collection_are_those_of_its_users() -> None:
    stores = MemoryStores(hasher=PasswordHasher(CHEAPEST), digest_algorithms=("MD5", "SHA-512-256"))
    user = stores.users.create("alice", "pw", digest_realm="app")
    assert "m=8,t=1" in (user.password_hash or "")
    assert stores.users.digest_algorithms == ("MD5", "SHA-512-256")


def vars_of(stores: Stores) -> list[object]:
    return [getattr(stores, name) for name in Stores.__slots__]


@pytest.mark.parametrize(
    "store",
    [
        MemoryUsers,
        MemoryApiKeys,
        MemoryClients,
        MemoryTokens,
        MemoryFamilies,
        MemoryNonces,
        MemoryThrottle,
        MemoryRevocations,
    ],
)
def test_every_store_may_be_asked_on_an_event_loop(store: type) -> None:
    opened = store()
    methods = [getattr(opened, name) for name, each in vars(store).items() if name[0] != "_" and isfunction(each)]
    assert {CallMode.of(method) for method in methods} == {CallMode.NONBLOCKING}


def test_a_user_may_be_created_with_a_hasher_of_its_own() -> None:
    users = MemoryUsers()
    user = users.create("alice", "pw", scopes={"a"}, hasher=PasswordHasher(CHEAPEST), digest_realm="app")
    assert user.password_hash is not None
    assert "m=8,t=1" in user.password_hash
    assert users.find_digest("alice", "app", "SHA-256") is not None


def test_a_token_for_a_disabled_user_and_a_disabled_client_is_revoked_since_the_first_of_them_was() -> None:
    clock = Clock()
    stores = MemoryStores(clock=clock)
    stores.users.create("alice")
    stores.clients.create("shop")
    start = clock.now
    for disable in (lambda: stores.clients.disable("shop"), lambda: stores.users.disable("alice")):
        disable()
        clock.advance(1)
        disable()
    token, record = stores.tokens.create("alice", client_id="shop")

    def revoked_at() -> float | None:
        found = stores.tokens.find_token(token_digest(token))
        assert found is not None
        assert found == replace(record, revoked_at=found.revoked_at)
        return found.revoked_at

    assert revoked_at() == start
    stores.clients.enable("shop")
    assert revoked_at() == start + 1
    stores.users.enable("alice")
    assert revoked_at() is None
    stores.clients.disable("shop")
    stores.clients.disable("shop")
    assert revoked_at() == clock.now


def counted() -> tuple[Entropy, list[int]]:
    """Bytes that are no secret, and how many of them were asked for each time."""
    asked = list[int]()

    def entropy(count: int) -> bytes:
        asked.append(count)
        return bytes([len(asked)]) * count

    return entropy, asked


def test_all_that_is_random_in_a_record_is_made_of_the_entropy_that_was_given() -> None:
    def made() -> tuple[object, list[int]]:
        clock, (entropy, asked) = Clock(), counted()
        keys = MemoryApiKeys(prefix="mykey", clock=clock, entropy=entropy)
        tokens = MemoryTokens(prefix="mytoken", clock=clock, entropy=entropy)
        clients = MemoryClients(clock=clock, entropy=entropy)
        key, of_key = keys.create("alice")
        token, of_token = tokens.create("alice")
        secret, client = clients.create()
        answers = (
            key,
            of_key,
            keys.rotate(of_key.id),
            token,
            of_token,
            secret,
            client,
            clients.rotate_secret(client.id),
        )
        feed = MemoryRevocations(clock=clock, entropy=entropy).revocations_after("", 1).cursor
        assert has_checksum(key, "mykey")
        assert has_checksum(token, "mytoken")
        return (*answers, feed), asked

    first, asked = made()
    assert made() == (first, asked)
    # A secret and an id of each: of two keys, a token, a client with another secret, and a feed.
    assert len(asked) == 2 + 2 + 2 + 2 + 1 + 1
    assert min(asked) >= 12


def test_dig_1_an_ha1_is_kept_for_each_algorithm_that_was_asked_for() -> None:
    users = MemoryUsers(hasher=PasswordHasher(CHEAPEST), digest_algorithms=("SHA-512-256", "MD5"))
    users.create("alice", "pw", digest_realm="app")
    found = {algorithm: users.find_digest("alice", "app", algorithm) for algorithm in ("MD5", "SHA-256", "SHA-512-256")}
    assert [name for name, known in found.items() if known is not None] == ["MD5", "SHA-512-256"]


def test_tok_1_no_key_token_or_password_is_kept_in_clear() -> None:
    stores = MemoryStores(hasher=PasswordHasher(CHEAPEST))
    stores.users.create("alice", "correct horse", digest_realm="app")
    key, _ = stores.keys.create("alice")
    token, _ = stores.tokens.create("alice")
    kept = "".join(repr(sorted(vars(store).items(), key=str)) for store in (stores.users, stores.keys, stores.tokens))
    for secret in ("correct horse", key, token):
        assert secret not in kept


def test_users_that_belong_to_no_collection_are_administered_all_the_same() -> None:
    clock = Clock()
    users = MemoryUsers(hasher=PasswordHasher(CHEAPEST), clock=clock)
    users.create("al", "pw", id="7", digest_realm="shop")
    users.set_password("al", "another")
    users.set_scopes("al", ["a"])
    users.set_email("al", "alice@mail.example", verified=True)
    users.rename("al", "alice")
    users.enable("alice")
    disabled = users.disable("alice")
    nothing: dict[str, Any] = dict.fromkeys(
        ("keys", "tokens", "families", "browser_sessions", "pending", "revocations", "familiar_until"), ()
    )
    assert users.export("alice") == document_of(
        disabled, created_at=clock.now, disabled_at=clock.now, digests=(), **nothing
    )
    assert users.delete("alice") == disabled
    assert users.list() == ()


def test_clients_that_belong_to_no_collection_are_administered_all_the_same() -> None:
    clients = MemoryClients()
    clients.create("shop")
    assert clients.disable("shop").disabled
    assert not clients.enable("shop").disabled


def test_what_is_kept_is_looked_through_each_time_that_it_has_doubled() -> None:
    sweep, kept, seen = Sweep(at_least=4), dict[int, int](), list[int]()

    def add(number: int, *, over: bool = False) -> list[int]:
        looked = list[int]()

        def is_over(each: int) -> bool:
            looked.append(each)
            return over

        dropped = sweep.drop(kept, is_over)
        seen.extend([len(looked)] * bool(looked))
        kept[number] = number
        return dropped

    assert [add(number) for number in range(40)] == [[]] * 40
    assert seen == [4, 8, 16, 32]
    assert [add(number, over=True) for number in range(40, 65)] == [[]] * 24 + [[*range(64)]]
    assert [add(number) for number in range(65, 70)] == [[]] * 5
    assert seen == [4, 8, 16, 32, 64, 4]


def test_expired_tokens_are_dropped_as_new_ones_come() -> None:
    clock = Clock()
    tokens = MemoryTokens(clock=clock)
    for _ in range(1000):
        tokens.create("alice", lifetime=10)
    lasting, _ = tokens.create("alice", lifetime=100)
    clock.now += 11
    for _ in range(100):
        tokens.create("alice", lifetime=100)
    assert len(tokens.list()) == 101
    assert tokens.find_token(token_digest(lasting)) is not None


def a_family(number: int, *, ends: float) -> RefreshFamily:
    return RefreshFamily(
        id=f"fam_{number}",
        key=f"key_{number}",
        current="",
        subject="alice",
        username="alice",
        client_id=None,
        scopes=frozenset(),
        created_at=0.0,
        expires_at=ends,
        idle_until=ends,
    )


def test_ended_families_are_dropped_as_new_ones_come() -> None:
    clock = Clock()
    families = MemoryFamilies(clock=clock)
    for number in range(1000):
        families.add_family(a_family(number, ends=clock.now + 10))
    families.add_family(a_family(1000, ends=clock.now + 100))
    clock.now += 11
    for number in range(1001, 1101):
        families.add_family(a_family(number, ends=clock.now + 100))
    assert families.find_family("key_0") is None
    assert families.end_family("fam_0", clock.now) is None
    assert "key_0'" not in repr(vars(families))
    assert len(families.families_of("alice", 0.0)) == 101
    assert families.find_family("key_1000") is not None


def test_ended_sessions_are_dropped_as_new_ones_come() -> None:
    clock = Clock()
    sessions = MemorySessions(clock=clock)

    def add(number: int, *, ends: float) -> None:
        session = a_session(id=f"sid_{number}", key=f"key_{number}", expires_at=ends, idle_until=ends)
        sessions.add_session(session)

    for number in range(1000):
        add(number, ends=clock.now + 10)
    add(1000, ends=clock.now + 100)
    clock.now += 11
    for number in range(1001, 1101):
        add(number, ends=clock.now + 100)
    assert sessions.find_session("key_0") is None
    assert sessions.find_session("key_1000") is not None
    assert "key_0'" not in repr(vars(sessions))


def test_expired_secrets_of_links_are_dropped_as_new_ones_come() -> None:
    clock = Clock()
    pending = MemoryPending(clock=clock)
    for number in range(1000):
        pending.put_pending(Pending(f"digest_{number}", "recovery", "7", clock.now + 10))
    pending.put_pending(Pending("lasting", "recovery", "7", clock.now + 100))
    clock.now += 10
    for number in range(1001, 1101):
        pending.put_pending(Pending(f"digest_{number}", "recovery", "7", clock.now + 100))
    assert len(pending.of_user("7")) == 101
    assert pending.peek_pending("lasting", "recovery", clock.now) is not None


# Revocations


def test_expired_revocations_are_dropped_as_new_ones_come_and_no_others() -> None:
    clock = Clock()
    revocations = MemoryRevocations(clock=clock)
    lasting = Revocation("token", "lasting", clock.now, clock.now + 100)
    revocations.publish(lasting)
    cursor = revocations.revocations_after("", 10).cursor
    for number in range(1022):
        revocations.publish(Revocation("token", f"short-{number}", clock.now, clock.now + 10))
    # The same token is revoked again, until later.
    revocations.publish(Revocation("token", "short-0", clock.now, clock.now + 100))
    clock.now += 11
    late = Revocation("token", "late", clock.now, clock.now + 100)
    revocations.publish(late)
    assert "short-1'" not in repr(vars(revocations))
    assert [each.id for each in revocations.revocations_after("", 10).revocations] == ["lasting", "short-0", "late"]
    assert [each.id for each in revocations.revocations_after(cursor, 10).revocations] == ["short-0", "late"]
    keys: list[tuple[RevocationKind, str]] = [("token", id) for id in ("lasting", "short-0", "short-1", "late")]
    found = revocations.find_revocations(tuple(keys))
    assert [each.id for each in found] == ["lasting", "short-0", "late"]


def test_an_expired_revocation_is_not_read() -> None:
    clock = Clock()
    revocations = MemoryRevocations(clock=clock)
    revocations.publish(Revocation("token", "jti", clock.now, clock.now + 10))
    clock.now += 9
    assert [each.id for each in revocations.revocations_after("", 10).revocations] == ["jti"]
    clock.now += 1
    assert revocations.revocations_after("", 10).revocations == ()


@pytest.mark.parametrize("cursor", ["", ":", "7", "feed_x:1", "feed_x:\u00b2", "own:\u00b2"])
def test_a_cursor_of_another_store_begins_anew(cursor: str) -> None:
    revocations = MemoryRevocations(clock=Clock())
    own = revocations.revocations_after("", 1).cursor.partition(":")[0]
    cursor = cursor.replace("own", own)
    published = Revocation("token", "jti", 0.0, LATER)
    revocations.publish(published)
    assert revocations.revocations_after(cursor, 10).revocations == (published,)


# Nonces


def test_dig_3_a_count_is_fresh_once_and_only_above_those_used_before() -> None:
    nonces = MemoryNonces(clock=Clock())
    uses = [nonces.use_nonce("n", count, LATER) for count in (1, 1, 3, 2, 3, 4)]
    fresh, replayed = NonceUse.FRESH, NonceUse.REPLAYED
    assert uses == [fresh, replayed, fresh, replayed, replayed, fresh]
    assert nonces.use_nonce("m", 1, LATER) is fresh


@given(st.lists(st.tuples(st.sampled_from("nm"), st.integers(1, 20)), max_size=60))
def test_dig_3_fresh_counts_of_a_nonce_only_ever_rise(uses: list[tuple[str, int]]) -> None:
    nonces = MemoryNonces(clock=Clock())
    highest = {"n": 0, "m": 0}
    for nonce, count in uses:
        expected = NonceUse.FRESH if count > highest[nonce] else NonceUse.REPLAYED
        assert nonces.use_nonce(nonce, count, LATER) is expected
        highest[nonce] = max(highest[nonce], count)


def test_dig_3_of_eight_uses_at_once_one_is_fresh() -> None:
    nonces = MemoryNonces(clock=Clock())

    def use(count: int, _: int) -> NonceUse:
        return nonces.use_nonce("n", count, LATER)

    for count in range(1, 21):
        assert at_once(8, partial(use, count)).count(NonceUse.FRESH) == 1


@pytest.mark.parametrize("start", [0.0, 1_000_000.0])
def test_a_nonce_keeps_its_place_until_it_expires(start: float) -> None:
    clock = FakeClock(start)
    nonces = MemoryNonces(size=1, clock=clock)
    assert nonces.use_nonce("a", 1, start + 0.5) is NonceUse.FRESH
    clock.now += 0.25
    with pytest.raises(StoreUnavailable):
        nonces.use_nonce("b", 1, start + 10)
    clock.now += 0.25
    assert nonces.use_nonce("b", 1, start + 10) is NonceUse.FRESH


def test_an_expired_nonce_is_forgotten_and_never_fresh_again() -> None:
    clock = Clock()
    nonces = MemoryNonces(size=2, clock=clock)
    nonces.use_nonce("a", 1, clock.now + 10)
    nonces.use_nonce("b", 1, clock.now + 20)
    clock.now += 10
    assert nonces.use_nonce("a", 1, clock.now) is NonceUse.REPLAYED
    assert nonces.use_nonce("c", 1, clock.now + 10) is NonceUse.FRESH


def test_dig_3_a_use_that_expires_earlier_does_not_let_an_earlier_one_be_forgotten() -> None:
    clock = Clock()
    nonces = MemoryNonces(clock=clock)
    end = clock.now + 20
    assert nonces.use_nonce("n", 1, end) is NonceUse.FRESH
    assert nonces.use_nonce("n", 2, clock.now + 10) is NonceUse.FRESH
    assert nonces.use_nonce("n/other", 1, clock.now + 10) is NonceUse.FRESH
    clock.now += 10
    assert [nonces.use_nonce("n", count, end) for count in (1, 2, 3)] == [NonceUse.REPLAYED] * 2 + [NonceUse.FRESH]
    clock.now += 10
    assert [nonces.use_nonce("n", count, end) for count in (1, 4)] == [NonceUse.REPLAYED] * 2


def test_full_of_live_nonces_it_refuses_rather_than_forgets() -> None:
    clock = Clock()
    nonces = MemoryNonces(size=2, clock=clock)
    for nonce in ("a", "b"):
        nonces.use_nonce(nonce, 1, clock.now + 10)

    def use() -> Flow[NonceUse]:
        return (yield from Ask(nonces.use_nonce, "c", 1, clock.now + 10))

    with pytest.raises(StoreUnavailable, match="nonces"):
        run(use())
    assert nonces.use_nonce("a", 1, clock.now + 10) is NonceUse.REPLAYED
    assert nonces.use_nonce("a", 2, clock.now + 10) is NonceUse.FRESH


def used(nonces: MemoryNonces, clock: Clock, client: str, most: int) -> int:
    """How many names a client can use before one is refused; `most` at most."""
    for count in range(most):
        try:
            nonces.use_nonce(f"dpop:{client}:{count}", 1, clock.now + 10)
        except StoreUnavailable:
            return count
    return most


def test_the_counts_of_one_digest_nonce_take_one_place_until_the_last_of_them_ends() -> None:
    clock = Clock()
    nonces = MemoryNonces(size=2, clock=clock)

    def uses(nonce: str, lifetime: float = 10) -> list[NonceUse]:
        return [nonces.use_nonce(f"digest:a:{nonce}/{place}", 1, clock.now + lifetime) for place in range(16)]

    assert uses("n") == [NonceUse.FRESH] * 16
    assert nonces.use_nonce("digest:a:n/0", 2, clock.now + 20) is NonceUse.FRESH
    assert nonces.use_nonce("digest:b:n/0", 1, clock.now + 10) is NonceUse.FRESH
    with pytest.raises(StoreUnavailable):
        nonces.use_nonce("digest:c:n/0", 1, clock.now + 10)
    clock.now += 10
    assert uses("n", 0) == [NonceUse.REPLAYED] * 16
    clock.now += 10
    assert nonces.use_nonce("digest:c:n/0", 1, clock.now + 10) is NonceUse.FRESH
    assert uses("m") == [NonceUse.FRESH] * 16


def test_one_client_cannot_fill_it_and_leaves_as_much_room_as_it_takes() -> None:
    clock = Clock()
    nonces = MemoryNonces(size=100, clock=clock)
    assert [used(nonces, clock, client, 100) for client in ("a", "b", "c")] == [50, 25, 13]
    assert used(nonces, clock, "d", 2) == 2
    assert nonces.use_nonce("a-digest-nonce", 1, clock.now + 10) is NonceUse.FRESH
    assert nonces.use_nonce("dpop:a:0", 1, clock.now + 10) is NonceUse.REPLAYED


def test_what_a_client_has_used_counts_until_it_expires() -> None:
    clock = Clock()
    nonces = MemoryNonces(size=100, clock=clock)
    for _ in range(3):
        assert used(nonces, clock, "a", 100) == 50
        clock.now += 10
    assert used(nonces, clock, "b", 100) == 50
    clock.now += 10
    nonces.use_nonce("c", 1, clock.now + 10)
    assert vars(nonces)["_owned"] == {}


# Throttle

ALICE = Attempt("", "account:alice", "home")


def fail(throttle: MemoryThrottle, attempt: Attempt = ALICE, now: float = 0.0) -> bool:
    """Whether the attempt was checked; it failed then."""
    answer = throttle.reserve(attempt, now)
    if isinstance(answer, Wait):
        return False
    throttle.settle(answer, AttemptOutcome.FAILED, now)
    return True


def wait(throttle: MemoryThrottle, attempt: Attempt, now: float = 0.0) -> float:
    """The seconds that an attempt has to wait."""
    answer = throttle.reserve(attempt, now)
    return answer.seconds if isinstance(answer, Wait) else 0.0


def kept_by(throttle: MemoryThrottle) -> int:
    """How much it keeps: keys, networks in line, and familiar marks."""
    kept = vars(throttle)
    counts = [*kept["_few"].values(), *kept["_many"].values()]
    return len(counts) + sum(len(each.turns) for each in counts) + sum(map(len, kept["_familiar"].values()))


@pytest.mark.parametrize("failed", [Attempt("source:192.0.2.7"), ALICE])
def test_only_what_an_attempt_names_is_kept_of_it(failed: Attempt) -> None:
    throttle = MemoryThrottle()
    assert fail(throttle, failed)
    assert len(throttle) == kept_by(throttle) == 1


@given(
    st.integers(1, 3),
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "settle", "familiar", "forget"]),
            st.sampled_from(["", "source:1", "source:2"]),
            st.sampled_from(["", "account:1", "account:2", "account:3"]),
            st.sampled_from(["home", "away"]),
            st.sampled_from(AttemptOutcome),
        ),
        max_size=40,
    ),
)
def test_its_length_is_all_that_it_keeps(free: int, steps: list[tuple[str, str, str, str, AttemptOutcome]]) -> None:
    throttle, reserved = MemoryThrottle(free=free, size=2), list[Reservation]()
    for now, (step, source, account, network, outcome) in enumerate(steps):
        if step == "reserve":
            answer = throttle.reserve(Attempt(source, account, network, (network,)), float(now))
            reserved += [answer] if isinstance(answer, Reservation) else []
        elif step == "settle" and reserved:
            throttle.settle(reserved.pop(0), outcome, float(now), familiar_until=now + 10.0 * (network == "home"))
        elif step == "familiar":
            throttle.make_familiar(account, network, now + 10.0)
        else:
            throttle.forget(account)
        assert len(throttle) == kept_by(throttle)
        kept = vars(throttle)
        assert max(len(kept["_few"]), len(kept["_many"]), len(kept["_familiar"])) <= 2


def test_a_source_waits_twice_as_long_each_time_up_to_the_longest() -> None:
    throttle, source = MemoryThrottle(free=3, first=1, longest=10), Attempt("source:192.0.2.7")
    assert [fail(throttle, source) for _ in range(4)] == [True, True, True, False]
    now = 0.0
    for seconds in (1, 2, 4, 8, 10, 10, 10):
        assert wait(throttle, source, now) == seconds
        now += seconds
        assert fail(throttle, source, now)


def test_unless_told_otherwise_ten_attempts_are_free_and_no_wait_is_longer_than_a_quarter_of_an_hour() -> None:
    throttle, source = MemoryThrottle(), Attempt("source:192.0.2.7")
    assert [fail(throttle, source) for _ in range(11)] == [True] * 10 + [False]
    now = 0.0
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900):
        assert wait(throttle, source, now) == seconds
        now += seconds
        assert fail(throttle, source, now)


def test_a_source_of_random_secrets_is_counted_from_its_first_wrong_one_on() -> None:
    throttle, secret = MemoryThrottle(free=2, first=1), Attempt("source:192.0.2.7", guessable=False)
    for _ in range(3):
        assert throttle.reserve(secret, 0.0) == Reservation(secret)
    assert len(throttle) == 0
    assert [fail(throttle, secret) for _ in range(3)] == [True, True, False]
    assert throttle.reserve(secret, 0.5) == Wait(0.5, source_failed=True)
    assert throttle.reserve(Attempt("source:192.0.2.8", guessable=False), 0.5) == Reservation(
        Attempt("source:192.0.2.8", guessable=False)
    )


def test_the_passwords_and_the_random_secrets_of_one_source_are_counted_together() -> None:
    throttle, source = MemoryThrottle(free=1, first=1), "source:192.0.2.7"
    assert fail(throttle, Attempt(source, "account:alice", "home"))
    assert wait(throttle, Attempt(source, guessable=False)) == 1


def test_a_clock_that_is_set_back_a_little_gives_no_reservation_back_and_one_far_back_does() -> None:
    throttle, source = MemoryThrottle(free=1), Attempt("source:192.0.2.7")
    assert isinstance(throttle.reserve(source, 1000.0), Reservation)
    assert isinstance(throttle.reserve(source, 1000.0 - HOLD), Wait)
    assert isinstance(throttle.reserve(source, 1000.0 - 2 * HOLD), Reservation)


def test_it_never_locks_for_good() -> None:
    throttle, source = MemoryThrottle(free=1, longest=900), Attempt("source:192.0.2.7", "account:alice", "home")
    now = 0.0
    for _ in range(2000):
        while not fail(throttle, source, now):
            seconds = wait(throttle, source, now)
            assert 0 < seconds <= 900
            now += seconds


def test_a_good_password_of_ones_own_does_not_reset_what_a_source_has_guessed() -> None:
    throttle, source = MemoryThrottle(free=4), Attempt("source:192.0.2.7")
    for _ in range(3):
        assert fail(throttle, source)
    own = throttle.reserve(source, 0.0)
    assert isinstance(own, Reservation)
    throttle.settle(own, AttemptOutcome.SUCCEEDED, 0.0)
    assert [fail(throttle, source) for _ in range(2)] == [True, False]


def test_after_four_times_the_longest_wait_without_an_attempt_a_source_starts_anew() -> None:
    for pause, free in ((40.0, 2), (39.0, 1)):
        throttle, source = MemoryThrottle(free=2, first=1, longest=10), Attempt("source:192.0.2.7")
        for now in (0.0, 0.0, 1.0, 3.0, 7.0):
            assert fail(throttle, source, now)
        now = 7.0 + 8.0 + pause
        assert [fail(throttle, source, now) for _ in range(3)].count(True) == free


def test_of_one_account_and_one_familiar_source_fewer_than_a_hundred_guesses_an_hour_are_checked() -> None:
    throttle = MemoryThrottle()
    throttle.make_familiar("account:alice", "mark", 1e9)
    away, home = list[float](), list[float]()
    for number in range(2 * 3600 * 2):
        now = number / 2
        stranger = Attempt(f"source:{number}", "account:alice", f"network-{number % 7}")
        away += [now] * fail(throttle, stranger, now)
        home += [now] * fail(throttle, Attempt(f"source:home-{number}", "account:alice", "home", ("mark",)), now)
    hours = [
        [sum(start <= at < start + 3600 for at in times) for start in range(0, 3600, 60)] for times in (away, home)
    ]
    assert [max(each) for each in hours] == [69, 22]
    assert max(map(sum, zip(*hours, strict=True))) < 100


def test_twenty_thousand_random_names_take_bounded_memory_and_free_nobody() -> None:
    throttle = MemoryThrottle(free=3, longest=900, size=1000)
    while fail(throttle):
        pass
    for number in range(20_000):
        fail(throttle, Attempt(f"source:{number}", f"account:random-{number}", str(number % 1000)), 0.5)
    assert len(throttle) <= 2002
    assert wait(throttle, ALICE, 0.5) == 59.5


def test_a_thousand_networks_at_several_accounts_take_bounded_memory() -> None:
    throttle = MemoryThrottle(free=1, size=10)
    for account in range(3):
        for network in range(1100):
            wait(throttle, Attempt("", f"account:{account}", f"network-{network}"), network / 1000)
    assert len(throttle) == kept_by(throttle) <= 1000 + 10


def test_as_many_throttled_names_are_kept_as_there_is_room_for() -> None:
    throttle = MemoryThrottle(free=1, size=10)
    for number in range(50):
        fail(throttle, Attempt(f"name-{number}"))
    assert len(throttle) == 10
    assert not fail(throttle, Attempt("name-49"))


def test_a_throttle_may_have_room_for_one_name() -> None:
    throttle = MemoryThrottle(free=1, size=1)
    for name in ("source:1", "source:2"):
        assert fail(throttle, Attempt(name))
        assert len(throttle) == 1
        assert not fail(throttle, Attempt(name))


def test_what_succeeded_takes_no_memory() -> None:
    throttle = MemoryThrottle()
    for number in range(100):
        answer = throttle.reserve(Attempt(f"source:{number}", f"account:{number}", "home"), 0.0)
        assert isinstance(answer, Reservation)
        throttle.settle(answer, AttemptOutcome.SUCCEEDED, 0.0)
    assert len(throttle) == 0


def test_eight_threads_get_the_free_attempts_and_no_more() -> None:
    for _ in range(20):
        throttle = MemoryThrottle(free=5)
        assert at_once(8, partial(_fail, throttle)).count(True) == 5


def _fail(throttle: MemoryThrottle, _: int) -> bool:
    return fail(throttle)


@pytest.mark.parametrize(
    "settings", [{"free": 0}, {"first": 0.0}, {"first": 2.0, "longest": 1.0}, {"size": 0}], ids=str
)
def test_settings_that_would_lock_everybody_or_nobody_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="MemoryThrottle"):
        MemoryThrottle(**settings)


def test_familiar_sources_take_bounded_memory_and_those_remembered_last_are_kept() -> None:
    throttle = MemoryThrottle(size=10)
    for number in range(200):
        throttle.make_familiar("account:alice", "home", 100.0)
        throttle.make_familiar(f"account:mallory-{number}", "away", 100.0)
    assert len(throttle) == 10
    answer = throttle.reserve(Attempt("", "account:alice", "home", ("home",)), 99.0)
    assert isinstance(answer, Reservation)
    assert answer.mark == "home"
