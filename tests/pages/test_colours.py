"""Every text contrasts with what is behind it, in both schemes, whatever the accent."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authmw.pages.colours import SHAPE, TEXT, Colour, Palette, contrast, palettes, parsed

BLACK_ON = [("ink", "page"), ("ink", "card"), ("quiet", "page"), ("quiet", "card"), ("danger", "danger_ground")]
PAIRS = [
    *BLACK_ON,
    *(("link", "page"), ("link", "card"), ("on_accent", "accent"), ("on_accent", "accent_hover")),
]
"""Text, and what is behind it."""
SHAPES = [("edge", "card"), ("accent_edge", "card"), ("accent_edge", "page"), ("link", "card"), ("danger", "card")]
"""The border of a field, the button, the ring of the focus and the border of a problem, and what is behind them."""
channel = st.integers(0, 255)


def of(palette: Palette, name: str) -> Colour:
    found = parsed(getattr(palette, name))
    assert found is not None
    return found


@given(st.tuples(channel, channel, channel))
@example((0, 0, 0))
@example((255, 255, 255))
@example((118, 118, 118))
@example((255, 255, 0))
@example((0, 0, 255))
def test_any_accent_makes_palettes_that_can_be_read(accent: Colour) -> None:
    for palette in palettes(accent):
        for text, ground in PAIRS:
            assert contrast(of(palette, text), of(palette, ground)) >= TEXT, (text, ground, palette)
        for edge, ground in SHAPES:
            assert contrast(of(palette, edge), of(palette, ground)) >= SHAPE, (edge, ground, palette)


def test_an_accent_that_contrasts_enough_stays_as_it_is() -> None:
    light, _ = palettes((26, 95, 180))
    assert light.accent == light.accent_edge == light.link == "#1a5fb4"
    assert light.on_accent == "#ffffff"


def test_a_light_accent_gets_black_text_and_on_white_a_darker_border() -> None:
    light, dark = palettes((255, 255, 0))
    assert (light.accent, light.on_accent, dark.accent, dark.on_accent) == ("#ffff00", "#000000") * 2
    assert light.accent_edge != "#ffff00"
    assert dark.accent_edge == "#ffff00"


# WCAG 2.2 names #767676 as the lightest grey that white can stand beside.
@pytest.mark.parametrize(
    "one, other, ratio", [("#000", "#fff", 21.0), ("#767676", "#ffffff", 4.54), ("#fff", "#fff", 1.0)]
)
def test_contrast_is_that_of_the_guidelines(one: str, other: str, ratio: float) -> None:
    first, second = parsed(one), parsed(other)
    assert first is not None
    assert second is not None
    assert round(contrast(first, second), 2) == round(contrast(second, first), 2) == ratio


def test_the_least_contrasts_are_those_of_the_guidelines() -> None:
    assert (TEXT, SHAPE) == (4.5, 3.0)
    # 1 / 255 / 12.92, the straight part of the curve.
    assert round(contrast((1, 1, 1), (0, 0, 0)), 4) == 1.0061
