"""What Basic spares: a right password is remembered for a minute, and nothing else is, nor for longer."""

from __future__ import annotations

import asyncio
import gc
import os
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from authmw import Auth, HTTPBasic, HTTPBearer, Principal
from authmw.crypto.passwords import Argon2Profile, PasswordHasher
from authmw.engine.authentication import Authentication
from authmw.errors import ConfigurationError, StoreUnavailable
from authmw.http.reasons import Reason
from authmw.http.request import WSGIRequest
from authmw.identity.verdict import Authenticated, Rejected
from authmw.schemes.trusted_header import TrustedHeader
from authmw.stores import MemoryRevocations, MemoryThrottle
from authmw.stores.records import AttemptOutcome, User
from authmw.testing import FakeClock
from authmw.verifiers import password_memory
from authmw.verifiers.password import PasswordVerifier
from authmw.verifiers.password_memory import LONGEST_REMEMBERED, PasswordMemory
from tests.drivers import DRIVERS
from tests.verifiers.password_bench import ALICE, AWAY, HASHER, HOME, Bench, Users, asked, fresh_feed
from tests.verifiers.throttles import Throttle

OLD: Final = PasswordHasher(Argon2Profile(memory=16, time=1, lanes=1)).hash("s3cret")


class UpgradingUsers(Users):
    """A store that can also save a better hash."""

    lost = False

    def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        [user] = [user for user in self.users.values() if user.id == user_id]
        if self.lost or user.password_hash != old:
            return False
        self.change(user.username, password_hash=new)
        return True


FULL: Final = [
    "Ask(Users.find)",
    "Ask(Throttle.reserve)",
    "Work(Hashing.verify)",
    "Ask(Throttle.settle)",
]


# Remembered


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_second_request_hashes_nothing(driver: str) -> None:
    bench = Bench(driver=driver)
    assert [bench.opens() for _ in range(5)] == [True] * 5
    assert bench.hasher.count == 1
    assert bench.users.asked == ["alice"] * 5, "the user is looked up each time"


def test_after_a_minute_it_is_hashed_again_however_often_it_was_used() -> None:
    bench = Bench()
    assert bench.hashes() == 1
    for _ in range(59):
        bench.clock.advance(1.0)
        assert bench.hashes() == 0
    bench.clock.advance(1.0)
    assert bench.hashes() == 1
    assert bench.hashes() == 0


@pytest.mark.parametrize("given", [5, 5.0, timedelta(seconds=5)])
def test_the_time_is_a_setting(given: Any) -> None:
    bench = Bench(remember_for=given)
    bench.opens()
    bench.clock.advance(4.9)
    assert bench.hashes() == 0
    bench.clock.advance(0.1)
    assert bench.hashes() == 1


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("given", [0, 0.0, timedelta(0)])
def test_with_0_each_request_is_hashed(driver: str, given: Any) -> None:
    bench = Bench(driver=driver, remember_for=given)
    assert [bench.hashes() for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("remember_for", [0, 60])
def test_a_wrong_password_is_refused_with_a_memory_and_without(remember_for: int) -> None:
    bench = Bench(remember_for=remember_for)
    assert bench.verdict(password="wrong") == Rejected(Reason.PASSWORD_WRONG)
    assert bench.verdict("nobody") == Rejected(Reason.USER_UNKNOWN)


@pytest.mark.parametrize("wrong", [-1, 3601, float("nan"), float("inf"), timedelta(hours=2)], ids=repr)
def test_a_time_out_of_range_is_a_mistake_that_names_the_range(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"remember_for=.* 0 \(never\) to 3600 seconds"):
        PasswordVerifier(Users(), remember_for=wrong)


def test_the_longest_time_is_taken() -> None:
    assert PasswordVerifier(Users(), remember_for=LONGEST_REMEMBERED).remember_for == 3600


def test_a_feed_that_is_none_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match=r"revocations= needs a store with .check and .passes"):
        PasswordVerifier(Users(), revocations=MemoryRevocations())  # type: ignore[arg-type]  # the mistake under test


