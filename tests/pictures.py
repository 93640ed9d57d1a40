"""Makes the pictures of the status page in the documentation, by the story that the browser's test tells.

    python tests/pictures.py docs

It runs on simulated time through real HTTP: a real chromium shows what the daemon serves.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from browser.releases import RULES, furnish, released
from chromium import chromium
from town import Town, tell


def main() -> None:
    """Parse, make."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder

    async def story(town: Town) -> None:
        async with chromium() as browser:
            await released(town, browser, folder)

    tell(story, furnish, rules=RULES)


if __name__ == "__main__":
    main()
