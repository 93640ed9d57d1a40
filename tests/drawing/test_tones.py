"""Colours are told apart from their paper by everybody."""

from itertools import combinations

import pytest

from watchdog.drawing.tones import SERIES, SHADES, Tone

WORDS = (Tone.INK, Tone.FAINT, Tone.LIMIT)
MARKS = tuple(tone for tone in Tone if tone not in (Tone.GRID, Tone.FRAME, Tone.PAPER))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("paper", ["light", "dark"])
@pytest.mark.parametrize("tone", MARKS)
def test_marks_and_words_have_contrast_enough(tone: Tone, paper: str) -> None:
    reached = contrast(getattr(SHADES[tone], paper), getattr(SHADES[Tone.PAPER], paper))
    assert reached >= (4.5 if tone in WORDS and tone is not Tone.LIMIT else 3.0)


def test_what_differs_in_colour_differs_in_shape_or_dash_as_well() -> None:
    for (one, shape, dash), (other, another, other_dash) in combinations(SERIES, 2):
        assert one != other
        assert shape != another
        assert dash != other_dash
