"""DPoP proofs as they are read (RFC 9449 §4.2, §4.3): limits, headers, and the key that a proof brings."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from authmw.crypto.dpop.proof import Proof, read_proof
from authmw.crypto.key import Key
from authmw.identity.verdict import Rejected
from tests.dpop_proofs import ASYMMETRIC, client_key, proof, public_jwk
from tests.jwt_tokens import SECRET, key_for, segment, signed

ALGORITHMS: Final = frozenset(ASYMMETRIC)

# RFC 9449 §4.1, figure 2, whose content is figure 4, and whose key has the thumbprint of figure 9.
RFC_PROOF: Final = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJq"
    "dGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ijox"
    "NTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)


def read(text: str, algorithms: frozenset[str] = ALGORITHMS) -> str:
    """The thumbprint of who made it, or the code of the refusal without ``authmw.``."""
    found = read_proof(text, algorithms)
    return found.thumbprint if isinstance(found, Proof) else found.reason.code.removeprefix("authmw.")


def test_the_example_of_rfc_9449_4_1_is_read() -> None:
    found = read_proof(RFC_PROOF, frozenset({"ES256"}))
    assert found == Proof(
        thumbprint="0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        jti="-BwC3ESc6acc2lTc",
        method="POST",
        url="https://server.example.com/token",
        issued_at=1562262616,
        token_hash=None,
        nonce=None,
        begins_at=0,
        expires_at=float("inf"),
    )


def test_the_example_with_one_character_changed_is_no_proof_of_that_key() -> None:
    for position in range(0, len(RFC_PROOF), 7):
        other = "A" if RFC_PROOF[position] != "A" else "B"
        changed = read(RFC_PROOF[:position] + other + RFC_PROOF[position + 1 :])
        assert changed.startswith("proof-"), position


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_s4_a_proof_is_by_the_key_that_it_names(alg: str) -> None:
    assert read(proof("t", client_key(alg))) == client_key(alg).kid


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_s4_an_algorithm_that_is_not_allowed_is_refused(alg: str) -> None:
    assert read(proof("t", client_key(alg)), ALGORITHMS - {alg}) == "proof-malformed"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "es256", None, 7, [], {}, ...])
def test_class_1_every_other_algorithm_is_refused(alg: object) -> None:
    assert read(proof("t", header={"alg": alg})) == "proof-malformed"


@pytest.mark.parametrize("alg", ["ES384", "ES512", "RS256", "PS256", "EdDSA"])
def test_class_3_an_algorithm_of_another_kind_of_key_is_refused(alg: str) -> None:
    assert read(proof("t", header={"alg": alg})) == "proof-key"


def test_class_2_a_secret_in_the_place_of_the_key_is_refused() -> None:
    secret = key_for("HS256")
    jwk = {"kty": "oct", "k": segment(SECRET.encode())}
    made = signed({"typ": "dpop+jwt", "alg": "HS256", "jwk": jwk}, {"jti": "1"}, secret)
    assert read(made, ALGORITHMS | {"HS256"}) == "proof-key"
    assert read(made) == "proof-malformed"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "", "dpop", "dpop+jwt ", None, 7, [], ...])
def test_s4_another_typ_is_refused(typ: object) -> None:
    assert read(proof("t", header={"typ": typ})) == "proof-malformed"


@pytest.mark.parametrize("typ", ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"])
def test_typ_is_compared_as_a_media_type(typ: str) -> None:
    assert read(proof("t", header={"typ": typ})) == client_key().kid


@pytest.mark.parametrize("name", ["crit", "b64"])
@pytest.mark.parametrize("value", [None, [], ["exp"], True, False, 1, ""])
def test_class_5_extensions_are_refused(name: str, value: object) -> None:
    assert read(proof("t", header={name: value})) == "proof-malformed"


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "k", "oth"])
def test_s4_a_private_key_is_refused_whatever_is_private_in_it(name: str) -> None:
    assert read(proof("t", header={"jwk": {**public_jwk(client_key()), name: "AQAB"}})) == "proof-key"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_s4_a_whole_private_key_is_refused(alg: str) -> None:
    key = client_key(alg)
    assert read(proof("t", key, header={"jwk": key.private_jwk()})) == "proof-key"


@pytest.mark.parametrize("jwk", [None, "x", 7, [], {}, True, {"kty": "EC"}, {"kty": ["EC"]}, {"kty": "DSA"}, ...])
def test_s4_what_is_no_key_is_refused(jwk: object) -> None:
    assert read(proof("t", header={"jwk": jwk})) == "proof-key"


@pytest.mark.parametrize(
    "change",
    [
        {"x": "AA"},
        {"y": "AA"},
        {"x": "=", "y": "="},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"alg": "ES384"},
        {"alg": "HS256"},
    ],
    ids=str,
)
def test_class_3_a_key_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    assert read(proof("t", header={"jwk": {**public_jwk(client_key()), **change}})) == "proof-key"


@pytest.mark.parametrize(
    "more", [{"kid": 7}, {"kid": ""}, {"use": "sig"}, {"key_ops": ["verify"]}, {"x5c": [1]}, {"alg": "ES256"}]
)
def test_what_a_key_says_besides_does_not_change_whose_it_is(more: dict[str, Any]) -> None:
    assert read(proof("t", header={"jwk": {**public_jwk(client_key()), **more}, "kid": "other"})) == client_key().kid


def test_a_point_off_its_curve_is_refused() -> None:
    jwk = public_jwk(client_key())
    assert read(proof("t", header={"jwk": {**jwk, "y": jwk["x"]}})) == "proof-key"


def test_class_6_a_weak_rsa_key_is_refused() -> None:
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key().public_numbers()
    weak = {"kty": "RSA", "n": segment(numbers.n.to_bytes(128, "big")), "e": "AQAB"}
    assert read(proof("t", client_key("RS256"), header={"jwk": weak})) == "proof-key"


LONG_MODULUS, LONG_EXPONENT = (segment((2**bits + 1).to_bytes(bits // 8 + 1, "big")) for bits in (4096, 32))


@pytest.mark.parametrize(
    "change", [{"e": "AQ"}, {"e": "Ag"}, {"n": LONG_MODULUS}, {"e": LONG_EXPONENT}, {"e": LONG_MODULUS}], ids=range(5)
)
def test_class_8_a_key_made_to_take_time_is_refused(change: dict[str, str]) -> None:
    jwk = {**public_jwk(client_key("RS256")), **change}
    assert read(proof("t", client_key("RS256"), header={"jwk": jwk})) == "proof-key"


def test_another_spelling_of_the_numbers_is_the_same_key() -> None:
    jwk = public_jwk(client_key("RS256"))
    assert read(proof("t", client_key("RS256"), header={"jwk": {**jwk, "e": "AAEAAQ"}})) == client_key("RS256").kid


def test_class_9_a_signature_by_another_key_is_refused() -> None:
    other = Key.generate("ES256")
    assert read(proof("t", other, header={"jwk": public_jwk(client_key())})) == "proof-signature"


GOOD: Final = proof("t")
HEAD, BODY, TAIL = GOOD.split(".")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a",
        HEAD,
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.",
        f".{BODY}.{TAIL}",
        f"{HEAD}..{TAIL}",
        f"{GOOD}.{TAIL}",
        f"{GOOD}={''}",
        f"{HEAD}=.{BODY}.{TAIL}",
        f"{HEAD}.{BODY}.{TAIL}==",
        f'"{GOOD}"',
        f"{GOOD},{GOOD}",
        f"{GOOD}, {GOOD}",
        f"{GOOD},",
        f",{GOOD}",
        f"{GOOD} {GOOD}",
        f"DPoP {GOOD}",
        "é.é.é",
        "\ud800.a.b",
        "\x00",
    ],
)
def test_s4_what_is_no_single_well_formed_jwt_is_refused(text: str) -> None:
    assert read(text) == "proof-malformed"


@pytest.mark.parametrize(
    "body",
    ["!", "A", "AB", "AA=", "eyJ9!", "a b", f"{BODY}=", f"{BODY}\n", f" {BODY}", "é", "+/+/", "e30\0"],
    ids=ascii,
)
def test_jwt_2_a_signed_payload_that_is_no_canonical_base64url_is_refused(body: str) -> None:
    message = f"{HEAD}.{body}"
    signature = segment(client_key().sign(message.encode()))
    assert read(f"{message}.{signature}") == "proof-malformed"


def test_spaces_around_the_value_are_those_of_the_header() -> None:
    assert read(f" \t{GOOD} ") == client_key().kid


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"jti":"1","jti":"2"}',
        b'{"iat":NaN}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 100,
    ],
)
def test_jwt_2_a_payload_that_is_no_json_object_is_refused(payload: bytes) -> None:
    made = signed({"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(client_key())}, payload, client_key())
    assert read(made) == "proof-malformed"


@pytest.mark.parametrize("header", [b"", b"[]", b"null", b"{", b'{"alg":"ES256","alg":"none"}', b"\xff"])
def test_jwt_2_a_header_that_is_no_json_object_is_refused(header: bytes) -> None:
    assert read(f"{segment(header) or 'AA'}.{BODY}.{TAIL}") == "proof-malformed"


def test_jwt_1_a_proof_over_8_kib_is_not_looked_at() -> None:
    fitting = 8192 - len(f"{HEAD}.{BODY}.")
    assert read(f"{HEAD}.{BODY}.{'A' * fitting}") == "proof-signature"
    found = read_proof(f"{HEAD}.{BODY}.{'A' * (fitting + 1)}", ALGORITHMS)
    assert isinstance(found, Rejected)
    assert found.detail == "longer than 8192 characters"


@pytest.mark.parametrize("part", [".", "a", "[", f"{GOOD},", f"{HEAD}."], ids=range(5))
def test_jwt_1_a_megabyte_takes_no_time(part: str) -> None:
    text = part * (10**6 // len(part))
    began = time.process_time()
    assert read(text) == "proof-malformed"
    assert time.process_time() - began < 0.05


def test_no_refusal_repeats_what_could_break_a_log() -> None:
    for header in ({"typ": "a\nb" * 99}, {"alg": "\x1b[31m" * 99}, {"jwk": {"kty": "\n", "d\n": 1}}):
        found = read_proof(proof("t", header=header), ALGORITHMS)
        assert isinstance(found, Rejected)
        assert found.detail.isprintable()
        assert len(found.detail) < 300


@pytest.mark.parametrize(
    "name, values",
    [
        ("jti", (None, 7, "", ["x"], ...)),
        ("htm", (None, 7, ["x"], ...)),
        ("htu", (None, 7, ["x"], ...)),
        ("iat", (None, "7", True, float("nan"), ...)),
        ("nbf", (None, "7", True)),
        ("exp", (None, "7", True)),
        ("ath", (7, ["x"], True, {"x": "x"})),
        ("nonce", (7, ["x"], True, {"x": "x"})),
    ],
)
def test_s4_a_claim_of_another_type_is_refused(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        claim: dict[str, Any] = {name: value}
        assert read(proof("t", **claim)) == "proof-malformed", value
