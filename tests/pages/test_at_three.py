"""docs/at-three-in-the-morning.md shows what its commands really print, and pictures that are there."""

import re

from pages.at_three import PAGE, outputs
from pages.blocks import blocks, words

QUESTIONS = (
    "Was it right?", "Is it over?", "How do I stop it?", "How do I bring the release back?", "Why was my release held?",
)  # fmt: skip


def test_its_commands_print_what_it_shows() -> None:
    shown = blocks(PAGE.read_text(encoding="utf-8"))
    told = outputs()
    assert sorted(shown) == sorted(told)
    for chapter, text in told.items():
        assert words(shown[chapter]) == words(text), f"{chapter}: `make docs` writes the page anew"


def test_each_question_is_answered_by_one_picture_or_by_a_command() -> None:
    page = PAGE.read_text(encoding="utf-8")
    chapters = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    assert [chapter.partition("\n")[0] for chapter in chapters] == list(QUESTIONS)
    for chapter in chapters:
        pictures = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", chapter)
        assert len(pictures) == 1 or "<!-- output: " in chapter, chapter
        for picture in pictures:
            assert (PAGE.parent / picture).read_bytes().startswith(b"\x89PNG")


def test_every_place_that_it_leads_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / link).exists(), link
