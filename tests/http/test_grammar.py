"""The grammar of RFC 9110 §11: what one credential is, and what it is not."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.http.grammar import (
    MAX_CREDENTIAL_LENGTH,
    is_token,
    is_token68,
    parse_authorization,
    parse_params,
    quote,
    write_params,
)

TCHAR = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
LATIN_1 = st.text(st.characters(max_codepoint=255), max_size=200)


@pytest.mark.parametrize(
    "text, scheme, value",
    [
        ("Bearer abc", "bearer", "abc"),
        ("BEARER abc", "bearer", "abc"),
        ("Bearer     abc", "bearer", "abc"),
        (" \tBearer abc\t ", "bearer", "abc"),
        ("Bearer", "bearer", ""),
        ("", "", ""),
        ("=abc", "", "=abc"),
        ('"Bearer" abc', "", '"Bearer" abc'),
    ],
)
def test_an_authorization_is_split_at_its_scheme(text: str, scheme: str, value: str) -> None:
    authorization = parse_authorization(text)
    assert (authorization.scheme, authorization.value, authorization.duplicate) == (scheme, value, False)


@pytest.mark.parametrize("separator", ["\t", " \t", "\x00", "\x0b", "\x1f", "\xa0", ":", "/"])
def test_hdr_3_bas_5_only_spaces_stand_between_scheme_and_value(separator: str) -> None:
    assert not is_token68(parse_authorization(f"Bearer{separator}abc").value)


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abc, Bearer abc",
        "Bearer abc,Bearer abc",
        "Bearer abc,",
        ",Bearer abc",
        ", Bearer abc",
        "Bearer abc, ",
        "Basic YTpi, Bearer abc",
        "Bearer abc=, Basic YTpi",
        'Digest username="a", realm="b", Digest username="a"',
        'Digest username="a", username="b"',
        'Digest username="a", realm="b", Bearer abc',
        'Bearer "a, b", "c"',
    ],
)
def test_class_21_hdr_1_what_may_be_two_credentials_is_a_duplicate(text: str) -> None:
    assert parse_authorization(text).duplicate


@pytest.mark.parametrize(
    "text", ['Digest username="a, b", realm="c"', "Digest a=b,c=d", "Digest a=b , c=d", 'Digest a="\\",", b=c']
)
def test_commas_between_the_parameters_of_one_credential_are_no_duplicate(text: str) -> None:
    assert not parse_authorization(text).duplicate


def test_hdr_4_a_megabyte_of_parameters_is_not_parsed() -> None:
    started = time.process_time()
    assert parse_authorization("Digest " + "a=b," * 250_000).duplicate
    assert parse_authorization("Digest " + "," * 1_000_000).duplicate
    assert parse_authorization('Digest a="' + "\\" * 1_000_000 + ",").duplicate
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "text",
    ["a" * 8000 + " ", "a=" * 4000, 'a="' + "\\\\" * 4000, " " * 8000 + "a", ", \t" * 2700 + "!", 'a="b" ' * 1300],
    ids=["token", "equals", "escapes", "spaces", "commas", "no-comma"],
)
def test_no_text_makes_the_parser_look_again_and_again(text: str) -> None:
    started = time.process_time()
    parse_params(text)
    parse_authorization(f"Digest {text},")
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    "text, params",
    [
        ("a=b", (("a", "b"),)),
        ('A="b c"', (("a", "b c"),)),
        ('a="b\\"c"', (("a", 'b"c'),)),
        ('a=""', (("a", ""),)),
        ("a = b", (("a", "b"),)),
        (", ,a=b, ,c=d,", (("a", "b"), ("c", "d"))),
        ('a="\xfc"', (("a", "\xfc"),)),
    ],
)
def test_parameters_are_read_as_the_rfc_writes_them(text: str, params: tuple[tuple[str, str], ...]) -> None:
    assert parse_params(text) == params


@pytest.mark.parametrize(
    "text",
    ["", ",", "a", "a=", "=b", "a=b c=d", 'a="b', 'a=b"c"', "a=b; c=d", 'a="\x00"', "a=b,a=c", "a=b,A=c", "a=\xfc"],
)
def test_anything_else_is_no_list_of_parameters(text: str) -> None:
    assert parse_params(text) is None


@pytest.mark.parametrize("text", ["abc", "abc=", "a+b/c-d.e_f~==", "0"])
def test_a_token68_is_recognised(text: str) -> None:
    assert is_token68(text)


@pytest.mark.parametrize("text", ["", "=", "a=b", "a b", "a,b", "\xfc", "a\n", "a\x00", '"a"', "a%20", "\u0661"])
def test_hdr_5_nothing_else_is_a_token68(text: str) -> None:
    assert not is_token68(text)


@given(LATIN_1)
def test_any_text_is_split_without_an_exception(text: str) -> None:
    authorization = parse_authorization(text)
    assert len(authorization.value) <= len(text)
    assert "," not in authorization.value or authorization.duplicate or authorization.params is not None


@given(LATIN_1, LATIN_1)
def test_two_credentials_are_never_read_as_one_token(first: str, second: str) -> None:
    joined = parse_authorization(f"{first},{second}")
    assert joined.duplicate or joined.params is not None
    assert not is_token68(joined.value)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_what_is_quoted_is_read_back(text: str) -> None:
    assert parse_params(f"a={quote(text)}") == (("a", text),)


@given(st.text())
def test_class_36_nothing_quoted_leaves_the_quotes(text: str) -> None:
    quoted = quote(text)
    assert quoted.isascii()
    assert quoted.isprintable()
    parsed = parse_params(f"a={quoted}")
    assert len(quoted) > MAX_CREDENTIAL_LENGTH - 2 or (parsed is not None and len(parsed) == 1)


@given(
    st.lists(
        st.tuples(st.text(TCHAR, min_size=1), st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))),
        min_size=1,
        max_size=5,
        unique_by=lambda param: param[0],
    )
)
def test_parameters_written_and_parsed_are_the_same(params: list[tuple[str, str]]) -> None:
    assert parse_params(write_params(tuple(params))) == tuple(params)


@given(st.text(st.characters(max_codepoint=255)))
def test_a_token_holds_token_characters_only(text: str) -> None:
    assert is_token(text) == (bool(text) and set(text.lower()) <= set(TCHAR))


@pytest.mark.parametrize(
    "text, quoted",
    [
        ("", '""'),
        ("a b", '"a b"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a\r\nb", '"a??b"'),
        ("\0\x1f\x7f", '"???"'),
    ],
)
def test_a_quoted_string_has_no_character_that_ends_it_or_the_line(text: str, quoted: str) -> None:
    assert quote(text) == quoted


@given(st.text(st.sampled_from("aZ09-._~+/= ,\n\xe9\ud800=="), max_size=8))
def test_a_token68_is_what_its_grammar_says(text: str) -> None:
    assert is_token68(text) is (re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", text) is not None)
