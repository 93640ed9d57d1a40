"""The stories of `both`, on simulated time; `tests/e2e/test_main_job.py` tells them on a real control plane."""

import pytest

from both import STORIES
from simulated_stage import tell_on_the_simulator
from stage import Story


@pytest.mark.parametrize("story", STORIES.all, ids=lambda story: story.name)
def test_on_the_simulator(story: Story) -> None:
    tell_on_the_simulator(story)
