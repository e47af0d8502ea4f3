"""What is written in a colour can be read on every ground that it stands on (WCAG 2.2, contrast of at least 4.5)."""

import pytest

from office31_cli.recipes.report import palette
from office31_cli.recipes.report.html.confusion import _STRONGEST

Colour = tuple[float, ...]


def colour(text: str) -> Colour:
    return tuple(int(text[place : place + 2], 16) / 255 for place in (1, 3, 5))


def luminance(shown: Colour) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in shown]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "soft", *palette.SERIES])
@pytest.mark.parametrize("ground", ["paper", "ground"])
def test_text_of_every_colour_can_be_read(theme: dict[str, str], name: str, ground: str) -> None:
    assert contrast(colour(theme[name]), colour(theme[ground])) >= 4.5


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["blue", "vermillion"])
def test_numbers_can_be_read_on_the_strongest_square(theme: dict[str, str], name: str) -> None:
    square, ground = colour(theme[name]), colour(theme["ground"])
    mixed = tuple(_STRONGEST * a + (1 - _STRONGEST) * b for a, b in zip(square, ground, strict=True))
    assert contrast(colour(theme["ink"]), mixed) >= 4.5


def test_both_themes_have_the_same_colours() -> None:
    assert palette.LIGHT.keys() == palette.DARK.keys()
    assert set(palette.SERIES) < set(palette.LIGHT)
