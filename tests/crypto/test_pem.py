"""Keys in PEM text load as environment variables, .env files, YAML and CI systems hand it over."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from authmw import ConfigurationError, Key

_RSA = rsa.generate_private_key(65537, 2048)
_EC = ec.generate_private_key(ec.SECP256R1())
PASSWORD = b"hunter2"
TEXTS: dict[str, tuple[str, str, bytes | None]] = {
    "RSA public": (
        "RS256",
        _RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        None,
    ),
    "RSA private": ("RS256", _RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), None),
    "RSA PKCS1": (
        "RS256",
        _RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
        None,
    ),
    "EC private": (
        "ES256",
        _EC.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
        None,
    ),
    "encrypted": (
        "ES256",
        _EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.BestAvailableEncryption(PASSWORD)).decode(),
        PASSWORD,
    ),
    "encrypted, with headers": (
        "ES256",
        _EC.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, serialization.BestAvailableEncryption(PASSWORD)
        ).decode(),
        PASSWORD,
    ),
}
CHANGED: dict[str, Callable[[str], str]] = {
    "as in the file": str,
    r"\n": lambda pem: pem.replace("\n", r"\n"),
    r"\r\n": lambda pem: pem.replace("\n", r"\r\n"),
    r"\\n": lambda pem: pem.replace("\n", r"\\n"),
    "CRLF": lambda pem: pem.replace("\n", "\r\n"),
    "CR": lambda pem: pem.replace("\n", "\r"),
    "indented": lambda pem: "".join(f"    {line}\n" for line in pem.splitlines()),
    "tabs": lambda pem: "".join(f"\t{line}\t\n" for line in pem.splitlines()),
    "in quotes": lambda pem: f'"{pem}"',
    r"in quotes, \n": lambda pem: "'" + pem.replace("\n", r"\n") + "'",
    "base64": lambda pem: b64encode(pem.encode()).decode(),
    "base64 in quotes": lambda pem: f'"{b64encode(pem.encode()).decode()}"',
    "base64 in lines": lambda pem: "\n".join(
        b64encode(pem.encode()).decode()[at : at + 76] for at in range(0, 9999, 76)
    ),
    "BOM": lambda pem: "\ufeff" + pem,
    "no last line end": lambda pem: pem.rstrip("\n"),
    "text around": lambda pem: f"# the key of 2026\n{pem}# end",
}
ONE_LINE: dict[str, Callable[[str], str]] = {
    "spaces": lambda pem: pem.replace("\n", " "),
    "no line ends": lambda pem: pem.replace("\n", ""),
    "lines of 20": lambda pem: _in_lines(pem, 20),
}


def _in_lines(pem: str, width: int) -> str:
    first, *body, last = pem.splitlines()
    joined = "".join(body)
    return "\n".join((first, *(joined[at : at + width] for at in range(0, len(joined), width)), last))


@pytest.mark.parametrize("changed", CHANGED)
@pytest.mark.parametrize("name", TEXTS)
def test_a_key_loads_however_its_lines_were_changed(name: str, changed: str) -> None:
    algorithm, pem, password = TEXTS[name]
    wanted = Key.from_pem(pem, alg=algorithm, password=password)
    text = CHANGED[changed](pem)
    for each in (text, text.encode()):
        assert Key.from_pem(each, alg=algorithm, password=password).kid == wanted.kid


@pytest.mark.parametrize("changed", ONE_LINE)
@pytest.mark.parametrize("name", [name for name in TEXTS if name != "encrypted, with headers"])
def test_a_key_without_headers_loads_from_one_line(name: str, changed: str) -> None:
    algorithm, pem, password = TEXTS[name]
    found = Key.from_pem(ONE_LINE[changed](pem), alg=algorithm, password=password)
    assert found.kid == Key.from_pem(pem, alg=algorithm, password=password).kid


@pytest.mark.parametrize("name, kind", [("RSA public", "PUBLIC"), ("RSA private", "PRIVATE"), ("encrypted", "PRIVATE")])
def test_base64_without_its_first_and_last_line_is_named(name: str, kind: str) -> None:
    bare = "".join(TEXTS[name][1].splitlines()[1:-1])
    with pytest.raises(ConfigurationError, match=f"without its first and last line.*-----BEGIN {kind} KEY-----"):
        Key.from_pem(bare, alg="RS256")


@pytest.mark.parametrize(
    "text, fix",
    [
        ("key.pem", "not its name"),
        ("", "not its name"),
        ("-----BEGIN PRIVATE KEY-----", "in quotes"),
        (TEXTS["RSA private"][1][:200], "in quotes"),
        (TEXTS["RSA private"][1].replace("A", "B"), "no key that loads"),
        (r"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "certificate"),
    ],
    ids=["name", "empty", "first line", "cut", "changed", "certificate"],
)
def test_what_is_wrong_with_a_text_is_named_without_its_content(text: str, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix) as refused:
        Key.from_pem(text, alg="RS256")
    assert not any(line in str(refused.value) for line in text.splitlines()[1:-1])


@pytest.mark.parametrize("changed", CHANGED)
def test_class_2_no_changed_key_is_taken_for_a_secret(changed: str) -> None:
    for name in ("RSA public", "EC private"):
        with pytest.raises(ConfigurationError):
            Key.from_secret(CHANGED[changed](TEXTS[name][1]))


@given(st.binary() | st.binary().map(lambda body: b"-----BEGIN PRIVATE KEY-----" + body + b"-----END PRIVATE KEY-----"))
def test_any_text_is_a_mistake_and_nothing_else(text: bytes) -> None:
    with pytest.raises(ConfigurationError):
        Key.from_pem(text, alg="ES256")