def test_time_counts_from_before_the_hash() -> None:
    bench = Bench()
    bench.hasher.meanwhile = lambda: bench.clock.advance(7.0)
    bench.opens()
    bench.clock.advance(52.9)
    assert bench.hashes() == 0
    bench.clock.advance(0.1)
    assert bench.hashes() == 1


def basic(username: str = "alice", password: str = "s3cret") -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def by_token(token: str) -> Principal | None:
    return Principal("bot") if token == "t0ken" else None


def _first(verifier: PasswordVerifier) -> Any:
    return HTTPBasic(verifier) | HTTPBearer(by_token)


def _last(verifier: PasswordVerifier) -> Any:
    return HTTPBearer(by_token) | HTTPBasic(verifier)


def _both(verifier: PasswordVerifier) -> Any:
    return TrustedHeader("X-Client-Cert-Subject", proxies=["192.0.2.0/24"]) & HTTPBasic(verifier)


ALTERNATIVES: Final[dict[str, Callable[[PasswordVerifier], Any]]] = {
    "alone": HTTPBasic,
    "last of |": _last,
    "first of |": _first,
    "in &": _both,
}


@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
@pytest.mark.parametrize("accept", ALTERNATIVES)
def test_it_works_wherever_basic_stands(accept: str, is_async: bool) -> None:
    bench = Bench()
    auth = Auth(ALTERNATIVES[accept](bench.verifier))
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "REMOTE_ADDR": HOME,
        "HTTP_AUTHORIZATION": basic(),
        "HTTP_X_CLIENT_CERT_SUBJECT": "CN=web",
    }
    for _ in range(3):
        got = WSGIRequest(environ)
        found = asyncio.run(auth.authenticate_async(got)) if is_async else auth.authenticate(got)
        assert isinstance(found, Authentication)
        assert found.principal.is_authenticated
    assert bench.hasher.count == 1


# What ends it


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_new_password_counts_at_once(driver: str) -> None:
    bench = Bench(driver=driver)
    assert bench.opens()
    bench.users.change("alice", password_hash=HASHER.hash("n3w"))
    assert not bench.opens()
    assert bench.opens(password="n3w")
    assert bench.hashes(password="n3w") == 0


def test_the_same_password_with_a_new_hash_is_hashed_once_more() -> None:
    bench = Bench()
    bench.opens()
    bench.users.change("alice", password_hash=HASHER.hash("s3cret"))
    assert [bench.hashes(), bench.hashes()] == [1, 0]
    assert bench.opens()


@pytest.mark.parametrize("change", [{"disabled": True}, {"password_hash": None}, {"password_hash": ""}], ids=repr)
def test_who_may_not_log_in_any_more_is_out_at_once_and_begins_anew_afterwards(change: dict[str, Any]) -> None:
    bench = Bench()
    assert bench.opens()
    bench.users.change("alice", **change)
    assert not bench.opens()
    assert bench.hashes() == 1, "the work of nobody"
    bench.users.users["alice"] = ALICE
    assert bench.hashes() == 1
    assert bench.opens()


def test_a_user_who_is_gone_is_out_at_once() -> None:
    bench = Bench()
    bench.opens()
    del bench.users.users["alice"]
    assert not bench.opens()


def test_new_scopes_and_claims_count_at_once() -> None:
    bench = Bench()
    bench.opens()
    bench.users.change("alice", scopes=frozenset({"read", "write"}), attributes={"team": "blue"})
    verdict = bench.verdict()
    assert isinstance(verdict, Authenticated)
    assert verdict.principal.scopes == {"read", "write"}
    assert verdict.principal.claims == {"team": "blue"}
    assert bench.hasher.count == 1


def test_another_user_of_the_same_name_and_hash_is_checked() -> None:
    bench = Bench()
    bench.opens()
    bench.users.change("alice", id="2")
    assert bench.hashes() == 1


