"""Revocation (RFC 7009): what is refused afterwards, and what nobody learns from it."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.chained_tokens import RefreshToken
from authmw.crypto.jws import write_claims
from authmw.crypto.opaque_tokens import new_token
from authmw.http.reasons import Reason
from authmw.identity.verdict import Rejected
from authmw.stores.records import Revocation, RevocationKind
from tests.oauth2.asking import ISSUER, KEYS, MOUNTS, NOW, Answer, Bench, basic

KINDS = pytest.mark.parametrize("options", [{}, {"keys": KEYS}], ids=["opaque", "JWT"])
OWN = {"client_id": "first-party"}


def revoke(bench: Bench, token: str, **more: str) -> Answer:
    """Revoke as the first-party application does."""
    return bench.post({"token": token, **OWN, **more}, path="/revoke")


def is_empty_200(answer: Answer) -> bool:
    return (answer.status, answer.body, answer.header("content-length"), answer.header("cache-control")) == (
        200,
        b"",
        "0",
        "no-store",
    )


def why_refused(bench: Bench, token: str) -> Reason | None:
    """Why an API refuses the token, as soon as it knows what was published."""
    bench.service.feed.follow_once()
    verdict = bench.verified(token)
    return verdict.reason if isinstance(verdict, Rejected) else None


def published(bench: Bench, kind: RevocationKind, id: str) -> Revocation | None:
    found: tuple[Revocation, ...] = bench.stores.revocations.find_revocations(((kind, id),))
    return found[0] if found else None


@pytest.mark.parametrize("mount", MOUNTS)
def test_r1_a_request_names_its_client_and_its_token(mount: str) -> None:
    bench = Bench(mount)
    secret = bench.client()
    missing = bench.post({}, basic("shop", secret), path="/revoke")
    assert (missing.status, missing.error) == (400, "invalid_request")
    empty = bench.post({"token": "", **OWN}, path="/revoke")
    assert (empty.status, empty.error) == (400, "invalid_request")
    wrong = bench.post({"token": "x"}, basic("shop", "wrong"), path="/revoke")
    assert (wrong.status, wrong.error) == (401, "invalid_client")
    assert bench.post({"token": "x", "client_id": "nobody"}, path="/revoke").status == 401
    assert bench.ask("GET", "/revoke?token=x&client_id=first-party").status == 405


def test_r1_a_public_client_revokes_by_its_name() -> None:
    bench = Bench()
    bench.client("spa", auth_method="none", grant_types=["password", "refresh_token"])
    tokens = bench.log_in(client_id="spa").json
    assert is_empty_200(bench.post({"token": tokens["refresh_token"], "client_id": "spa"}, path="/revoke"))
    assert bench.refresh(tokens["refresh_token"], client_id="spa").error == "invalid_grant"


NOTHING = {
    "no token": "x",
    "a dot": ".",
    "three segments": "a.b.c",
    "a lone surrogate's replacement": "\ufffd",
    "a refresh token that never was": RefreshToken.new(ISSUER).text,
    "an opaque token that never was": new_token("at"),
    "an opaque token of a wrong checksum": f"at_{'0' * 38}",
    "long": "a" * 60_000,
}


@KINDS
@pytest.mark.parametrize("token", NOTHING.values(), ids=NOTHING.keys())
def test_r2_what_is_no_token_is_an_empty_200(options: dict[str, Any], token: str) -> None:
    bench = Bench(**options)
    assert is_empty_200(revoke(bench, token))
    assert bench.stores.revocations.revocations_after("", 10).revocations == ()


@KINDS
def test_r2_a_token_that_has_expired_is_an_empty_200(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    tokens = bench.log_in().json
    bench.clock.now += 31 * 86_400
    assert is_empty_200(revoke(bench, tokens["access_token"]))
    assert is_empty_200(revoke(bench, tokens["refresh_token"]))


@KINDS
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_r2_a_token_that_was_revoked_is_an_empty_200(options: dict[str, Any], which: str) -> None:
    bench = Bench(**options)
    token = bench.log_in().json[which]
    assert [is_empty_200(revoke(bench, token)) for _ in range(2)] == [True, True]


@KINDS
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_r3_a_token_of_another_client_is_left_alone_and_not_told_from_none(
    options: dict[str, Any], which: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench = Bench(**options)
    secret = bench.client()
    tokens = bench.log_in().json
    answers = [bench.post({"token": each}, basic("shop", secret), path="/revoke") for each in (tokens[which], "x")]
    assert answers[0] == answers[1]
    assert is_empty_200(answers[0])
    assert why_refused(bench, tokens["access_token"]) is None
    assert bench.refresh(tokens["refresh_token"]).status == 200
    assert tokens[which] not in caplog.text


@pytest.mark.parametrize("claims", [{"jti": ...}, {"jti": ""}, {"jti": None}, {"jti": 7}], ids=str)
def test_r2_a_jwt_without_a_name_of_its_own_revokes_nothing(claims: dict[str, Any]) -> None:
    bench = Bench(keys=KEYS)
    issued = bench.log_in().json["access_token"]
    members = json.loads(base64.urlsafe_b64decode(f"{issued.split('.')[1]}=="))
    assert members["client_id"] == "first-party"
    members = {name: value for name, value in {**members, **claims}.items() if value is not ...}
    nameless, other = (
        write_claims(
            {**members, "sub": sub},
            KEYS.signer,
            header={"alg": KEYS.signer.alg, "kid": KEYS.signer.kid, "typ": "at+jwt"},
        )
        for sub in ("user-1", "user-2")
    )
    assert is_empty_200(revoke(bench, nameless))
    assert bench.stores.revocations.revocations_after("", 10).revocations == ()
    assert why_refused(bench, issued) is None
    assert why_refused(bench, nameless) is why_refused(bench, other)
    assert why_refused(bench, nameless) is not Reason.TOKEN_REVOKED


@KINDS
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "\u2603", ""])
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_r4_whatever_the_hint_all_types_are_searched(options: dict[str, Any], hint: str, which: str) -> None:
    bench = Bench(**options)
    tokens = bench.log_in().json
    assert is_empty_200(revoke(bench, tokens[which], token_type_hint=hint))
    assert why_refused(bench, tokens["access_token"]) is Reason.TOKEN_REVOKED


@KINDS
@pytest.mark.parametrize("mount", MOUNTS)
def test_r5_a_refresh_token_takes_every_access_token_of_its_login_with_it(options: dict[str, Any], mount: str) -> None:
    bench = Bench(mount, **options)
    first = bench.log_in().json
    second = bench.refresh(first["refresh_token"]).json
    other = bench.log_in().json
    assert is_empty_200(revoke(bench, second["refresh_token"]))
    assert [why_refused(bench, each["access_token"]) for each in (first, second, other)] == [
        Reason.TOKEN_REVOKED,
        Reason.TOKEN_REVOKED,
        None,
    ]
    assert bench.refresh(second["refresh_token"]).error == "invalid_grant"
    assert bench.refresh(other["refresh_token"]).status == 200


def test_r5_a_refresh_token_that_was_used_ends_its_login_too() -> None:
    bench = Bench()
    first = bench.log_in().json
    second = bench.refresh(first["refresh_token"]).json
    revoke(bench, first["refresh_token"])
    assert bench.refresh(second["refresh_token"]).error == "invalid_grant"


@KINDS
def test_r5_an_access_token_goes_alone(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    tokens = bench.log_in().json
    assert is_empty_200(revoke(bench, tokens["access_token"]))
    assert why_refused(bench, tokens["access_token"]) is Reason.TOKEN_REVOKED
    again = bench.refresh(tokens["refresh_token"])
    assert again.status == 200
    assert why_refused(bench, again.json["access_token"]) is None


def test_r5_everything_is_stored_before_the_answer() -> None:
    bench = Bench()
    tokens = bench.log_in().json
    record = bench.stores.tokens.list()[0]
    revoke(bench, tokens["refresh_token"])
    assert bench.stores.families.families_of("user-1", NOW) == ()
    assert bench.stores.tokens.list()[0].revoked_at == NOW
    assert published(bench, "family", record.family_id) is not None


@pytest.mark.parametrize("died_after", ["end_family", "revoke_family_tokens", "revoke_token"])
def test_r5_who_was_interrupted_does_it_all_by_asking_again(died_after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    tokens = bench.log_in().json
    store = bench.stores.families if died_after == "end_family" else bench.stores.tokens
    verb = getattr(store, died_after)

    def dies(*args: Any) -> Any:
        verb(*args)
        raise ConnectionError("the process is gone")

    token = tokens["access_token" if died_after == "revoke_token" else "refresh_token"]
    with monkeypatch.context() as patch:
        patch.setattr(store, died_after, dies)
        assert revoke(bench, token).status == 503
    assert is_empty_200(revoke(bench, token))
    record = bench.stores.tokens.list()[0]
    assert record.revoked_at == NOW
    kind: RevocationKind = "token" if died_after == "revoke_token" else "family"
    assert published(bench, kind, record.id if kind == "token" else record.family_id) is not None


def test_r6_a_jwt_is_revoked_by_its_jti_until_no_verifier_takes_it_any_more() -> None:
    bench = Bench(keys=KEYS)
    token = bench.log_in().json["access_token"]
    principal: Any = bench.verified(token)
    revoke(bench, token)
    revocation = published(bench, "token", principal.credential_id)
    assert revocation == Revocation.of_token(principal.credential_id, NOW, principal.expires_at)


def test_r6_a_jwt_that_somebody_else_signed_revokes_nothing() -> None:
    from authmw.crypto.keyring import KeyRing

    ours, other = Bench(keys=KEYS), Bench(keys=KeyRing.generate())
    assert is_empty_200(revoke(ours, other.log_in().json["access_token"]))
    assert ours.stores.revocations.revocations_after("", 10).revocations == ()


@pytest.mark.parametrize("mount", MOUNTS)
def test_r6_a_store_that_is_down_is_a_503_that_says_when_to_come_back(
    mount: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(mount)
    tokens = bench.log_in().json

    def down(*_: object) -> Any:
        raise ConnectionError("no route")

    monkeypatch.setattr(bench.stores.revocations, "publish", down)
    for which in ("access_token", "refresh_token"):
        answer = revoke(bench, tokens[which])
        assert (answer.status, answer.header("retry-after")) == (503, "5")


def test_r6_a_client_credentials_token_is_revoked_by_its_client() -> None:
    bench = Bench(keys=KEYS)
    header = basic("shop", bench.client())
    token = bench.post({"grant_type": "client_credentials"}, header).json["access_token"]
    assert is_empty_200(bench.post({"token": token}, header, path="/revoke"))
    assert why_refused(bench, token) is Reason.TOKEN_REVOKED


ANY = {"opaque": Bench(), "JWT": Bench(keys=KEYS)}
TOKENS = {kind: bench.log_in().json for kind, bench in ANY.items()}


@given(token=st.text(min_size=1), kind=st.sampled_from(sorted(ANY)))
def test_g7_any_text_is_an_answer_below_500(token: str, kind: str) -> None:
    try:
        token.encode()
    except UnicodeEncodeError:
        return  # no form can hold it
    assert revoke(ANY[kind], token).status in (200, 400)


@given(data=st.data(), kind=st.sampled_from(sorted(ANY)), which=st.sampled_from(["access_token", "refresh_token"]))
def test_g7_a_token_with_one_character_changed_revokes_nothing(data: st.DataObject, kind: str, which: str) -> None:
    token = TOKENS[kind][which]
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + data.draw(st.sampled_from("aZ09_.-")) + token[place + 1 :]
    if changed != token:
        assert is_empty_200(revoke(ANY[kind], changed))
    assert why_refused(ANY[kind], TOKENS[kind]["access_token"]) is None
