"""How a channel can fail, beyond what the port says."""

from watchdog.ports import NotDelivered


class ChannelInvalid(ValueError):
    """A channel that can never work: its URL or its secret is wrong. Names the channel, shows no secret."""


class Rejected(NotDelivered):
    """The channel refuses this very notice: another try would be refused as well."""

    final = True
