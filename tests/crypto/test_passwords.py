"""Passwords at rest: which strings are passwords, what verifies, and that nothing tells by its cost."""

from __future__ import annotations

import unicodedata
from ctypes import CDLL, c_char_p, util
from typing import Any

import argon2.low_level
import pytest
from argon2.exceptions import VerificationError
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash

from authmw.crypto import legacy_hashes
from authmw.crypto.passwords import (
    CHEAPEST,
    OWASP_MINIMUM,
    RFC_9106_LOW_MEMORY,
    Argon2Profile,
    Match,
    PasswordHasher,
    prepared,
)
from authmw.errors import ConfigurationError
from tests.support import examples

HASHER = PasswordHasher(CHEAPEST)
PASSWORD = "correct horse: Zoë"
CURRENT = HASHER.hash(PASSWORD)
STRONGER = PasswordHasher(Argon2Profile(memory=16, time=2, lanes=1)).hash(PASSWORD)
ARGON2I = argon2.low_level.hash_secret(
    PASSWORD.encode(), b"0123456789abcdef", 1, 8, 1, 32, argon2.low_level.Type.I
).decode()

OUTDATED = {
    "argon2id with other costs": STRONGER,
    "argon2i": ARGON2I,
    "werkzeug scrypt": generate_password_hash(PASSWORD, "scrypt:1024:8:1"),
    "werkzeug scrypt of today": generate_password_hash(PASSWORD, "scrypt:32768:8:1"),
    "werkzeug scrypt in many lanes": generate_password_hash(PASSWORD, "scrypt:16:1:16"),
    "werkzeug pbkdf2 sha256": generate_password_hash(PASSWORD, "pbkdf2:sha256:100"),
    "werkzeug pbkdf2 sha1": generate_password_hash(PASSWORD, "pbkdf2:sha1:100"),
    "werkzeug pbkdf2 sha512": generate_password_hash(PASSWORD, "pbkdf2:sha512:100"),
    # Made by Django 5.2, with 100 iterations.
    "django pbkdf2_sha256": "pbkdf2_sha256$100$saltsaltsaltsalt$nxbSbVvz1jw9Rko1o+7jTkjNdPad071G92CztVjZbPM=",
    "django pbkdf2_sha1": "pbkdf2_sha1$100$saltsaltsaltsalt$dql9YDb4p7faf+soiZQr4UFN4j0=",
    # Made by Django 5.2.
    "django scrypt": "scrypt$1024$saltsaltsaltsalt$8$1$"
    "KAWbSzrghocJ1cHA0aZUSZEQFfZEEEc9cgNHbdqz4jWvQLqKWC71C/+bfYQhWsNDuEYhff2k8WzGoRRT9oMM+g==",
    "django scrypt, salt first": "scrypt$saltsaltsaltsalt$1024$8$1$"
    "KAWbSzrghocJ1cHA0aZUSZEQFfZEEEc9cgNHbdqz4jWvQLqKWC71C/+bfYQhWsNDuEYhff2k8WzGoRRT9oMM+g==",
    "django argon2": "argon2$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA"
    "$HlaOkzdgXn8c7q4600/aBzViEarlI5TyMgw52fefSnI",
    "django bcrypt_sha256": "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuaRvg5DIla83NjIhj09IxEjjcukzW6l.",
    "django bcrypt": "bcrypt$$2b$04$abcdefghijklmnopqrstuukZbOgeZ4Y2/cdqkIZBoVEGBtIHbkkOK",
    "bcrypt": "$2b$04$abcdefghijklmnopqrstuukZbOgeZ4Y2/cdqkIZBoVEGBtIHbkkOK",
    "bcrypt of PHP": "$2y$04$abcdefghijklmnopqrstuukZbOgeZ4Y2/cdqkIZBoVEGBtIHbkkOK",
    # Made by passlib 1.7.4.
    "passlib pbkdf2_sha1": "$pbkdf2$100$c2FsdHNhbHRzYWx0c2FsdA$dql9YDb4p7faf.soiZQr4UFN4j0",
    "passlib pbkdf2_sha256": "$pbkdf2-sha256$100$c2FsdHNhbHRzYWx0c2FsdA$nxbSbVvz1jw9Rko1o.7jTkjNdPad071G92CztVjZbPM",
    "passlib pbkdf2_sha512": "$pbkdf2-sha512$100$c2FsdHNhbHRzYWx0c2FsdA"
    "$vsU18G/fMy49D8v136wfT7HV6/PRaxm93kAxCOEBe08HCkV2Oty6rGUz6uh4Ry.owDMV8PhEBmaRPt3D6GQehw",
    "passlib scrypt": "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$KAWbSzrghocJ1cHA0aZUSZEQFfZEEEc9cgNHbdqz4jU",
    "passlib bcrypt_sha256": "$bcrypt-sha256$v=2,t=2b,r=4$abcdefghijklmnopqrstuu$qiZ3OoMFwgWP5NI2wfSlm7A4.mmjWsu",
    "passlib bcrypt_sha256 1": "$bcrypt-sha256$2b,4$abcdefghijklmnopqrstuu$1dimPknMsvc/UcI05UC2E3e.CQRVBnq",
    "sha512_crypt": "$6$rounds=1000$saltsaltsaltsalt"
    "$f5C0HwuIOq70G1IGKN2wRSBxyZKroxOggiPdLK17nBgwrgmZV5vxIirYkPkAaHgRGUYwMY85K3sqFeCiRtHxD.",
    "sha256_crypt": "$5$saltsalt$lgvXu2AfDev.42oQZShzD1d4aDJq5Wo.ZPvvsPs2ZG2",
}
TOO_COSTLY = {
    "argon2 with too much memory": CURRENT.replace("m=8,", "m=2097153,"),
    "argon2 with too many passes": CURRENT.replace("t=1,", "t=65,"),
    "argon2 with too many lanes": CURRENT.replace("p=1$", "p=65$"),
    "django argon2": OUTDATED["django argon2"].replace("m=16,", "m=2097153,"),
    "pbkdf2": OUTDATED["django pbkdf2_sha256"].replace("$100$", "$5000001$"),
    "pbkdf2 without iterations": OUTDATED["django pbkdf2_sha256"].replace("$100$", "$0$"),
    "werkzeug pbkdf2": OUTDATED["werkzeug pbkdf2 sha256"].replace(":100$", ":5000001$"),
    "passlib pbkdf2": OUTDATED["passlib pbkdf2_sha256"].replace("$100$", "$5000001$"),
    "scrypt": OUTDATED["werkzeug scrypt"].replace("1024:8:1", "2097152:8:1"),
    "django scrypt": OUTDATED["django scrypt"].replace("$8$1$", "$8000$1$"),
    "scrypt, several at once": OUTDATED["werkzeug scrypt"].replace("1024:8:1", "1024:8:257"),
    "passlib scrypt": OUTDATED["passlib scrypt"].replace("ln=10", "ln=99"),
    "passlib scrypt without blocks": OUTDATED["passlib scrypt"].replace("ln=10,r=8", "ln=64,r=0"),
    "bcrypt": OUTDATED["bcrypt"].replace("$04$", "$17$"),
    "bcrypt of CVE-2022-22976": OUTDATED["bcrypt"].replace("$04$", "$31$"),
    "django bcrypt_sha256": OUTDATED["django bcrypt_sha256"].replace("$04$", "$17$"),
    "passlib bcrypt_sha256": OUTDATED["passlib bcrypt_sha256"].replace("r=4", "r=31"),
    "sha512_crypt": OUTDATED["sha512_crypt"].replace("rounds=1000", "rounds=1000001"),
    "sha512_crypt with few rounds": OUTDATED["sha512_crypt"].replace("rounds=1000", "rounds=10"),
}
UNKNOWN = {
    "empty": ("", ""),
    "plain text": (PASSWORD, ""),
    "unusable in django": ("!" + 40 * "x", ""),
    "md5 of django": ("md5$salt$0123456789abcdef0123456789abcdef", "md5"),
    "md5_crypt": ("$1$salt$qJH7.N4xYta3aEG/dfqo/0", "1"),
    "yescrypt": ("$y$j9T$saltsalt$digest", "y"),
    "bcrypt of 2011": ("$2x$04$abcdefghijklmnopqrstuukZbOgeZ4Y2/cdqkIZBoVEGBtIHbkkOK", "2x"),
    "htpasswd": ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", ""),
    "pbkdf2 of another program": ("pbkdf2-sha512$100$salt$digest", "pbkdf2-sha512"),
    "plain text with a dollar": ("Summer2026$", ""),
    "plain text with a colon": ("correct-horse:staple", ""),
    "plain text that begins with a name": ("md5isold$", ""),
    "plain text behind a dollar": ("$taple$", ""),
}
BROKEN = {
    "empty": "",
    "plain text": PASSWORD,
    "unusable in django": "!" + 40 * "x",
    "bcrypt cut off": "$2b$12$" + 52 * "a",
    "non-ASCII": "$argon2id$v=19$m=8,t=1,p=1$ÄÄÄÄ$ÖÖÖÖ",
    "digest cut off": CURRENT[:-2],
    "digest not base64": CURRENT[:-1] + "!",
    "digest of one character": CURRENT.rpartition("$")[0] + "$A",
    "line break behind": CURRENT + "\n",
    "argon2 with no memory": CURRENT.replace("m=8,", "m=0,"),
    "pbkdf2 without iterations": OUTDATED["django pbkdf2_sha256"].replace("$100$", "$0$"),
    "scrypt with N that is no power of two": OUTDATED["werkzeug scrypt"].replace("1024:8:1", "1023:8:1"),
    "scrypt with r = 0": OUTDATED["werkzeug scrypt"].replace("1024:8:1", "1024:0:1"),
    **TOO_COSTLY,
    **{name: encoded for name, (encoded, _) in UNKNOWN.items()},
    "werkzeug with an unknown hash": OUTDATED["werkzeug pbkdf2 sha256"].replace("sha256", "md5"),
}
NO_PASSWORDS = {
    "empty": "",
    "NUL behind": PASSWORD + "\0",
    "NUL within": "a\0b",
    "line break": "a\nb",
    "DEL": "a\x7f",
    "C1 control": "a\x85b",
    "lone surrogate": "a\ud800",
    "1025 bytes": 1025 * "a",
    "1026 bytes in 513 characters": 513 * "é",
    "1 MB": 1_000_000 * "a",
    "longer than 1024 bytes once in NFC": 340 * "\U0001d160",
}