def test_a_store_that_is_down_is_no_success() -> None:
    bench = Bench()
    bench.opens()
    bench.users.is_down = True
    with pytest.raises(StoreUnavailable):
        bench.verdict()


@pytest.mark.parametrize("moved", [-5000.0, -59.0, -1.0, 0.0, 61.0, 5000.0])
def test_a_clock_that_jumps_prolongs_nothing(moved: float) -> None:
    bench, timer = Bench(), FakeClock(50.0)
    _set_timer(bench, timer)
    bench.opens()
    bench.clock.advance(moved)
    timer.advance(59.9)
    assert bench.opens()
    assert bench.hasher.count in (1, 2), "a jump may end it"
    timer.advance(60.0)
    assert bench.hashes() == 1


def test_a_clock_that_is_set_back_again_and_again_prolongs_nothing() -> None:
    bench, timer = Bench(), FakeClock(50.0)
    _set_timer(bench, timer)
    bench.opens()
    for _ in range(6):
        timer.advance(10.0)
        bench.clock.advance(10.0)
        bench.clock.advance(-10.0)
    assert bench.hashes() == 1


def _set_timer(bench: Bench, timer: Callable[[], float]) -> None:
    bench.verifier._memory = PasswordMemory(60.0, bench.clock, monotonic=timer)  # pyright: ignore[reportPrivateUsage]


# Outdated hashes


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_hash_that_is_replaced_after_the_login_does_not_end_it(driver: str) -> None:
    old = User("5", "old", OLD)
    bench = Bench(driver=driver, store=UpgradingUsers(old))
    assert bench.hashes("old") == 1
    assert bench.users.users["old"].password_hash != OLD
    assert [bench.hashes("old") for _ in range(3)] == [0, 0, 0]
    assert bench.opens("old")


def test_a_hash_that_another_process_replaced_is_hashed_once_more() -> None:
    old = User("5", "old", OLD)
    bench = Bench(store=UpgradingUsers(old))
    bench.hasher.meanwhile = lambda: bench.users.change("old", password_hash=HASHER.hash("s3cret"))
    assert bench.hashes("old") == 1
    bench.hasher.meanwhile = lambda: None
    assert [bench.hashes("old"), bench.hashes("old")] == [1, 0]


@pytest.mark.parametrize("store", [Users, UpgradingUsers])
def test_an_outdated_hash_that_stays_is_remembered_too(store: type[Users]) -> None:
    users = store(User("5", "old", OLD))
    if isinstance(users, UpgradingUsers):
        users.lost = True
    bench = Bench(store=users)
    assert [bench.hashes("old"), bench.hashes("old")] == [1, 0]


# Nobody learns anything, and nobody guesses faster


REFUSED: Final = {
    "wrong password": ("alice", "wrong"),
    "unknown user": ("nobody", "s3cret"),
    "disabled user": ("disabled", "s3cret"),
    "user without password": ("keyonly", "s3cret"),
    "password that cannot be one": ("alice", "s3cret\0"),
    "password too long": ("alice", 2000 * "a"),
    "right password of another": ("bob", "s3cret"),
}


@pytest.mark.parametrize("feed", [False, True], ids=["looked up", "feed"])
@pytest.mark.parametrize("username, password", REFUSED.values(), ids=REFUSED)
def test_class_16_a_refusal_asks_and_hashes_the_same_whatever_is_remembered(
    username: str, password: str, feed: bool
) -> None:
    users = (
        ALICE,
        User("2", "disabled", HASHER.hash("s3cret"), disabled=True),
        User("3", "keyonly", None),
        User("4", "bob", HASHER.hash("b0b")),
    )
    bench = Bench(*users, throttle=Throttle(), revocations=fresh_feed() if feed else None)
    cold = asked(bench.flow(username, password))
    bench.opens()
    assert bench.hashes() == 0
    for _ in range(3):
        before = bench.hasher.count
        assert asked(bench.flow(username, password)) == cold == FULL
        assert bench.hasher.count == before + 1
        bench.opens()


