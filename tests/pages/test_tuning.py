"""docs/tuning.md shows what its commands really print: they are run anew, and only numbers may differ.

Where the words have changed, `make docs` writes the page; read what it changed before you commit it.
"""

from pathlib import Path

import pytest

from pages.blocks import blocks, rewritten, words
from pages.tuning import PAGE, tell
from simulator.prometheus.real import needs_prometheus


@pytest.mark.prometheus
@needs_prometheus
@pytest.mark.timeout(600)  # fifteen processes and seven replays of a day
async def test_the_page_shows_what_the_commands_print(tmp_path: Path) -> None:
    shown = blocks(PAGE.read_text(encoding="utf-8"))
    told = await tell(tmp_path)
    assert list(shown) == list(told)
    for chapter, text in told.items():
        assert words(shown[chapter]) == words(text), f"{chapter}: `make docs` writes the page anew"


def test_only_numbers_and_names_of_pods_may_differ() -> None:
    one = "gateway-5c9689cc48-6r555 was  rolled back after 92.5 s: 8,467 of 12 queries"
    other = "gateway-6d5f8b9c7d-x2b4z was rolled back after 7 s: 3 of 1 query"
    assert words(one) == words(other)
    assert words(one) != words(one.replace("rolled back", "held"))
    assert words(one) != words(one.replace("gateway", "brand"))


def test_how_long_it_takes_and_where_a_comment_is_wrapped_may_differ() -> None:
    one = "# - deployment/brand: 20 requests/s; an 8 % fault is proven\n#   in about 90 s\nwhen = 5\n"
    other = "# - deployment/brand: 19.9 requests/s; an 8 % fault is\n#   proven in about 2 min 3 s\nwhen = 5\n"
    assert words(one) == words(other)
    assert words(one) != words(one.replace("about", "less than"))
    assert len(words(one)) == 2


def test_a_block_that_no_chapter_writes_is_a_mistake() -> None:
    page = "a\n<!-- output: init -->\nold\n<!-- end -->\nb\n"
    assert rewritten(page, {"init": "new\n"}) == page.replace("old", "new")
    with pytest.raises(KeyError):
        rewritten(page, {})
