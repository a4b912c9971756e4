"""A look is refused when it is made, with all of its mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import ConfigurationError
from authmw.pages import LoginPage, Look, render
from authmw.pages.look import MAX_LOGO, MAX_NAME
from tests.pages.parsing import Parsed
from tests.pages.samples import LOGO

PAGE = LoginPage(action="/login", form_token="f")


@pytest.mark.parametrize(
    "values",
    [
        {"name": "Corner Shop & Söhne <3"},
        {"name": "x" * MAX_NAME},
        {"accent": "#fff"},
        {"accent": "#00FF00"},
        {"radius": 0},
        {"radius": 24},
        {"logo": "/static/logo.svg?v=2"},
        {"logo": LOGO},
        {"logo": "data:image/png;base64," + "A" * (MAX_LOGO - len("data:image/png;base64,"))},
        {"imprint": "/imprint", "privacy": "https://shop.example/privacy"},
    ],
    ids=str,
)
def test_a_look_that_is_taken_makes_a_page(values: dict[str, Any]) -> None:
    Parsed(render(PAGE, Look(**values)).content)


@pytest.mark.parametrize(
    "values",
    [
        {"name": "x" * (MAX_NAME + 1)},
        {"name": "Shop\r\nBcc: all"},
        {"name": " Shop"},
        {"name": "Shop\u202e"},
        {"name": "\ud800"},
        {"name": None},
        {"accent": "red"},
        {"accent": "#12345"},
        {"accent": "#1f5fbf;}"},
        {"accent": 0},
        {"radius": -1},
        {"radius": 25},
        {"radius": 1.5},
        {"radius": True},
        {"radius": "10px"},
        {"logo": "https://cdn.example/logo.svg"},
        {"logo": "//cdn.example/logo.svg"},
        {"logo": "/\\cdn.example/logo.svg"},
        {"logo": "data:text/html;base64,AAAA"},
        {"logo": "data:image/png;base64,AA\nAA"},
        {"logo": "data:image/png;base64," + "A" * MAX_LOGO},
        {"imprint": "javascript:alert(1)"},
        {"privacy": "//other.example"},
    ],
    ids=lambda values: str(values)[:60].encode("unicode_escape").decode(),
)
def test_a_wrong_value_is_refused(values: dict[str, Any]) -> None:
    (name,) = values
    with pytest.raises(ConfigurationError, match=f"^{name}="):
        Look(**values)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Look("a\nb", accent="red", radius=99, logo="logo", imprint="a b", privacy="a b")
    assert len(refused.value.mistakes) == 6


def test_the_name_is_escaped_and_the_colour_and_the_radius_are_in_the_style_sheet() -> None:
    parsed = Parsed(render(PAGE, Look("<b>Shop</b>", accent="#1a5fb4", radius=3)).content)
    assert parsed.one("header").text == "<b>Shop</b>"
    assert parsed.all("b") == []
    assert "--accent:#1a5fb4;" in parsed.one("style").text
    assert "--radius:3px;" in parsed.one("style").text


def test_a_page_without_a_look_has_the_usual_one() -> None:
    assert render(PAGE) == render(PAGE, Look(accent="#1f5fbf", radius=10))
    parsed = Parsed(render(PAGE, Look(logo=LOGO)).content)
    assert (len(parsed.one("header").text), parsed.one("img").attributes["alt"]) == (0, "")
    assert parsed.all("span") == []
