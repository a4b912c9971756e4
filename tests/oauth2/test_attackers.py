"""What somebody would try who has an account, a stolen token, or a service of their own on the same stores.

Each test is named after its class of bypass in the list of published ones, or after what is to be exhausted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from authmw.keys import KeyRing
from authmw.oauth2.sessions import Sessions
from authmw.ports import Revocation
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


# Logging out, between any two steps of something else


@KINDS
def test_class_26_who_logs_in_while_being_logged_out_everywhere_is_logged_out(keys: Any) -> None:
    bench = Bench(keys=keys)
    answers: list[Any] = []

    def log_in() -> None:
        # Began a moment before, and is stored when the sessions were looked through already.
        bench.clock.now -= 0.1
        answers.append(bench.log_in().json)
        bench.clock.now += 0.1

    bench.clock.now += 0.5
    bench.use(families=Around(bench.stores.families, "end_families", after=once(log_in)))
    Sessions(bench.service).end_all("user-1")
    (tokens,) = answers
    if "access_token" in tokens:
        assert isinstance(bench.verified(tokens["access_token"]), Rejected)
        assert bench.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert Sessions(bench.service).list("user-1") == ()


@pytest.mark.parametrize("what", ["disable", "set_password"])
@KINDS
def test_class_26_a_login_whose_user_is_changed_by_a_transaction_under_way_is_refused(what: str, keys: Any) -> None:
    """A transaction has its time when it begins, and is seen when it ends. A login in between reads the old user."""
    bench = Bench(keys=keys)
    began = bench.clock.now

    def commit() -> None:
        at, bench.clock.now = bench.clock.now, began
        if what == "disable":
            bench.stores.users.disable("alice")
        else:
            bench.stores.users.set_password("alice", "battery staple")
        bench.clock.now = at

    bench.clock.now += 0.5
    bench.use(families=Around(bench.stores.families, "add_family", before=once(commit)))
    assert bench.log_in().error == "invalid_grant"
    assert Sessions(bench.service).list("user-1") == ()
    assert all(record.revoked_at is not None for record in bench.stores.tokens.list("user-1"))


def test_class_26_a_hash_that_was_only_renewed_ends_no_login() -> None:
    bench = Bench()
    users = bench.stores.users

    def renew() -> None:
        old = users.find("alice").password_hash
        assert users.replace_password_hash("user-1", old, bench.service.passwords.hasher.hash("correct horse"))

    bench.use(families=Around(bench.stores.families, "add_family", before=once(renew)))
    assert bench.log_in().status == 200


@KINDS
def test_class_26_a_client_that_is_disabled_while_it_asks_gets_nothing(keys: Any) -> None:
    bench = Bench(keys=keys)
    header = basic("shop", bench.client())

    def disable() -> None:
        bench.stores.clients.disable("shop")
        bench.clock.now += 1

    bench.use(clients=Around(bench.stores.clients, "find_client", after=once(disable)))
    answer = bench.post({"grant_type": "client_credentials"}, header)
    assert answer.error == "invalid_client"
    bench.stores.clients.enable("shop")
    assert all(record.revoked_at is not None for record in bench.stores.tokens.list("shop"))


@KINDS
def test_class_26_a_user_who_is_disabled_elsewhere_during_a_refresh_gets_nothing(keys: Any) -> None:
    """Users in one database, sessions in another: what disables the user finds no session to end."""
    bench = Bench(keys=keys)
    token = bench.log_in().json["refresh_token"]
    bench.clock.now += 10

    def disable() -> None:
        bench.stores.revocations.publish(Revocation.of_user("user-1", bench.clock.now))
        bench.clock.now += 1

    bench.use(families=Around(bench.stores.families, "rotate", before=once(disable)))
    assert bench.refresh(token).error == "invalid_grant"
    assert Sessions(bench.service).list("user-1") == ()


# Exhaustion


@KINDS
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_flood_revoking_one_token_again_and_again_is_published_once(which: str, keys: Any) -> None:
    bench = Bench(keys=keys)
    token = bench.log_in().json[which]
    for _ in range(20):
        assert bench.post({"token": token}, path="/revoke").status == 200
        bench.clock.now += 1
    assert len(bench.stores.revocations.revocations_after("", 1000).revocations) == 1
