"""One module a verb: parse, call, print, exit. Verbs are imported when they are called, so that `--help` is quick."""

import importlib
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click

from watchdog import __version__

_VERBS: Mapping[str, str] = MappingProxyType(
    {
        "run": "the daemon: watch every switch and put back what is bad",
        "dry-run": "what `run` would do, shown live; reads alone and writes nothing",
        "init": "write a first rules.toml from what the cluster and Prometheus have",
        "check": "read rules.toml and name every mistake",
        "test": "rule unit tests: series in, expected verdicts out",
        "backtest": "what the rules would have done with the past's switches",
        "tune": "suggest limits from a backtest, as a patch",
        "status": "the open watches",
        "history": "the records of ended watches",
        "explain": "one watch with its evidence",
        "mark": "say that an outcome was a false alarm, or a bad release missed",
        "rollback": "put a target back by hand, with the same checks and record",
        "switch": "switch a Service to another colour, after checks, and wait for its watch",
        "wait": "wait until the watch of the newest switch has ended",
        "pause": "freeze all acts for a while",
        "notify-test": "send one marked message to each channel and show what came back",
        "demo": "the whole main job on a simulated cluster, in under a minute",
        "completion": "print the completion script of a shell",
    }
)

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended: 128 and the number of SIGINT."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        verb = importlib.import_module(f"watchdog.cli.{cmd_name.replace('-', '_')}").verb
        assert isinstance(verb, click.Command)
        return verb

    def invoke(self, ctx: click.Context) -> Any:
        """Ctrl-C ends a verb as it ends other programs: not with an exit code that means something of its own."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(_VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Watch each new revision after its traffic switch, and put the traffic back when it is bad.

    Where and how it runs is set by WATCHDOG_ variables; what it guards, and how, by rules.toml.
    """


def main() -> None:
    """The command `watchdog`."""
    try:
        cli(prog_name="watchdog")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
