"""Sessions and tokens that are kept apart: each place is told of all that ends in another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import pytest

from authmw.cli import revocation
from authmw.cli.stores import Place
from authmw.crypto.opaque_tokens import token_digest
from authmw.stores import MemoryStores
from authmw.stores.records import RefreshFamily, TokenRecord

NOW = time.time()
FAMILY = RefreshFamily(
    "login_1", token_digest("family"), "", "alice", "alice", "shop", frozenset(), NOW, NOW + 3600.0, NOW + 3600.0
)
TOKEN = TokenRecord("tok_1", token_digest("token"), "alice", NOW + 600.0, client_id="shop", family_id="login_1")


class InMemory(MemoryStores):
    """Stores as the command sees them."""

    def close(self) -> None:
        """Nothing is open."""


WAYS: dict[str, Callable[[list[Place]], object]] = {
    "its id": lambda places: revocation.end_session(places, "login_1"),
    "its refresh token": lambda places: revocation.end_session_with(iter(places), FAMILY.key),
    "its user": lambda places: revocation.end_user(places, "alice"),
    "its client": lambda places: revocation.end_client(places, "shop"),
}


@pytest.mark.parametrize("end", WAYS.values(), ids=WAYS)
def test_a_session_in_one_place_takes_its_tokens_in_another_with_it(
    end: Callable[[list[Place]], object],
) -> None:
    tokens, families = InMemory(), InMemory()
    families.families.add_family(FAMILY)
    tokens.tokens.add_token(TOKEN)
    assert end([cast("Place", tokens), cast("Place", families)])
    found = tokens.tokens.find_token(TOKEN.digest)
    assert found is not None
    assert found.revoked_at is not None
