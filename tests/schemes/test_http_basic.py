"""Basic (RFC 7617): one spelling, in UTF-8, of a user name and a password."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, BasicCredentials, HTTPBasic, Reason, Rejected
from authmw.http.refusal import Refusal
from authmw.schemes.http_basic import MAX_PASSWORD, MAX_USERNAME
from tests.requests import wsgi_request

SCHEME = HTTPBasic()


def _read(user_pass: bytes | str) -> BasicCredentials | Rejected:
    raw = user_pass.encode() if isinstance(user_pass, str) else user_pass
    return SCHEME.read(b64encode(raw).decode())


@pytest.mark.parametrize(
    "value, username, password",
    [
        ("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),  # RFC 7617 §2
        ("dGVzdDoxMjPCow==", "test", "123£"),  # RFC 7617 §2.1
        ("YTpiOmM6Og==", "a", "b:c::"),
        ("IGE6IGIg", " a", " b "),  # nothing is trimmed
    ],
)
def test_the_examples_of_rfc_7617_are_read(value: str, username: str, password: str) -> None:
    assert SCHEME.read(value) == BasicCredentials(username, password)


def test_bas_1_the_challenge_names_realm_and_charset() -> None:
    # RFC 7617 §2.1
    assert str(SCHEME.challenge("foo")) == 'Basic realm="foo", charset="UTF-8"'
    assert str(SCHEME.challenge('"')) == 'Basic realm="\\"", charset="UTF-8"'


@pytest.mark.parametrize(
    "value",
    [
        "",
        "=",
        "====",
        "YTpi=",
        "YTpi====",
        "YTpiYw",
        "YTpiYw=",
        "YTpiYx==",  # bits behind the last byte
        "YTpiY2=",
        "YT pi",
        "YTpi\n",
        "Y!Tpi",
        "YTpi,",
        "YTp_",
        "YTp-",
        "YTpi:",
        "é",
        "YTpi\xa0",
        "\uff39TpI",
    ],
)
def test_bas_2_only_canonical_base64_is_read(value: str) -> None:
    assert isinstance(SCHEME.read(value), Rejected)


@pytest.mark.parametrize(
    "user_pass",
    [b"", b":", b"a", b":b", b"a:", b"a:\x00", b"a\x00:b", b"a:b\n", b"a\r:b", b"a:\x1b", b"a:\x7f", "a:\x85".encode()],
    ids=repr,
)
def test_bas_2_what_is_missing_or_a_control_character_is_refused(user_pass: bytes) -> None:
    assert isinstance(_read(user_pass), Rejected)


@pytest.mark.parametrize(
    "user_pass", [b"j\xfcrgen:x", b"a:\xff", b"a:\xed\xa0\x80", b"a:\xc0\xaf", b"a:\xf4\x90\x80\x80"]
)
def test_bas_3_what_is_not_utf_8_is_not_read_as_latin_1(user_pass: bytes) -> None:
    assert isinstance(_read(user_pass), Rejected)


def test_bas_3_the_log_says_in_a_sentence_that_it_is_not_utf_8(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "authmw.audit")
    sent = "zoë:hünter2"
    value = b64encode(sent.encode("latin-1")).decode()
    found = Auth(HTTPBasic()).authenticate(wsgi_request(authorization=f"Basic {value}"))
    assert isinstance(found, Refusal)
    assert found.status == 401
    (message,) = caplog.messages
    sentence = message.partition("detail=")[2].strip('"')
    assert sentence.startswith("user name and password are not UTF-8, maybe latin-1")
    assert sentence.endswith("give it bytes of UTF-8")
    assert "nter2" not in message


@pytest.mark.parametrize(
    "username, password, fits",
    [
        (MAX_USERNAME, MAX_PASSWORD, True),
        (MAX_USERNAME + 1, 1, False),
        (1, MAX_PASSWORD + 1, False),
        (MAX_USERNAME + MAX_PASSWORD, 1, False),
        (1, 1_000_000, False),
    ],
)
def test_bas_4_lengths_are_limited(username: int, password: int, fits: bool) -> None:
    assert isinstance(_read("u" * username + ":" + "p" * password), BasicCredentials) is fits


def test_bas_4_lengths_are_counted_in_bytes() -> None:
    assert isinstance(_read("ü" * (MAX_USERNAME // 2) + ":x"), BasicCredentials)
    assert isinstance(_read("ü" * (MAX_USERNAME // 2 + 1) + ":x"), Rejected)


@pytest.mark.parametrize("name", ["Basic", "basic", "BASIC", "bAsIc"])
@pytest.mark.parametrize("space", [" ", "   "])
def test_bas_5_the_scheme_is_read_in_any_case_with_any_number_of_spaces(name: str, space: str) -> None:
    request = wsgi_request(authorization=f" {name}{space}YTpi\t")
    assert SCHEME.extract(request) == BasicCredentials("a", "b")


@pytest.mark.parametrize(
    "authorization", ["Basic\tYTpi", "BasicYTpi", "Basic=YTpi", "Basic:YTpi", "Basic/YTpi", "Basics YTpi"]
)
def test_bas_5_nothing_else_separates_it(authorization: str) -> None:
    assert not isinstance(SCHEME.extract(wsgi_request(authorization=authorization)), BasicCredentials)


def test_tok_3_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(_read("alice:hunter2"))


@given(st.text(max_size=300))
def test_any_text_gets_credentials_or_a_reason(value: str) -> None:
    read = SCHEME.read(value)
    if isinstance(read, Rejected):
        assert read.reason is Reason.CREDENTIALS_MALFORMED
        assert value not in read.detail or len(value) < 20
    else:
        assert b64encode(f"{read.username}:{read.password}".encode()) == value.encode()


@given(st.binary(max_size=50))
def test_what_is_read_has_one_spelling(raw: bytes) -> None:
    read = _read(raw)
    if isinstance(read, BasicCredentials):
        assert f"{read.username}:{read.password}".encode() == b64decode(b64encode(raw))
