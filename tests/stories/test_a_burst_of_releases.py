"""Twenty releases in the same moment: what must be asked or written once is not asked or written for each."""

from town import UNBRAKED, Town, tell

NAMES = [f"app-{number:02d}" for number in range(20)]


def test_twenty_releases_at_once_cost_few_listings_and_few_memory_writes() -> None:
    async def story(town: Town) -> None:
        await town.sleep(30)
        begun = len(town.cluster.requests)
        for name in NAMES:
            town.deploy(name, f"{name}:v2")
        await town.sleep(30)
        asked = town.cluster.requests[begun:]
        listings = [one for one in asked if one.method == "GET" and one.path.endswith("/configmaps")]
        memories = [one for one in asked if one.method == "PATCH" and "rollback-watchdog-targets-" in one.path]
        records = [one for one in asked if one.method == "POST" and one.path.endswith("/configmaps")]
        assert len(records) == len(NAMES)
        assert len(listings) <= 6
        assert 1 <= len(memories) <= 8
        assert town.watchdog is not None

    tell(story, lambda here: here.furnish(*NAMES), rules=UNBRAKED, scrape_interval=15.0)
