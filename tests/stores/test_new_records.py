"""New records: what cannot be one is refused before anything is stored, all mistakes at once, each with its fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from authmw import ConfigurationError, KeyRing
from authmw.crypto.key import Key
from authmw.crypto.opaque_tokens import token_digest
from authmw.stores import CHEAPEST, MemoryClients, MemoryNonces, MemoryStores, MemoryUsers, PasswordHasher, Stores
from authmw.stores.joined_revocations import JoinedRevocations
from authmw.stores.new_records import HA1
from authmw.stores.records import Client, ClientSecret, Revocation, RevocationPage
from authmw.stores.stores import as_stores
from tests.stores.support import Clock
from tests.stores.support import Stores as AnyStores

HASHER = PasswordHasher(CHEAPEST)
PUBLIC = KeyRing.generate().jwks()


def secret_set() -> dict[str, Any]:
    return {"keys": [{"kty": "oct", "k": "c2VjcmV0" * 8, "alg": "HS256", "kid": "shared"}]}


def private_set() -> dict[str, Any]:
    return {"keys": [Key.generate("ES256").private_jwk()]}


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"id": ""}, "is no client id"),
        ({"id": " shop"}, "is no client id"),
        ({"id": "x" * 256}, "is no client id"),
        ({"id": "shöp"}, "is no client id"),
        ({"auth_method": "tls_client_auth"}, "is no method: use client_secret_basic, client_secret_post,"),
        ({"grant_types": ["implicit", "password"]}, "implicit is no grant type: use client_credentials, password"),
        ({"grant_types": "password"}, "has to be a list"),
        ({"audiences": "orders"}, "has to be a list"),
        ({"scopes": ["two words"]}, "two words"),
        ({"auth_method": "none"}, "cannot have client_credentials"),
        ({"auth_method": "private_key_jwt"}, "needs the client's public keys"),
        ({"jwks": PUBLIC}, "jwks= is for private_key_jwt"),
        ({"auth_method": "private_key_jwt", "jwks": {"keys": []}}, "jwks: "),
    ],
)
def test_a_client_that_could_not_work_is_refused(changes: dict[str, Any], said: str) -> None:
    clients = MemoryClients()
    options: dict[str, Any] = {"id": "shop", **changes}
    with pytest.raises(ConfigurationError) as caught:
        clients.create(**options)
    assert said in str(caught.value)
    assert clients.list() == ()


def test_what_is_not_said_of_a_new_client_is_nothing(stores: AnyStores, clock: Clock) -> None:
    secret, client = stores.clients.create()
    assert secret is not None
    assert secret.startswith("cs_")
    assert client == Client(client.id, secrets=(ClientSecret(token_digest(secret)),), created_at=clock.now)
    assert (client.name, client.auth_method, client.grant_types) == (
        "",
        "client_secret_basic",
        frozenset({"client_credentials"}),
    )
    assert client.id.startswith("client_")
    assert stores.clients.find_client(client.id) == client


def test_all_that_is_said_of_a_new_client_is_kept(stores: AnyStores, clock: Clock) -> None:
    _, client = stores.clients.create(
        "shop",
        name="The shop",
        auth_method="private_key_jwt",
        jwks=PUBLIC,
        grant_types=["password", "refresh_token"],
        scopes=["b", "a"],
        audiences=["orders"],
    )
    assert client == Client(
        "shop",
        "The shop",
        "private_key_jwt",
        (),
        PUBLIC,
        frozenset({"password", "refresh_token"}),
        frozenset({"a", "b"}),
        frozenset({"orders"}),
        disabled=False,
        created_at=clock.now,
    )
    assert stores.clients.find_client("shop") == client


def test_a_secret_ends_after_the_first_overlap_whatever_the_later_ones_are(stores: AnyStores, clock: Clock) -> None:
    first, client = stores.clients.create("shop")
    assert first is not None
    start, secrets = clock.now, [first]

    def rotated(overlap: float) -> dict[str, float | None]:
        """Each secret that is kept, newest first, with its end."""
        secret, changed = stores.clients.rotate_secret("shop", overlap=overlap)
        assert stores.clients.find_client("shop") == changed == replace(client, secrets=changed.secrets)
        secrets.insert(0, secret)
        ends = {each.digest: each.expires_at for each in changed.secrets}
        kept = {each: ends.pop(token_digest(each)) for each in secrets if token_digest(each) in ends}
        assert ends == {}
        return kept

    assert rotated(60) == {secrets[0]: None, first: start + 60}
    assert rotated(3600) == {secrets[0]: None, secrets[1]: start + 3600, first: start + 60}
    clock.advance(10)
    assert rotated(20) == {secrets[0]: None, secrets[1]: start + 30, secrets[2]: start + 30, first: start + 30}
    clock.advance(20)
    assert rotated(5) == {secrets[0]: None, secrets[1]: start + 35}
    assert rotated(-1) == {secrets[0]: None}


def test_a_client_without_a_secret_gets_none(stores: AnyStores) -> None:
    _, client = stores.clients.create("shop", auth_method="none", grant_types=["password"])
    with pytest.raises(ConfigurationError, match="'shop' has no secret: it authenticates by none"):
        stores.clients.rotate_secret("shop")
    assert stores.clients.find_client("shop") == client


def test_every_mistake_of_a_client_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        MemoryClients().create("", auth_method="none", scopes=["two words"], jwks=PUBLIC)
    assert len(caught.value.mistakes) == 4


@pytest.mark.parametrize(
    "keys, said", [(secret_set, "a secret in place of a public key"), (private_set, "a private key")]
)
def test_a_client_gives_no_secret_and_no_private_key(keys: Any, said: str) -> None:
    clients = MemoryClients()
    with pytest.raises(ConfigurationError, match=f"jwks: {said}"):
        clients.create("shop", auth_method="private_key_jwt", jwks=keys())
    assert clients.list() == ()


def test_an_id_of_255_characters_is_one() -> None:
    assert MemoryClients().create("x" * 255)[1].id == "x" * 255


@pytest.mark.parametrize("id", ["", "a\nb", "\x00"])
def test_a_user_has_an_id_that_can_be_shown(id: str) -> None:
    users = MemoryUsers(hasher=HASHER)
    with pytest.raises(ConfigurationError, match="printable and not empty"):
        users.create("alice", id=id)
    assert users.find("alice") is None


@pytest.mark.parametrize("name", ["alice\u200b", " alice", "alice ", "\u0301alice", "\uff41lice", "alice\u05d0"])
def test_no_user_gets_a_name_that_may_look_like_another_one(stores: AnyStores, name: str) -> None:
    with pytest.raises(ConfigurationError, match="a new user name follows RFC 8265"):
        stores.users.create(name)
    bob = stores.users.create("bob")
    with pytest.raises(ConfigurationError, match="a new user name follows RFC 8265"):
        stores.users.rename("bob", name)
    assert stores.users.list() == (bob,)


@pytest.mark.parametrize("password", ["", "x" * 1025, "a\x00b"])
def test_a_password_that_nobody_could_send_has_no_ha1(password: str) -> None:
    with pytest.raises(ConfigurationError, match="password"):
        HA1.of("alice", "app", password, "SHA-256")


def test_a_store_of_nonces_has_room_for_one() -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        MemoryNonces(size=0)
    assert MemoryNonces(size=1, clock=lambda: 0.0).use_nonce("n", 1, 60.0).value == "fresh"


IS_NONE = (
    'Stores.of takes stores, and {} is none: write Stores.of(SQLStores("sqlite:///app.db"), ...), or a class with '
    "find() or find_key() or find_client() or find_token() or find_family() or use_nonce() or reserve() or "
    "revocations_after() or find_session() or take_pending()"
)
IS_CLASS = "Stores.of takes stores, not their class: write {}(...)"


def test_all_that_is_no_store_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Stores.of(object(), MemoryClients, MemoryNonces(), "text", b"", bytearray(), Stores)
    assert refused.value.mistakes == (
        IS_NONE.format("object"),
        IS_CLASS.format("MemoryClients"),
        *(IS_NONE.format(name) for name in ("str", "bytes", "bytearray")),
        IS_CLASS.format("Stores"),
    )


def all_of(kept: object, **others: Any) -> Stores:
    """Each store of a collection, but for some."""
    every: dict[str, Any] = {name: getattr(kept, name) for name in Stores.__slots__}
    return Stores(**every | others)


def test_of_two_stores_of_a_kind_the_later_one_is_taken_and_revocations_are_read_from_both() -> None:
    first, second, nonces = MemoryStores(), MemoryStores(), MemoryNonces()
    one = Stores.of(first, nonces)
    assert one == all_of(first, nonces=nonces)
    both = Stores.of(first, second)
    assert isinstance(both.revocations, JoinedRevocations)
    assert both == all_of(second, revocations=both.revocations)
    revocations = [Revocation.of_user(name, 1e10) for name in ("alice", "bob")]
    for store, revocation in zip((first, second), revocations, strict=True):
        store.revocations.publish(revocation)
    page = both.revocations.revocations_after("", 10)
    assert isinstance(page, RevocationPage)
    assert page.revocations == (*revocations,)


def test_a_store_of_several_kinds_is_all_of_them_and_what_is_no_store_stays_what_it_is() -> None:
    class Both:
        def find(self, username: str) -> None: ...
        def reserve(self, attempt: object, now: float) -> None: ...

    both, nothing, users = Both(), object(), MemoryUsers()
    stores = as_stores(both)
    assert stores == Stores(users=both, throttle=both)  # type: ignore[arg-type]  # as far as it is one
    assert as_stores(stores) is stores
    assert as_stores(nothing) is nothing
    assert as_stores(users) == Stores(users=users)
    for given in ("text", b"", bytearray(), MemoryUsers):
        assert as_stores(given) is given


@pytest.mark.parametrize("nothing", [object(), "text", MemoryClients, Stores])
def test_stores_are_made_of_objects_that_have_some(nothing: object) -> None:
    with pytest.raises(ConfigurationError, match=r"is none: write|not their class: write"):
        Stores.of(nothing)
