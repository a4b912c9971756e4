"""What the drop-ins read from ``Authorization``, and what they refuse that FastAPI hands over."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest
from authmw_fastapi.security import HTTPBasic, HTTPBearer, HTTPDigest, OAuth2
from authmw_fastapi.security.http import HTTPBase
from authmw_fastapi.security.utils import get_authorization_scheme_param
from hypothesis import given
from hypothesis import strategies as st

from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from tests.adapters.fastapi.security_helpers import BEARERS, IN_AUTHORIZATION, MAKERS, REFUSED, connection, read


def basic(user_pass: str | bytes) -> str:
    raw = user_pass.encode() if isinstance(user_pass, str) else user_pass
    return "Basic " + b64encode(raw).decode()


def read_authorization(name: str, *values: str, auto_error: bool = True) -> Any:
    return read(MAKERS[name](auto_error=auto_error), [("Authorization", value) for value in values])


VALID = {"HTTPBasic": basic("alice:secret"), "HTTPDigest": 'Digest username="alice", nonce="n"'}
TOKEN = "Bearer t0ken"


@pytest.mark.parametrize("name", IN_AUTHORIZATION)
def test_a_good_header_is_read_once_and_refused_when_it_is_there_twice(name: str) -> None:
    header = VALID.get(name, TOKEN)
    assert read_authorization(name, header) != REFUSED
    assert read_authorization(name, header, header) == REFUSED
    assert read_authorization(name, header, header, auto_error=False) is None


@pytest.mark.parametrize("name", IN_AUTHORIZATION)
def test_two_credentials_folded_into_one_header_are_refused(name: str) -> None:
    header = VALID.get(name, TOKEN)
    assert read_authorization(name, f"{header}, {header}") == REFUSED
    assert read_authorization(name, f"{header},{TOKEN}") == REFUSED
    assert read_authorization(name, f"{header},") == REFUSED or name == "HTTPDigest"  # an empty list element


@pytest.mark.parametrize("name", IN_AUTHORIZATION)
@pytest.mark.parametrize(
    "header", ["", " ", "\t", "Bearer", "bearer ", "Bearer \t", "Bearer\tt0ken", "Bearer t\x00ken"]
)
def test_what_holds_no_credential_is_as_good_as_no_header(name: str, header: str) -> None:
    assert read_authorization(name, header) == REFUSED
    assert read_authorization(name, header, auto_error=False) is None


@pytest.mark.parametrize("name", IN_AUTHORIZATION)
def test_no_header_is_refused_unless_credentials_are_optional(name: str) -> None:
    assert read_authorization(name) == REFUSED
    assert read_authorization(name, auto_error=False) is None


@pytest.mark.parametrize("name", BEARERS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("between", [" ", "   "], ids=["one space", "three spaces"])
def test_bearer_is_read_in_any_case_behind_any_number_of_spaces(name: str, scheme: str, between: str) -> None:
    found = read_authorization(name, f"{scheme}{between}t0ken")
    assert found == ({"scheme": scheme, "credentials": "t0ken"} if name == "HTTPBearer" else "t0ken")


@pytest.mark.parametrize("name", BEARERS)
@pytest.mark.parametrize("token", ["abc.DEF-_~+/==", "17|s3cret", "17:s3cret", "a" * MAX_CREDENTIAL_LENGTH])
def test_tokens_that_programs_have_in_use_are_read(name: str, token: str) -> None:
    found = read_authorization(name, f"Bearer {token}")
    assert found == ({"scheme": "Bearer", "credentials": token} if name == "HTTPBearer" else token)


@pytest.mark.parametrize("name", BEARERS)
@pytest.mark.parametrize(
    "header",
    ["Bearer a b", "Bearer a,b", "Bearer a=1, b=2", "Bearer t\xf6ken", "Bearer " + "a" * (MAX_CREDENTIAL_LENGTH + 1)],
    ids=["a space", "a comma", "parameters", "latin-1", "too long"],
)
def test_what_is_no_token_is_refused(name: str, header: str) -> None:
    assert read_authorization(name, header) == REFUSED


@pytest.mark.parametrize("name", [*BEARERS, "HTTPBasic", "HTTPDigest"])
@pytest.mark.parametrize("header", ["Other secret", "Bearerx secret", "Bearer/secret", "t0ken", "=a b"])
def test_another_scheme_is_as_good_as_no_header(name: str, header: str) -> None:
    assert read_authorization(name, header) == REFUSED
    assert read_authorization(name, header, auto_error=False) is None


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
@pytest.mark.parametrize(
    "username, password",
    [
        ("alice", "secret"),
        ("alice", "a:b::c"),
        ("k3y", ""),
        ("", "k3y"),
        ("jürgen", "grün €"),
        ("\N{PILE OF POO}", " "),
    ],
)
def test_basic_reads_colons_empty_parts_and_utf_8(scheme: str, username: str, password: str) -> None:
    header = basic(f"{username}:{password}").replace("Basic", scheme)
    assert read(HTTPBasic(), [("Authorization", header)]) == {"username": username, "password": password}


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!!",
        "Basic YWxp\xe4Y2U6c2VjcmV0",
        "Basic YWxpY2U6c2Vj*cmV0",
        "Basic YWxpY2U6c2 VjcmV0",
        "Basic YWxpY2U6c2VjcmV0MQ",
        "Basic Oh==",
        basic("alice"),
        basic("alice:sec\x00ret"),
        basic("alice\r\n:secret"),
        basic("alice:\x7f"),
        basic("al\x85ice:secret"),
        basic("jürgen:x".encode("latin-1")),
        basic("a:" + "b" * MAX_CREDENTIAL_LENGTH),
    ],
    ids=[
        "nothing",
        "no base64",
        "latin-1 in it",
        "junk in it",
        "a space in it",
        "no padding",
        "stray bits",
        "no colon",
        "NUL",
        "a line end",
        "DEL",
        "a C1 control",
        "latin-1",
        "too long",
    ],
)  # fmt: skip
def test_basic_that_cannot_be_read_is_refused_even_where_it_is_optional(header: str) -> None:
    # As FastAPI does: it is a mistake of the client, not the lack of credentials.
    assert read(HTTPBasic(), [("Authorization", header)]) == REFUSED
    assert read(HTTPBasic(auto_error=False), [("Authorization", header)]) == REFUSED


@pytest.mark.slow
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_basic_reads_every_name_and_password_back(username: str, password: str) -> None:
    expected = {"username": username.replace(":", ""), "password": password}
    user_pass = f"{expected['username']}:{password}"
    assert read(HTTPBasic(), [("Authorization", basic(user_pass))]) == expected


@pytest.mark.parametrize("name", IN_AUTHORIZATION)
@given(value=st.text(st.characters(max_codepoint=255)))
def test_any_header_is_read_or_refused(name: str, value: str) -> None:
    found = read_authorization(name, value)
    assert found == REFUSED or found


@pytest.mark.parametrize(
    "realm, challenge",
    [
        (None, "Basic"),
        ("", "Basic"),
        ("orders", 'Basic realm="orders"'),
        ('the "back" office', 'Basic realm="the \\"back\\" office"'),
        ("back\\slash", 'Basic realm="back\\\\slash"'),
        ("a\r\nSet-Cookie: b=c\x00", 'Basic realm="a??Set-Cookie: b=c?"'),
        ("Grün", 'Basic realm="Grün"'),
        ("€", 'Basic realm="?"'),
    ],
)
def test_a_realm_is_a_quoted_string(realm: str | None, challenge: str) -> None:
    error = HTTPBasic(realm=realm).make_not_authenticated_error()
    assert error.headers == {"WWW-Authenticate": challenge}


def test_digest_is_handed_over_as_it_stands() -> None:
    value = 'username="a, b", nonce="n", qop=auth, nc=00000001'
    assert read(HTTPDigest(), [("Authorization", f"dIgEsT  {value}")]) == {"scheme": "dIgEsT", "credentials": value}


@pytest.mark.parametrize("value", ["Credential=a/b, SignedHeaders=host;date, Signature=0f", "a=b, c=d"])
def test_unquoted_parameters_are_one_credential(value: str) -> None:
    header = [("Authorization", f"AWS4-HMAC-SHA256 {value}")]
    assert read(HTTPBase(scheme="other"), header) == {"scheme": "AWS4-HMAC-SHA256", "credentials": value}
    assert read(OAuth2(), header) == header[0][1]


@pytest.mark.parametrize("name", ["OAuth2", "OpenIdConnect"])
@pytest.mark.parametrize("header", ["Bearer t0ken", "other  t0ken", "t0ken"])
def test_the_generic_schemes_return_the_whole_header(name: str, header: str) -> None:
    assert read_authorization(name, header) == header


@pytest.mark.parametrize(
    "header, split",
    [
        (None, ("", "")),
        ("", ("", "")),
        ("Bearer", ("Bearer", "")),
        ("bearer  t0ken ", ("bearer", "t0ken")),
        ("Bearer\tt0ken", ("", "")),
        ("Bearer a, Bearer b", ("", "")),
    ],
)
def test_the_header_is_split_for_programs_that_read_it_themselves(header: str | None, split: tuple[str, str]) -> None:
    assert get_authorization_scheme_param(header) == split


def test_secrets_do_not_show_in_a_repr() -> None:
    secret = "s3cret"
    by_basic = asyncio.run(HTTPBasic()(connection([("Authorization", basic(f"alice:{secret}"))])))
    by_bearer = asyncio.run(HTTPBearer()(connection([("Authorization", f"Bearer {secret}")])))
    assert by_basic is not None
    assert by_bearer is not None
    assert (by_basic.password, by_bearer.credentials) == (secret, secret)
    assert secret not in f"{by_basic!r} {by_basic} {by_bearer!r} {by_bearer}"
