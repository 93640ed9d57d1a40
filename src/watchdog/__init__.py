"""A rollback watchdog: watches each new revision after its traffic switch and puts the traffic back when it is bad."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("rollback-watchdog")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
