"""What all tests share: no example has a deadline of its own, and a skip of a real part is a failure where
`WATCHDOG_REAL_PARTS=required` says so (CI does).
"""

import asyncio
import logging
import os
from collections.abc import Callable, Generator, Mapping

import pytest
from hypothesis import settings

from watchdog.simulator.loop import TidyLoop

# Hypothesis's deadline for one example is wall time, and a machine may be busy.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# The stories' own asserts say what they compared, as those of test modules do.
pytest.register_assert_rewrite("both", "e2e.season", "e2e.guarding")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What a test's server took as the test ended must not be found open in the middle of another one."""
    return {"tidy": TidyLoop}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, object, None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    required = os.environ.get("WATCHDOG_REAL_PARTS") == "required"
    real = item.get_closest_marker("prometheus") is not None or item.get_closest_marker("browser") is not None
    if required and report.skipped and real:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI needs it: {report.longrepr}"


@pytest.fixture(autouse=True)
def _loggers_as_they_come() -> None:
    """What a verb that ran in this process set up for its own output must not hush the tests after it."""
    logger = logging.getLogger("watchdog")
    logger.setLevel(logging.NOTSET)
    logger.disabled = False
    logger.propagate = True
