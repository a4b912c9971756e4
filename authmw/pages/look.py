"""`Look`: the few values by which an application gives the pages its name, colour and logo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from authmw.errors import ConfigurationError, explains_arguments
from authmw.pages.colours import parsed
from authmw.pages.escaping import visible

MAX_NAME: Final = 80
"""The longest name of an application, in characters."""
MAX_RADIUS: Final = 24
MAX_LOGO: Final = 64 * 1024
"""The longest ``data:`` URL of a logo, in characters: it is in every page."""

_DATA: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")
# Neither white space nor quotes nor a backslash, which browsers read as a slash (WHATWG URL §4.4).
_CHARACTERS: Final = r"[!#-;=?-\[\]_a-z~]"
_PATH: Final = re.compile(rf"/(?!/){_CHARACTERS}*")  # "//host" is another origin
_RELATIVE: Final = re.compile(rf"(?!//|[^/?#]*:){_CHARACTERS}+")  # a colon in the first segment ends a scheme
_ABSOLUTE: Final = re.compile(rf"https?://{_CHARACTERS}+")


@explains_arguments('Look("Shop", accent="#0b6e4f")')
@dataclass(frozen=True, slots=True)
class Look:
    """The look of the pages.

    Args:
        name: of the application, above each page and in its title; empty for none.
        accent: the colour of buttons, links and the focus ring, as ``#rrggbb``. Any colour will do: text on it is white
            or black, and links and borders are darker or lighter where it would contrast too little (WCAG 2.2 §1.4.3,
            §1.4.11).
        radius: of corners, in pixels, from 0 to 24.
        logo: an image above each page: a path of this origin, as ``/static/logo.svg``, or a ``data:`` URL in base64.
            `name` stands beside it.
        imprint: the URL of the legal notice; empty for none.
        privacy: the URL of the privacy policy; empty for none.

    Raises:
        ConfigurationError: a value is none of those. The message names all mistakes.

    >>> Look("Shop", accent="green")
    Traceback (most recent call last):
    authmw.errors.ConfigurationError: accent='green' is no colour: write accent="#0b6e4f"
    """

    name: str = ""
    accent: str = "#1f5fbf"
    radius: int = 10
    logo: str = ""
    imprint: str = ""
    privacy: str = ""

    def __post_init__(self) -> None:
        mistakes = [
            *_in_name(self.name),
            *_in_form(self.accent, self.radius),
            *_in_link("imprint", self.imprint),
            *_in_link("privacy", self.privacy),
            *_in_logo(self.logo),
        ]
        if mistakes:
            raise ConfigurationError(*mistakes)

    @property
    def image_sources(self) -> tuple[str, ...]:
        """What the policy has to allow for the logo; nothing without one."""
        if not self.logo:
            return ()
        return ("data:",) if self.logo.startswith("data:") else ("'self'",)


def is_link(url: object) -> bool:
    """Whether a page may link to `url`: a relative one of its own origin, or one with http or https.

    >>> is_link("/login?next=%2F"), is_link("javascript:alert(1)"), is_link("//other.example")
    (True, False, False)
    """
    return isinstance(url, str) and (_RELATIVE.fullmatch(url) is not None or _ABSOLUTE.fullmatch(url) is not None)


def _in_name(name: object) -> Iterator[str]:
    if not isinstance(name, str) or len(name) > MAX_NAME:
        yield f"name={name!r} is no name of up to {MAX_NAME} characters"
    elif visible(name) != name or name != " ".join(name.split()):
        yield f"name={name!r} contains a line break, spaces in a row, or what cannot be shown: leave it out"


def _in_form(accent: object, radius: object) -> Iterator[str]:
    if not isinstance(accent, str) or parsed(accent) is None:
        yield f'accent={accent!r} is no colour: write accent="#0b6e4f"'
    if type(radius) is not int or not 0 <= radius <= MAX_RADIUS:
        yield f"radius={radius!r} is no number of pixels from 0 to {MAX_RADIUS}: write radius=10"


def _in_link(name: str, url: object) -> Iterator[str]:
    if url != "" and not is_link(url):
        yield f'{name}={url!r} is no URL: write {name}="/{name}" or {name}="https://shop.example/{name}"'


def _in_logo(logo: object) -> Iterator[str]:
    text = logo if isinstance(logo, str) and len(logo) <= MAX_LOGO else None
    if text is None or not (text == "" or _PATH.fullmatch(text) or _DATA.fullmatch(text)):
        yield (
            'logo=... is neither a path of this origin, as "/static/logo.svg", nor a data: URL of an image in base64 '
            f"with up to {MAX_LOGO} characters: other hosts would learn who logs in"
        )
