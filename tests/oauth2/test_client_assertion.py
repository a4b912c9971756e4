"""private_key_jwt (RFC 7523 §3, RFC 7521 §4.2, OpenID Connect Core §9)."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from authmw.crypto.jose import base64url
from authmw.crypto.jws import write
from authmw.crypto.keyring import Key, KeyRing
from authmw.flow.flow import run
from authmw.oauth2.client_assertion import asserted_client, judge_assertion
from authmw.oauth2.client_authentication import ASSERTION_TYPE
from tests.oauth2.asking import ISSUER, MOUNTS, NOW, Answer, Bench

KEY = Key.generate("ES256", kid="one")
OTHER = Key.generate("ES256", kid="one")
JWKS: dict[str, Any] = KeyRing(KEY).jwks()


def claims(**changes: Any) -> dict[str, Any]:
    said = {"iss": "shop", "sub": "shop", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "one", **changes}
    return {name: value for name, value in said.items() if value is not ...}


def signed(key: Key = KEY, typ: str | None = None, **changes: Any) -> str:
    return write(json.dumps(claims(**changes)).encode(), key, typ=typ)


def bench_with_client(mount: str = "wsgi") -> Bench:
    bench = Bench(mount)
    bench.client("shop", auth_method="private_key_jwt", jwks=JWKS)
    bench.client("other", auth_method="private_key_jwt", jwks=KeyRing(OTHER).jwks())
    return bench


def present(bench: Bench, assertion: str, **more: str) -> Answer:
    form = {
        "grant_type": "client_credentials",
        "client_assertion": assertion,
        "client_assertion_type": ASSERTION_TYPE,
        **more,
    }
    return bench.post({name: value for name, value in form.items() if value})


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": [ISSUER]},
        {"aud": f"{ISSUER}/token"},
        {"aud": ["https://elsewhere.example", ISSUER]},
        {"iat": ...},
        {"exp": NOW + 3630},
    ],
    ids=str,
)
def test_c6_an_assertion_that_the_client_signed_is_accepted(mount: str, changes: dict[str, Any]) -> None:
    answer = present(bench_with_client(mount), signed(**changes))
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("typ", [None, "JWT", "client-authentication+jwt"])
def test_c6_the_type_of_an_assertion_is_one_of_those_in_use(typ: str | None) -> None:
    assert present(bench_with_client(), signed(typ=typ)).status == 200


WRONG = {
    "another issuer": {"iss": "other"},
    "no issuer": {"iss": ...},
    "another subject": {"sub": "other"},
    "no subject": {"sub": ...},
    "another audience": {"aud": "https://elsewhere.example"},
    "the revocation endpoint": {"aud": f"{ISSUER}/revoke"},
    "an audience that begins alike": {"aud": f"{ISSUER}.evil.example"},
    "no audience": {"aud": ...},
    "no expiry": {"exp": ...},
    "expired": {"exp": NOW - 30},
    "an expiry too far ahead": {"exp": NOW + 3631},
    "an expiry of text": {"exp": str(NOW + 60)},
    "not yet valid": {"nbf": NOW + 60},
    "no jti": {"jti": ...},
    "an empty jti": {"jti": ""},
    "a jti of a number": {"jti": 1},
    "an endless jti": {"jti": "x" * 256},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_c6_any_fault_in_the_claims_is_invalid_client(changes: dict[str, Any]) -> None:
    answer = present(bench_with_client(), signed(**changes))
    assert (answer.status, answer.error) == (401, "invalid_client")


def faulty() -> dict[str, str]:
    good = signed()
    head, payload, signature = good.split(".")
    message = b"%b.%b" % (base64url.encode(b'{"alg":"HS256","kid":"one"}'), payload.encode())
    forged = base64url.encode(hmac.digest(json.dumps(JWKS["keys"][0]).encode(), message, "sha256"))
    return {
        "another client's key": signed(OTHER),
        "another algorithm": signed(Key.generate("EdDSA", kid="one")),
        "the public key as a secret": f"{message.decode()}.{forged.decode()}",
        "another typ": signed(typ="at+jwt"),
        "no signature": f"{head}.{payload}.",
        "alg none": "eyJhbGciOiJub25lIn0." + payload + ".",
        "another payload": f"{head}.{signed(jti='two').split('.')[1]}.{signature}",
        "five segments": f"{good}.a.b",
        "a payload that is no object": write(b"[]", KEY),
        "a payload that is no JSON": write(b"\xff", KEY),
        "no JWT": "x",
        "not ASCII": "é.é.é",
        "too long": "a" * 9000,
    }


FAULTY = faulty()


@pytest.mark.parametrize("assertion", FAULTY.values(), ids=FAULTY)
def test_c6_whatever_the_registered_key_did_not_sign_is_invalid_client(assertion: str) -> None:
    bench = bench_with_client()
    answer = present(bench, assertion)
    assert (answer.status, answer.error) == (401, "invalid_client")
    assert present(bench, signed()).status == 200  # and it has used up no jti


@pytest.mark.parametrize("length, status", [(8191, 200), (8192, 200), (8194, 401)])
def test_c6_an_assertion_over_8_kib_is_not_looked_at(length: int, status: int) -> None:
    filled = (signed(kept="x" * number) for number in range(length * 3 // 4 - 300, length))
    assertion = next(each for each in filled if len(each) >= length)
    assert len(assertion) == length
    assert present(bench_with_client(), assertion).status == status


@pytest.mark.parametrize(
    "assertion, client_id",
    [
        ("a.{0}.b", "shop"),
        (".{0}.", "shop"),
        ("a.{0}.b.c", None),
        ("a.{0}.b.c.d", None),
        ("a.{0}", None),
        ("{0}.a.b", None),
        ("{0}", None),
        ("a.{0}=.b", None),
        ("\u00e9.{0}.b", None),
    ],
)
def test_c6_only_the_middle_of_three_segments_names_a_client(assertion: str, client_id: str | None) -> None:
    payload = base64url.encode(b'{"sub":"shop"}').decode()
    assert asserted_client(assertion.format(payload)) == client_id


@pytest.mark.parametrize("payload", [b"{}", b"[]", b'{"sub":7}', b'{"sub":""}', b'{"sub":"a","sub":"b"}', b"\xff", b""])
def test_c6_a_payload_without_one_subject_names_no_client(payload: bytes) -> None:
    assert asserted_client(f"a.{base64url.encode(payload).decode()}.b") is None


def test_c6_the_type_of_the_assertion_is_exact() -> None:
    bench = bench_with_client()
    for wrong in ("", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", ASSERTION_TYPE.upper()):
        answer = present(bench, signed(), client_assertion_type=wrong)
        assert (answer.status, answer.error) == (401, "invalid_client")


def test_c6_a_type_without_an_assertion_is_invalid_client() -> None:
    assert present(bench_with_client(), "").error == "invalid_client"


def test_c6_a_jti_is_good_once_for_each_client() -> None:
    bench = bench_with_client()
    assert [present(bench, signed()).status for _ in range(2)] == [200, 401]
    assert present(bench, signed(OTHER, iss="other", sub="other")).status == 200
    bench.clock.now += 89  # expired, but within the leeway
    assert present(bench, signed()).status == 401


def test_c2_a_client_id_beside_an_assertion_is_the_same_or_an_error() -> None:
    bench = bench_with_client()
    assert present(bench, signed(), client_id="other").error == "invalid_client"
    assert present(bench, signed(), client_id="shop").status == 200


def test_c5_an_assertion_is_only_for_clients_that_registered_it() -> None:
    bench = Bench()
    bench.client("shop")
    answer = present(bench, signed())
    assert (answer.status, answer.error) == (401, "invalid_client")


def test_c6_a_secret_signs_no_assertion() -> None:
    bench = Bench()
    secret = bench.client("shop")
    key = Key.from_secret(secret, kid="one")  # client_secret_jwt, which is not offered
    answer = present(bench, signed(key))
    assert (answer.status, answer.error) == (401, "invalid_client")


def test_c4_an_unknown_client_gets_the_same_answer() -> None:
    bench = bench_with_client()
    assert present(bench, signed(OTHER)) == present(bench, signed(iss="nobody", sub="nobody"))


def test_a_disabled_client_uses_up_no_jti() -> None:
    bench = bench_with_client()
    bench.stores.clients.disable("shop")
    assert present(bench, signed()).error == "invalid_client"
    bench.stores.clients.enable("shop")
    assert present(bench, signed()).status == 200


@pytest.mark.parametrize(
    "jwks",
    [{"keys": "none"}, {"keys": [{"kty": "oct", "k": "c2VjcmV0" * 8, "alg": "HS256"}]}],
    ids=["broken", "secret"],
)
def test_keys_that_a_store_should_not_have_let_in_authenticate_nobody(jwks: dict[str, Any]) -> None:
    bench = bench_with_client()
    client = replace(bench.stores.clients.find_client("shop"), jwks=jwks)

    class Clients:
        def find_client(self, client_id: str) -> Any:
            return client

    bench.use(clients=Clients())
    secret = Key.from_secret(b"secret" * 8, kid="one")
    assert [present(bench, signed(key)).error for key in (KEY, secret)] == ["invalid_client"] * 2


@pytest.mark.parametrize(
    "beside, told",
    [
        ([], "the client's jwks holds a secret in place of a public key"),
        (JWKS["keys"], "the client's jwks: secrets and key pairs are mixed"),
    ],
    ids=["alone", "beside a public key"],
)
def test_a_secret_among_the_keys_of_a_client_verifies_nothing(beside: list[dict[str, Any]], told: str) -> None:
    bench = bench_with_client()
    secret = Key.from_secret(b"secret" * 8, kid="two")
    written = base64url.encode(b"secret" * 8).decode()
    jwks = {"keys": [*beside, {"kty": "oct", "k": written, "alg": "HS256", "kid": "two"}]}
    client = replace(bench.stores.clients.find_client("shop"), jwks=jwks)
    for key in (secret, KEY):
        assert run(judge_assertion(bench.service, signed(key), "shop", client)).startswith(told)


@pytest.mark.parametrize("payload", [b"[]", b'{"sub": "shop", "sub": "other"}'], ids=["a list", "a name twice"])
def test_jwt_2_a_payload_is_read_strictly_also_when_the_client_signed_it(payload: bytes) -> None:
    bench = bench_with_client()
    client = bench.stores.clients.find_client("shop")
    wrong = run(judge_assertion(bench.service, write(payload, KEY), "shop", client))
    assert wrong.startswith("the payload: ")


def test_c6_the_subject_is_compared_with_the_client_whose_keys_were_used() -> None:
    bench = bench_with_client()
    client = bench.stores.clients.find_client("shop")
    assert run(judge_assertion(bench.service, signed(sub="other"), "shop", client)) == "sub is not the client"
