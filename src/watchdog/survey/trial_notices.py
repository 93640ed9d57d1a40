"""Sends each channel one marked message, side by side, and says what came back."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from watchdog.adapters.notifiers import ChannelInvalid, PagerDutyNotifier, build
from watchdog.domain.channels import Channel, Topic
from watchdog.domain.trial import trial
from watchdog.ports import Clock, NotDelivered, Notifier


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one channel's message."""

    channel: str
    told: bool
    answer: str


async def try_channels(
    channels: Sequence[Channel],
    secret: Callable[[str], str],
    clock: Clock,
    *,
    by: str,
    make: Callable[[Channel], Notifier] | None = None,
) -> Sequence[Tried]:
    """In the order of `channels`. `make` builds a notifier as the daemon does; raises nothing for a wrong channel."""

    def made(channel: Channel) -> Notifier:
        return build(channel, secret, clock)

    return await asyncio.gather(*(_try(channel, make or made, clock, by) for channel in channels))


async def _try(channel: Channel, make: Callable[[Channel], Notifier], clock: Clock, by: str) -> Tried:
    try:
        notifier = make(channel)
    except ChannelInvalid as error:
        return Tried(channel.name, False, f"not told: {str(error).removeprefix(f'channel {channel.name}: ')}")
    began = clock.monotonic()
    notice = trial(channel.name, by, clock.now())
    try:
        await notifier.send(notice, possible_repeat=False)
        if isinstance(getattr(notifier, "inner", notifier), PagerDutyNotifier):
            # What was opened must wake nobody later. An alert ends by itself, and would be told of by nobody before.
            await notifier.send(replace(notice, topic=Topic.PASSED), possible_repeat=False)
    except NotDelivered as error:
        unsure = " (it may have arrived all the same)" if error.unsure else ""
        return Tried(channel.name, False, f"not told: {error}{unsure}")
    finally:
        await notifier.close()
    return Tried(channel.name, True, f"told, in {clock.monotonic() - began:.1f} s")
