"""At 5 % of the traffic evidence comes slowly: people are told how slowly, before the bake is over."""

from dataclasses import replace

import pytest

from adapters.web.pages.markup_reading import read
from laptop import Laptop
from town import GOOD, Town, tell
from watchdog.adapters.web.pages import Setting, watch_page
from watchdog.cli.records import print_records
from watchdog.cli.rehearsed_lines import lines_of
from watchdog.domain.account import decision_of
from watchdog.domain.time_left import time_left
from weights import HTTPROUTE


def _thin(town: Town, rate: float) -> None:
    for image in ("gateway:v1", "gateway:v2"):
        town.behaviours[image] = replace(GOOD, requests_per_second=rate)
    HTTPROUTE.furnish(town)


def test_page_explain_and_status_say_how_long_a_verdict_takes_at_the_rate_that_is_seen() -> None:
    async def story(town: Town) -> None:
        HTTPROUTE.weigh(town, 5)
        await town.sleep(100)
        HTTPROUTE.weigh(town, 10)  # a record is written with each step
        await town.until(lambda: town.records("gateway")[0].get("steps"))
        (record,) = town.records("gateway")
        line = next(one for one in record["outlook"] if one.startswith("error-rate"))
        rate = float(line.removeprefix("error-rate: at ").partition(" ")[0])
        assert 0.4 <= rate <= 1.6  # 5 % of 20 requests a second
        assert "a second a release with 10 % bad ones is proven after about" in line
        assert line in decision_of(record)
        assert record["outlook"][0] in time_left(record, town.clock.now()).sentence

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


def test_status_and_page_say_it_within_two_minutes_though_nobody_moves_a_weight(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def story(town: Town) -> None:
        HTTPROUTE.weigh(town, 5)
        await town.sleep(100)
        (record,) = town.records("gateway")
        print_records([record], "table", empty="")
        shown = capsys.readouterr().out
        assert "  5 % of the traffic\n" in shown
        assert record["outlook"]
        for line in record["outlook"]:
            assert f"  {line}\n" in shown
        (page,) = [one.words for one in read(watch_page(record, Setting(town.clock.now()))).all if one.tag == "main"]
        assert "5 % of the traffic" in page
        assert record["outlook"][0] in page

        HTTPROUTE.weigh(town, 25)
        await town.sleep(100)
        (record,) = town.records("gateway")
        print_records([record], "table", empty="")
        assert "  25 % of the traffic, step 2\n" in capsys.readouterr().out
        assert record["weight"] == {"share": 0.25, "step": 2}
        line = next(one for one in record["outlook"] if one.startswith("error-rate"))
        assert 3.5 <= float(line.removeprefix("error-rate: at ").partition(" ")[0]) <= 6.5  # of this step alone

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


def test_a_candidate_whom_no_request_reaches_is_said_to_prove_nothing() -> None:
    async def story(town: Town) -> None:
        HTTPROUTE.weigh(town, 5)
        await town.sleep(100)
        (record,) = town.records("gateway")
        assert record["outlook"][0] == (
            "error-rate: the candidate had no request in the last 60 s, and without any nothing is proven"
        )

    tell(story, lambda town: _thin(town, 0.0001), rules=HTTPROUTE.rules)


def test_a_dry_run_says_it_once_of_each_step_and_names_the_weight() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town)
        async with laptop.follows() as notes:
            HTTPROUTE.weigh(town, 5)
            await town.sleep(150)
            assert len(notes.of("outlook")) == 1
            HTTPROUTE.weigh(town, 25)
            await town.sleep(150)
            assert len(notes.of("outlook")) == 2
        (switch,) = notes.of("switch")
        line = next(iter(lines_of(switch)))
        assert line.startswith(f"{HTTPROUTE.target} gave 5 % of the traffic to gateway-green-")
        assert next(iter(lines_of(notes.of("outlook")[0]))).startswith(f"{HTTPROUTE.target} error-rate: at ")

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


def test_where_the_bake_is_too_short_for_the_traffic_it_says_so_and_ends_inconclusive() -> None:
    async def story(town: Town) -> None:
        HTTPROUTE.weigh(town, 5)
        await town.sleep(240)
        HTTPROUTE.weigh(town, 4)
        await town.until(lambda: town.records("gateway")[0].get("steps"))
        (record,) = town.records("gateway")
        line = next(one for one in record["outlook"] if one.startswith("error-rate"))
        assert line.endswith(", and the bake is 10 min: give it more traffic, or a longer bake")
        assert (await town.outcome("gateway"))["outcome"] == "inconclusive"

    tell(story, lambda town: _thin(town, 0.6), rules=HTTPROUTE.rules)
