"""The forms that clients post."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.errors import Overloaded, StoreUnavailable
from authmw.flow.flow import run
from authmw.http.request import WSGIRequest
from authmw.oauth2.form import Form, parse_form, read_form
from authmw.oauth2.reply import OAuthError
from tests.oauth2.asking import FORM


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_what_was_encoded_is_read_again(parameters: dict[str, str]) -> None:
    form = parse_form(urlencode(parameters).encode())
    if any("\0" in text for pair in parameters.items() for text in pair):
        assert isinstance(form, OAuthError)
    else:
        assert isinstance(form, Form)
        assert {name: form.get(name) for name in parameters} == parameters


@given(st.binary())
def test_g7_any_bytes_are_a_form_or_an_invalid_request(body: bytes) -> None:
    form = parse_form(body)
    assert isinstance(form, Form) or (form.status, form.error) == (400, "invalid_request")


def test_tok_3_a_form_shows_its_names_only() -> None:
    assert repr(parse_form(b"password=secret&username=alice")) == "Form(['password', 'username'])"


class Broken:
    """A body that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, _: int) -> bytes:
        raise self._error


@pytest.mark.parametrize("error", [OSError("reset"), Overloaded("full")], ids=["reset", "overloaded"])
def test_a_body_that_cannot_be_read_is_no_form(error: Exception) -> None:
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM, "CONTENT_LENGTH": "5"}
    request = WSGIRequest({**environ, "wsgi.input": Broken(error)})
    with pytest.raises((StoreUnavailable, Overloaded)):
        run(read_form(request))


def test_g4_a_form_is_posted() -> None:
    refused = run(read_form(WSGIRequest({"REQUEST_METHOD": "GET", "QUERY_STRING": "token=x"})))
    assert isinstance(refused, OAuthError)
    assert (refused.status, refused.headers) == (405, (("Allow", "POST"),))
