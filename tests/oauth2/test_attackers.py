"""What somebody would try who has an account, a stolen token, or a service of their own on the same stores.

Each test is named after its class of bypass in the list of published ones, or after what is to be exhausted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from authmw.crypto.keyring import KeyRing
from authmw.errors import StoreUnavailable
from authmw.identity.verdict import Rejected
from authmw.oauth2.sessions import Sessions
from authmw.stores.records import Revocation
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


def test_class_26_a_user_is_looked_at_again_by_the_name_that_was_typed() -> None:
    """A store may find users by their mail addresses, and show another name."""
    bench = Bench()
    users = bench.stores.users

    class ByMail:
        def find(self, username: str) -> Any:
            return users.find("alice") if username == "alice@example.org" else None

    bench.service.passwords.users = ByMail()
    assert bench.log_in(username="alice@example.org").status == 200


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


# Stores that fail, at each step of each flow

ROLES = ("users", "clients", "tokens", "families", "nonces", "throttle", "revocations")


class Faults:
    """Every store of a service, of which the call of one number fails.

    Args:
        bench: whose service.
        fails: the number of the call.
        is_done: whether it was executed, and only its answer is lost.
    """

    def __init__(self, bench: Bench, fails: int, *, is_done: bool) -> None:
        self._bench, self._fails, self._is_done = bench, fails, is_done
        self._kept = {role: getattr(bench.service, role) for role in ROLES}
        self.calls = 0

    def __enter__(self) -> Faults:
        self._use({role: _Faulty(store, self) for role, store in self._kept.items()})
        return self

    def __exit__(self, *_: object) -> None:
        self._use(self._kept)

    def _use(self, stores: dict[str, Any]) -> None:
        self._bench.use(**stores)
        self._bench.service.passwords.users = stores["users"]

    def call(self, works: Callable[..., Any], *args: Any) -> Any:
        self.calls += 1
        if self.calls != self._fails:
            return works(*args)
        if self._is_done:
            works(*args)
        raise OSError("the connection is lost")


class _Faulty:
    def __init__(self, store: Any, faults: Faults) -> None:
        self._store, self._faults = store, faults

    def __getattr__(self, name: str) -> Any:
        works = getattr(self._store, name)

        def verb(*args: Any) -> Any:
            return self._faults.call(works, *args)

        return verb


def is_over(bench: Bench, tokens: dict[str, Any]) -> bool:
    """Whether neither token is good for anything."""
    refused = isinstance(bench.verified(tokens["access_token"]), Rejected)
    return refused and bench.refresh(tokens["refresh_token"]).error == "invalid_grant"


def revoked(bench: Bench, token: str) -> int:
    return bench.post({"token": token}, path="/revoke").status


def logged_out(bench: Bench) -> int:
    try:
        Sessions(bench.service).end_all("user-1")
    except StoreUnavailable:
        return 503
    return 200


def replayed(bench: Bench, token: str) -> int:
    """Whether the replay was answered as such."""
    answer = bench.refresh(token)
    return 200 if answer.error == "invalid_grant" else answer.status


Doing = Callable[[Bench, dict[str, Any], str], int]
ENDS: dict[str, Doing] = {
    "revoke": lambda bench, tokens, _: revoked(bench, tokens["refresh_token"]),
    "log out everywhere": lambda bench, tokens, _: logged_out(bench),
    "replay": lambda bench, _, used: replayed(bench, used),
}


@KINDS
@pytest.mark.parametrize("is_done", [True, False], ids=["answer lost", "not done"])
@pytest.mark.parametrize("end", ENDS)
def test_class_35_an_end_that_was_acknowledged_is_one_wherever_a_store_failed(
    end: str, is_done: bool, keys: Any
) -> None:
    fails = 0
    for fails in count(1):
        bench = Bench(keys=keys)
        used = bench.log_in().json["refresh_token"]
        tokens = bench.refresh(used).json
        bench.clock.now += 31
        with Faults(bench, fails, is_done=is_done) as faults:
            status = ENDS[end](bench, tokens, used)
        assert status in (200, 503)
        if status == 503:
            assert ENDS[end](bench, tokens, used) == 200
        assert is_over(bench, tokens), f"call {fails}"
        if faults.calls < fails:
            break
    assert fails > 4


@KINDS
@pytest.mark.parametrize("is_done", [True, False], ids=["answer lost", "not done"])
def test_class_35_a_refresh_can_be_tried_again_wherever_a_store_failed(is_done: bool, keys: Any) -> None:
    fails = 0
    for fails in count(1):
        bench = Bench(keys=keys)
        token = bench.log_in().json["refresh_token"]
        with Faults(bench, fails, is_done=is_done) as faults:
            answer = bench.refresh(token)
        assert answer.status in (200, 503)
        again = bench.refresh(token)
        assert again.status == 200, f"call {fails}"
        assert bench.refresh(again.json["refresh_token"]).status == 200
        assert len(Sessions(bench.service).list("user-1")) == 1
        if faults.calls < fails:
            break
    assert fails > 5


@KINDS
@pytest.mark.parametrize("is_done", [True, False], ids=["answer lost", "not done"])
def test_class_35_a_login_is_a_503_or_good_wherever_a_store_failed(is_done: bool, keys: Any) -> None:
    fails = 0
    for fails in count(1):
        bench = Bench(keys=keys)
        with Faults(bench, fails, is_done=is_done) as faults:
            answer = bench.log_in()
        assert answer.status in (200, 503), f"call {fails}"
        tokens = bench.log_in().json
        assert bench.refresh(tokens["refresh_token"]).status == 200
        # What was begun and never answered is in the list, and ends with all else.
        assert logged_out(bench) == 200
        assert Sessions(bench.service).list("user-1") == ()
        if faults.calls < fails:
            break
    assert fails > 5
