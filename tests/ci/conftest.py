"""What the tests of the workflow's scripts begin with."""

from pathlib import Path

import pytest

from ci.runner import Runner


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture
def repository(runner: Runner) -> Runner:
    runner.git("init", "--quiet", "--initial-branch=main")
    runner.commit("services/gateway/a", "services/agent/a", "README")
    return runner
