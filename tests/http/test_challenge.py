"""Challenges: written, and read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.http.challenge import Challenge, parse_challenges

TOKENS = st.text("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
PARAMS = st.lists(st.tuples(TOKENS, VALUES), min_size=1, max_size=4, unique_by=lambda param: param[0]).map(tuple)
TOKEN68 = st.from_regex(r"[A-Za-z0-9._~+/-]{1,12}={0,2}", fullmatch=True)
CHALLENGES = st.one_of(
    st.builds(Challenge, TOKENS),
    st.builds(Challenge, TOKENS, PARAMS),
    st.builds(Challenge, TOKENS, token68=TOKEN68),
)


@given(st.lists(CHALLENGES, min_size=1, max_size=4))
def test_challenges_written_and_parsed_are_the_same(challenges: list[Challenge]) -> None:
    text = ", ".join(map(str, challenges))
    assert parse_challenges(text) == tuple(challenges)


@pytest.mark.slow
@given(st.text(st.characters(max_codepoint=255), max_size=100))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        challenges = parse_challenges(text)
    except ValueError:
        return
    assert all(challenge.scheme for challenge in challenges)


@given(st.text(), st.text())
def test_class_36_no_parameter_can_end_the_header(realm: str, error: str) -> None:
    text = str(Challenge("Bearer", (("realm", realm), ("error", error))))
    assert text.isprintable()
    assert text.isascii()
    (challenge,) = parse_challenges(text)
    assert [name for name, _ in challenge.params] == ["realm", "error"]


@pytest.mark.parametrize(
    "text, schemes",
    [
        # RFC 9110 §11.6.1
        ('Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""', ["Basic", "Newauth"]),
        # RFC 6750 §3
        ('Bearer realm="example"', ["Bearer"]),
        ('Bearer realm="example", error="invalid_token", error_description="The access token expired"', ["Bearer"]),
        ("Negotiate", ["Negotiate"]),
        ("Negotiate, Basic realm=x", ["Negotiate", "Basic"]),
        ("Negotiate YWJj==, Basic realm = x", ["Negotiate", "Basic"]),
        ('Basic realm="a, Bearer b"', ["Basic"]),
    ],
)
def test_the_examples_of_the_rfcs_are_read(text: str, schemes: list[str]) -> None:
    assert [challenge.scheme for challenge in parse_challenges(text)] == schemes


@pytest.mark.parametrize("text", ['realm="x"', "Basic a b", 'Basic realm="x', "Basic realm=x realm=y", '"Basic" a=b'])
def test_what_is_no_challenge_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"challenge|parameter"):
        parse_challenges(text)


def test_a_parameter_is_found_by_its_name() -> None:
    assert Challenge("Basic", (("realm", "orders"), ("charset", "UTF-8")))["charset"] == "UTF-8"


def test_space_around_the_parts_of_challenges_belongs_to_none() -> None:
    text = 'Negotiate ,  Bearer  \t realm="a" ,\terror="b" \t, NTLM \t  TlRMTVNTUAAB=  '
    negotiate, bearer, ntlm = parse_challenges(text)
    assert (negotiate.scheme, negotiate.params, negotiate.token68) == ("Negotiate", (), "")
    assert (bearer.scheme, bearer["realm"], bearer["error"]) == ("Bearer", "a", "b")
    assert (ntlm.scheme, ntlm.token68) == ("NTLM", "TlRMTVNTUAAB=")


@pytest.mark.parametrize("text", ['realm="a"', '="a"', 'Bearer realm="a", =b', "a@b c", 'Bearer realm="a'])
def test_what_is_no_list_of_challenges_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"challenge|scheme"):
        parse_challenges(text)
