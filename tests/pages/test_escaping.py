"""Text of others never becomes markup, whatever it is, and never keeps a page from being made."""

from __future__ import annotations

import html
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.pages import LANGUAGES, Page, SessionEntry, SessionsPage, render, texts_of
from authmw.pages.escaping import escaped, visible
from authmw.pages.markup import element, sentence
from tests.pages.parsing import Parsed
from tests.pages.samples import LOOK, NOW, PAGES

HOSTILE = (
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</title><script>",
    "</style><script>",
    "<!--",
    "]]>",
    "&lt;&#x3c;&NotEqualTilde;",
    "a\x00b\x1b[31m",
    "alice\u202egnp.exe\u2066\u2069",
    "\ud800\udfff",
    "\ufffe\uffff\U0001ffff",
    "{username}{time}{n}{0}{__class__}",
    "x" * 10_000,
    "é" * 10_000,
    "\r\nSet-Cookie: a=b",
)
hostile = st.one_of(st.sampled_from(HOSTILE), st.text(), st.text(st.characters(), max_size=20))
"""Also surrogates: `characters` has them."""


def with_text(page: Page, text: str) -> Page:
    """The page with `text` in each of its fields that is a string."""
    strings = {each.name: text for each in fields(page) if isinstance(getattr(page, each.name), str)}
    if isinstance(page, SessionsPage):
        entry = SessionEntry(id=text, name=text, started_at=NOW, last_used_at=NOW)
        return replace(page, entries=(entry,), **strings)  # type: ignore[arg-type]
    return replace(page, **strings)  # type: ignore[arg-type]


def shape(content: bytes) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a page with the names of their attributes, without the values and the text."""
    return [(each.name, tuple(each.attributes)) for each in Parsed(content).elements]


@given(text=hostile, name=st.sampled_from(sorted(PAGES)), language=st.sampled_from(LANGUAGES))
def test_no_value_changes_what_elements_a_page_has(text: str, name: str, language: str) -> None:
    texts = texts_of(language)
    # "x" is as empty or not as the text, and as good or bad a link.
    harmless = with_text(PAGES[name], "" if not text else "x" if _is_link(text) else "a b")
    made = render(with_text(PAGES[name], text), LOOK, texts=texts).content
    assert shape(made) == shape(render(harmless, LOOK, texts=texts).content)


def _is_link(text: str) -> bool:
    from authmw.pages.look import is_link

    return is_link(text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_filled_in_comes_back_as_it_was_where_it_can_be_shown(text: str) -> None:
    fields = Parsed(render(with_text(PAGES["login"], text), LOOK).content).fields
    # The parser of a page reads CR LF as LF (HTML Standard §13.2.3.5); this one does not.
    assert fields["username"] == fields["next"] == fields["csrf_token"] == visible(text)


@given(st.text(st.characters()))
def test_escaped_text_can_be_encoded_and_is_read_as_the_text(text: str) -> None:
    made = escaped(text)
    made.encode()
    assert not set("<>\"'") & set(made)
    assert html.unescape(made) == visible(text)


@pytest.mark.parametrize("character", "\x00\x08\x0b\x1f\x7f\x9f\u202a\u202e\u2066\u2069\ud800\udfff\ufdd0\uffff")
def test_what_cannot_be_shown_is_replaced(character: str) -> None:
    assert visible(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize("character", "\t\n\r ~\xa0é中\u200e\u200f\u061c\U0001f511")
def test_what_can_be_shown_stays(character: str) -> None:
    assert visible(character) == character


def test_a_long_name_is_cut_where_it_is_shown_and_not_where_it_is_sent() -> None:
    again = with_text(PAGES["login-again"], "x" * 10_000)
    parsed = Parsed(render(again).content)
    assert len(parsed.one("bdi").text) == 100
    assert len(parsed.fields["username"]) == 10_000


def test_a_value_is_not_filled_in_twice() -> None:
    assert sentence("{a} and {b}", a="{b}", b="{a}").text == "{b} and {a}"
    assert sentence("{a} {unknown}", a=element("b", "<")).text == "<b>&lt;</b> {unknown}"


def test_a_number_is_an_attribute_also_when_it_is_zero() -> None:
    values: dict[str, Any] = {"a_": 0, "b_c": True, "d": False, "e": None}
    assert element("p", **values).text == '<p a="0" b-c></p>'
