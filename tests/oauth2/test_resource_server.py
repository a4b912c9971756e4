"""What an API accepts of what the service issues (RFC 6750 §3, RFC 9068 §4): the lines S1 to S3 of the checklist."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authmw import Auth, HTTPBasic, HTTPBearer, PasswordVerifier, Requirement
from authmw.jose.jws import header_segment, write
from authmw.keys import KeyRing
from authmw.refusal import Refusal
from authmw.requirement import AUTHENTICATED
from tests.oauth2.asking import HASHER, ISSUER, KEYS, NOW, Bench
from tests.requests import wsgi_request

KINDS = pytest.mark.parametrize("options", [{}, {"keys": KEYS}], ids=["opaque", "JWT"])


def asked(
    bench: Bench, needed: Requirement = AUTHENTICATED, path: str = "/orders", **headers: str
) -> tuple[int, list[str]]:
    """The status and the challenges of an API that takes the service's tokens."""
    bench.service.feed.follow_once()
    auth = Auth(HTTPBearer(bench.service.verifier()), clock=bench.clock)
    request = wsgi_request(**headers)
    found = auth.authenticate(request)
    decision = found if isinstance(found, Refusal) else auth.decide(found, needed, request)
    if not isinstance(decision, Refusal):
        return 200, []
    response = decision.response()
    return response.status, [value for name, value in response.headers if name == "WWW-Authenticate"]


@KINDS
def test_s1_without_credentials_the_challenge_has_no_error(options: dict[str, Any]) -> None:
    assert asked(Bench(**options)) == (401, ['Bearer realm="app"'])


@KINDS
def test_s1_a_bad_token_is_a_401_invalid_token(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    token: str = bench.log_in().json["access_token"]
    for bad in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-1]):
        status, (challenge,) = asked(bench, authorization=f"Bearer {bad}")
        assert (status, 'error="invalid_token"' in challenge) == (401, True)


@KINDS
def test_s1_a_request_that_contradicts_itself_is_a_400_invalid_request(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    token = bench.log_in().json["access_token"]
    status, (challenge,) = asked(bench, authorization=f"Bearer {token},Bearer {token}")
    assert (status, 'error="invalid_request"' in challenge) == (400, True)


@KINDS
def test_s1_a_missing_scope_is_a_403_that_names_all_that_are_needed(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    token = bench.log_in(scope="orders:read").json["access_token"]
    needed = Requirement.all_of("orders:read", "orders:write")
    assert asked(bench, Requirement.all_of("orders:read"), authorization=f"Bearer {token}") == (200, [])
    assert asked(bench, needed, authorization=f"Bearer {token}") == (
        403,
        ['Bearer realm="app", error="insufficient_scope", scope="orders:read orders:write"'],
    )


def test_s1_each_scheme_that_is_spoken_has_one_challenge() -> None:
    service = Bench().service
    auth = Auth(HTTPBearer(service.verifier()) | HTTPBasic(PasswordVerifier(service.users, hasher=HASHER)))
    request = wsgi_request()
    found = auth.authenticate(request)
    assert not isinstance(found, Refusal)
    decision = auth.decide(found, AUTHENTICATED, request)
    assert isinstance(decision, Refusal)
    assert [challenge.scheme for challenge in decision.challenges] == ["Bearer", "Basic"]


CLAIMS = {
    "iss": ISSUER,
    "sub": "user-1",
    "aud": "orders",
    "exp": int(NOW) + 600,
    "iat": int(NOW),
    "jti": "jti-1",
    "client_id": "web",
}


def signed(changes: dict[str, Any], *, typ: str | None = "at+jwt", keys: KeyRing = KEYS) -> str:
    """A token that the service's key signed, and the service did not issue."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return write(json.dumps(claims).encode(), keys.signer, header=header_segment(keys.signer, typ))


def status_of(token: str) -> int:
    return asked(Bench(keys=KEYS), authorization=f"Bearer {token}")[0]


def test_s2_the_claims_as_they_are_issued_are_accepted() -> None:
    assert status_of(signed({})) == 200
    assert status_of(signed({}, typ="application/at+jwt")) == 200
    assert status_of(signed({"aud": ["invoices", "orders"]})) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": ISSUER + "/"},
        {"iss": ...},
        {"aud": "invoices"},
        {"aud": ["invoices"]},
        {"aud": ...},
        {"exp": int(NOW) - 60},
        {"exp": ...},
        {"exp": str(int(NOW) + 600)},
        {"nbf": int(NOW) + 60},
        {"sub": ...},
    ],
    ids=str,
)
def test_s2_another_issuer_audience_or_time_is_refused(changes: dict[str, Any]) -> None:
    assert status_of(signed(changes)) == 401


@pytest.mark.parametrize("typ", [None, "JWT", "id+jwt", "logout+jwt", "dpop+jwt"])
def test_s3_what_is_no_access_token_is_refused_though_the_key_signed_it(typ: str | None) -> None:
    assert status_of(signed({"nonce": "n"}, typ=typ)) == 401


def test_s2_another_key_is_refused() -> None:
    assert status_of(signed({}, keys=KeyRing.generate())) == 401


@KINDS
def test_s3_a_refresh_token_is_no_access_token(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    token = bench.log_in().json["refresh_token"]
    assert asked(bench, authorization=f"Bearer {token}")[0] == 401


@KINDS
def test_s3_a_token_in_the_query_is_not_looked_at(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    token = bench.log_in().json["access_token"]
    auth = Auth(HTTPBearer(bench.service.verifier()))
    request = wsgi_request()
    request.environ["QUERY_STRING"] = f"access_token={token}"
    found = auth.authenticate(request)
    assert not isinstance(found, Refusal)
    assert not found.principal.is_authenticated
