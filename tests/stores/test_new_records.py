"""New records: what cannot be one is refused before anything is stored, all mistakes at once, each with its fix."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import ConfigurationError, KeyRing
from authmw.crypto.key import Key
from authmw.stores import CHEAPEST, MemoryClients, MemoryNonces, MemoryUsers, PasswordHasher, Stores
from authmw.stores.new_records import HA1

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


@pytest.mark.parametrize("password", ["", "x" * 1025, "a\x00b"])
def test_a_password_that_nobody_could_send_has_no_ha1(password: str) -> None:
    with pytest.raises(ConfigurationError, match="password"):
        HA1.of("alice", "app", password, "SHA-256")


def test_a_store_of_nonces_has_room_for_one() -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        MemoryNonces(size=0)
    assert MemoryNonces(size=1, clock=lambda: 0.0).use_nonce("n", 1, 60.0).value == "fresh"


@pytest.mark.parametrize("nothing", [object(), "text", MemoryClients, Stores])
def test_stores_are_made_of_objects_that_have_some(nothing: object) -> None:
    with pytest.raises(ConfigurationError, match=r"is none: write|not their class: write"):
        Stores.of(nothing)
