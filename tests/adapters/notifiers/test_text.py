"""A notice as text."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.notifiers.standin import a_notice
from watchdog.adapters.notifiers import text


def test_plain_text_has_no_markup() -> None:
    notice = a_notice(lines=("a <b> [c](d)",), link="")
    assert text.plain(notice, possible_repeat=False) == "a <b> [c](d)"


def test_a_title_is_one_line_whatever_stands_in_it() -> None:
    assert text.title(a_notice(title="a\r\nb\x1b[31m\u202ec"), possible_repeat=False) == "a b [31m c"


def test_a_link_cannot_end_early() -> None:
    body = text.markdown(a_notice(lines=(), link="https://x/a b)(c<d>"), possible_repeat=False)
    assert body == "[More](https://x/a%20b%29%28c%3Cd%3E)"


def test_whole_lines_are_left_out_and_the_link_stays() -> None:
    notice = a_notice(lines=tuple(f"line {n} " + "x" * 50 for n in range(20)))
    body = text.plain(notice, possible_repeat=True, limit=400)
    first, *rest = body.split("\n")
    assert first.startswith("line 0")
    assert "…" in rest
    assert "More: https://watchdog.example.com/api/watches/w1" in rest
    assert len(body) <= 400


@given(st.lists(st.text(), max_size=8), st.text(max_size=50), st.booleans(), st.integers(400, 3000))
def test_a_body_keeps_its_limit(lines: list[str], link: str, repeat: bool, limit: int) -> None:
    notice = a_notice(lines=tuple(line * 20 for line in lines), link=link)
    assert len(text.plain(notice, possible_repeat=repeat, limit=limit)) <= limit
    assert len(text.markdown(notice, possible_repeat=repeat, limit=limit)) <= max(limit, 450 + len(link) * 3)
