"""Whether the channels of rules.toml resolve: their secrets are there, and their URLs mean something."""

from collections.abc import Callable, Sequence

from watchdog.adapters.notifiers import ChannelInvalid, build
from watchdog.domain.channels import Channel
from watchdog.ports import Clock
from watchdog.rulebook import Places
from watchdog.survey.findings import Finding, Kind, Level


async def unresolved(
    channels: Sequence[Channel], secret: Callable[[str], str], clock: Clock, places: Places
) -> list[Finding]:
    """One finding for each channel that cannot work. Nothing is sent, and no address is looked up.

    A secret that is missing is a warning: whoever checks need not hold the watchdog's secrets.
    """
    findings = []
    for channel in channels:
        missing: list[str] = []

        def resolved(name: str, missing: list[str] = missing) -> str:
            try:
                return secret(name)
            except LookupError:
                missing.append(name)
                raise

        try:
            notifier = build(channel, resolved, clock)
        except ChannelInvalid as error:
            level = Level.WARNING if missing else Level.ERROR
            remedy = "the watchdog needs it, whoever checks" if missing else ""
            findings.append(
                Finding(Kind.CHANNEL, level, str(error), remedy, *places.of("channels", channel.name, channel.kind))
            )
        else:
            await notifier.close()
    return findings
