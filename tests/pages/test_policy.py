"""The policy of documents: everything that is not named is forbidden, and no source ends a directive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import ConfigurationError
from authmw.pages.policy import checked_origins, content_security_policy, is_origin


def test_what_is_not_named_is_forbidden() -> None:
    assert content_security_policy({}) == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "img-src" not in content_security_policy({"img-src": []})


@pytest.mark.parametrize("source", ["", "a b", "a;", "a,b", "a\nb", "é", "a\x00"])
def test_a_source_that_ends_a_directive_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="a source of a policy"):
        content_security_policy({"img-src": ["'self'", source]})
    with pytest.raises(ValueError, match="a source of a policy"):
        content_security_policy({}, form_action=[source])


@given(st.text())
def test_an_origin_can_be_a_source(text: str) -> None:
    if is_origin(text):
        assert content_security_policy({"img-src": [text]}).split("; ")[1] == f"img-src {text}"


def test_all_wrong_origins_are_named() -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked_origins(["https://a.example", "https://b.example/", "c.example"], "connect")
    assert refused.value.mistakes == (
        "connect='https://b.example/' is no origin: write \"https://id.example\"",
        "connect='c.example' is no origin: write \"https://id.example\"",
    )
    assert checked_origins("https://a.example", "connect") == ("https://a.example",)
