"""A panel as text: told by its signs alone, within its width, in ASCII where that is all there is."""

import pytest

from watchdog.domain.conditions import Dimension
from watchdog.drawing import Band, Elapsed, Figure, Happened, Limit, Line, Linear, Moment, Odds, Panel, Tone
from watchdog.drawing.in_terminal import in_terminal

CANDIDATE = Line("candidate", [(15.0 * n, 0.004 if n < 3 else 0.4) for n in range(8)])
LAYERS = (
    Band("nine tenths", [(-60, 0.0, 0.01), (120, 0.0, 0.01)]),
    Line("stable's baseline", [(-60, 0.15), (120, 0.15)], Tone.BASELINE),
    Limit("limit 25 %", 0.25, beyond=True),
    CANDIDATE,
)
MOMENTS = (
    Moment(0, Happened.SWITCH, "switch"),
    Moment(60, Happened.BREACH, "breach"),
    Moment(61, Happened.ACT, "back"),
)


def drawn(*layers: object, width: int = 76, rows: int = 9, plain: bool = False, moments: object = MOMENTS) -> list[str]:
    panel = Panel("errors", Linear(0.0, 0.5, Dimension.RATIO), layers or LAYERS)  # type: ignore[arg-type]
    figure = Figure("t", "d", "c", Elapsed(-60, 120), [panel], moments)  # type: ignore[arg-type]
    lines = in_terminal(figure, panel, width=width, rows=rows, plain=plain)
    return ["".join(text for text, _ in line) for line in lines]


def dotted(lines: list[str], column: int) -> set[int]:
    """The lines that have dots of the curve there."""
    return {n for n, line in enumerate(lines[:10]) if 0x2800 < ord(f"{line:<80}"[column]) < 0x2900}


def test_the_curve_lies_below_the_limit_at_first_and_above_it_then() -> None:
    lines = drawn()
    (limit,) = [number for number, line in enumerate(lines) if "────" in line and "limit" not in line]
    early, late = (dotted(lines, column) for column in (36, 64))
    assert min(early) > limit
    assert max(late) < limit


def test_limit_and_baseline_are_rows_of_their_own_signs_and_the_legend_names_them() -> None:
    lines = drawn()
    (limit,) = [number for number, line in enumerate(lines) if line.count("─") > 50]
    (baseline,) = [number for number, line in enumerate(lines) if line.count("·") > 30]
    assert limit < baseline, "a quarter lies above 15 %"
    legend = " ".join(lines[-3:])
    for words in ("⠒ candidate", "─ limit 25 %", "· stable's baseline", "S switch 0:00", "B breach +1:00"):
        assert words in legend


def test_moments_have_their_letters_in_order_also_where_they_fall_together() -> None:
    letters = drawn()[0]
    assert letters.split() == ["S", "BP"]
    row = drawn()[1]
    assert row[letters.index("S")] == "│"
    assert drawn(moments=())[0].strip() != ""


def test_labels_carry_the_unit() -> None:
    lines = drawn()
    assert any(line.lstrip().startswith("40 % ┤") for line in lines)
    assert any("+1:00" in line and "0:00" in line for line in lines)


@pytest.mark.parametrize("width", [30, 76, 110])
@pytest.mark.parametrize("plain", [False, True])
def test_no_line_is_wider_than_it_may_be(width: int, plain: bool) -> None:
    assert max(map(len, drawn(width=width, plain=plain))) <= width


@pytest.mark.parametrize(("plain", "before"), [(False, "⠒"), (True, "*")])
def test_what_came_after_the_put_back_has_a_sign_of_its_own(plain: bool, before: str) -> None:
    after = Line("after it was put back", [(75, 0.02), (120, 0.02)], Tone.RECOVERY)
    lines = drawn(CANDIDATE, after, plain=plain, moments=())
    legend = " ".join(lines[-3:])
    assert f"{before} candidate" in legend
    assert "o after it was put back" in legend
    assert any(line.rstrip().endswith("oooooooooo") for line in lines)


def test_plain_is_ascii_and_says_the_same() -> None:
    lines = drawn(plain=True)
    text = "\n".join(lines)
    assert text.isascii()
    for words in ("* candidate", "- limit 25 %", ". stable's baseline", "S switch 0:00", "-1:00"):
        assert words in text
    (limit,) = [number for number, line in enumerate(lines) if line.count("-") > 50]
    assert any("*" in line for line in lines[:limit])
    assert any("*" in line for line in lines[limit + 1 : 10])


def test_a_gap_stays_a_gap() -> None:
    whole = Line("candidate", [(0, 0.4), (15, 0.4), (90, 0.4), (105, 0.4)])
    broken = Line("candidate", [(0, 0.4), (15, 0.4), (30, None), (90, 0.4), (105, 0.4)])
    one, other = ("".join(drawn(line, moments=())) for line in (whole, broken))
    assert sum(0x2800 < ord(char) < 0x2900 for char in other) < sum(0x2800 < ord(char) < 0x2900 for char in one) / 1.5


def test_odds_are_drawn_on_their_own_axis() -> None:
    panel = Panel("odds", Odds(-2.0, 10.0), [Line("evidence", [(0, 0.0), (60, 9.0)], Tone.EVIDENCE)])
    lines = in_terminal(Figure("t", "d", "c", Elapsed(0, 60), [panel]), panel, width=60)
    assert any("even" in text for line in lines for text, _ in line)
