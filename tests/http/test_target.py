"""The parts of a request target: limits of what counts as canonical, and the names in a query."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.http.target import is_canonical, is_canonical_once_decoded, path_of, query_fields, query_values

LONGEST = 8 * 1024


def test_a_path_is_canonical_up_to_eight_kibibytes() -> None:
    longest = "/" + "a" * (LONGEST - 1)
    assert is_canonical(longest)
    assert not is_canonical(longest + "a")
    assert is_canonical_once_decoded(longest.encode(), None)
    assert not is_canonical_once_decoded(longest.encode() + b"a", None)


def test_a_path_may_be_written_in_escapes_all_of_it() -> None:
    raw = "/" + "%41" * (LONGEST - 1)
    assert is_canonical_once_decoded(b"/" + b"A" * (LONGEST - 1), raw)
    assert not is_canonical_once_decoded(b"/" + b"A" * LONGEST, raw + "%41")


ESCAPED = ["key", "k%65y", "%6bey", "%6Bey", "%6b%65%79", "%6B%65%79"]


@pytest.mark.parametrize("first", ESCAPED)
@pytest.mark.parametrize("second", ESCAPED)
def test_two_spellings_of_one_name_are_two_values(first: str, second: str) -> None:
    assert query_values(f"{first}=a&other=b&{second}=c", "key") == ("a", "c")


@pytest.mark.parametrize("other", ["ke", "keyy", "Key", "%6b%65", "%6b%65%79%79", "%256bey", "k%65%", "k%6", "%6gey"])
def test_another_name_is_no_spelling_of_it(other: str) -> None:
    assert query_values(f"{other}=a", "key") == ()


@given(
    st.lists(
        st.tuples(st.sampled_from([*ESCAPED, "ke", "keyy", "%79"]), st.sampled_from(["", "a", "%61", "a+b", "%"]))
    ),
)
def test_the_values_are_those_of_the_standard_library(fields: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in fields)
    expected = tuple(v for k, v in parse_qsl(query, keep_blank_values=True, encoding="latin-1") if k == "key")
    assert query_values(query, "key") == expected
    found = [field for field in query_fields(query) if any(field)]
    assert found == [field for field in parse_qsl(query, keep_blank_values=True, encoding="latin-1") if any(field)]


def test_a_query_is_searched_up_to_a_limit() -> None:
    fields = "&".join(["x=y"] * 999)
    assert query_values(f"{fields}&key=a", "key") == ("a",)
    with pytest.raises(ValueError, match="1000 fields"):
        query_values(f"x=y&{fields}&key=a", "key")
    longest = "key=" + "a" * (64 * 1024 - 4)
    assert query_values(longest, "key") == ("a" * (64 * 1024 - 4),)
    with pytest.raises(ValueError, match="64 KiB"):
        query_values(longest + "a", "key")
    assert query_values("x=y&" * 5000, "key") == ()
    assert len(query_fields(f"{fields}&x=y")) == 1000
    with pytest.raises(ValueError, match="1000 fields"):
        query_fields(f"x=y&{fields}&x=y")


@pytest.mark.parametrize(
    "target, path",
    [
        ("/a?b?c", "/a"),
        ("HTTP://API.example/a?b", "/a"),
        ("https://api.example:8443/a", "/a"),
        ("https://api.example", ""),
        ("https://api.example?x", ""),
        ("ftp://api.example/a", "ftp://api.example/a"),
        ("http:///a", "http:///a"),
        ("http://a#b/c", "http://a#b/c"),
        ("x/http://api.example/a", "x/http://api.example/a"),
        ("*", "*"),
        ("", ""),
    ],
)
def test_the_path_of_a_target_is_as_it_was_written(target: str, path: str) -> None:
    assert path_of(target) == path
