"""Pictures as plain SVG: the one drawing module of page, explanation, backtest report and notices.

A picture is data first (`Figure` of `Panel`s of layers, over scales) and then text. It has axes with units, shows gaps
as gaps, is read in light and dark, by colour-blind people and by screen readers, and keeps other people's names text.
"""

from watchdog.drawing.figure import Figure, Panel, in_page
from watchdog.drawing.layers import Band, Bars, Dot, Dots, Happened, Limit, Line, Moment
from watchdog.drawing.scales import Clock, Elapsed, Linear, Logarithmic, Odds, ceiling
from watchdog.drawing.tones import Tone, stylesheet

__all__ = [
    "Band", "Bars", "Clock", "Dot", "Dots", "Elapsed", "Figure", "Happened", "Limit", "Line", "Linear", "Logarithmic",
    "Moment", "Odds", "Panel", "Tone", "ceiling", "in_page", "stylesheet",
]  # fmt: skip
