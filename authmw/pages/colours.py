"""Colours of the pages: contrast (WCAG 2.2 §1.4.3, §1.4.11), and a palette for light and dark that fits an accent.

Any accent fits: text on it is white or black, so that it can be read, and where the accent itself is drawn on a
background, as a border, a link or the ring of the focus, it is made darker or lighter until it contrasts enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

Colour = tuple[int, int, int]
"""Red, green and blue, each from 0 to 255."""

TEXT: Final = 4.5
"""The least contrast of text (WCAG 2.2 §1.4.3)."""
SHAPE: Final = 3.0
"""The least contrast of the border of a field, of a button and of the focus ring (WCAG 2.2 §1.4.11)."""

BLACK: Final[Colour] = (0, 0, 0)
WHITE: Final[Colour] = (255, 255, 255)
_HEXADECIMAL: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_STEPS: Final = 100


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one scheme, as CSS writes them.

    Args:
        page: behind the card.
        card: behind the text.
        ink: of text.
        quiet: of text that matters less.
        line: between parts. It tells nothing.
        edge: of fields and of plain buttons.
        accent: of the button, as it was given.
        accent_edge: of the border of the button.
        accent_hover: of the button below the pointer.
        on_accent: of the text of the button.
        link: of links and of the focus ring.
        danger: of problems.
        danger_ground: behind problems.
    """

    page: str
    card: str
    ink: str
    quiet: str
    line: str
    edge: str
    accent: str
    accent_edge: str
    accent_hover: str
    on_accent: str
    link: str
    danger: str
    danger_ground: str


def parsed(colour: str) -> Colour | None:
    """The colour that is written as ``#rgb`` or ``#rrggbb``; None for anything else.

    >>> parsed("#fff"), parsed("#0b6e4f"), parsed("red")
    ((255, 255, 255), (11, 110, 79), None)
    """
    if _HEXADECIMAL.fullmatch(colour) is None:
        return None
    digits = colour[1:] if len(colour) == len("#rrggbb") else "".join(digit * 2 for digit in colour[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").

    >>> contrast(BLACK, WHITE)
    21.0
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=64)
def palettes(accent: Colour) -> tuple[Palette, Palette]:
    """The palettes for light and for dark that fit `accent`."""
    return _palette(_LIGHT, accent), _palette(_DARK, accent)


@dataclass(frozen=True, slots=True)
class _Scheme:
    page: str
    card: str
    ink: str
    quiet: str
    line: str
    edge: str
    danger: str
    danger_ground: str
    towards: Colour
    """What the accent is mixed with, to contrast more."""


_LIGHT: Final = _Scheme(
    page="#f3f4f6",
    card="#ffffff",
    ink="#1b1f24",
    quiet="#59626d",
    line="#e1e4e8",
    edge="#868f9a",
    danger="#a51d1d",
    danger_ground="#fdf1f0",
    towards=BLACK,
)
_DARK: Final = _Scheme(
    page="#121518",
    card="#1b1f23",
    ink="#e8ebee",
    quiet="#a2abb5",
    line="#31373e",
    edge="#707a85",
    danger="#ffb3ab",
    danger_ground="#33191a",
    towards=WHITE,
)


def _palette(scheme: _Scheme, accent: Colour) -> Palette:
    grounds = [_known(scheme.page), _known(scheme.card)]
    link = _mixed_until(accent, scheme.towards, grounds, TEXT)
    edge = _mixed_until(accent, scheme.towards, grounds, SHAPE)
    label = WHITE if contrast(WHITE, accent) >= TEXT else BLACK  # one of the two always contrasts enough
    hover = _mixed(accent, BLACK if label == WHITE else WHITE, 0.14)
    return Palette(
        page=scheme.page,
        card=scheme.card,
        ink=scheme.ink,
        quiet=scheme.quiet,
        line=scheme.line,
        edge=scheme.edge,
        accent=_written(accent),
        accent_edge=_written(edge),
        accent_hover=_written(hover),
        on_accent=_written(label),
        link=_written(link),
        danger=scheme.danger,
        danger_ground=scheme.danger_ground,
    )


def _mixed_until(colour: Colour, towards: Colour, grounds: list[Colour], least: float) -> Colour:
    """The colour nearest to `colour`, on the way to `towards`, that contrasts with each of `grounds`."""
    way = (_mixed(colour, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(each for each in way if all(contrast(each, ground) >= least for ground in grounds))


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _luminance(colour: Colour) -> float:
    """The relative luminance (WCAG 2.2, "relative luminance")."""
    shares = (channel / 255 for channel in colour)
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _known(colour: str) -> Colour:
    """A colour of this file."""
    found = parsed(colour)
    if found is None:
        raise ValueError(f"{colour} is no colour")
    return found


def _written(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