@pytest.mark.parametrize("username, password", [("alice", "wrong"), ("nobody", "s3cret"), ("alice", "s3cret")])
@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("feed", [False, True], ids=["looked up", "feed"])
def test_class_16_the_digests_computed_and_compared_are_the_same_too(
    monkeypatch: pytest.MonkeyPatch, username: str, password: str, is_warm: bool, feed: bool
) -> None:
    bench = Bench(throttle=Throttle(), revocations=fresh_feed() if feed else None)
    if is_warm:
        bench.opens()
        bench.hashes("nobody")
    done: list[str] = []

    class Counting:
        """`hmac`, counted."""

        @staticmethod
        def digest(key: bytes, message: bytes, algorithm: str) -> bytes:
            import hmac

            done.append("digest")
            assert feed or len(message) > len(HASHER.dummy), "a hash is covered, for nobody too"
            return hmac.digest(key, message, algorithm)

        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            import hmac

            done.append("compare")
            assert len(one) == len(other)
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(password_memory, "hmac", Counting)
    hashes = bench.hashes(username, password)
    if hashes == 0:
        assert (password, is_warm) == ("s3cret", True)
        return
    at_hand = ["digest", "compare"] if feed else []
    kept = ["digest"] if (username, password) == ("alice", "s3cret") else []
    assert done == [*at_hand, "digest", "compare", "compare", *kept]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_remembered_success_neither_asks_the_throttle_nor_settles(driver: str) -> None:
    throttle = Throttle()
    bench = Bench(driver=driver, throttle=throttle)
    for _ in range(5):
        assert bench.opens()
    assert len(throttle.attempts) == 1
    assert throttle.outcomes == [AttemptOutcome.SUCCEEDED]


def test_it_opens_while_the_throttle_refuses_the_account_and_its_source() -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle)
    bench.opens()
    throttle.waits = {"account:alice": 60.0, f"source:{HOME}": 60.0}
    assert bench.opens()
    assert len(throttle.attempts) == 1


def test_a_client_that_polls_does_not_reset_the_count_of_one_who_guesses() -> None:
    throttle = MemoryThrottle(free=3)
    bench = Bench(throttle=throttle)
    bench.opens(source=AWAY)
    refusals: list[Reason] = []
    for number in range(6):
        assert bench.opens(source=AWAY)
        verdict = bench.verdict(password=f"guess-{number}", source=HOME)
        assert isinstance(verdict, Rejected)
        refusals.append(verdict.reason)
    assert refusals == [Reason.PASSWORD_WRONG] * 3 + [Reason.TOO_MANY_ATTEMPTS] * 3
    assert bench.hasher.count == 4


def test_who_the_throttle_refuses_cannot_find_the_remembered_password_of_another_source() -> None:
    throttle = MemoryThrottle(free=3)
    bench = Bench(throttle=throttle)
    assert bench.opens(source=AWAY)
    for number in range(3):
        bench.verdict(password=f"guess-{number}")
    before = bench.hasher.count
    guesses = [bench.verdict(password=password) for password in ("guess", "s3cret", "other")]
    assert {each.reason for each in guesses if isinstance(each, Rejected)} == {Reason.TOO_MANY_ATTEMPTS}
    assert len({repr(each) for each in guesses}) == 1, "right and wrong are answered alike"
    assert bench.hasher.count == before
    assert bench.opens(source=AWAY)


def test_who_the_throttle_refuses_at_the_source_of_the_owner_has_one_guess_at_most() -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle)
    bench.opens()
    throttle.waits = {f"source:{HOME}": 60.0}
    assert isinstance(bench.verdict(password="guess"), Rejected)
    refused = bench.verdict()
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.TOO_MANY_ATTEMPTS


