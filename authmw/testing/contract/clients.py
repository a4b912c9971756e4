"""Contract of stores of OAuth clients."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from authmw.crypto.key import Key
from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.flow import Ask, Flow
from authmw.stores.administration import AlreadyExists, ClientAdmin, NotFound
from authmw.stores.ports import ClientStore
from authmw.stores.records import Client
from authmw.testing.contract.base import RACERS, StoreContract, between_processes


class _Clients(ClientStore, ClientAdmin, Protocol):
    """A store that finds, creates and changes clients."""


class ClientStoreContract(StoreContract[_Clients]):
    """The contract of `authmw.stores.ClientStore`, and of `authmw.stores.ClientAdmin`."""

    def add(self, id: str | None = None, **settings: Any) -> Client:
        """A new client."""
        return self.ask(self.store.create, id, **settings)[1]

    def found(self, client_id: str) -> Client:
        """The client as it is stored."""
        client = self.ask(self.store.find_client, client_id)
        assert client is not None
        return client

    def test_a_client_is_found_as_created_with_the_digest_of_its_secret(self) -> None:
        secret, client = self.ask(
            self.store.create,
            "shop",
            name="L\u00e4den \U0001f510",
            auth_method="client_secret_post",
            grant_types=["client_credentials", "refresh_token"],
            scopes=["orders:read", "https://example.org/x?y=z"],
            audiences=["https://api.example.org/", "b"],
        )
        assert secret is not None
        assert self.found("shop") == client
        assert [each.digest for each in client.secrets] == [token_digest(secret)]
        assert (client.name, client.auth_method) == ("L\u00e4den \U0001f510", "client_secret_post")
        assert client.grant_types == {"client_credentials", "refresh_token"}
        assert client.scopes == {"orders:read", "https://example.org/x?y=z"}
        assert client.audiences == {"https://api.example.org/", "b"}
        assert not client.disabled

    def test_a_client_with_keys_or_without_any_credentials_has_no_secret(self) -> None:
        jwks: dict[str, Any] = {"keys": [Key.generate().public_jwk()]}
        kinds: tuple[dict[str, Any], ...] = (
            {"auth_method": "private_key_jwt", "jwks": jwks},
            {"auth_method": "none", "grant_types": ()},
        )
        for settings in kinds:
            secret, client = self.ask(self.store.create, None, **settings)
            assert (secret, client.secrets) == (None, ())
            assert self.found(client.id) == client
            assert client.jwks == settings.get("jwks")

    @pytest.mark.parametrize("other", ["Shop", "shop ", "sho", "sho%", "_hop", "%", "", "L\u00e4den"])
    def test_ids_are_compared_exactly(self, other: str) -> None:
        self.add("shop", name="L\u00e4den")
        assert self.ask(self.store.find_client, other) is None

    def test_an_id_is_given_once(self) -> None:
        client = self.add("shop")
        with pytest.raises(AlreadyExists, match="shop"):
            self.add("shop", name="another")
        assert self.found("shop") == client

    def test_clients_are_listed_by_id(self) -> None:
        made = [self.add(id) for id in ("c", "a", "b")]
        assert self.ask(self.store.list) == (made[1], made[2], made[0])

    def test_a_disabled_client_is_found_as_such_until_enabled(self) -> None:
        client = self.add("shop")
        assert self.ask(self.store.disable, "shop").disabled
        assert self.found("shop").disabled
        assert self.ask(self.store.enable, "shop") == client
        assert self.found("shop") == client

    def test_scopes_are_replaced(self) -> None:
        self.add("shop", scopes=["a"])
        for scopes in (["b", "c"], []):
            changed = self.ask(self.store.set_scopes, "shop", scopes)
            assert changed.scopes == frozenset(scopes)
            assert self.found("shop") == changed

    def test_a_new_secret_takes_the_place_of_older_ones_after_the_overlap(self) -> None:
        first, _ = self.ask(self.store.create, "shop")
        second, client = self.ask(self.store.rotate_secret, "shop", overlap=60.5)
        assert self.found("shop") == client
        assert [each.digest for each in client.secrets] == [token_digest(second), token_digest(first or "")]
        assert client.secrets[0].expires_at is None
        assert client.secrets[1].expires_at is not None
        third, client = self.ask(self.store.rotate_secret, "shop")
        assert self.found("shop") == client
        unending = [each.digest for each in client.secrets if each.expires_at is None]
        assert unending == [token_digest(third)]

    @pytest.mark.parametrize("verb", ["disable", "enable", "rotate_secret"])
    def test_a_client_that_is_not_there_is_not_found(self, verb: str) -> None:
        with pytest.raises(NotFound, match="app"):
            self.ask(getattr(self.store, verb), "app")
        with pytest.raises(NotFound, match="app"):
            self.ask(self.store.set_scopes, "app", ["a"])

    def test_of_many_that_take_an_id_at_once_one_gets_it(self) -> None:
        for answers in self.race(_create):
            assert answers.count(True) == 1

    @between_processes
    def test_of_processes_that_take_an_id_at_once_one_gets_it(self) -> None:
        for answers in self.race_processes(_create):
            assert answers.count(True) == 1

    def test_no_secret_is_lost_of_those_made_at_once(self) -> None:
        for number, secrets in enumerate(self.race(_rotate_secret, rounds=self.add_several())):
            kept = {each.digest for each in self.found(f"client-{number}").secrets}
            assert {token_digest(secret) for secret in secrets} <= kept

    @between_processes
    def test_no_secret_is_lost_of_those_made_by_processes_at_once(self) -> None:
        for number, secrets in enumerate(self.race_processes(_rotate_secret, rounds=self.add_several())):
            kept = {each.digest for each in self.found(f"client-{number}").secrets}
            assert {token_digest(secret) for secret in secrets} <= kept

    def test_what_is_changed_at_once_is_all_changed(self) -> None:
        rounds = self.add_several()
        self.race(_change, rounds=rounds)
        for number in range(rounds):
            client = self.found(f"client-{number}")
            assert (client.disabled, client.scopes, len(client.secrets)) == (True, frozenset({"b"}), 1 + RACERS // 4)

    def add_several(self) -> int:
        """Add a client for each round of a race. Returns the number of rounds."""
        return len([self.add(f"client-{number}", scopes=["a"]) for number in range(10)])


def _create(store: _Clients, racer: int, number: int) -> Flow[bool]:
    try:
        yield from Ask(store.create, f"client-{number}", name=str(racer))
    except AlreadyExists:
        return False
    return True


def _rotate_secret(store: _Clients, racer: int, number: int) -> Flow[str]:
    return (yield from Ask(store.rotate_secret, f"client-{number}", overlap=3600.0))[0]


def _change(store: _Clients, racer: int, number: int) -> Flow[None]:
    client_id = f"client-{number}"
    match racer % 4:
        case 0:
            yield from Ask(store.disable, client_id)
        case 1:
            yield from Ask(store.set_scopes, client_id, ["b"])
        case 2:
            yield from Ask(store.rotate_secret, client_id, overlap=3600.0)
        case _:
            yield from Ask(store.find_client, client_id)
