"""What somebody would try who has an account, a stolen token, or a service of their own on the same stores.

Each test is named after its class of bypass in the list of published ones, or after what is to be exhausted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from authmw.keys import KeyRing
from authmw.verdict import Rejected
from tests.oauth2.asking import KEYS, Bench, basic

KINDS = pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])


class Around:
    """A store that does something before or after one of its verbs.

    Args:
        store: which.
        verb: when.
        before: done before it.
        after: done after it.
    """

    def __init__(
        self,
        store: Any,
        verb: str,
        *,
        before: Callable[[], object] = lambda: None,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        works = getattr(store, verb)

        def around(*args: Any) -> Any:
            before()
            answer = works(*args)
            after()
            return answer

        setattr(self, verb, around)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def once(does: Callable[[], object]) -> Callable[[], None]:
    """`does`, the first time."""
    left = [does]

    def do() -> None:
        if left:
            left.pop()()

    return do


# Two services on the same stores


def tenants(keys: bool) -> tuple[Bench, Bench]:
    """A shop and an office with the same users, clients and first-party name, but for other APIs."""
    shop = Bench(audience="orders", keys=KEYS if keys else None)
    office = Bench(
        stores=shop.stores,
        issuer="https://office.example",
        audience="salaries",
        keys=KeyRing.generate() if keys else None,
    )
    return shop, office


@pytest.mark.parametrize("keys", [False, True], ids=["opaque", "JWT"])
def test_class_10_a_refresh_token_gets_nothing_at_another_issuer(keys: bool) -> None:
    shop, office = tenants(keys)
    token = shop.log_in().json["refresh_token"]
    assert office.refresh(token).error == "invalid_grant"
    assert office.post({"token": token}, path="/revoke").status == 200
    assert shop.refresh(token).status == 200


@pytest.mark.parametrize("keys", [False, True], ids=["opaque", "JWT"])
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_class_10_no_issuer_vouches_for_the_tokens_of_another(keys: bool, which: str) -> None:
    shop, office = tenants(keys)
    header = basic("api", shop.client("api", audiences=["orders", "salaries"], grant_types=["password"]))
    token = shop.log_in().json[which]
    assert office.post({"token": token}, header, path="/introspect").json == {"active": False}


def test_class_10_no_issuer_vouches_for_a_token_that_no_api_of_its_takes() -> None:
    bench = Bench()
    header = basic("shop", bench.client())
    token, _ = bench.stores.tokens.create("user-1", client_id="shop", lifetime=600)
    assert isinstance(bench.verified(token), Rejected)
    assert bench.post({"token": token}, header, path="/introspect").json == {"active": False}