def test_guesses_at_the_same_time_are_ten_at_most_at_the_source_of_the_owner() -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle)
    bench.opens()
    throttle.waits = {f"source:{HOME}": 60.0}
    guesses = [bench.flow(password=f"guess-{number}") for number in range(9)]
    for flow in guesses:  # each is compared with what is remembered, and none has heard from the throttle yet
        flow.send(next(flow).function("alice"))
    assert bench.opens()
    tenth = bench.flow(password="guess")
    tenth.send(next(tenth).function("alice"))
    assert not bench.opens()
    for flow in (*guesses, tenth):
        flow.close()


def test_guesses_at_the_same_time_are_ten_at_most_with_a_feed_too() -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle, revocations=fresh_feed())
    bench.opens()
    throttle.waits = {f"source:{HOME}": 60.0}
    guesses = [bench.flow(password=f"guess-{number}") for number in range(9)]
    for flow in guesses:  # each is compared with what is remembered, and the store has not answered yet
        next(flow)
    assert bench.opens()
    for flow in guesses[:5]:
        flow.send(ALICE)  # one guess counts once
    assert bench.opens()
    tenth = bench.flow(password="guess")
    next(tenth)
    assert not bench.opens()
    for flow in (*guesses, tenth):
        flow.close()


def test_without_a_throttle_ten_other_passwords_end_it() -> None:
    bench = Bench()
    bench.opens()
    for number in range(9):
        bench.verdict(password=f"other-{number}")
    assert bench.hashes() == 0
    bench.verdict(password="other")
    assert [bench.hashes(), bench.hashes()] == [1, 0]


def test_another_source_proves_the_password_for_itself() -> None:
    throttle = Throttle()
    bench = Bench(throttle=throttle)
    assert [bench.hashes(), bench.hashes(source=AWAY), bench.hashes(source=AWAY), bench.hashes()] == [1, 1, 0, 0]
    assert len(throttle.attempts) == 2


def test_sources_are_those_of_the_throttle() -> None:
    bench = Bench()
    bench.opens(source="2001:db8:0:1::7")
    assert bench.hashes(source="2001:db8:0:1:ffff::8") == 0
    assert bench.hashes(source="2001:db8:0:2::7") == 1


def test_without_a_known_peer_it_is_remembered_too() -> None:
    bench = Bench()
    assert [bench.hashes(source=""), bench.hashes(source="")] == [1, 0]


def test_a_refusal_is_never_remembered() -> None:
    bench = Bench()
    assert [bench.hashes(password="wrong") for _ in range(3)] == [1, 1, 1]
    assert [bench.hashes("nobody") for _ in range(3)] == [1, 1, 1]
    bench.users.change("alice", password_hash=HASHER.hash("wrong"))
    assert bench.opens(password="wrong")


def test_other_spellings_of_a_password_are_other_passwords() -> None:
    # A hash of Werkzeug tells normal forms apart, so what is remembered has to.
    bench = Bench(User("8", "zoe", HASHER.hash("pa\u0308ss")))
    assert [bench.hashes("zoe", "p\u00e4ss"), bench.hashes("zoe", "p\u00e4ss")] == [1, 0]
    assert [bench.hashes("zoe", "pa\u0308ss"), bench.hashes("zoe", "pa\u0308ss")] == [1, 0]
    assert bench.opens("zoe", "pa\u0308ss")
    legacy = "pbkdf2:sha256:100$5pqqkQmir87YrOVh$d3d8cecf7e65e6f3bd1010565d3dfef227c2356a3ba61ef9af66c04ee08ee1cd"
    bench = Bench(User("9", "zoe", legacy))
    assert bench.opens("zoe", "s3cret")
    assert not bench.opens("zoe", "s3cret\0")


def test_normal_forms_of_a_name_are_one_name() -> None:
    bench = Bench(User("8", "Zo\u00eb", HASHER.hash("s3cret")))
    assert [bench.hashes("Zoe\u0308"), bench.hashes("Zo\u00eb")] == [1, 0]


@pytest.mark.parametrize("password", ["\ud800", "s3cret\ud800", ""])
def test_text_that_is_no_unicode_is_a_wrong_password(password: str) -> None:
    bench = Bench()
    bench.opens()
    assert not bench.opens(password=password)


