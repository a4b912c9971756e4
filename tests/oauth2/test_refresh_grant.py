"""``grant_type=refresh_token``: rotation, replay, grace and the ends of a login (RFC 6749 §6, RFC 9700 §4.14.2)."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from authmw.errors import FlowError
from authmw.flow.flow import run
from authmw.identity.step_up import StepUp
from authmw.identity.verdict import Rejected
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.refresh import refresh_session
from authmw.stores.records import LONGEST_ACCESS_TOKEN, Outcome, RefreshFamily, Revocation, RotationAnswer
from tests.oauth2.asking import HASHER, ISSUER, KEYS, MOUNTS, NOW, Answer, Bench, basic

KINDS = pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])


def invalid(answer: Answer) -> bool:
    """Whether this is the one answer to a token that is good for nothing."""
    return (answer.status, answer.json) == (
        400,
        {"error": "invalid_grant", "error_description": "The grant is invalid, expired or revoked."},
    )


def family_of(bench: Bench) -> RefreshFamily:
    """The only family, ended or not."""
    (family,) = bench.stores.families._by_id.values()
    assert isinstance(family, RefreshFamily)
    return family


def published(bench: Bench) -> tuple[Revocation, ...]:
    found: tuple[Revocation, ...] = bench.stores.revocations.revocations_after("", 100).revocations
    return found


@pytest.mark.parametrize("mount", MOUNTS)
@KINDS
def test_t9_each_refresh_token_gets_one_successor(mount: str, keys: Any) -> None:
    bench = Bench(mount, keys=keys)
    first = bench.log_in().json
    second = bench.refresh(first["refresh_token"])
    assert second.status == 200
    assert list(second.json) == ["access_token", "token_type", "expires_in", "refresh_token", "scope"]
    assert second.json["refresh_token"] != first["refresh_token"]
    alice: Any = bench.verified(second.json["access_token"])
    assert alice.id == "user-1"
    assert bench.refresh(second.json["refresh_token"]).status == 200


def test_a_refreshed_token_says_when_the_user_logged_in_and_not_when_it_was_refreshed() -> None:
    bench = Bench(keys=KEYS)
    tokens = bench.log_in().json
    recent = StepUp(max_age=300)
    for seconds, is_met in ((0, True), (300, True), (301, False)):
        bench.clock.now = NOW + seconds
        tokens = bench.refresh(tokens["refresh_token"]).json
        alice: Any = bench.verified(tokens["access_token"])
        assert alice.auth_time == NOW
        assert recent.is_met(alice, bench.clock()) is is_met
    again: Any = bench.verified(bench.log_in().json["access_token"])
    assert recent.is_met(again, bench.clock())


def test_a_family_of_a_browser_session_does_not_say_when_the_user_logged_in() -> None:
    bench = Bench(keys=KEYS)
    tokens = bench.log_in().json
    family = family_of(bench)
    bench.stores.families._by_id[family.id] = replace(family, session_id="sid_1")
    refreshed: Any = bench.verified(bench.refresh(tokens["refresh_token"]).json["access_token"])
    assert refreshed.auth_time is None
    assert refreshed.claims["sid"] == family.id


@KINDS
def test_t9_a_replay_after_the_grace_ends_the_login_with_all_its_tokens(keys: Any) -> None:
    bench = Bench(keys=keys)
    first = bench.log_in().json
    second = bench.refresh(first["refresh_token"]).json
    bench.clock.now += 31
    assert invalid(bench.refresh(first["refresh_token"]))
    assert invalid(bench.refresh(second["refresh_token"]))
    assert family_of(bench).revoked_at == NOW + 31
    assert published(bench) == (Revocation.of_family(family_of(bench).id, NOW + 31),)
    for access_token in (first["access_token"], second["access_token"]):
        assert isinstance(bench.verified(access_token), Rejected)


def test_t9_a_token_from_long_before_ends_the_login_within_the_grace_too() -> None:
    bench = Bench()
    first = bench.log_in().json["refresh_token"]
    second = bench.refresh(first).json["refresh_token"]
    third = bench.refresh(second).json["refresh_token"]
    assert invalid(bench.refresh(first))
    assert invalid(bench.refresh(third))


def test_t10_a_racing_client_gets_the_same_successor_within_the_grace() -> None:
    bench = Bench()
    first = bench.log_in().json["refresh_token"]
    successor = bench.refresh(first).json
    bench.clock.now += 30
    again = bench.refresh(first)
    assert again.status == 200
    assert again.json["refresh_token"] == successor["refresh_token"]
    assert again.json["access_token"] != successor["access_token"]
    assert bench.refresh(successor["refresh_token"]).status == 200


def test_t10_there_is_no_grace_once_the_successor_was_used() -> None:
    bench = Bench()
    first = bench.log_in().json["refresh_token"]
    bench.refresh(bench.refresh(first).json["refresh_token"])
    assert invalid(bench.refresh(first))
    assert family_of(bench).revoked_at is not None


def test_t10_without_grace_a_race_is_a_replay() -> None:
    bench = Bench(lifetimes=Lifetimes(grace=0))
    first = bench.log_in().json["refresh_token"]
    assert bench.refresh(first).status == 200
    bench.clock.now += 1
    assert invalid(bench.refresh(first))


def test_t10_a_login_that_was_ended_on_purpose_has_no_grace() -> None:
    bench = Bench()
    first = bench.log_in().json["refresh_token"]
    successor = bench.refresh(first).json["refresh_token"]
    bench.stores.families.end_family(family_of(bench).id, bench.clock.now)
    assert invalid(bench.refresh(first))
    assert invalid(bench.refresh(successor))


@pytest.mark.parametrize("mount", MOUNTS)
def test_t10_eight_parallel_refreshes_get_one_successor(mount: str) -> None:
    bench = Bench(mount)
    for _ in range(10):
        token = bench.log_in().json["refresh_token"]
        barrier = threading.Barrier(8)

        def refresh(token: str = token, barrier: threading.Barrier = barrier) -> Answer:
            barrier.wait()
            return bench.refresh(token)

        with ThreadPoolExecutor(8) as pool:
            answers = [each.result() for each in [pool.submit(refresh) for _ in range(8)]]
        assert Counter(answer.status for answer in answers) == {200: 8}
        (successor,) = {answer.json["refresh_token"] for answer in answers}
        assert len({answer.json["access_token"] for answer in answers}) == 8
        assert bench.refresh(successor).status == 200


def test_t10_without_grace_eight_parallel_refreshes_get_one_successor_which_does_not_live() -> None:
    bench = Bench(lifetimes=Lifetimes(grace=0))
    token = bench.log_in().json["refresh_token"]
    barrier = threading.Barrier(8)
    clock = iter(NOW + n for n in range(1, 1000))
    bench.use(clock=lambda: next(clock))

    def refresh() -> Answer:
        barrier.wait()
        return bench.refresh(token)

    with ThreadPoolExecutor(8) as pool:
        answers = [each.result() for each in [pool.submit(refresh) for _ in range(8)]]
    # Two that are told apart by no clock are still a race.
    assert len({answer.json["refresh_token"] for answer in answers if answer.status == 200}) == 1
    assert {answer.status for answer in answers} <= {200, 400}
    assert invalid(bench.refresh(token))
    assert family_of(bench).revoked_at is not None


# Whose it is, and what it may get


def test_t8_another_client_gets_nothing_and_burns_nothing() -> None:
    bench = Bench()
    secret = bench.client(grant_types=["refresh_token"])
    token = bench.log_in().json["refresh_token"]
    before = family_of(bench)
    assert invalid(bench.refresh(token, basic("shop", secret)))
    assert family_of(bench) == before
    assert bench.refresh(token).status == 200


@pytest.mark.parametrize(
    "scope", ["orders:read", "orders:write", "orders:read orders:write", "admin", "x y z"], ids=lambda scope: scope
)
def test_t8_another_client_learns_nothing_about_the_scopes_of_a_login(scope: str) -> None:
    bench = Bench()
    secret = bench.client(grant_types=["refresh_token"])
    token = bench.log_in(scope="orders:read").json["refresh_token"]
    before = (family_of(bench), bench.stores.tokens.list("user-1"))
    assert invalid(bench.refresh(token, basic("shop", secret), scope=scope))
    assert (family_of(bench), bench.stores.tokens.list("user-1")) == before


def _prepare(why: str, bench: Bench) -> None:
    match why:
        case "a user who may nothing":
            bench.stores.users.set_scopes("alice", [])
        case "a disabled user":
            bench.stores.users.disable("alice")
        case "an ended session":
            bench.stores.families.end_family(family_of(bench).id, NOW)
        case "a session at its end":
            bench.clock.now += 10**8
        case "a session of a revoked client":
            bench.stores.revocations.publish(Revocation.of_client("first-party", NOW + 1))
        case _:
            pass


@pytest.mark.parametrize(
    "why",
    [
        "another client",
        "a wider scope",
        "a user who may nothing",
        "a disabled user",
        "an ended session",
        "a session at its end",
        "a session of a revoked client",
    ],
)
def test_t9_what_is_refused_before_the_rotation_stores_no_token(why: str) -> None:
    bench = Bench()
    secret = bench.client(grant_types=["refresh_token"])
    token = bench.log_in().json["refresh_token"]
    _prepare(why, bench)
    before = len(bench.stores.tokens.list("user-1"))
    headers = basic("shop", secret) if why == "another client" else []
    scope = "admin" if why == "a wider scope" else "orders:read"
    assert bench.refresh(token, headers, scope=scope).status == 400
    assert len(bench.stores.tokens.list("user-1")) == before


@pytest.mark.parametrize("outcome", [Outcome.REUSED, Outcome.ENDED])
def test_t9_a_token_that_was_stored_before_the_rotation_refused_lives_no_longer(outcome: Outcome) -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    families = bench.stores.families

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(families, name)

        def rotate(self, rotation: Any) -> RotationAnswer:
            families.end_family(family_of(bench).id, bench.clock.now)
            return RotationAnswer(outcome, family_of(bench))

    bench.use(families=Refusing())
    bench.clock.now += 1
    assert invalid(bench.refresh(token))
    records = bench.stores.tokens.list("user-1")
    assert [record.revoked_at for record in records] == [bench.clock.now] * 2, "that of the login, and the new one"
    assert published(bench) == (Revocation.of_family(family_of(bench).id, bench.clock.now),)


def test_t8_a_confidential_client_has_to_authenticate() -> None:
    bench = Bench()
    secret = bench.client(grant_types=["password", "refresh_token"])
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    token = bench.post(form, basic("shop", secret)).json["refresh_token"]
    assert invalid(bench.refresh(token))  # as the first-party application
    assert bench.refresh(token, client_id="shop").error == "invalid_client"
    assert bench.refresh(token, basic("shop", "x")).error == "invalid_client"
    assert bench.refresh(token, basic("shop", secret)).status == 200


def test_t8_a_public_client_is_bound_by_its_name() -> None:
    bench = Bench()
    for client_id in ("app", "other"):
        bench.client(client_id, auth_method="none", grant_types=["password", "refresh_token"])
    token = bench.log_in(client_id="app").json["refresh_token"]
    assert invalid(bench.refresh(token, client_id="other"))
    assert bench.refresh(token, client_id="app").status == 200


def test_t8_only_scopes_that_were_granted_can_be_asked_for() -> None:
    bench = Bench()
    token = bench.log_in(scope="orders:read").json["refresh_token"]
    before = family_of(bench)
    for scope in ("orders:write", "orders:read orders:write"):
        answer = bench.refresh(token, scope=scope)
        assert (answer.status, answer.error) == (400, "invalid_scope")
    assert family_of(bench) == before
    assert bench.refresh(token).json["scope"] == "orders:read"


def test_t8_a_narrower_token_leaves_the_grant_as_wide_as_it_was() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    narrow = bench.refresh(token, scope="orders:read").json
    assert narrow["scope"] == "orders:read"
    assert bench.refresh(narrow["refresh_token"]).json["scope"] == "orders:read orders:write"


def test_t8_all_scopes_that_were_granted_may_be_asked_for() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    assert bench.refresh(token, scope="orders:write orders:read").json["scope"] == "orders:read orders:write"


@pytest.mark.parametrize(
    "revocation", [Revocation.of_user("user-1", NOW + 1), Revocation.of_client("first-party", NOW + 1)]
)
def test_what_is_revoked_while_a_session_is_refreshed_ends_it(revocation: Revocation) -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]

    class Families:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.stores.families, name)

        def rotate(self, rotation: Any) -> RotationAnswer:
            answer: RotationAnswer = bench.stores.families.rotate(rotation)
            assert answer.outcome is Outcome.ROTATED
            bench.stores.revocations.publish(revocation)
            return answer

    bench.use(families=Families())
    assert invalid(bench.refresh(token))
    assert family_of(bench).revoked_at == NOW
    assert {record.revoked_at for record in bench.stores.tokens.list("user-1")} == {NOW}


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.UNKNOWN])
def test_a_store_that_answers_no_family_rotates_nothing(outcome: Outcome) -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    family = family_of(bench)
    answers = iter([RotationAnswer(outcome), RotationAnswer(Outcome.UNKNOWN, family)])

    class Families:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.stores.families, name)

        def rotate(self, rotation: Any) -> RotationAnswer:
            return next(answers)

    bench.use(families=Families())
    assert invalid(bench.refresh(token))
    assert invalid(bench.refresh(token))
    assert published(bench) == ()


def test_t8_what_the_user_may_no_longer_do_is_not_granted_again() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    bench.stores.users.set_scopes("alice", ["orders:read", "admin"])
    answer = bench.refresh(token)
    assert answer.json["scope"] == "orders:read"
    bench.stores.users.set_scopes("alice", [])
    assert bench.refresh(answer.json["refresh_token"]).error == "invalid_scope"


def test_t8_what_the_client_may_no_longer_have_is_not_granted_again() -> None:
    bench = Bench()
    grants, scopes = ["password", "refresh_token"], ["orders:read", "orders:write"]
    bench.client("app", auth_method="none", grant_types=grants, scopes=scopes)
    token = bench.log_in(client_id="app").json["refresh_token"]
    bench.stores.clients.set_scopes("app", ["orders:write"])
    assert bench.refresh(token, client_id="app").json["scope"] == "orders:write"


@pytest.mark.parametrize("became", ["gone", "disabled", "somebody else"])
def test_a_user_who_is_gone_is_not_refreshed(became: str) -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    alice = bench.stores.users.find("alice")
    found = {"gone": None, "disabled": replace(alice, disabled=True), "somebody else": replace(alice, id="user-9")}

    class Users:
        def find(self, username: str) -> Any:
            return found[became]

    bench.use(users=Users())
    assert invalid(bench.refresh(token))


# The ends of a login


def test_t11_a_login_that_is_not_used_ends() -> None:
    bench = Bench(lifetimes=Lifetimes(idle=100, refresh=1000))
    token = bench.log_in().json["refresh_token"]
    bench.clock.now += 99
    token = bench.refresh(token).json["refresh_token"]
    bench.clock.now += 100
    assert invalid(bench.refresh(token))
    assert published(bench) == ()


def test_t11_no_refresh_moves_the_end_of_a_login() -> None:
    bench = Bench(lifetimes=Lifetimes(idle=100, refresh=250))
    token = bench.log_in().json["refresh_token"]
    for _ in range(3):
        bench.clock.now += 80
        token = bench.refresh(token).json["refresh_token"]
    bench.clock.now += 10
    assert invalid(bench.refresh(token))


@KINDS
def test_t11_no_access_token_outlives_its_login(keys: Any) -> None:
    bench = Bench(keys=keys, lifetimes=Lifetimes(idle=1000, refresh=1000))
    token = bench.log_in().json["refresh_token"]
    bench.clock.now += 900
    answer = bench.refresh(token).json
    assert answer["expires_in"] == 100
    alice: Any = bench.verified(answer["access_token"])
    assert alice.expires_at == NOW + 1000


@pytest.mark.parametrize("what", ["disable", "set_password", "client"])
def test_t11_a_login_ends_with_its_user_and_client(what: str) -> None:
    bench = Bench()
    bench.client("app", auth_method="none", grant_types=["password", "refresh_token"])
    token = bench.log_in(client_id="app").json["refresh_token"]
    match what:
        case "disable":
            bench.stores.users.disable("alice")
            bench.stores.users.enable("alice")
        case "set_password":
            bench.stores.users.set_password("alice", "battery staple")
        case _:
            bench.stores.clients.disable("app")
            bench.stores.clients.enable("app")
    assert invalid(bench.refresh(token, client_id="app"))


def test_t11_a_login_under_way_while_the_password_is_changed_is_refused() -> None:
    bench = Bench()
    add_family = bench.service.families.add_family

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.stores.families, name)

        def add_family(self, family: RefreshFamily) -> Any:
            bench.clock.now += 0.1
            bench.stores.users.set_password("alice", "battery staple")
            bench.clock.now += 0.1
            return add_family(family)

    bench.use(families=Slow())
    assert invalid(bench.log_in())
    assert family_of(bench).revoked_at is not None


@pytest.mark.parametrize("became", ["gone", "disabled", "somebody else", "without a password", "of another password"])
def test_t11_a_login_under_way_while_its_user_goes_is_refused(became: str) -> None:
    bench = Bench()
    alice = bench.stores.users.find("alice")
    other = bench.stores.users.create("bob", "another password").password_hash
    found = {
        "gone": None,
        "disabled": replace(alice, disabled=True),
        "somebody else": replace(alice, id="user-9"),
        "without a password": replace(alice, password_hash=None),
        "of another password": replace(alice, password_hash=other),
    }
    now = alice

    class Users:
        def find(self, username: str) -> Any:
            return now

    class Families:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.stores.families, name)

        def add_family(self, family: RefreshFamily) -> None:
            nonlocal now
            bench.stores.families.add_family(family)
            now = found[became]

    bench.service.passwords.users = Users()
    bench.use(families=Families())
    assert invalid(bench.log_in())
    assert family_of(bench).revoked_at == NOW
    assert [record.revoked_at for record in bench.stores.tokens.list("user-1")] == [NOW]
    assert published(bench) == (Revocation.of_family(family_of(bench).id, NOW),)


def test_t11_a_login_under_way_while_its_password_is_only_hashed_anew_goes_on() -> None:
    bench = Bench()
    alice = bench.stores.users.find("alice")
    again = replace(alice, password_hash=HASHER.hash("correct horse"))
    answers = iter([alice, again, again])

    class Users:
        def find(self, username: str) -> Any:
            return next(answers)

    bench.service.passwords.users = Users()
    assert bench.log_in().status == 200
    assert family_of(bench).revoked_at is None


def test_a_login_after_the_password_was_changed_is_refreshed() -> None:
    bench = Bench()
    bench.stores.users.set_password("alice", "battery staple")
    token = bench.log_in(password="battery staple").json["refresh_token"]
    assert bench.refresh(token).status == 200


@pytest.mark.parametrize("token", ["x", "rt_", "rt_" + "0" * 68, "at_" + "0" * 38, "é", "\n"])
def test_what_is_no_refresh_token_is_an_invalid_grant(token: str) -> None:
    assert invalid(Bench().refresh(token))


def test_t9_who_never_held_a_token_of_the_login_cannot_end_it() -> None:
    from authmw.crypto.chained_tokens import RefreshToken

    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    assert invalid(bench.refresh(RefreshToken.new(ISSUER).text))
    assert family_of(bench).revoked_at is None
    assert bench.refresh(token).status == 200


def test_a_refresh_needs_a_token() -> None:
    answer = Bench().refresh("")
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_t1_a_client_without_the_grant_may_not_refresh() -> None:
    bench = Bench()
    secret = bench.client()
    assert bench.refresh("rt_x", basic("shop", secret)).error == "unauthorized_client"


# What goes wrong in between


class Failing:
    """A store of which one verb fails."""

    def __init__(self, store: Any, verb: str) -> None:
        self._store, self._verb = store, verb

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._verb else getattr(self._store, name)

    def _fail(self, *_: object) -> Any:
        raise OSError("the database is down")


@pytest.mark.parametrize(
    "role, verb",
    [
        ("families", "find_family"),
        ("families", "rotate"),
        ("tokens", "add_token"),
        ("users", "find"),
        ("revocations", "find_revocations"),
    ],
)
def test_r6_a_store_that_is_down_is_a_503_and_the_token_is_still_good(role: str, verb: str) -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    store = getattr(bench.service, role)
    bench.use(**{role: Failing(store, verb)})
    answer = bench.refresh(token)
    assert (answer.status, answer.header("retry-after")) == (503, "5")
    bench.use(**{role: store})
    assert bench.refresh(token).status == 200


@pytest.mark.parametrize("role, verb", [("tokens", "revoke_family_tokens"), ("revocations", "publish")])
def test_t9_a_replay_whose_consequences_were_interrupted_is_completed_by_the_next(role: str, verb: str) -> None:
    bench = Bench()
    first = bench.log_in().json
    bench.refresh(first["refresh_token"])
    bench.clock.now += 31
    store = getattr(bench.service, role)
    bench.use(**{role: Failing(store, verb)})
    assert bench.refresh(first["refresh_token"]).status == 503
    bench.use(**{role: store})
    assert published(bench) == ()
    assert invalid(bench.refresh(first["refresh_token"]))
    assert len(published(bench)) == 1
    assert isinstance(bench.verified(first["access_token"]), Rejected)
    assert invalid(bench.refresh(first["refresh_token"]))
    assert len(published(bench)) == 1


def test_t9_a_replay_whose_consequences_are_complete_has_none_any_more() -> None:
    bench = Bench()
    first = bench.log_in().json
    bench.refresh(first["refresh_token"])
    bench.clock.now += 31
    assert invalid(bench.refresh(first["refresh_token"]))
    bench.use(tokens=Failing(bench.stores.tokens, "revoke_family_tokens"))
    assert invalid(bench.refresh(first["refresh_token"]))


def test_a_login_that_ended_long_ago_is_not_announced_again() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    bench.stores.families.end_family(family_of(bench).id, bench.clock.now)
    bench.clock.now += LONGEST_ACCESS_TOKEN
    assert invalid(bench.refresh(token))
    assert published(bench) == ()


def test_a_login_that_ends_while_it_is_refreshed_gets_nothing() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]

    class Ending:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.stores.families, name)

        def rotate(self, rotation: Any) -> RotationAnswer:
            bench.stores.families.end_family(family_of(bench).id, bench.clock.now)
            answer: RotationAnswer = bench.stores.families.rotate(rotation)
            return answer

    bench.use(families=Ending())
    assert invalid(bench.refresh(token))
    assert len(published(bench)) == 1  # who ended it here did nothing else, so this is taken for an interruption
    assert all(record.revoked_at is not None for record in bench.stores.tokens.list("user-1"))


@pytest.mark.parametrize("verb", ["find_family", "rotate"])
def test_a_store_that_answers_something_else_is_a_mistake_and_no_success(verb: str) -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]

    class Wrong:
        def __getattr__(self, name: str) -> Any:
            return self.right if name == verb else getattr(bench.stores.families, name)

        def right(self, _: object) -> bool:
            return True

    bench.use(families=Wrong())
    with pytest.raises(FlowError, match="not bool"):
        run(refresh_session(bench.service, bench.service.own_client, token))


def test_a_store_that_matches_loosely_finds_no_family() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    other = replace(family_of(bench), key="0" * 64)

    class Loose:
        def find_family(self, key: str) -> RefreshFamily:
            return other

    bench.use(families=Loose())
    assert invalid(bench.refresh(token))


def test_t8_a_malformed_scope_burns_nothing() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    assert bench.refresh(token, scope='a"b').error == "invalid_scope"
    assert bench.refresh(token).status == 200


def test_a_token_that_cannot_be_made_burns_nothing() -> None:
    bench = Bench(keys=KEYS)
    long = [f"scope-{'x' * 200}-{n}" for n in range(50)]
    bench.stores.users.set_scopes("alice", long)
    token = bench.log_in(scope=long[0]).json["refresh_token"]
    family = family_of(bench)
    bench.stores.families.add_family(replace(family, scopes=frozenset(long)))
    assert bench.refresh(token).error == "invalid_scope"
    assert bench.refresh(token, scope=long[1]).status == 200


def test_a_family_that_vanishes_while_it_is_refreshed_is_an_invalid_grant() -> None:
    bench = Bench()
    token = bench.log_in().json["refresh_token"]

    class Vanishing:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.stores.families, name)

        def rotate(self, rotation: Any) -> RotationAnswer:
            return RotationAnswer(Outcome.UNKNOWN)

    bench.use(families=Vanishing())
    assert invalid(bench.refresh(token))
