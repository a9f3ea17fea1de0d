"""What can be said of the style without a browser: whether words stand out from their ground."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import product

import pytest

STYLE = files("ui.page").joinpath("static/page.css").read_text(encoding="utf-8")
GROUNDS = ("ground", "paper", "soft", "mine", "ours")
PAIRS = (
    *product(("ink", "quiet", "accent", "alarm", "care"), GROUNDS),
    *product(("ink",), ("mark", "tone", "alarm-soft", "care-soft")),
    ("alarm", "alarm-soft"),
    ("care", "care-soft"),
    ("on-accent", "accent"),
)
DRAWN = ("joy", "love", "surprise", "cognitive", "neutral", "other", "anger", "fear", "sadness", "focus")


def _colours(of: str) -> dict[str, str]:
    block = re.search(rf"^{re.escape(of)} \{{(.*?)^\}}", STYLE, re.DOTALL | re.MULTILINE)
    assert block is not None
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block[1]))


def _luminance(colour: str) -> float:
    """As WCAG 2.2 reckons it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("light", [":root", ".dark"], ids=["light", "dark"])
def test_that_words_and_what_is_drawn_stand_out_from_their_ground(light: str):
    colours = _colours(light)
    faint = [(words, ground) for words, ground in PAIRS if _contrast(colours[words], colours[ground]) < 4.5]
    faint += [(drawn, "paper") for drawn in DRAWN if _contrast(colours[drawn], colours["paper"]) < 3]
    assert faint == []


def test_that_no_words_are_made_faint():
    faint = re.findall(r"^([^{}@]+)\{[^{}]*\bopacity: ([0-9.]+)", STYLE, re.MULTILINE)
    shapes = re.compile(r"svg|\.fill|\.course|\.hit|\.meter|\.held|\.thinking|:disabled")
    assert [rule.strip() for rule, opacity in faint if float(opacity) < 1 and not shapes.search(rule)] == []


def test_that_fonts_are_the_systems_and_nothing_is_fetched():
    assert "@import" not in STYLE
    assert "@font-face" not in STYLE
    assert "url(" not in STYLE
