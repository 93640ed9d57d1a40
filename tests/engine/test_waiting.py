"""How long somebody who waits is kept waiting by an address where no watchdog answers."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from watchdog.adapters.watch_api import WatchApi
from watchdog.domain.rollout import Target
from watchdog.domain.waiting import Wanted
from watchdog.engine.waiting import Patience, Waited, Waiting
from watchdog.ports import OutOfReach
from watchdog.releasing import ApiOutlook
from watchdog.simulator.clock import SimulatedClock, run_simulated

BEGAN = datetime(2026, 3, 2, 12, tzinfo=UTC)
Respond = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def login_page(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="<html>log in</html>", content_type="text/html")


async def no_watches(_request: web.BaseRequest) -> web.StreamResponse:
    return web.json_response([])


def waited(
    respond: Respond, *, opening: float = 120, ending: float = 3600
) -> tuple[Waited | OutOfReach, timedelta, list[str]]:
    """How `wait --api` ended at a server that answers so, after how long, and what it said."""

    async def story() -> tuple[Waited | OutOfReach, timedelta, list[str]]:
        clock, said = SimulatedClock(BEGAN), list[str]()
        runner = web.ServerRunner(web.Server(respond))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        api = WatchApi(f"http://127.0.0.1:{runner.addresses[0][1]}")
        patience = Patience(timedelta(seconds=opening), timedelta(seconds=ending))
        waiting = Waiting(ApiOutlook(api), clock, patience, show=lambda *_: None, say=said.append)
        began = clock.now()
        outcome: Waited | OutOfReach
        try:
            outcome = await waiting.wait(Wanted(Target.parse("a/deployment/b"), since=BEGAN))
        except OutOfReach as error:
            outcome = error
        finally:
            await api.close()
            await runner.cleanup()
        return outcome, clock.now() - began, said

    return run_simulated(story())


@pytest.mark.parametrize("seconds", [0, 5, 20])
def test_the_patience_ends_the_wait_also_where_what_answers_is_no_watchdog(seconds: int) -> None:
    outcome, took, said = waited(login_page, ending=seconds)
    assert isinstance(outcome, OutOfReach)
    assert "is it the address of a watchdog?" in str(outcome)
    assert f"it was waited for {seconds} s" in str(outcome)
    assert timedelta(seconds=seconds) <= took < timedelta(seconds=seconds + 2)
    assert bool(said) == (seconds > 0)


def test_a_login_page_was_no_answer_and_is_given_up_after_half_a_minute() -> None:
    outcome, took, _ = waited(login_page)
    assert isinstance(outcome, OutOfReach)
    assert timedelta(seconds=30) <= took < timedelta(seconds=50)


def test_a_watchdog_that_goes_away_is_given_minutes() -> None:
    answers = 0

    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal answers
        answers += 1
        return await (no_watches if answers == 1 else login_page)(request)

    outcome, took, _ = waited(respond)
    assert isinstance(outcome, OutOfReach)
    assert timedelta(minutes=5) <= took < timedelta(minutes=6)


def test_the_watch_is_waited_for_no_longer_than_in_all() -> None:
    outcome, took, _ = waited(no_watches, opening=120, ending=10)
    assert isinstance(outcome, Waited)
    assert "no watch opened within 10 s" in outcome.why
    assert took < timedelta(seconds=14)
