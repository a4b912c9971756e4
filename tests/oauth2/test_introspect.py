"""Introspection (RFC 7662): who sees what of a token, and that nothing that was revoked reads active."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.chained_tokens import RefreshToken
from authmw.crypto.jws import write
from authmw.crypto.opaque_tokens import new_token, token_digest
from authmw.oauth2.lifetimes import Lifetimes
from authmw.stores.records import Revocation
from tests.oauth2.asking import ISSUER, KEYS, MOUNTS, NOW, Answer, Bench, basic

KINDS = pytest.mark.parametrize("options", [{}, {"keys": KEYS}], ids=["opaque", "JWT"])
Header = list[tuple[str, str]]


def api(bench: Bench, **options: Any) -> Header:
    """The credentials of an API named ``orders``, which may look at the tokens that are for it."""
    return basic("api", bench.client("api", **{"audiences": ["orders"], **options}))


def introspect(bench: Bench, token: str, header: Header, **more: str) -> Answer:
    return bench.post({"token": token, **more}, header, path="/introspect")


def is_inactive(answer: Answer) -> bool:
    return (answer.status, answer.body, answer.header("cache-control")) == (200, b'{"active":false}', "no-store")


@pytest.mark.parametrize("mount", MOUNTS)
def test_i1_only_a_client_that_proved_who_it_is_may_ask(mount: str) -> None:
    bench = Bench(mount)
    token = bench.log_in().json["access_token"]
    bench.client("spa", auth_method="none", grant_types=["password"])
    nobody = bench.post({"token": token}, path="/introspect")
    public = bench.post({"token": token, "client_id": "spa"}, path="/introspect")
    wrong = introspect(bench, token, basic("api", "wrong"))
    assert [(each.status, each.error) for each in (nobody, public, wrong)] == [(401, "invalid_client")] * 3
    assert wrong.header("www-authenticate") == 'Basic realm="app"'
    bearer = bench.post({"token": token}, [("authorization", f"Bearer {token}")], path="/introspect")
    assert (bearer.status, bearer.error) == (401, "invalid_client")


@pytest.mark.parametrize("mount", MOUNTS)
def test_i1_a_token_is_never_asked_about_in_a_url(mount: str) -> None:
    bench = Bench(mount)
    answer = bench.ask("GET", "/introspect?token=x", api(bench))
    assert (answer.status, answer.header("allow")) == (405, "POST, OPTIONS")


def test_i2_a_missing_token_is_an_invalid_request() -> None:
    bench = Bench()
    header = api(bench)
    for form in ({}, {"token": ""}):
        answer = bench.post(form, header, path="/introspect")
        assert (answer.status, answer.error) == (400, "invalid_request")


@KINDS
@pytest.mark.parametrize("mount", MOUNTS)
def test_i3_an_active_access_token_is_told_with_its_members(options: dict[str, Any], mount: str) -> None:
    bench = Bench(mount, **options)
    answer = introspect(bench, bench.log_in(scope="orders:read").json["access_token"], api(bench))
    members = answer.json
    (family,) = bench.stores.families.families_of("user-1", NOW)
    assert members.pop("jti")
    assert members == {
        "active": True,
        "iss": ISSUER,
        "sub": "user-1",
        "client_id": "first-party",
        "token_type": "Bearer",
        "scope": "orders:read",
        "aud": "orders",
        "exp": NOW + 600,
        "iat": NOW,
        "sid": family.id,
    } | ({} if bench.service.keys is None else {"auth_time": NOW})
    assert (answer.status, answer.header("cache-control")) == (200, "no-store")


@KINDS
def test_i3_several_audiences_are_a_list(options: dict[str, Any]) -> None:
    bench = Bench(audience=["orders", "invoices"], **options)
    members = introspect(bench, bench.log_in().json["access_token"], api(bench)).json
    assert sorted(members["aud"]) == ["invoices", "orders"]


def own(bench: Bench) -> Header:
    """The credentials of a client that users log in with."""
    secret = bench.client("web", grant_types=["password", "refresh_token"], scopes=["orders:read"])
    return basic("web", secret)


def log_in_with(bench: Bench, header: Header) -> dict[str, Any]:
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    return bench.post(form, header).json


def test_i3_a_client_sees_its_own_refresh_token_and_only_the_current_one() -> None:
    bench = Bench()
    header = own(bench)
    first = log_in_with(bench, header)["refresh_token"]
    (family,) = bench.stores.families.families_of("user-1", NOW)
    assert introspect(bench, first, header).json == {
        "active": True,
        "iss": ISSUER,
        "sub": "user-1",
        "client_id": "web",
        "username": "alice",
        "scope": "orders:read",
        "exp": NOW + 14 * 86_400,
        "iat": NOW,
        "sid": family.id,
    }
    second = bench.refresh(first, header).json["refresh_token"]
    assert is_inactive(introspect(bench, first, header))
    assert introspect(bench, second, header).json["active"] is True


def test_i3_a_refresh_token_is_as_young_as_its_last_refresh_and_as_old_as_its_session() -> None:
    bench = Bench(lifetimes=Lifetimes(refresh=1000, idle=400))
    header = own(bench)
    token = log_in_with(bench, header)["refresh_token"]
    seen: list[tuple[int, int]] = []
    for seconds in (0.75, 300.75, 650.25):
        bench.clock.now = NOW + seconds
        token = bench.refresh(token, header).json["refresh_token"]
        members = introspect(bench, token, header).json
        seen.append((members["iat"] - int(NOW), members["exp"] - int(NOW)))
    assert seen == [(0, 400), (300, 700), (650, 1000)]


@KINDS
def test_i3_what_is_told_of_a_token_without_scopes_and_session_leaves_both_out(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    header = basic("shop", bench.client(scopes=[]))
    bench.clock.now = NOW + 0.75
    members = introspect(bench, bench.post({"grant_type": "client_credentials"}, header).json["access_token"], header)
    assert {**members.json, "jti": ""} == {
        "active": True,
        "iss": ISSUER,
        "sub": "shop",
        "client_id": "shop",
        "token_type": "Bearer",
        "aud": "orders",
        "exp": NOW + 600,
        "iat": NOW,
        "jti": "",
    }


@KINDS
def test_i4_a_client_sees_its_own_tokens_and_an_api_those_that_are_for_it(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    header = own(bench)
    tokens = log_in_with(bench, header)
    callers = {
        "own": header,
        "the API": api(bench),
        "another API": basic("other", bench.client("other", audiences=["invoices"])),
        "another client": basic("shop", bench.client()),
    }
    seen = {name: introspect(bench, tokens["access_token"], each).json["active"] for name, each in callers.items()}
    assert seen == {"own": True, "the API": True, "another API": False, "another client": False}
    refresh = {name: introspect(bench, tokens["refresh_token"], each).json["active"] for name, each in callers.items()}
    assert refresh == {"own": True, "the API": False, "another API": False, "another client": False}


@KINDS
def test_i2_what_is_not_for_the_caller_is_answered_as_what_does_not_exist(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    tokens, header = bench.log_in().json, basic("shop", bench.client())
    for token in (tokens["access_token"], tokens["refresh_token"], "x", "a.b.c", RefreshToken.new(ISSUER).text):
        assert is_inactive(introspect(bench, token, header))


@KINDS
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_i4_whatever_the_hint_the_token_is_found(options: dict[str, Any], hint: str) -> None:
    bench = Bench(**options)
    header = own(bench)
    tokens = log_in_with(bench, header)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert introspect(bench, token, header, token_type_hint=hint).json["active"] is True


@KINDS
def test_i2_what_has_expired_is_inactive_to_the_second(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    header = own(bench)
    tokens = log_in_with(bench, header)
    bench.clock.now = NOW + 599
    assert introspect(bench, tokens["access_token"], header).json["active"] is True
    bench.clock.now = NOW + 600
    assert is_inactive(introspect(bench, tokens["access_token"], header))
    bench.clock.now = NOW + 14 * 86_400
    assert is_inactive(introspect(bench, tokens["refresh_token"], header))


def test_i2_a_jwt_of_another_issuer_is_inactive() -> None:
    bench = Bench(keys=KEYS)
    other = Bench(keys=KEYS, issuer="https://other.example")
    assert is_inactive(introspect(bench, other.log_in().json["access_token"], api(bench)))


def test_i2_a_jwt_that_is_not_valid_yet_is_inactive() -> None:
    bench = Bench(keys=KEYS)
    caller = api(bench)
    claims = {"iss": ISSUER, "sub": "user-1", "aud": "orders", "exp": NOW + 600, "iat": NOW, "jti": "x"}

    def valid_from(time: float) -> Answer:
        said = {**claims, "client_id": "first-party", "nbf": time}
        return introspect(bench, write(json.dumps(said).encode(), KEYS.signer, typ="at+jwt"), caller)

    assert valid_from(NOW).json["active"] is True
    assert is_inactive(valid_from(NOW + 300))


@KINDS
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_i5_what_was_revoked_is_inactive_at_once(options: dict[str, Any], which: str) -> None:
    bench = Bench(**options)
    header = own(bench)
    tokens = log_in_with(bench, header)
    bench.service.feed.follow_once()  # what this process knows is from before
    assert bench.post({"token": tokens[which]}, header, path="/revoke").status == 200
    assert is_inactive(introspect(bench, tokens[which], header))
    assert is_inactive(introspect(bench, tokens["access_token"], header))


@KINDS
@pytest.mark.parametrize("end", ["disable the user", "disable the client", "set the password"])
def test_i5_what_ended_with_its_user_or_client_is_inactive(options: dict[str, Any], end: str) -> None:
    bench = Bench(**options)
    header, caller = own(bench), api(bench)
    tokens = log_in_with(bench, header)
    assert introspect(bench, tokens["access_token"], caller).json["active"] is True
    bench.clock.now += 1
    match end:
        case "disable the user":
            bench.stores.users.disable("alice")
        case "disable the client":
            bench.stores.clients.disable("web")
        case _:
            bench.stores.users.set_password("alice", "another password")
    assert is_inactive(introspect(bench, tokens["access_token"], caller))
    if end != "disable the client":
        assert is_inactive(introspect(bench, tokens["refresh_token"], header))


def test_a_refresh_token_of_a_user_who_is_somebody_else_by_now_is_inactive(monkeypatch: pytest.MonkeyPatch) -> None:
    from authmw.stores.records import User

    bench = Bench()
    header = own(bench)
    token = log_in_with(bench, header)["refresh_token"]
    for found in (None, User("user-2", "alice"), User("user-1", "alice", disabled=True)):
        monkeypatch.setattr(bench.service, "users", Finding(found))
        assert is_inactive(introspect(bench, token, header))


class Finding:
    """A store of one user, or of none."""

    def __init__(self, user: Any) -> None:
        self._user = user

    def find(self, _: str) -> Any:
        return self._user


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("role, verb", [("tokens", "find_token"), ("revocations", "find_revocations")])
def test_err_3_a_store_that_is_down_is_a_503_and_never_active(
    mount: str, role: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(mount)
    token, header = bench.log_in().json["access_token"], api(bench)

    def down(*_: object) -> Any:
        raise ConnectionError("no route")

    monkeypatch.setattr(getattr(bench.stores, role), verb, down)
    answer = introspect(bench, token, header)
    assert (answer.status, answer.header("retry-after"), "active" in answer.json) == (503, "5", False)


ANY = {"opaque": Bench(), "JWT": Bench(keys=KEYS)}
CALLERS = {kind: api(bench) for kind, bench in ANY.items()}
TOKENS = {kind: bench.log_in().json["access_token"] for kind, bench in ANY.items()}


@given(token=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), kind=st.sampled_from(sorted(ANY)))
def test_g7_any_text_is_inactive_or_no_request(token: str, kind: str) -> None:
    answer = introspect(ANY[kind], token, CALLERS[kind])
    assert is_inactive(answer) or (answer.status, answer.error) == (400, "invalid_request")


@given(data=st.data(), kind=st.sampled_from(sorted(ANY)))
def test_g7_a_token_with_one_character_changed_is_inactive(data: st.DataObject, kind: str) -> None:
    token = TOKENS[kind]
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + data.draw(st.sampled_from("aZ09_.-")) + token[place + 1 :]
    assert introspect(ANY[kind], changed, CALLERS[kind]).json["active"] is (changed == token)


@pytest.mark.parametrize(
    "sid", [..., "login_x", "", None, 7, True, [], ["login_x"], {"login": 1}, "a\nb", "x" * 256], ids=ascii
)
def test_i7_a_jwt_may_name_anything_as_its_session(sid: object) -> None:
    bench = Bench(keys=KEYS)
    header = api(bench)
    claims = {"iss": ISSUER, "sub": "user-1", "aud": "orders", "iat": NOW, "exp": NOW + 60, "client_id": "first-party"}
    claims |= {"jti": "made-elsewhere"} | ({} if sid is ... else {"sid": sid})
    token = write(json.dumps(claims).encode(), KEYS.signer, typ="at+jwt")
    assert introspect(bench, token, header).json["active"] is True
    bench.stores.revocations.publish(Revocation.of_family("login_x", NOW))
    assert introspect(bench, token, header).json["active"] is (sid != "login_x")


@KINDS
def test_i2_a_token_that_never_was_is_inactive(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    header = api(bench)
    for token in (new_token("at"), RefreshToken.new(ISSUER).text):
        assert is_inactive(introspect(bench, token, header))


@pytest.mark.parametrize("answer", [True, {"active": True}, "alice"])
def test_a_store_that_answers_something_else_is_a_mistake_and_no_token(answer: Any) -> None:
    from authmw.errors import FlowError

    class Wrong:
        def find_token(self, digest: str) -> Any:
            return answer

    bench = Bench()
    token, header = bench.log_in().json["access_token"], api(bench)
    bench.use(tokens=Wrong())
    with pytest.raises(FlowError, match=f"answers a TokenRecord or None, not {type(answer).__name__}"):
        introspect(bench, token, header)


def test_a_store_that_matches_loosely_finds_no_token() -> None:
    bench = Bench()
    token, header = bench.log_in().json["access_token"], api(bench)
    other = bench.log_in().json["access_token"]
    record = bench.stores.tokens.find_token(token_digest(other))

    class Loose:
        def find_token(self, digest: str) -> Any:
            return record

    bench.use(tokens=Loose())
    assert introspect(bench, other, header).json["active"] is True
    assert is_inactive(introspect(bench, token, header))
