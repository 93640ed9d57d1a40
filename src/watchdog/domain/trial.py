"""The marked message by which people see that a channel works."""

from datetime import datetime

from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, Severity

MARK = "[test]"


def trial(channel: str, by: str, now: datetime) -> Notice:
    """A notice that nobody can take for a real one: marked in its title, about no target.

    Its topic is one that opens no incident and is loud nowhere.
    """
    return Notice(
        id=f"test/{channel}/{now.isoformat()}",
        topic=Topic.SWITCH,
        severity=Severity.INFO,
        watch=f"notify-test-{channel}",
        target="",
        title=f"{MARK} rollback-watchdog can tell channel {channel}; nothing happened, and nothing is to be done",
        lines=(
            f"Sent by `watchdog notify-test`, called by {by}",
            "Links and notices of real watches look like this one",
        ),
        at=now,
    )
