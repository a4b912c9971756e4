"""`Look`: the few values by which an application gives the pages its name, colour and logo."""

from __future__ import annotations

import re
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
        accent: the colour of buttons, links and the focus ring, as ``#rrggbb``. Any colour will do: where it would
            contrast too little, a darker or a lighter one is used (WCAG 2.2 §1.4.3 and §1.4.11).
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
        mistakes = [*self._in_name(), *self._in_form(), *self._in_urls()]
        if mistakes:
            raise ConfigurationError(*mistakes)

    @property
    def logo_source(self) -> str:
        """What the policy has to allow for the logo; empty without one."""
        return "" if not self.logo else "data:" if self.logo.startswith("data:") else "'self'"

    def _in_name(self) -> list[str]:
        if not isinstance(self.name, str) or len(self.name) > MAX_NAME:
            return [f"name={self.name!r} is no name of up to {MAX_NAME} characters"]
        if visible(self.name) != self.name or self.name != " ".join(self.name.split()):
            return [f"name={self.name!r} contains a line break, spaces in a row, or what cannot be shown: leave it out"]
        return []

    def _in_form(self) -> list[str]:
        mistakes: list[str] = []
        if not isinstance(self.accent, str) or parsed(self.accent) is None:
            mistakes.append(f'accent={self.accent!r} is no colour: write accent="#0b6e4f"')
        if type(self.radius) is not int or not 0 <= self.radius <= MAX_RADIUS:
            mistakes.append(f"radius={self.radius!r} is no number of pixels from 0 to {MAX_RADIUS}: write radius=10")
        return mistakes

    def _in_urls(self) -> list[str]:
        mistakes = [
            f'{name}={url!r} is no URL: write {name}="/{name}" or {name}="https://shop.example/{name}"'
            for name, url in (("imprint", self.imprint), ("privacy", self.privacy))
            if url and not is_link(url)
        ]
        if self.logo and not _is_logo(self.logo):
            mistakes.append(
                'logo=... is neither a path of this origin, as "/static/logo.svg", nor a data: URL of an image in '
                f"base64 with up to {MAX_LOGO} characters: other hosts would learn who logs in"
            )
        return mistakes


def is_link(url: object) -> bool:
    """Whether a page may link to `url`: a relative one of its own origin, or one with http or https.

    >>> is_link("/login?next=%2F"), is_link("javascript:alert(1)"), is_link("//other.example")
    (True, False, False)
    """
    return isinstance(url, str) and (_RELATIVE.fullmatch(url) is not None or _ABSOLUTE.fullmatch(url) is not None)


def _is_logo(url: object) -> bool:
    if not isinstance(url, str) or len(url) > MAX_LOGO:
        return False
    return _PATH.fullmatch(url) is not None or _DATA.fullmatch(url) is not None
