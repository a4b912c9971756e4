"""The forms that clients post."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authmw.errors import Overloaded, StoreUnavailable
from authmw.flow.flow import run
from authmw.http.form import BadForm, Form, parse_form
from authmw.http.request import WSGIRequest
from authmw.oauth2.form import read_form
from authmw.oauth2.reply import OAuthError
from tests.oauth2.asking import FORM


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
@example({"resource": "0", "scope": "a"})
def test_what_was_encoded_is_read_again(parameters: dict[str, str]) -> None:
    form = parse_form(urlencode(parameters).encode())
    if any("\0" in text for pair in parameters.items() for text in pair):
        assert isinstance(form, BadForm)
    else:
        assert isinstance(form, Form)
        assert form.resources == {value for name, value in parameters.items() if name == "resource"}
        parameters.pop("resource", None)
        assert {name: form.get(name) for name in parameters} == parameters


@given(st.binary())
def test_g7_any_bytes_are_a_form_or_an_invalid_request(body: bytes) -> None:
    form = parse_form(body)
    assert isinstance(form, Form) or form.status == 400


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


def posted(body: bytes, content_type: str | None = FORM) -> Form | OAuthError:
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
    return run(read_form(WSGIRequest({**environ, **({"CONTENT_TYPE": content_type} if content_type else {})})))


@pytest.mark.parametrize(
    "content_type", [FORM, FORM.upper(), f"{FORM};charset=utf-8", f" {FORM} ; charset=UTF-8", f"{FORM};"]
)
def test_the_media_type_is_compared_without_its_parameters_and_case(content_type: str) -> None:
    form = posted(b"a=1", content_type)
    assert isinstance(form, Form)
    assert form.get("a") == "1"


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/json", f"x{FORM}", f"{FORM}x", f"a/b;{FORM}"]
)
def test_what_is_of_another_media_type_is_no_form(content_type: str | None) -> None:
    refused = posted(b"a=1", content_type)
    assert isinstance(refused, OAuthError)
    assert (refused.status, refused.description) == (400, f"The body has to be {FORM}.")


def test_a_body_over_64_kib_is_413_and_one_that_is_cut_off_is_no_form() -> None:
    refused = posted(b"a=" + b"1" * 65_535)
    assert isinstance(refused, OAuthError)
    assert (refused.status, refused.error) == (413, "invalid_request")
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM, "CONTENT_LENGTH": "9", "wsgi.input": BytesIO(b"a=1")}
    cut = run(read_form(WSGIRequest(environ)))
    assert isinstance(cut, OAuthError)
    assert (cut.status, cut.description) == (400, "The body is not complete.")


@pytest.mark.parametrize(
    "body", [b"a=%zz", b"%zz=a", b"a=%f", b"a=%ff", b"%ff=a", b"\xff=a", b"a=\xc3\xa9", b"a=%00", b"%00=a", b"b=1&a=%"]
)
def test_g7_what_is_not_well_formed_is_an_invalid_request(body: bytes) -> None:
    refused = parse_form(body)
    assert isinstance(refused, BadForm)
    assert (refused.status, refused.description) == (400, "The body is not well-formed.")


@pytest.mark.parametrize("body", [b"a=1&a=1", b"a=1&a=2", b"a=&a=1", b"a=1&a=", b"a&a", b"%61=1&a=2", b"a=1&b=2&a=3"])
def test_g7_a_parameter_that_comes_twice_is_an_invalid_request_also_when_one_is_empty(body: bytes) -> None:
    refused = parse_form(body)
    assert isinstance(refused, BadForm)
    assert (refused.status, refused.description) == (400, "A parameter is there more than once.")


def test_a_parameter_without_a_value_counts_as_absent() -> None:
    form = parse_form(b"&a=1&&b=&c&d=x+y%2B&")
    assert isinstance(form, Form)
    assert {name: form.get(name) for name in "abcd"} == {"a": "1", "b": None, "c": None, "d": "x y+"}
    assert [name in form for name in "abcd"] == [True, False, False, True]


def test_several_resources_may_be_named() -> None:
    form = parse_form(b"resource=a&resource=b&resource=&resource=a&scope=x")
    assert isinstance(form, Form)
    assert form.resources == {"a", "b"}
    assert "resource" not in form
    assert Form({}).resources == frozenset()
