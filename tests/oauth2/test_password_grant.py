"""``grant_type=password``: logins of the first-party application (RFC 6749 §4.3)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from authmw.crypto.chained_tokens import RefreshToken
from authmw.crypto.jose import base64url
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.opaque_tokens import token_digest
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.oauth2.granted_scopes import granted_scopes
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.reply import OAuthError
from authmw.stores import MemoryThrottle
from authmw.stores.records import Attempt, RefreshFamily, Reservation, Revocation, TokenRecord, Wait
from tests.oauth2.asking import KEYS, MOUNTS, NOW, Answer, Bench, Counting, basic


def families(bench: Bench, subject: str = "user-1") -> tuple[RefreshFamily, ...]:
    found: tuple[RefreshFamily, ...] = bench.stores.families.families_of(subject, bench.clock.now)
    return found


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
def test_t2_a_login_gets_tokens_that_an_api_accepts(mount: str, keys: Any) -> None:
    bench = Bench(mount, keys=keys)
    answer = bench.log_in()
    assert answer.status == 200
    told = answer.json
    assert list(told) == ["access_token", "token_type", "expires_in", "refresh_token", "scope"]
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 600, "orders:read orders:write")
    alice: Any = bench.verified(told["access_token"])
    assert (alice.id, alice.kind, alice.client_id) == ("user-1", "user", "first-party")
    assert alice.scopes == {"orders:read", "orders:write"}
    assert alice.expires_at == NOW + 600


def test_t16_a_jwt_is_an_access_token_of_rfc_9068() -> None:
    bench = Bench(keys=KEYS, audience=["orders", "billing"])
    head, payload, _ = bench.log_in().json["access_token"].encode().split(b".")
    header, claims = (parse_object(base64url.decode(part) or b"") for part in (head, payload))
    assert header == {"alg": "ES256", "kid": KEYS.signer.kid, "typ": "at+jwt"}
    (family,) = families(bench)
    assert len(claims.pop("jti")) >= 22
    assert claims == {
        "iss": bench.service.issuer,
        "sub": "user-1",
        "aud": ["orders", "billing"],
        "exp": NOW + 600,
        "iat": NOW,
        "client_id": "first-party",
        "scope": "orders:read orders:write",
        "sid": family.id,
        "auth_time": NOW,
    }


def test_an_opaque_token_is_stored_with_all_that_ends_it() -> None:
    bench = Bench()
    bench.log_in()
    (record,) = bench.stores.tokens.list("user-1")
    (family,) = families(bench)
    assert (record.family_id, record.client_id, record.audience) == (family.id, "first-party", {"orders"})
    assert (record.created_at, record.expires_at) == (NOW, NOW + 600)


def test_t13_without_opting_in_there_is_no_password_grant() -> None:
    bench = Bench(password=False)
    answer = bench.log_in()
    assert (answer.status, answer.error) == (400, "unsupported_grant_type")
    secret = bench.client(grant_types=["password"])
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    assert bench.post(form, basic("shop", secret)).error == "unsupported_grant_type"


def test_a_client_that_may_not_refresh_has_sessions_without_a_refresh_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RefreshToken, "new", None)  # none is made
    bench = Bench(entropy=Counting())
    header = basic("shop", bench.client(grant_types=["password"]))
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    answers = [bench.post(form, header) for _ in range(2)]
    assert ["refresh_token" in answer.json for answer in answers] == [False, False]
    kept = families(bench)
    assert len({family.key for family in kept}) == 2
    assert {(family.current, family.expires_at) for family in kept} == {("", NOW + 600)}
    assert all(bench.stores.families.find_family(family.key) == family for family in kept)


@pytest.mark.parametrize(
    "requested, told",
    [
        (None, "orders:read orders:write"),
        ("  ", "orders:read orders:write"),
        ("orders:read", "orders:read"),
        ("orders:read admin", "orders:read"),
        ("orders:write  orders:read orders:read", "orders:read orders:write"),
    ],
)
def test_t2_a14_what_is_granted_is_told_and_is_what_was_asked_for_and_the_user_may_have(
    requested: str | None, told: str
) -> None:
    bench = Bench()
    answer = bench.log_in(**({} if requested is None else {"scope": requested}))
    assert answer.json["scope"] == told
    alice: Any = bench.verified(answer.json["access_token"])
    assert alice.scopes == set(told.split())


@pytest.mark.parametrize("scope", ["admin", 'a"b', "a\\b", "é", "a\tb"])
def test_a14_a_scope_that_nobody_can_have_is_invalid(scope: str) -> None:
    bench = Bench()
    answer = bench.log_in(scope=scope)
    assert (answer.status, answer.error) == (400, "invalid_scope")
    assert families(bench) == ()


def test_a14_a_client_is_a_ceiling_for_its_users() -> None:
    bench = Bench()
    secret = bench.client(grant_types=["password"])  # may have orders:read and reports
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    assert bench.post(form, basic("shop", secret)).json["scope"] == "orders:read"
    answer = bench.post({**form, "scope": "reports orders:write"}, basic("shop", secret))
    assert answer.error == "invalid_scope"


ABC = frozenset("abc")


@pytest.mark.parametrize(
    "requested, ceilings, granted",
    [
        (None, (), ""),
        (None, (None, None), ""),
        (None, ("ab",), "ab"),
        (None, (None, "abc", "bcd", None), "bc"),
        (None, ("a", "b"), ""),
        (frozenset[str](), ("ab",), ""),
        (ABC, (), "abc"),
        (ABC, (None, "bcd"), "bc"),
        (ABC, ("d",), None),
        (ABC, ("",), None),
    ],
)
def test_a14_every_ceiling_counts_and_only_a_request_of_which_nothing_is_left_is_refused(
    requested: frozenset[str] | None, ceilings: tuple[str | None, ...], granted: str | None
) -> None:
    found = granted_scopes(requested, *ceilings)
    if granted is None:
        assert found == OAuthError("invalid_scope", "None of the requested scopes can be granted.")
    else:
        assert found == frozenset(granted)


def test_scopes_that_the_service_does_not_know_are_not_granted() -> None:
    assert Bench(scopes={"orders:read": "See orders"}).log_in().json["scope"] == "orders:read"


def test_g8_nothing_that_is_handed_out_can_be_guessed() -> None:
    bench = Bench()
    first, other = bench.log_in().json, bench.log_in().json
    successor = bench.refresh(first["refresh_token"]).json
    secret = bench.client()
    refresh = [tokens["refresh_token"] for tokens in (first, other, successor)]
    # What one refresh token has beyond what all of its login begin with, which is as long.
    random = [token[-38:-8] for token in refresh] + [token[3:33] for token in refresh[:2]]
    random += [tokens["access_token"][3:-8] for tokens in (first, other, successor)] + [secret[3:-8]]
    assert len(set(random)) == len(random)
    # RFC 6749 §10.10 recommends 160 bits; 8 characters at the end of each are a checksum.
    assert all(part.isalnum() and math.log2(62) * len(part) >= 160 for part in random)


def test_t2_a_token_without_scopes_tells_none() -> None:
    bench = Bench()
    bench.stores.users.create("bob", "staple", id="user-2")
    answer = bench.log_in(username="bob", password="staple")
    assert answer.status == 200
    assert "scope" not in answer.json


@pytest.mark.parametrize("missing", ["username", "password"])
def test_a_login_needs_a_name_and_a_password(missing: str) -> None:
    answer = Bench().log_in(**{missing: ""})
    assert (answer.status, answer.error) == (400, "invalid_request")


class AccountsOnly(MemoryThrottle):
    """As if every attempt came from another source."""

    def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
        return super().reserve(replace(attempt, source=""), now)


def rejected() -> dict[str, Answer]:
    """What each kind of login that fails is told."""
    bench = Bench(throttle=AccountsOnly(free=1))
    bench.stores.users.create("bob", "staple", id="user-2")
    bench.stores.users.disable("bob")
    bench.stores.users.create("carol", None, id="user-3")
    return {
        "unknown": bench.log_in(username="nobody"),
        "wrong": bench.log_in(password="x"),
        "disabled": bench.log_in(username="bob", password="staple"),
        "without a password": bench.log_in(username="carol"),
        "a name that cannot be": bench.log_in(username="\x01"),
        "an endless name": bench.log_in(username="a" * 300),
        "an endless password": bench.log_in(username="dave", password="a" * 5000),
    }


REJECTED = rejected()


@pytest.mark.parametrize("answer", REJECTED.values(), ids=REJECTED)
def test_c4_a30_every_login_that_fails_is_told_the_same(answer: Answer) -> None:
    assert answer.status == 400
    assert answer.json == {"error": "invalid_grant", "error_description": "The user name or password is wrong."}
    assert answer == REJECTED["wrong"]


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_g11_an_account_without_a_free_check_is_unavailable_whether_it_exists_or_not(username: str) -> None:
    bench = Bench(throttle=AccountsOnly(free=3))
    for _ in range(3):
        assert bench.log_in(username=username, password="x").status == 400
    answer = bench.log_in(username=username)
    assert (answer.status, answer.header("retry-after"), answer.error) == (503, "60", "temporarily_unavailable")
    bench.clock.now += 60
    assert bench.log_in(username=username).status == (200 if username == "alice" else 400)


def test_g11_too_many_logins_from_one_source_are_told_to_wait() -> None:
    bench = Bench(throttle=MemoryThrottle(free=1, first=8.0))
    assert bench.log_in(password="x").status == 400
    answer = bench.log_in()
    assert (answer.status, answer.header("retry-after")) == (429, "8")


@pytest.mark.parametrize("mount", MOUNTS)
def test_g11_a_header_makes_no_other_source(mount: str) -> None:
    bench = Bench(mount, throttle=MemoryThrottle(free=1, first=8.0))
    form = {"grant_type": "password", "username": "alice", "password": "x"}
    assert bench.post(form).status == 400
    for number, name in enumerate(("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "Client-IP")):
        # Another name, so that nothing but the source is counted twice.
        forged = f"for=198.51.100.{number}" if name == "Forwarded" else f"198.51.100.{number}"
        answer = bench.post({**form, "username": f"user-{number}"}, [(name.lower(), forged)])
        assert (answer.status, answer.header("retry-after")) == (429, "8")


def test_class_28_the_endpoint_and_basic_share_one_count() -> None:
    from authmw.flow.flow import run
    from authmw.http.reasons import Reason
    from authmw.identity.credentials import BasicCredentials
    from authmw.identity.verdict import Rejected
    from authmw.verifiers.password import PasswordVerifier
    from tests.requests import wsgi_request

    throttle = AccountsOnly(free=1)
    bench = Bench(throttle=throttle)
    bench.log_in(password="x")
    basic_verifier = PasswordVerifier(
        bench.stores.users, hasher=PasswordHasher(CHEAPEST), throttle=throttle, clock=bench.clock
    )
    verdict = run(basic_verifier.verify(BasicCredentials("alice", "correct horse"), wsgi_request()))
    assert verdict == Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60)


def test_a_login_begins_a_family() -> None:
    bench = Bench(lifetimes=Lifetimes(refresh=1000, idle=300))
    token = bench.log_in(scope="orders:read").json["refresh_token"]
    (family,) = families(bench)
    assert (family.subject, family.username, family.client_id) == ("user-1", "alice", "first-party")
    assert family.scopes == {"orders:read"}
    assert (family.created_at, family.expires_at, family.idle_until) == (NOW, NOW + 1000, NOW + 300)
    assert token not in str([getattr(family, name) for name in RefreshFamily.__slots__])


@pytest.mark.parametrize(
    "lifetimes",
    [Lifetimes(), Lifetimes(access=400, refresh=300, idle=200), Lifetimes(access=7, refresh=300, idle=300)],
    ids=["usual", "a short session", "idle for all of it"],
)
def test_all_that_is_kept_of_a_login_is_dated_by_the_service(lifetimes: Lifetimes) -> None:
    bench = Bench(lifetimes=lifetimes)
    bench.clock.now = now = NOW + 0.75
    told = bench.log_in(scope="orders:read").json
    token = RefreshToken.parse(told["refresh_token"])
    assert token is not None
    assert token.is_of(bench.service.issuer)
    (family,) = families(bench)
    assert family == RefreshFamily(
        id=family.id,
        key=token.key,
        current=token.digest,
        subject="user-1",
        username="alice",
        client_id="first-party",
        scopes=frozenset({"orders:read"}),
        created_at=now,
        expires_at=now + lifetimes.refresh,
        idle_until=now + lifetimes.idle,
    )
    seconds = min(lifetimes.access, lifetimes.refresh)
    assert told["expires_in"] == seconds
    (record,) = bench.stores.tokens.list("user-1")
    assert record == TokenRecord(
        id=record.id,
        digest=token_digest(told["access_token"]),
        subject="user-1",
        expires_at=now + seconds,
        scopes=frozenset({"orders:read"}),
        kind="user",
        client_id="first-party",
        created_at=now,
        audience=frozenset({"orders"}),
        family_id=family.id,
    )


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    "agent, name",
    [
        ("Mozilla/5.0 (X11)", "Mozilla/5.0 (X11)"),
        ("a" * 300, "a" * 200),
        ("caf\u00c3\u00a9 \x1b[31m", "caf\u00e9 [31m"),
        ("\xff", "\ufffd"),
    ],
    ids=["usual", "endless", "control characters", "not UTF-8"],
)
def test_a_family_is_named_after_the_browser(mount: str, agent: str, name: str) -> None:
    bench = Bench(mount)
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    bench.post(form, [("user-agent", agent)])
    assert families(bench)[0].name == name


def test_t14_a_client_that_may_not_refresh_gets_no_refresh_token_and_a_family_as_long_as_its_access() -> None:
    bench = Bench()
    bench.client("app", auth_method="none", grant_types=["password"])
    answer = bench.log_in(client_id="app")
    assert "refresh_token" not in answer.json
    (family,) = families(bench)
    assert (family.current, family.expires_at) == ("", NOW + 600)


def test_t1_a_client_without_the_grant_may_not_use_it() -> None:
    bench = Bench()
    secret = bench.client()
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    answer = bench.post(form, basic("shop", secret))
    assert (answer.status, answer.error) == (400, "unauthorized_client")


@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
@pytest.mark.parametrize(
    "id", ["first-party", "first-party@clients", "x" * 256], ids=["a client's", "a client's at Auth0", "too long"]
)
def test_t12_a_user_whose_id_is_a_clients_or_no_sub_gets_no_token(keys: Any, id: str) -> None:
    bench = Bench(keys=keys)
    bench.stores.users.create("mallory", "staple", id=id)
    answer = bench.log_in(username="mallory", password="staple")
    assert (answer.status, answer.error) == (400, "invalid_grant")
    assert families(bench, id) == ()


def test_scopes_that_do_not_fit_into_a_token_are_no_server_error() -> None:
    bench = Bench(keys=KEYS)
    bench.stores.users.create("bob", "staple", id="user-2", scopes=[f"scope-{'x' * 200}-{n}" for n in range(50)])
    answer = bench.log_in(username="bob", password="staple")
    assert (answer.status, answer.error) == (400, "invalid_scope")


def test_the_name_of_a_user_is_found_again_in_its_normal_form() -> None:
    bench = Bench()
    bench.stores.users.create("Zo\u00eb", "staple", id="user-2")
    answer = bench.log_in(username="Zoe\u0308", password="staple")
    assert families(bench, "user-2")[0].username == "Zo\u00eb"
    assert bench.refresh(answer.json["refresh_token"]).status == 200


def test_scopes_that_do_not_fit_are_told_before_anything_is_asked_about_the_session() -> None:
    bench = Bench(keys=KEYS)
    bench.stores.users.create("bob", "staple", id="user-2", scopes=[f"scope-{'x' * 200}-{n}" for n in range(50)])

    class Down:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    bench.use(families=Down())
    assert bench.log_in(username="bob", password="staple").error == "invalid_scope"


@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
def test_t11_no_access_token_of_a_login_outlives_it(keys: Any) -> None:
    bench = Bench(keys=keys, lifetimes=Lifetimes(access=600, idle=100, refresh=100))
    answer = bench.log_in().json
    assert answer["expires_in"] == 100
    alice: Any = bench.verified(answer["access_token"])
    assert alice.expires_at == NOW + 100


def test_g8_all_randomness_of_opaque_tokens_is_that_of_the_service() -> None:
    def log_in_and_refresh() -> tuple[object, ...]:
        bench = Bench(entropy=Counting())
        first = bench.log_in().json
        second = bench.refresh(first["refresh_token"]).json
        return first, second, families(bench), bench.stores.tokens.list("user-1")

    assert log_in_and_refresh() == log_in_and_refresh()


def test_a_client_that_is_disabled_while_its_user_logs_in_gets_nothing() -> None:
    bench = Bench()
    bench.client("app", auth_method="none", grant_types=["password", "refresh_token"])
    found = bench.stores.clients.find_client("app")
    for now in (replace(found, disabled=True), None):
        answers = iter([found, now])

        class Clients:
            def find_client(self, client_id: str, answers: Any = answers) -> Any:
                return next(answers)

        bench.use(clients=Clients())
        assert bench.log_in(client_id="app").error == "invalid_grant"
        assert families(bench) == ()


@pytest.mark.parametrize(
    "revocation", [Revocation.of_user("user-1", NOW + 1), Revocation.of_client("first-party", NOW + 1)]
)
def test_what_is_revoked_while_a_user_logs_in_ends_the_login_though_the_password_is_still_right(
    revocation: Revocation,
) -> None:
    bench = Bench()

    class Families:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.stores.families, name)

        def add_family(self, family: RefreshFamily) -> None:
            bench.stores.families.add_family(family)
            bench.stores.revocations.publish(revocation)

    bench.use(families=Families())
    assert bench.log_in().error == "invalid_grant"
    assert families(bench) == ()
    assert [record.revoked_at for record in bench.stores.tokens.list("user-1")] == [NOW]
