"""Tests of what is installed: a skip of theirs is a failure where `WATCHDOG_DEPLOY=required` says so (CI does)."""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, object, None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    required = os.environ.get("WATCHDOG_DEPLOY") == "required"
    if required and report.skipped and item.get_closest_marker("deploy") is not None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and `make deploy-check` needs it: {report.longrepr}"