def test_the_parts_of_a_digest_cannot_stand_for_others() -> None:
    memory = PasswordMemory(60.0, lambda: 1000.0)
    proofs = [
        memory.proof(User(id, "u"), stored, password)
        for id, stored, password in (("a", "bc", "d"), ("ab", "c", "d"), ("a", "b", "cd"), ("a", "b1:c", "d"))
    ]
    assert len(set(proofs)) == 4


def test_two_verifiers_share_nothing() -> None:
    one, other = Bench(), Bench()
    one.opens()
    assert other.hashes() == 1
    keys = {bench.verifier._memory._key for bench in (one, other)}  # type: ignore[union-attr]  # pyright: ignore
    assert len(keys) == 2


# What is in memory


@pytest.mark.parametrize("feed", [False, True], ids=["looked up", "feed"])
def test_no_password_and_no_bare_hash_of_it_is_kept(feed: bool) -> None:
    import hashlib

    secret = "correct horse battery staple"
    bench = Bench(User("1", "alice", HASHER.hash(secret)), revocations=fresh_feed() if feed else None)
    bench.opens(password="".join(["correct ", "horse battery staple"]))
    memory = bench.verifier._memory  # pyright: ignore[reportPrivateUsage]
    assert memory is not None
    assert len(memory) == 1
    found: list[str | bytes] = []
    seen: set[int] = set()

    def walk(value: Any) -> None:
        if id(value) in seen or isinstance(value, type) or callable(value):
            return
        seen.add(id(value))
        if isinstance(value, str | bytes):
            found.append(value)
        for inner in gc.get_referents(value):
            if isinstance(inner, str | bytes | float | int | dict | list | tuple | frozenset) or type(
                inner
            ).__module__.startswith("authmw.verifiers"):
                walk(inner)

    walk(memory)
    texts = [each if isinstance(each, bytes) else each.encode() for each in found]
    assert any(len(each) == 32 for each in texts), "the walk found the digest"
    bare = [hashlib.new(name, secret.encode()).digest() for name in ("md5", "sha1", "sha256", "sha512")]
    for text in texts:
        assert secret.encode() not in text
        assert not any(digest in text or digest.hex().encode() in text for digest in bare)


def test_a_flood_of_names_evicts_nobody_and_does_not_grow() -> None:
    bench = Bench()
    bench.opens()
    memory = bench.verifier._memory  # pyright: ignore[reportPrivateUsage]
    assert memory is not None
    for number in range(3000):
        bench.verdict(f"name-{number}")
    assert len(memory) == 1
    assert memory.flights.waiting == 0
    assert memory.flights._calls == {}  # pyright: ignore[reportPrivateUsage]
    assert bench.hashes() == 0


def test_right_passwords_are_kept_up_to_a_bound_and_the_oldest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_memory, "_MOST_REMEMBERED", 3)
    bench = Bench()
    for number in range(5):
        assert bench.hashes(source=f"192.0.2.{number}") == 1
    assert [bench.hashes(source=f"192.0.2.{number}") for number in (2, 3, 4, 1)] == [0, 0, 0, 1]
    assert len(bench.verifier._memory or ()) == 3  # pyright: ignore[reportPrivateUsage]


def test_the_bound_is_what_ten_cores_can_prove_in_a_minute() -> None:
    assert password_memory._MOST_REMEMBERED == 16_384  # pyright: ignore[reportPrivateUsage]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_keeps_the_key_and_the_entries_and_then_goes_its_own_way() -> None:
    bench = Bench()
    bench.opens()
    child = os.fork()
    if child == 0:
        kept = bench.hashes() == 0
        bench.users.change("alice", password_hash=HASHER.hash("n3w"))
        own = bench.opens(password="n3w") and bench.hashes(password="n3w") == 0
        os._exit(0 if kept and own else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert bench.hashes() == 0
