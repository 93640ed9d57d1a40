"""Whatever stands in rules.toml: a rulebook, or mistakes with their places; never another exception, never a hang."""

from hypothesis import given
from hypothesis import strategies as st

from fuzz.mutating import FUZZ, garbled
from rulebook.test_reading import SHIPPED
from stage import rules_text
from town import RULES
from watchdog.rulebook import check_rules

TEXTS = [RULES, rules_text("[guards.a]\ntargets = ['a/deployment/b']\nrules = ['error-rate']\n"), SHIPPED]
WORDS = st.sampled_from(
    ["\n", '"', "'", "[", "]", "{", "}", "=", "#", "\\", '"""', "5%", "2x baseline", "{{ pods }}", "(" * 500, "[" * 500,
     "9" * 400, "1e400", "é", "\x00", "\r", "\ufeff", "rate(", "sum by (", "=~\".*(a+)+$\"", "[1000000y]", "x." * 300]
)  # fmt: skip


@FUZZ
@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 40), WORDS), max_size=4))
def test_a_file_with_some_things_wrong_is_read_or_refused(text: str, edits: list[tuple[int, int, str]]) -> None:
    for place, gone, word in edits:
        at = place % len(text)
        text = text[:at] + word + text[at + gone :]
    report = check_rules(text)
    assert (report.rulebook is None) == bool(report.mistakes)


@FUZZ
@given(st.sampled_from(TEXTS).flatmap(lambda text: garbled(text.encode())))
def test_a_file_of_any_bytes_is_read_or_refused(raw: bytes) -> None:
    report = check_rules(raw.decode("utf-8", errors="surrogateescape"))
    assert (report.rulebook is None) == bool(report.mistakes)
