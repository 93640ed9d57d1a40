"""`watchdog dry-run`: what `run` would do, from a laptop that can only read."""

import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchdog.cli.common import OUTPUT, cluster_options
from watchdog.domain.rollout import TARGET_FORM

if TYPE_CHECKING:
    from watchdog.cli.rehearsed import View
    from watchdog.configured import Settings
    from watchdog.domain.rollout import Target
    from watchdog.domain.rules import Rulebook
    from watchdog.ports import Clock


@click.command("dry-run")
@click.option("--rules", type=click.Path(path_type=Path), help="The rules; else WATCHDOG_RULES, else rules.toml.")
@click.option("--target", help=f"This target alone: {TARGET_FORM}.")
@click.option(
    "--at", "at", help="With --target: judge as if a switch had happened then (ISO 8601 with its UTC offset)."
)
@click.option("--once", is_flag=True, help="Judge what is there now, and end.")
@click.option("--rehearse", is_flag=True, help="Also ask the API server whether it would take each patch.")
@click.option("--prometheus-url", help="Prometheus; else WATCHDOG_PROMETHEUS_URL.")
@cluster_options
@OUTPUT
def verb(
    rules: Path | None,
    target: str | None,
    at: str | None,
    once: bool,
    rehearse: bool,
    prometheus_url: str | None,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
    output: str,
) -> None:
    """Watch every switch as `run` would, show what is judged, and what would be rolled back with which patch.

    Needs a kubeconfig that may get, list and watch, and sends nothing else: no patch, no record, no notice. With
    --rehearse it also sends server-side dry runs of the patches, which change nothing and need the right to patch.

    Ends with Ctrl-C, after one look with --once, or with the bake of --at; then exits 0 if all that was judged passes,
    3 if something would be rolled back, 4 if nothing could be decided (no switch, too little data, held, told only).
    Exits 1 where the cluster or Prometheus cannot be reached, 2 where it was called wrongly.
    """
    from watchdog.adapters.clock import SystemClock  # noqa: PLC0415 - after --help
    from watchdog.adapters.logs import LogFormat, set_up  # noqa: PLC0415
    from watchdog.cli.common import fail, read_file, run_async, settings_or_exit  # noqa: PLC0415
    from watchdog.cli.moments import past_moment_of  # noqa: PLC0415
    from watchdog.cli.rehearsed import view_of  # noqa: PLC0415
    from watchdog.rehearsal.connecting import NoSuchTarget  # noqa: PLC0415
    from watchdog.rehearsal.one_target import concerns  # noqa: PLC0415
    from watchdog.rulebook import RulesError, read_rules  # noqa: PLC0415
    from watchdog.sources import nobody_to_ask  # noqa: PLC0415

    clock = SystemClock()
    chosen, moment = _target(target), past_moment_of("--at", at, clock.now())
    if moment is not None and chosen is None:
        fail(f"--at needs a --target: {TARGET_FORM}", 2)
    settings = settings_or_exit(
        rules=rules, prometheus_url=prometheus_url, kubeconfig=kubeconfig, context=context, namespace=namespace
    )
    handler = set_up("warning", LogFormat("console"), clock)
    if chosen is not None:
        handler.addFilter(concerns(chosen))
    logging.getLogger("watchdog.engine").setLevel(logging.ERROR)  # what it would do is told better by the view
    text = read_file(settings.rules)
    try:
        rulebook = read_rules(text, str(settings.rules))
    except RulesError as error:
        for line in str(error).splitlines():
            click.echo(f"watchdog: {line}", err=True)
        sys.exit(1)
    if nobody_to_ask(rulebook, settings):
        fail("no Prometheus is named: set WATCHDOG_PROMETHEUS_URL or pass --prometheus-url", 2)
    view = view_of(output, clock.now)
    wish = _Wish(settings, text, rulebook, chosen, moment, once=once, rehearse=rehearse)
    try:
        code = run_async(wish.carried_out(clock, view))
    except NoSuchTarget as error:
        fail(str(error), 2)
    sys.exit(code)


def _target(text: str | None) -> "Target | None":
    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.domain.rollout import Target  # noqa: PLC0415

    try:
        return None if text is None else Target.parse(text)
    except ValueError as error:
        fail(str(error), 2)


class _Wish:
    """What was asked for on the command line."""

    def __init__(
        self,
        settings: "Settings",
        text: str,
        rulebook: "Rulebook",
        target: "Target | None",
        at: datetime | None,
        *,
        once: bool,
        rehearse: bool,
    ) -> None:
        self._settings = settings
        self._text = text
        self._rulebook = rulebook
        self._target = target
        self._at = at
        self._once = once
        self._rehearse = rehearse

    async def carried_out(self, clock: "Clock", view: "View") -> int:
        """Show it until it ends or is interrupted; the exit code."""
        from watchdog.cli.closed_pipe import Reader  # noqa: PLC0415
        from watchdog.cli.common import interrupted  # noqa: PLC0415
        from watchdog.rehearsal.connecting import rehearsal  # noqa: PLC0415
        from watchdog.rehearsal.edits import edits_told  # noqa: PLC0415
        from watchdog.rehearsal.following import follow  # noqa: PLC0415
        from watchdog.rehearsal.looking_back import as_if, look_back  # noqa: PLC0415

        stop = interrupted()
        async with rehearsal(self._settings, self._rulebook, clock, rehearses=self._rehearse) as here:
            with Reader(stop) as reader:
                stepped = reader.told(view.stepped)
                async with edits_told(self._settings.rules, self._text, clock, reader.told(view.edited)):
                    if self._target is not None and self._at is not None:
                        case = await as_if(here, self._target, self._at)
                        view.begun_at(case)
                        with view:
                            await look_back(here, case, stepped, stop, once=self._once)
                    else:
                        notes = here.unlisted
                        if self._target is not None:
                            place, _ = await here.find(self._target)
                            notes = place.notes
                        targets = here.guarded if self._target is None else (self._target,)
                        view.begun(targets, here.unseeded, here.unjudged if self._once else (), notes)
                        with view:
                            await follow(here, stepped, stop, once=self._once, only=self._target)
        return view.ended()
