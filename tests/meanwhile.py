"""What somebody does between the watchdog's last look and its write."""

from collections.abc import Callable, Collection

from town import Town
from watchdog.simulator.calls import WriteAttempt


def just_before_the_put_back(
    town: Town, act: Callable[[], object], *, of: Collection[str] = ("deployments", "services"), times: int = 1
) -> list[WriteAttempt]:
    """Do `act` between the watchdog's last look and its patch of one of these, the first so many times."""
    met: list[WriteAttempt] = []

    def hook(attempt: WriteAttempt) -> None:
        if attempt.resource in of and not attempt.dry_run and len(met) < times:
            met.append(attempt)
            act()

    town.cluster.before_write(hook)
    return met
