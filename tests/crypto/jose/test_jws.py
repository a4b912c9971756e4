"""Compact JWS: one spelling, the key's algorithm, no key from the token (docs/security/threats.md, 1 to 5 and 13)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw.crypto.jose import base64url
from authmw.crypto.jws import JWSReader, VerifiedJWS, read_header, write
from authmw.crypto.keyring import Key, KeyRing
from authmw.http.reasons import Reason
from authmw.identity.verdict import Rejected
from tests.jwt_tokens import ALL_ALGORITHMS, SECRET, good_claims, key_for, segment, signed, token
from tests.support import ROOT, examples

RFC = json.loads((ROOT / "tests" / "vectors" / "jwt" / "rfc.json").read_text())
GOOD = token()
HEAD, BODY, TAIL = GOOD.split(".")
HS = {"alg": "HS256", "kid": "HS256"}


def read(text: str, *keys: Key) -> VerifiedJWS | Rejected:
    return JWSReader(KeyRing(*(keys or (key_for("HS256"),)))).read(text)


def reason(text: str, *keys: Key) -> Reason | None:
    found = read(text, *keys)
    return found.reason if isinstance(found, Rejected) else None


@pytest.mark.parametrize("vector", RFC["tokens"], ids=lambda vector: vector["name"])
def test_the_examples_of_the_rfcs_verify(vector: dict[str, Any]) -> None:
    found = read(vector["token"], Key.from_jwk(vector["key"]))
    assert isinstance(found, VerifiedJWS)
    if "claims" in vector:
        assert json.loads(found.payload) == vector["claims"]
    else:
        assert found.payload.decode() == vector["payload"]


@pytest.mark.parametrize("vector", RFC["tokens"], ids=lambda vector: vector["name"])
def test_the_examples_of_the_rfcs_do_not_verify_once_changed(vector: dict[str, Any]) -> None:
    head, body, tail = vector["token"].split(".")
    key = Key.from_jwk(vector["key"])
    assert reason(f"{head}.{segment(b'else')}.{tail}", key) is Reason.TOKEN_SIGNATURE
    assert reason(f"{head}.{body}.{'A' if tail[0] != 'A' else 'B'}{tail[1:]}", key) is Reason.TOKEN_SIGNATURE


def test_rfc_8037_appendix_a_4_signs_to_the_printed_signature() -> None:
    vector = next(vector for vector in RFC["tokens"] if "private" in vector)
    message, _, tail = vector["token"].rpartition(".")
    assert segment(Key.from_jwk(vector["private"]).sign(message.encode())) == tail


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_what_was_written_is_read(alg: str) -> None:
    found = read(write(b"payload", key_for(alg), typ="at+jwt"), key_for(alg))
    assert isinstance(found, VerifiedJWS)
    assert (found.payload, found.header.alg, found.header.kid, found.header.typ) == (b"payload", alg, alg, "at+jwt")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.",
        f".{BODY}.{TAIL}",
        f"{HEAD}..{TAIL}",
        f"{GOOD}.",
        f".{GOOD}",
        f"{GOOD}.{TAIL}",
        "a.b.c.d.e",
        f"{HEAD}.{BODY}.{TAIL}.{TAIL}.{TAIL}",
        f"{GOOD}é",
        f"{HEAD}\u2024{BODY}.{TAIL}",
        "\ud800.a.b",
    ],
    ids=ascii,
)
def test_jwt_1_anything_but_three_segments_of_ascii_is_malformed(text: str) -> None:
    assert reason(text) is Reason.TOKEN_MALFORMED


def test_class_7_an_encrypted_token_is_refused_whatever_it_holds() -> None:
    encrypted = ".".join([segment({"alg": "dir", "enc": "A256GCM", "kid": "HS256"}), "", segment(b"iv"), HEAD, TAIL])
    assert reason(encrypted) is Reason.TOKEN_MALFORMED


def test_class_8_a_long_token_is_refused_before_it_is_looked_at() -> None:
    assert reason(signed(HS, b"x" * 5900, key_for("HS256"))) is None
    assert reason(signed(HS, b"x" * 6100, key_for("HS256"))) is Reason.TOKEN_MALFORMED
    started = time.process_time()
    for text in ("." * 1_000_000, "a" * 1_000_000, f"{HEAD}.{'A' * 1_000_000}.{TAIL}"):
        assert reason(text) is Reason.TOKEN_MALFORMED
    assert time.process_time() - started < 0.05


def spellings() -> dict[str, str]:
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # HS256: 32 octets are 43 characters, the last of which has two bits to spare.
    other = TAIL[:-1] + last[last.index(TAIL[-1]) + 1]
    return {
        "padded signature": f"{GOOD}=",
        "padded header": f"{HEAD}=.{BODY}.{TAIL}",
        "padded payload": f"{HEAD}.{BODY}==.{TAIL}",
        "trailing bits": f"{HEAD}.{BODY}.{other}",
        "space before": f" {GOOD}",
        "newline after": f"{GOOD}\n",
        "space in the signature": f"{HEAD}.{BODY}.{TAIL[:5]} {TAIL[5:]}",
        "junk in the signature (GHSA-hxm8-2xgr-2p9m)": f"{GOOD}!!!!",
        "junk in the payload": f"{HEAD}.{BODY}!.{TAIL}",
        "standard alphabet": f"{HEAD}.{BODY}.{TAIL[:-2]}+/",
        "NUL": f"{GOOD}\0",
        "percent": GOOD.replace(".", "%2E"),
    }


@pytest.mark.parametrize("name", spellings())
def test_class_13_a_token_has_one_spelling(name: str) -> None:
    assert reason(GOOD) is None
    assert reason(spellings()[name]) in {Reason.TOKEN_MALFORMED, Reason.TOKEN_SIGNATURE}


NONES = ["none", "None", "NONE", "nOnE", "none ", " none", "none\0", "", "null", "no\u200bne"]


@pytest.mark.parametrize(
    "alg", [*NONES, None, 0, False, [], ["none"], {}, "hs256", "HS256 ", "HS257", "dir"], ids=ascii
)
def test_class_1_an_algorithm_outside_the_ring_is_refused_in_every_spelling(alg: object) -> None:
    header = {**HS, "alg": alg}
    for text in (signed(header, good_claims(), key_for("HS256")), f"{segment(header)}.{BODY}.AA"):
        assert reason(text) is Reason.TOKEN_ALGORITHM


def test_class_1_a_token_without_an_algorithm_is_refused() -> None:
    assert reason(signed({"kid": "HS256"}, good_claims(), key_for("HS256"))) is Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_class_2_an_hmac_with_the_public_key_as_its_secret_is_refused(alg: str) -> None:
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = key_for(alg)
    public = key._public  # pyright: ignore[reportPrivateUsage] - what the attacker knows
    for kid in (alg, None):
        header = {"alg": "HS256", **({"kid": kid} if kid else {})}
        message = f"{segment(header)}.{BODY}"
        for secret in (
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            json.dumps(key.public_jwk()).encode(),
        ):
            forged = hmac.digest(secret, message.encode(), hashlib.sha256)
            assert reason(f"{message}.{segment(forged)}", key) is Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize("alg", ["RS384", "PS256", "PS512"])
def test_class_3_another_algorithm_of_the_same_key_is_refused(alg: str) -> None:
    # The token is signed well, by the very key, but with an algorithm that the key is not bound to.
    other = Key.from_jwk({**key_for("RS256").private_jwk(), "alg": alg})
    assert reason(token(other), key_for("RS256")) is Reason.TOKEN_ALGORITHM


def test_class_3_the_header_cannot_choose_another_algorithm_of_the_ring() -> None:
    both = (key_for("RS256"), key_for("ES256"))
    assert reason(token(key_for("ES256"), header={"kid": "RS256"}), *both) is Reason.TOKEN_ALGORITHM
    assert reason(token(key_for("ES256"), header={"alg": "RS256"}), *both) is Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_class_4_a_key_in_the_token_is_not_looked_at(member: str) -> None:
    attacker = Key.generate("ES256", kid="ES256")
    url = "http://127.0.0.1:9/keys"
    value: object = {"jwk": attacker.public_jwk(), "jku": url, "x5u": url, "x5c": ["AAAA"]}[member]
    for kid in ("ES256", ...):
        forged = token(attacker, header={member: value, "kid": kid})
        assert reason(forged, key_for("ES256")) is Reason.TOKEN_SIGNATURE
    genuine = token(key_for("ES256"), header={member: value})
    assert reason(genuine, key_for("ES256")) is None


CRITS: list[object] = [
    ["exp"],
    ["b64"],
    ["unknown"],
    [],
    None,
    0,
    7,
    "exp",
    {},
    [[]],
    [None],
    [["exp"]],
    True,
    "",
    ["alg"],
]


@pytest.mark.parametrize("crit", CRITS, ids=repr)
def test_class_5_any_crit_is_refused(crit: object) -> None:
    assert reason(token(header={"crit": crit, "exp": 1})) is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("b64", [False, True, None, 0, "false"], ids=repr)
def test_class_5_b64_is_refused(b64: object) -> None:
    assert reason(token(header={"b64": b64})) is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("header", [b"{", b"[]", b'"HS256"', b"\xff", b"{}" * 2, b'{"a":NaN}', b""], ids=repr)
def test_jwt_2_a_header_that_is_no_object_is_malformed(header: bytes) -> None:
    assert reason(signed(header, good_claims(), key_for("HS256"))) is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"none","alg":"HS256","kid":"HS256"}',
        '{"alg":"HS256","\\u0061lg":"none"}',
        '{"alg":"HS256","x":{"a":1,"a":2}}',
    ],
)
def test_jwt_2_a_header_with_duplicate_members_is_refused(header: str) -> None:
    assert reason(signed(header.encode(), good_claims(), key_for("HS256"))) is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("body", ["!", "A", "AB", "AA=", "e30!", "a b", f"{BODY}=", f" {BODY}", "+/+/"], ids=ascii)
def test_jwt_2_a_signed_payload_that_is_no_canonical_base64url_is_malformed(body: str) -> None:
    message = f"{HEAD}.{body}"
    assert reason(f"{message}.{segment(key_for('HS256').sign(message.encode()))}") is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("kid", [None, 7, [], ["HS256"], {}, True], ids=repr)
def test_jwt_3_a_kid_that_is_no_string_is_malformed(kid: object) -> None:
    assert reason(token(header={"kid": kid})) is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("typ", [None, 7, ["at+jwt"], {}], ids=repr)
def test_jwt_3_a_typ_that_is_no_string_is_malformed(typ: object) -> None:
    assert reason(token(header={"typ": typ})) is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize(
    "kid", ["", "hs256", "HS256 ", "HS25", "../../dev/null", "' OR 1=1 --", "\ud83d\ude00"], ids=ascii
)
def test_jwt_3_a_kid_is_compared_exactly(kid: str) -> None:
    assert reason(token(header={"kid": kid})) is Reason.TOKEN_KEY


def test_jwt_3_a_kid_leaves_one_key() -> None:
    other = Key.from_secret("another secret of thirty-two bytes", kid="other")
    assert reason(token(key_for("HS256"), header={"kid": "other"}), key_for("HS256"), other) is Reason.TOKEN_SIGNATURE


def test_a_token_without_kid_is_tried_with_all_keys_of_its_algorithm() -> None:
    keys = [Key.from_secret(f"{number} {SECRET}", kid=str(number)) for number in range(7)]
    ring = [key_for("HS512"), *keys]
    assert [reason(token(key, header={"kid": ...}), *ring) for key in keys] == [None] * 7
    other = Key.from_secret(f"other {SECRET}", kid="0")
    refused = read(token(other, header={"kid": ...}), *ring)
    assert isinstance(refused, Rejected)
    assert refused.detail == "the token names no key, and none of the 7 keys for HS256 signed it"


def test_keys_of_one_name_are_told_apart_by_their_algorithm() -> None:
    keys = [
        Key.from_secret(f"{SECRET} {SECRET}", kid="one", alg="HS256"),
        Key.from_secret(f"other {SECRET} {SECRET}", kid="one", alg="HS512"),
    ]
    assert [reason(token(key), *keys) for key in keys] == [None, None]
    swapped = token(Key.from_secret(f"{SECRET} {SECRET}", kid="one", alg="HS512"))
    assert reason(swapped, *keys) is Reason.TOKEN_SIGNATURE


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_class_9_a_signature_of_zeros_or_of_another_length_is_refused(alg: str) -> None:
    key = key_for(alg)
    head, body, tail = token(key).split(".")
    signature = base64url.decode(tail.encode()) or b""
    size = len(signature)
    for bad in (
        bytes(size),  # r = s = 0: CVE-2022-21449
        bytes(size - 1) + b"\1",
        b"\xff" * size,
        signature[:-1],
        signature + b"\0",
        b"\0" + signature,
        signature * 2,
        b"\0",
    ):
        assert reason(f"{head}.{body}.{segment(bad)}", key) is Reason.TOKEN_SIGNATURE


@pytest.mark.parametrize("alg, order", [("ES256", 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551)])
def test_class_9_a_signature_with_r_or_s_out_of_range_is_refused(alg: str, order: int) -> None:
    key = key_for(alg)
    message, _, tail = token(key).rpartition(".")
    signature = base64url.decode(tail.encode()) or b""
    r, s = signature[:32], signature[32:]
    n = order.to_bytes(32, "big")
    for bad in (r + bytes(32), bytes(32) + s, n + s, r + n, n + n, bytes(31) + b"\1" + n):
        assert reason(f"{message}.{segment(bad)}", key) is Reason.TOKEN_SIGNATURE


def test_class_9_a_der_signature_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    key = key_for("ES256")
    message, _, tail = token(key).rpartition(".")
    signature = base64url.decode(tail.encode()) or b""
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    assert reason(f"{message}.{segment(der)}", key) is Reason.TOKEN_SIGNATURE


def test_class_9_the_salt_of_pss_has_the_length_of_the_hash() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key = key_for("PS256")
    message = token(key).rpartition(".")[0]
    private = key._material  # pyright: ignore[reportPrivateUsage] - to sign otherwise than it would
    for salt in (0, 20, padding.PSS.MAX_LENGTH):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt)
        signature = private.sign(message.encode(), pss, hashes.SHA256())
        assert reason(f"{message}.{segment(signature)}", key) is Reason.TOKEN_SIGNATURE


def test_a_retired_key_is_forgotten_with_the_header_it_signed() -> None:
    ring = KeyRing.generate("EdDSA")
    reader = JWSReader(ring)
    old = write(b"payload", ring.signer)
    assert isinstance(reader.read(old), VerifiedJWS)
    retired = ring.signer.kid
    ring.rotate()
    assert isinstance(reader.read(old), VerifiedJWS)
    ring.retire(retired)
    found = reader.read(old)
    assert isinstance(found, Rejected)
    assert found.reason is Reason.TOKEN_KEY


def test_headers_that_nobody_signed_take_no_memory() -> None:
    reader = JWSReader(KeyRing(key_for("HS256")))
    for number in range(200):
        reader.read(f"{segment({**HS, 'x': number})}.{BODY}.{TAIL}")
    assert reader.remembered == 0
    for number in range(200):
        reader.read(token(header={"x": number}))
    assert 0 < reader.remembered <= 64


def test_class_36_a_refusal_shows_little_of_the_token_and_nothing_to_obey() -> None:
    texts = [
        token(header={"kid": "\x1b[31m\n" + "k" * 500}),
        token(header={"alg": "none\r\nSet-Cookie: x"}),
        f"{HEAD}.{BODY}.{segment(b'secret' * 6)}",
    ]
    for text in texts:
        found = read(text)
        assert isinstance(found, Rejected)
        assert found.detail.isprintable()
        assert len(found.detail) < 200
        assert text.rpartition(".")[2] not in found.detail


def test_a_header_is_read_without_believing_it() -> None:
    found = read_header(b"eyJhbGciOiJIUzI1NiJ9", KeyRing(key_for("HS256")).current)
    assert not isinstance(found, Rejected)
    assert (found.kid, found.typ, found.keys) == (None, None, (key_for("HS256"),))


ALPHABET = st.text("AQgw_-=.+/ \n\0é", max_size=40)


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(st.text(max_size=60) | ALPHABET | st.binary(max_size=60).map(lambda octets: octets.decode("latin-1")))
def test_jwt_7_any_text_gives_an_answer_and_never_an_exception(text: str) -> None:
    assert isinstance(read(text), Rejected)
    assert isinstance(read(f"{HEAD}.{text}"), Rejected)
    assert isinstance(read(f"{HEAD}.{BODY}.{text}"), Rejected) or text == TAIL


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["HS256", "none"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip", "cty"]), JSON)


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(MEMBERS, st.booleans())
def test_jwt_7_any_header_gives_an_answer_and_never_an_exception(members: dict[str, Any], right: bool) -> None:
    header = {**members, **(HS if right else {})}
    found = read(signed(header, b"{}", key_for("HS256")))
    if isinstance(found, VerifiedJWS):
        assert header["alg"] == "HS256"
        assert not {"crit", "b64"} & header.keys()