class WorkCount:
    """Counts the argon2 hashes that are computed with the current parameters, and with any."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.current = self.all = 0
        self._verify = argon2.low_level.verify_secret
        monkeypatch.setattr("argon2.low_level.verify_secret", self._count)

    def _count(self, encoded: bytes, *args: Any) -> bool:
        try:
            return self._verify(encoded, *args)
        except VerificationError as error:
            if "Decoding failed" in str(error):
                self.all -= 1
                self.current -= encoded.startswith(b"$argon2id$v=19$m=8,t=1,p=1$")
            raise
        finally:
            self.all += 1
            self.current += encoded.startswith(b"$argon2id$v=19$m=8,t=1,p=1$")


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> WorkCount:
    return WorkCount(monkeypatch)


def test_the_right_password_matches() -> None:
    assert HASHER.verify(password=PASSWORD, hash=CURRENT) is Match.MATCH


def test_another_password_does_not_match() -> None:
    assert HASHER.verify(password=PASSWORD + "x", hash=CURRENT) is Match.MISMATCH


@pytest.mark.parametrize(
    "salt, digest, match",
    [(16, 32, Match.MATCH), (17, 33, Match.MATCH), (15, 32, Match.MATCH_OUTDATED), (16, 31, Match.MATCH_OUTDATED)],
)
def test_pwd_4_a_hash_with_a_shorter_salt_or_digest_is_outdated(salt: int, digest: int, match: Match) -> None:
    encoded = argon2.low_level.hash_secret(
        PASSWORD.encode(), bytes(salt), 1, 8, 1, digest, argon2.low_level.Type.ID
    ).decode()
    assert HASHER.verify(password=PASSWORD, hash=encoded) is match


def test_two_hashes_of_one_password_differ() -> None:
    assert HASHER.hash(PASSWORD) != CURRENT


def test_salts_come_from_the_given_source() -> None:
    assert PasswordHasher(CHEAPEST, random=bytes).hash("a") == PasswordHasher(CHEAPEST, random=bytes).hash("a")


def test_a_match_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match="by `is`"):
        bool(HASHER.verify(password="wrong", hash=CURRENT))


def test_pwd_1_the_profiles_are_argon2id_and_meet_their_sources() -> None:
    assert PasswordHasher().profile is RFC_9106_LOW_MEMORY
    assert Argon2Profile(memory=65536, time=3, lanes=4) == RFC_9106_LOW_MEMORY
    assert Argon2Profile(memory=19456, time=2, lanes=1) == OWASP_MINIMUM
    assert CURRENT.startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_a_hash_with_the_owasp_profile_verifies() -> None:
    hasher = PasswordHasher(OWASP_MINIMUM)
    assert hasher.verify(password=PASSWORD, hash=hasher.hash(PASSWORD)) is Match.MATCH


@pytest.mark.parametrize(
    "memory, time, lanes", [(7, 1, 1), (8, 0, 1), (8, 1, 0), (15, 1, 2), (2**21 + 1, 1, 1), (8, 65, 1), (520, 1, 65)]
)
def test_impossible_profiles_are_refused_at_construction(memory: int, time: int, lanes: int) -> None:
    with pytest.raises(ConfigurationError):
        Argon2Profile(memory=memory, time=time, lanes=lanes)


@pytest.mark.parametrize("memory, time, lanes", [(8, 1, 1), (16, 1, 2), (2**21, 1, 1), (8, 64, 1), (512, 1, 64)])
def test_a_profile_may_be_at_the_edge_of_what_is_possible(memory: int, time: int, lanes: int) -> None:
    assert Argon2Profile(memory=memory, time=time, lanes=lanes).memory == memory


@pytest.mark.parametrize("password", NO_PASSWORDS.values(), ids=NO_PASSWORDS)
def test_class_17_what_is_no_password_is_neither_hashed_nor_matched(password: str) -> None:
    assert prepared(password) is None
    with pytest.raises(ValueError, match="a password has") as raised:
        HASHER.hash(password)
    assert password == "" or password not in str(raised.value)
    assert HASHER.verify(password=password, hash=CURRENT) is Match.MISMATCH


@pytest.mark.parametrize("password", [1024 * "a", 512 * "é", " leading and trailing ", "a:b:c", "\u00a0"])
def test_class_17_exactly_the_bytes_that_were_typed_are_verified(password: str) -> None:
    encoded = HASHER.hash(password)
    assert HASHER.verify(password=password, hash=encoded) is Match.MATCH
    assert HASHER.verify(password=password[:-1] + "z", hash=encoded) is Match.MISMATCH
    assert HASHER.verify(password=password.strip() + "x", hash=encoded) is Match.MISMATCH


def test_bytes_behind_the_72nd_count() -> None:
    encoded = HASHER.hash(72 * "a" + "b")
    assert HASHER.verify(password=72 * "a" + "c", hash=encoded) is Match.MISMATCH


def test_passwords_are_compared_in_nfc_and_not_nfkc() -> None:
    decomposed = unicodedata.normalize("NFD", PASSWORD)
    assert decomposed != PASSWORD
    assert HASHER.verify(password=decomposed, hash=CURRENT) is Match.MATCH
    assert HASHER.verify(password="ﬁ", hash=HASHER.hash("fi")) is Match.MISMATCH


@given(st.text())
def test_prepared_answers_every_text_and_is_stable(password: str) -> None:
    secret = prepared(password)
    if secret is not None:
        assert prepared(secret.decode()) == secret
        assert 0 < len(secret) <= 1024


@pytest.mark.parametrize("encoded", OUTDATED.values(), ids=OUTDATED)
def test_an_outdated_hash_matches_and_wants_to_be_replaced(encoded: str) -> None:
    assert HASHER.verify(password=PASSWORD, hash=encoded) is Match.MATCH_OUTDATED


@pytest.mark.parametrize("encoded", OUTDATED.values(), ids=OUTDATED)
def test_pwd_6_an_outdated_hash_matches_no_other_password(encoded: str) -> None:
    for password in (PASSWORD + "x", PASSWORD + "\0", PASSWORD[:-1], ""):
        assert HASHER.verify(password=password, hash=encoded) is Match.MISMATCH


@pytest.mark.parametrize("encoded", BROKEN.values(), ids=BROKEN)
def test_pwd_6_an_unknown_format_matches_nothing_and_never_raises(encoded: str) -> None:
    assert HASHER.verify(password=PASSWORD, hash=encoded) is Match.MISMATCH


@settings(max_examples=examples(200))
@given(st.text(), st.sampled_from([*OUTDATED.values(), CURRENT]), st.integers(0, 200))
def test_pwd_6_any_text_as_a_hash_is_a_mismatch(text: str, encoded: str, position: int) -> None:
    garbled = encoded[:position] + text + encoded[position + len(text) + 1 :]
    assert HASHER.verify(password="not the password", hash=garbled) is Match.MISMATCH


@pytest.mark.parametrize("encoded", [CURRENT, HASHER.dummy, *OUTDATED.values()], ids=["current", "dummy", *OUTDATED])
def test_there_is_no_problem_with_a_hash_that_can_match(encoded: str) -> None:
    assert HASHER.problem_with(encoded) == ""


def _fail(*args: object, **kwargs: object) -> None:
    pytest.fail("worked")


def _is_not(library: str) -> bool:
    return False


@pytest.mark.parametrize("encoded", TOO_COSTLY.values(), ids=TOO_COSTLY)
def test_class_17_an_absurd_cost_is_refused_before_any_work(encoded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (
        "hashlib.scrypt",
        "hashlib.pbkdf2_hmac",
        "bcrypt.checkpw",
        "authmw.crypto.legacy_hashes.sha_crypt",
    ):
        monkeypatch.setattr(function, _fail)
    assert not legacy_hashes.matches(password=PASSWORD, encoded=encoded)
    assert HASHER.verify(password=PASSWORD, hash=encoded) is Match.MISMATCH
    assert "more work than is allowed" in HASHER.problem_with(encoded)


@pytest.mark.parametrize("encoded, name", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_format_is_named_without_its_content(encoded: str, name: str) -> None:
    problem = HASHER.problem_with(encoded)
    assert problem == f"the stored hash is in a format that is not known{f' ({name})' if name else ''}"


@pytest.mark.parametrize("name", ["bcrypt", "django bcrypt", "django bcrypt_sha256", "passlib bcrypt_sha256"])
def test_without_its_library_bcrypt_matches_nothing_and_the_problem_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authmw.crypto.legacy_hashes._is_installed", _is_not)
    assert HASHER.verify(password=PASSWORD, hash=OUTDATED[name]) is Match.MISMATCH
    assert 'pip install "authmw[bcrypt]"' in HASHER.problem_with(OUTDATED[name])


def test_class_17_bcrypt_matches_no_password_of_more_than_72_bytes() -> None:
    import bcrypt

    longest = 72 * "a"
    encoded = bcrypt.hashpw(longest.encode(), bcrypt.gensalt(4)).decode()
    assert HASHER.verify(password=longest, hash=encoded) is Match.MATCH_OUTDATED
    for password in (longest + "a", longest + "b", 71 * "a", 36 * "é" + "a"):
        assert HASHER.verify(password=password, hash=encoded) is Match.MISMATCH


@pytest.mark.parametrize("rounds, longest", [("", 1024), ("rounds=656000$", 204), ("rounds=1000000$", 134)])
def test_class_17_sha_crypt_hashes_no_password_that_is_too_long_for_its_rounds(
    rounds: str, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = 43 * "a"
    hashed: list[int] = []

    def sha_crypt(secret: bytes, *_: object) -> str:
        hashed.append(len(secret))
        return digest

    monkeypatch.setattr("authmw.crypto.legacy_hashes.sha_crypt", sha_crypt)
    for length in (1, longest, longest + 1, 1024):
        is_right = HASHER.verify(password=length * "a", hash=f"$5${rounds}salt${digest}") is Match.MATCH_OUTDATED
        assert is_right is (length <= longest)
    assert max(hashed) == longest


@pytest.mark.parametrize(
    "encoded",
    [
        "$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
        "$bcrypt-sha256$2a,12$LrmaIX5x4TRtAwEfwJZa1.$2ehnw6LvuIUTM0iz4iz9hTxv21B6KFO",
    ],
    ids=["2", "1"],
)
def test_the_examples_of_the_documentation_of_passlib_match(encoded: str) -> None:
    assert legacy_hashes.matches(password="password", encoded=encoded)


@pytest.mark.parametrize(
    "password, encoded",
    [
        # of bcrypt's own test suite
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        # of the specification of SHA-crypt
        ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    ],
    ids=["bcrypt", "sha256"],
)
def test_published_vectors_match(password: str, encoded: str) -> None:
    assert HASHER.verify(password=password, hash=encoded) is Match.MATCH_OUTDATED


@pytest.mark.parametrize("password", ["a", 31 * "é", 64 * "a", 65 * "b", 200 * "c"])
@pytest.mark.parametrize("setting", ["$5$", "$6$", "$5$rounds=1000$abc", "$6$rounds=1234$abcdefghijklmnop"])
def test_sha_crypt_is_that_of_the_operating_system(setting: str, password: str) -> None:
    library = util.find_library("crypt")
    if library is None:
        pytest.skip("this machine has no libcrypt")
    crypt = CDLL(library).crypt
    crypt.restype = c_char_p
    encoded = crypt(password.encode(), setting.encode())
    assert legacy_hashes.matches(password=password, encoded=encoded.decode())
    assert not legacy_hashes.matches(password=password + "x", encoded=encoded.decode())


def test_legacy_hashes_of_a_lone_surrogate_fit_nothing() -> None:
    assert not legacy_hashes.matches(password="\ud800", encoded=OUTDATED["werkzeug scrypt"])


def test_pwd_2_the_dummy_has_the_current_parameters_and_fits_nothing() -> None:
    assert HASHER.dummy.rpartition("$")[0].rpartition("$")[0] == CURRENT.rpartition("$")[0].rpartition("$")[0]
    assert len(HASHER.dummy) == len(CURRENT)
    assert HASHER.verify(password=PASSWORD, hash=HASHER.dummy) is Match.MISMATCH


@pytest.mark.parametrize(
    "password, encoded",
    [
        *(pytest.param("wrong", encoded, id=f"wrong: {name}") for name, encoded in OUTDATED.items()),
        *(pytest.param("wrong", encoded, id=f"broken: {name}") for name, encoded in BROKEN.items()),
        *(pytest.param(password, CURRENT, id=f"no password: {name}") for name, password in NO_PASSWORDS.items()),
        pytest.param("\0", OUTDATED["werkzeug scrypt"], id="no password, legacy hash"),
        pytest.param("wrong", CURRENT, id="wrong"),
        pytest.param(PASSWORD, CURRENT, id="right"),
        pytest.param("wrong", HASHER.dummy, id="no hash"),
    ],
)
def test_pwd_2_every_check_does_the_work_of_one_current_hash(password: str, encoded: str, work: WorkCount) -> None:
    HASHER.verify(password=password, hash=encoded)
    assert work.current == 1


def test_pwd_5_the_length_cap_comes_before_any_legacy_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    def matches(**_: str) -> bool:
        pytest.fail("hashed a password that is none")

    monkeypatch.setattr(legacy_hashes, "matches", matches)
    assert HASHER.verify(password=2000 * "a", hash=OUTDATED["werkzeug scrypt"]) is Match.MISMATCH


def test_secrets_show_in_no_repr() -> None:
    assert CURRENT not in repr(HASHER)
    assert HASHER.dummy not in repr(HASHER)
