"""The stories that need no simulated clock: each body is told on the simulator and on a real control plane."""

from both import releases, rollouts
from both.told import STORIES

__all__ = ["STORIES", "releases", "rollouts"]
