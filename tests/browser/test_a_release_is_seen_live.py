"""A browser goes through a bad release: it appears, turns, is put back and recovers; live, and by reloading."""

import struct
from pathlib import Path

import pytest

from browser.releases import RULES, furnish, released
from chromium import chromium, needs_chromium
from town import Town, tell


@pytest.mark.browser
@pytest.mark.timeout(300)  # a browser shares its cores with the other tests
@needs_chromium
def test_a_bad_release_is_seen_without_a_reload_and_without_a_script_by_reloading(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        async with chromium() as browser:
            await released(town, browser, tmp_path)

    tell(story, furnish, rules=RULES)
    sizes = {picture.name: size(picture) for picture in tmp_path.iterdir()}
    width, height = sizes.pop("held.png")
    assert width == 1000
    assert 200 < height < 800
    assert sizes == {
        "page.png": (1000, 1180), "page-phone.png": (360, 740), "watch.png": (1000, 1900), "over.png": (1000, 480),
        "page-gone.png": (360, 420),
    }  # fmt: skip


def size(picture: Path) -> tuple[int, int]:
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height
