"""Keys and key rings: errors at construction, nothing secret in public output (docs/security/threats.md, 2, 3, 6)."""

from __future__ import annotations

import base64
import json
import math
import os
import pickle
import re
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.crypto.keyring import Key, KeyRing
from authmw.errors import ConfigurationError
from tests.jwt_tokens import ALL_ALGORITHMS, SECRET, key_for, rsa_pem
from tests.support import ROOT

RFC = json.loads((ROOT / "tests" / "vectors" / "jwt" / "rfc.json").read_text())


def pem(private: PrivateKeyTypes, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def ec_pem(curve: ec.EllipticCurve | None = None) -> bytes:
    return pem(ec.generate_private_key(curve or ec.SECP256R1()))


def public_bytes(alg: str, encoding: Encoding, form: PublicFormat) -> bytes:
    return bytes(key_for(alg)._public.public_bytes(encoding, form))  # pyright: ignore[reportPrivateUsage] - no other way to the octets


def mistakes(make: Callable[[], object]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return caught.value.mistakes


def jwk(of: str, /, **changes: Any) -> dict[str, Any]:
    members = {**key_for(of).private_jwk(), **changes}
    return {name: value for name, value in members.items() if value is not ...}


@pytest.mark.parametrize("vector", RFC["thumbprints"], ids=lambda vector: vector["name"])
def test_the_default_kid_is_the_thumbprint_of_rfc_7638(vector: dict[str, Any]) -> None:
    members = {name: value for name, value in vector["key"].items() if name != "kid"}
    assert Key.from_jwk(members).kid == vector["thumbprint"]


def test_the_kid_is_the_same_from_the_private_and_the_public_half() -> None:
    private = Key.from_pem(ec_pem())
    public = private.public_jwk()
    assert public is not None
    assert Key.from_jwk({**public, "kid": None}).kid == private.kid


def test_the_kid_of_a_secret_tells_nothing_of_it() -> None:
    assert Key.from_secret(SECRET).kid != Key.from_secret(SECRET).kid


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_each_algorithm_verifies_what_it_signed_and_nothing_else(alg: str) -> None:
    key = key_for(alg)
    signature = key.sign(b"message")
    assert key.verify(b"message", signature)
    assert not key.verify(b"massage", signature)
    assert not key.verify(b"message", signature[:-1])
    assert not key.verify(b"message", signature + b"\0")
    assert not key.verify(b"message", b"")
    assert not key.verify(b"message", bytes(key.signature_length))


@pytest.mark.parametrize("alg", [alg for alg in ALL_ALGORITHMS if not alg.startswith(("RS", "PS"))])
def test_a_generated_key_can_sign(alg: str) -> None:
    key = Key.generate(alg)
    assert key.verify(b"message", key.sign(b"message"))


def test_a_generated_rsa_key_is_large_enough_for_years() -> None:
    assert Key.generate("PS256").signature_length == 3072 // 8


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_a_key_survives_being_written_as_a_jwk(alg: str) -> None:
    key = key_for(alg)
    again = Key.from_jwk(json.loads(json.dumps(key.private_jwk())))
    assert (again.kid, again.alg) == (key.kid, key.alg)
    assert key.verify(b"message", again.sign(b"message"))


@pytest.mark.parametrize("alg", [alg for alg in ALL_ALGORITHMS if not alg.startswith("HS")])
def test_the_public_half_verifies_and_cannot_sign(alg: str) -> None:
    key = key_for(alg)
    public = Key.from_pem(public_bytes(alg, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), alg=alg)
    assert public.verify(b"message", key.sign(b"message"))
    assert mistakes(lambda: public.sign(b"message")) == (
        f"the key {public.kid!r} is public and cannot sign: load its private half",
    )


def test_a_curve_tells_its_algorithm_and_an_rsa_key_does_not() -> None:
    assert Key.from_pem(ec_pem(ec.SECP521R1())).alg == "ES512"
    assert "name the algorithm" in mistakes(lambda: Key.from_pem(rsa_pem()))[0]
    assert "name the algorithm" in mistakes(lambda: Key.from_jwk(jwk("HS256", alg=...)))[0]


def test_an_encrypted_private_key_needs_its_password() -> None:
    encrypted = pem(ec.generate_private_key(ec.SECP256R1()), b"word")
    assert Key.from_pem(encrypted, password=b"word").can_sign
    assert "give password=" in mistakes(lambda: Key.from_pem(encrypted))[0]
    assert "password= is right" in mistakes(lambda: Key.from_pem(encrypted, password=b"else"))[0]
    assert "leave password= out" in mistakes(lambda: Key.from_pem(ec_pem(), password=b"word"))[0]


@pytest.mark.parametrize(
    "text, said",
    [
        ("keys/private.pem", "not PEM text"),
        (b"", "not PEM text"),
        ("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----", "openssl x509"),
        ("-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----", "contains no key that loads"),
        ("-----BEGIN PUBLIC KEY-----", "no -----END line"),
    ],
    ids=["a path", "nothing", "a certificate", "junk", "cut off"],
)
def test_text_that_is_no_key_says_what_to_do(text: str | bytes, said: str) -> None:
    assert said in mistakes(lambda: Key.from_pem(text))[0]


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "hs256", "ES256K", "ES521", "RSA1_5", "A256GCM", "dir"])
def test_class_1_a_key_cannot_be_made_for_an_algorithm_outside_the_list(alg: str) -> None:
    for make in (
        lambda: Key.generate(alg),
        lambda: KeyRing.generate(alg),
        lambda: Key.from_secret(SECRET, alg=alg),
        lambda: Key.from_pem(rsa_pem(), alg=alg),
        lambda: Key.from_jwk(jwk("HS256", alg=alg)),
        lambda: Key.from_jwk(jwk("HS256", alg=...), alg=alg),
    ):
        assert "alg is not one of" in mistakes(make)[0]


# Class 2: the published ways in which the text of a public key became a secret that everybody knows.
PUBLIC_TEXTS: dict[str, Callable[[], bytes]] = {
    "rsa pem (CVE-2016-10555)": lambda: public_bytes("RS256", Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "pkcs1 pem (CVE-2017-11424)": lambda: public_bytes("RS256", Encoding.PEM, PublicFormat.PKCS1),
    "ssh rsa (CVE-2022-29217)": lambda: public_bytes("RS256", Encoding.OpenSSH, PublicFormat.OpenSSH),
    "ssh ecdsa": lambda: public_bytes("ES256", Encoding.OpenSSH, PublicFormat.OpenSSH),
    "ssh ed25519": lambda: public_bytes("EdDSA", Encoding.OpenSSH, PublicFormat.OpenSSH),
    "der (CVE-2024-33663)": lambda: public_bytes("RS256", Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "pkcs1 der": lambda: public_bytes("RS256", Encoding.DER, PublicFormat.PKCS1),
    "ec der": lambda: public_bytes("ES256", Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "pem after whitespace (CVE-2026-34950)": lambda: b"\n  " + PUBLIC_TEXTS["rsa pem (CVE-2016-10555)"](),
    "ssh after whitespace": lambda: b" " + PUBLIC_TEXTS["ssh rsa (CVE-2022-29217)"](),
    "base64 of der": lambda: base64.encodebytes(PUBLIC_TEXTS["der (CVE-2024-33663)"]()),
    "jwk (CVE-2026-48526)": lambda: json.dumps(key_for("RS256").public_jwk()).encode(),
    "jwks": lambda: json.dumps({"keys": [key_for("RS256").public_jwk()]}).encode(),
    "private pem": rsa_pem,
    "private der": lambda: base64.b64decode(b"".join(rsa_pem().splitlines()[1:-1])),
    "certificate armour": lambda: b"-----BEGIN CERTIFICATE-----\n" + b"QUJD" * 20,
    "ssh2 armour": lambda: b"---- BEGIN SSH2 PUBLIC KEY ----\n" + b"QUJD" * 20,
}


@pytest.mark.parametrize("name", PUBLIC_TEXTS)
def test_class_2_the_text_of_a_key_is_no_secret(name: str) -> None:
    text = PUBLIC_TEXTS[name]()
    assert "the text of a key or certificate" in mistakes(lambda: Key.from_secret(text))[0]


@pytest.mark.parametrize("secret", ["", " \n", b"", None], ids=repr)
def test_class_6_an_empty_secret_is_refused_at_the_start(secret: Any) -> None:
    assert "environment variable" in mistakes(lambda: Key.from_secret(secret))[0]


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_class_6_a_secret_shorter_than_the_hash_is_refused(alg: str) -> None:
    size = ALGORITHMS[alg].size
    assert f"at least {size} bytes" in mistakes(lambda: Key.from_secret("s" * (size - 1), alg=alg))[0]
    assert Key.from_secret("s" * size, alg=alg).alg == alg


def test_jwt_4_a_small_rsa_key_is_refused() -> None:
    small = pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))
    assert mistakes(lambda: Key.from_pem(small, alg="RS256")) == (
        "an RSA key has at least 2048 bits (RFC 7518 §3.3), this one has 1024",
    )


def test_jwt_4_an_rsa_exponent_of_one_is_refused() -> None:
    public = key_for("RS256").public_jwk()
    assert "do not fit together" in mistakes(lambda: Key.from_jwk({**(public or {}), "e": "AQ"}))[0]


def test_jwt_4_an_rsa_exponent_of_three_is_allowed() -> None:
    three = pem(rsa.generate_private_key(public_exponent=3, key_size=2048))
    assert Key.from_pem(three, alg="RS256").can_sign


SMALL_PRIMES = [n for n in range(3, 168) if all(n % d for d in range(2, n))]


def roca_modulus(but_for: int = 1) -> int:
    """A modulus of 2048 bits as chips with CVE-2017-15361 made them: a power of 65537 modulo each small prime.

    Args:
        but_for: the one prime that it is divisible by instead.
    """
    product = math.prod(SMALL_PRIMES)
    power = pow(65537, 12345, product)
    apart = product // but_for
    while but_for > 1 and power % but_for:
        power += apart
    modulus = (1 << 2047) // (2 * product) * (2 * product) + power
    modulus += 2 * product * (modulus < 1 << 2047)
    return modulus if modulus % 2 else modulus + product


def rsa_public(modulus: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(65537, modulus).public_key()


def test_jwt_4_a_key_of_the_chips_whose_keys_can_be_factored_is_refused_however_it_comes() -> None:
    public = rsa_public(roca_modulus())
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    n = base64.urlsafe_b64encode(public.public_numbers().n.to_bytes(256, "big")).rstrip(b"=").decode()
    members = {"kty": "RSA", "n": n, "e": "AQAB"}
    said = "this RSA key was made by a chip whose keys can be factored (CVE-2017-15361): make a new key"
    jwks = {"keys": [{**members, "alg": "RS256"}]}
    assert mistakes(lambda: Key.from_pem(text, alg="RS256")) == (said,)
    assert mistakes(lambda: Key.from_jwk(members, alg="PS512")) == (said,)
    assert mistakes(lambda: KeyRing.from_jwks(jwks)) == (f"keys[0]: {said}",)


def test_a_key_is_of_such_a_chip_only_if_each_of_the_primes_says_so() -> None:
    for prime in SMALL_PRIMES:
        public = rsa_public(roca_modulus(but_for=prime))
        assert public.key_size == 2048
        text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        assert Key.from_pem(text, alg="RS256").alg == "RS256", prime


@pytest.mark.parametrize(
    "alg, text, needs",
    [
        ("ES256", lambda: ec_pem(ec.SECP384R1()), "curve P-256"),
        ("ES384", lambda: ec_pem(ec.SECP521R1()), "curve P-384"),
        ("ES256", lambda: ec_pem(ec.SECP256K1()), "curve P-256"),
        ("ES256", rsa_pem, "type EC"),
        ("RS256", ec_pem, "type RSA"),
        ("HS256", ec_pem, "type oct"),
        ("EdDSA", ec_pem, "type OKP"),
        ("EdDSA", lambda: pem(ed448.Ed448PrivateKey.generate()), "type OKP"),
        ("RS256", lambda: pem(dsa.generate_private_key(2048)), "type RSA"),
    ],
    ids=["P-384", "P-521", "K-256", "RSA", "EC", "a secret", "EC for Ed25519", "Ed448", "DSA"],
)
def test_class_3_a_key_of_another_type_or_curve_does_not_fit(alg: str, text: Callable[[], bytes], needs: str) -> None:
    assert f"{alg} needs a key" in mistakes(lambda: Key.from_pem(text(), alg=alg))[0]
    assert needs in mistakes(lambda: Key.from_pem(text(), alg=alg))[0]


@pytest.mark.parametrize(
    "members, said",
    [
        (jwk("ES256", use="enc"), "use is not 'sig'"),
        (jwk("ES256", key_ops=["encrypt"]), "key_ops contains an operation other than"),
        (jwk("ES256", key_ops=[]), "key_ops does not allow to sign or verify"),
        (jwk("ES256", key_ops="sign"), "key_ops contains an operation other than"),
        (jwk("ES256", key_ops=[["sign"]]), "key_ops contains an operation other than"),
        (jwk("HS256", key_ops=["sign"]), "key_ops does not allow to verify"),
        (jwk("ES256", kty="RSA"), "ES256 needs a key of type EC, and this is RSA"),
        (jwk("ES256", kty=["EC"]), "kty is not one of"),
        (jwk("ES256", kty=...), "kty is not one of"),
        (jwk("ES256", alg="HS256"), "HS256 needs a key of type oct, and this is EC"),
        (jwk("ES256", alg=["ES256"]), "alg is not one of"),
        (jwk("ES256", alg="ES384"), "ES384 needs a key on the curve P-384"),
        (jwk("ES256", crv="P-384"), "do not fit together"),
        (jwk("ES256", crv=7), "do not fit together"),
        (jwk("ES256", x=...), "the member 'x' is missing"),
        (jwk("ES256", x=7), "the member 'x' is missing"),
        (jwk("ES256", x=""), "the member 'x' is missing, empty"),
        (jwk("ES256", y=jwk("ES256")["y"] + "="), "canonical base64url"),
        (jwk("ES256", y=jwk("ES256")["x"]), "do not fit together"),
        (jwk("ES256", d="AQ"), "do not fit together"),
        (jwk("RS256", q=jwk("RS256")["p"]), "do not fit together"),
        (jwk("EdDSA", d=jwk("EdDSA")["x"]), "do not fit together"),
        (jwk("EdDSA", crv="X25519"), "do not fit together"),
        (jwk("HS256", k=""), "the member 'k' is missing, empty"),
        (jwk("HS256", k="AAAA"), "at least 32 bytes"),
        (jwk("ES256", kid=""), "the kid is not a printable text"),
        (jwk("ES256", kid=7), "the kid is not a printable text"),
        (jwk("ES256", kid="a\n"), "the kid is not a printable text"),
        (jwk("ES256", kid="a" * 256), "the kid is not a printable text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_jwt_4_a_jwk_with_a_mistake_is_refused(members: dict[str, Any], said: str) -> None:
    assert said in mistakes(lambda: Key.from_jwk(members))[0]


def test_all_mistakes_of_a_jwk_are_told_at_once() -> None:
    assert len(mistakes(lambda: Key.from_jwk({"kty": "EC2", "use": "enc", "key_ops": 1, "alg": "none"}))) == 4


def test_class_3_the_algorithm_of_a_jwk_cannot_be_changed() -> None:
    assert "bound to another algorithm" in mistakes(lambda: Key.from_jwk(jwk("RS256"), alg="PS256"))[0]


def test_key_ops_decide_whether_a_private_key_signs() -> None:
    assert Key.from_jwk(jwk("ES256", key_ops=["sign"])).can_sign
    assert not Key.from_jwk(jwk("ES256", key_ops=["verify"])).can_sign
    assert not Key.from_jwk(jwk("HS256", key_ops=["verify"])).can_sign


def test_no_mistake_repeats_a_secret() -> None:
    said = mistakes(lambda: Key.from_secret("hunter2")) + mistakes(lambda: Key.from_jwk(jwk("HS256", k="aHVudGVyMg")))
    assert "hunter2" not in "".join(said)
    assert "aHVudGVyMg" not in "".join(said)


@pytest.mark.parametrize("alg", ["HS256", "ES256", "RS256"])
def test_a_key_shows_its_name_and_algorithm_only(alg: str) -> None:
    key = key_for(alg)
    assert repr(key) == f"Key(kid={alg!r}, alg={alg!r})"
    assert repr(KeyRing(key)) == f"KeyRing(Key(kid={alg!r}, alg={alg!r}),)"


def test_a_ring_needs_a_key() -> None:
    assert "KeyRing.generate()" in mistakes(KeyRing)[0]


def test_jwt_4_two_keys_of_one_name_are_refused() -> None:
    assert "'a'" in mistakes(lambda: KeyRing(Key.generate(kid="a"), Key.generate(kid="a")))[0]


def test_class_2_secrets_and_key_pairs_are_not_mixed() -> None:
    assert "mixed" in mistakes(lambda: KeyRing(key_for("HS256"), key_for("RS256")))[0]
    assert "mixed" in mistakes(lambda: KeyRing(key_for("ES256")).rotate("HS256"))[0]


def test_rotation_puts_a_fresh_key_first_and_keeps_the_old_ones() -> None:
    ring = KeyRing.generate("EdDSA")
    old = ring.signer
    new = ring.rotate()
    assert ring.signer is new
    assert new.alg == "EdDSA"
    assert ring.current.keys == (new, old)
    assert ring.rotate("ES384").alg == "ES384"


def test_retiring_takes_a_key_out() -> None:
    ring = KeyRing.generate()
    old = ring.signer.kid
    ring.rotate()
    ring.retire(old)
    assert old not in ring.current.by_kid
    assert "rotate first" in mistakes(lambda: ring.retire(ring.signer.kid))[0]
    assert "has no key 'else'" in mistakes(lambda: ring.retire("else"))[0]


def test_class_14_the_version_changes_with_the_keys() -> None:
    ring = KeyRing.generate()
    versions = [ring.version]
    ring.rotate()
    versions.append(ring.version)
    ring.retire(ring.current.keys[-1].kid)
    versions.append(ring.version)
    assert len(set(versions)) == 3


def test_rotations_at_the_same_time_lose_no_key() -> None:
    ring = KeyRing.generate("EdDSA")
    threads = [threading.Thread(target=ring.rotate) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ring.current.keys) == 17
    assert ring.version == 16


def test_jwt_4_only_public_members_are_published() -> None:
    ring = KeyRing(key_for("RS256"), key_for("ES256"), key_for("EdDSA"))
    published = ring.jwks()["keys"]
    assert [set(key) - {"kid", "alg", "use", "kty"} for key in published] == [
        {"n", "e"},
        {"crv", "x", "y"},
        {"crv", "x"},
    ]
    assert [key["kid"] for key in published] == ["RS256", "ES256", "EdDSA"]
    assert not any(key.can_sign for key in KeyRing.from_jwks(ring.jwks()).current.keys)


def test_jwt_4_a_secret_is_never_published() -> None:
    assert KeyRing(key_for("HS256")).jwks() == {"keys": []}
    assert key_for("HS256").public_jwk() is None


@pytest.mark.parametrize("alg", ["HS512", "ES256", "EdDSA", "RS256"])
def test_a_saved_ring_is_loaded_again(alg: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ring = KeyRing(key_for(alg))
    ring.save(path)
    again = KeyRing.load(str(path))
    assert again.signer.kid == alg
    assert again.signer.verify(b"message", ring.signer.sign(b"message"))
    assert again.signer.can_sign


def test_a_saved_ring_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("old")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        KeyRing.generate().save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


def test_saving_through_a_symbolic_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "keys.json")
    KeyRing.generate().save(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert KeyRing.load(tmp_path / "keys.json").signer.can_sign


@pytest.mark.parametrize(
    "given, line",
    [
        ("keys.json", "text: write KeyRing.load("),
        ("keys.jwks", "text: write KeyRing.load("),
        (Path("keys"), "text: write KeyRing.load("),
        ("-----BEGIN PRIVATE KEY-----", "text: write KeyRing(Key.from_pem(...))"),
        (b"-----BEGIN PRIVATE KEY-----", "text: write KeyRing(Key.from_pem(...))"),
        ("secret", "text: write KeyRing(Key.from_secret(...))"),
        (b"secret \xff", "text: write KeyRing(Key.from_secret(...))"),
        (7, "int: write KeyRing(Key.generate())"),
    ],
)
def test_what_is_no_key_gets_the_line_that_makes_a_ring(given: Any, line: str) -> None:
    (said,) = mistakes(lambda: KeyRing(given))
    assert said.startswith(f"a KeyRing holds keys, not {line}")


def test_all_of_a_ring_is_on_the_disk_beside_the_file_before_it_is_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def note(descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))  # which may be on another disk
    path = tmp_path / "keys.json"
    KeyRing.generate().save(path)
    assert sizes == [path.stat().st_size]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_save_leaves_what_was_there(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    KeyRing.generate().save(path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="disk full"):
        KeyRing.generate().save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "does not exist: `authmw jwk generate` makes it"),
        ("", "is no JWK Set"),
        ("[]", "is no JWK Set"),
        ('{"keys":[],"keys":[]}', "is no JWK Set: a name stands twice"),
        ("{}", "needs a list of keys"),
        ('{"keys":[]}', "a ring needs a key"),
        ('{"keys":[7]}', "keys[0]: not a JSON object"),
        ('{"keys":[{"kty":"oct","alg":"none"}]}', "keys[0]: alg is not one of"),
    ],
    ids=["missing", "empty", "a list", "twice", "another object", "no keys", "a number", "none"],
)
def test_a_file_that_holds_no_ring_says_what_is_wrong(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    assert re.search(re.escape(said), mistakes(lambda: KeyRing.load(path))[0])
    assert str(path) in mistakes(lambda: KeyRing.load(path))[0]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert "cannot be read" in mistakes(lambda: KeyRing.load(tmp_path))[0]


def test_the_mistakes_of_all_keys_of_a_set_are_told_at_once() -> None:
    keys = [jwk("ES256"), jwk("ES256", use="enc"), jwk("HS256", k="AA"), {"kty": "oct"}]
    said = mistakes(lambda: KeyRing.from_jwks({"keys": keys}))
    assert [mistake.split(":")[0] for mistake in said] == ["keys[1]", "keys[2]", "keys[3]"]


def test_a_key_cannot_be_pickled_by_accident() -> None:
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(key_for("ES256"))


# Ed25519 keys for which everybody can sign

P_25519 = 2**255 - 19
ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
OTHER_OF_ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
SMALL = [
    *(y.to_bytes(32, "little") for y in (0, 1, P_25519 - 1, P_25519, P_25519 + 1)),
    ORDER_8,
    OTHER_OF_ORDER_8,
]
SIGNED = [point[:31] + bytes([point[31] | 0x80]) for point in SMALL]


@pytest.mark.parametrize("point", SMALL + SIGNED, ids=bytes.hex)
def test_class_9_an_ed25519_key_of_small_order_is_refused(point: bytes) -> None:
    x = base64url.encode(point).decode()
    said = mistakes(lambda: Key.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": x}))
    assert "small order" in said[0] or "canonically" in said[0]
    text = ed25519.Ed25519PublicKey.from_public_bytes(point).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    assert mistakes(lambda: Key.from_pem(text)) == said


@pytest.mark.parametrize("offset", range(19))
def test_an_ed25519_key_has_one_spelling(offset: int) -> None:
    for sign in (0, 2**255):
        x = base64url.encode((P_25519 + offset + sign).to_bytes(32, "little")).decode()
        with pytest.raises(ConfigurationError, match="canonically"):
            Key.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": x})


def test_a_key_of_small_order_lets_everybody_sign_without_this_check() -> None:
    # The identity as the key and as R, and S = 0, fit every message: that is why such keys are refused.
    public = ed25519.Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    public.verify((1).to_bytes(32, "little") + bytes(32), b"any message")


@pytest.mark.parametrize("around", ["{}", "\ufeff{}", '"{}"', "'{}'", " \r\n{}\n", '\ufeff "{}" '])
@pytest.mark.parametrize(
    "text",
    [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEm0rDYJ2hZP0m8eRrPr0aTqDzvPU4dY5Rk5WsvfHtZe key",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY= key",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t key",
        "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTY key",
        "PuTTY-User-Key-File-3: ssh-ed25519",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
        "-----BEGIN SOMETHING NEW-----\nAAAA\n-----END SOMETHING NEW-----",
    ],
    ids=lambda text: text[:12].strip(),
)
def test_class_2_the_text_of_a_key_of_any_kind_is_no_secret(text: str, around: str) -> None:
    assert "the text of a key or certificate" in mistakes(lambda: Key.from_secret(around.format(text)))[0]
    assert "the text of a key or certificate" in mistakes(lambda: Key.from_secret(around.format(text).encode()))[0]
