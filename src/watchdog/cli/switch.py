"""`watchdog switch SERVICE --to COLOUR`, or a route `--to BACKEND --weight 25`: the traffic, after checks."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from watchdog.adapters.logs import printable
from watchdog.cli.common import cluster_options
from watchdog.cli.waiting import waiting_options

if TYPE_CHECKING:
    from watchdog.configured import Settings
    from watchdog.domain.flipping import FlipCheck
    from watchdog.domain.rollout import Target
    from watchdog.domain.rules import Rulebook
    from watchdog.engine.flipping import Considered
    from watchdog.releasing import Switch


class _Percent(click.IntRange):
    """A weight, in percent."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdecimal() and int(text[:9]) <= 100):
            self.fail(f"{text!r} is no weight; give a whole number from 0 to 100", param, ctx)
        return int(text)


@click.command("switch")
@click.argument("service")
@click.option("--to", "to", required=True, help="A colour (the label that differs), a backend, or deployment/NAME.")
@click.option("--weight", type=_Percent(0, 100), help="Percent of a route's traffic; not for Services.")
@click.option("--reason", default="", help="Why; it stands in the annotation that says who switched.")
@click.option("--override", "overridden", multiple=True, help="Pass over this check, with a --reason; may be repeated.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the outcome of its watch.")
@waiting_options
@cluster_options
def verb(
    service: str,
    to: str,
    weight: int | None,
    reason: str,
    overridden: tuple[str, ...],
    yes: bool,
    no_wait: bool,
    timeout: timedelta,
    open_within: timedelta,
    output: str,
    kubeconfig: object,
    context: str | None,
    namespace: str | None,
) -> None:
    """Point SERVICE (namespace/service/name) at another colour, with your own rights, and wait for its watch.

    Or give a backend of a route (namespace/httproute/name, virtualservice, ingress) --weight percent of its traffic:
    the next step of a release whose watch is open goes on with that watch, and waits for it. 0 takes all of it back.

    Refuses, and writes nothing, unless the watchdog knows the Service, no earlier switch of it is still being
    watched, and the colour is there, rolled out, wholly ready, not known bad and healthy (the probes of its guard,
    where the rules file is there). The write fails if the Service is no longer as it was seen. A Service that is on
    that colour already is left alone.

    Exits as `watchdog wait` does, and 4 when a check refuses: it says which, and `--override CHECK --reason WHY`
    passes over it. With --no-wait exits 0 once it is switched.
    """
    from watchdog.cli.common import fail, run_async, settings_or_exit  # noqa: PLC0415 - after --help
    from watchdog.cli.waiting import target_or_exit  # noqa: PLC0415
    from watchdog.domain.flipping import BINDING, FlipCheck  # noqa: PLC0415

    target = target_or_exit(service)
    if not target.kind.routes:
        fail(f"{target} is no Service and no route; a {target.kind.proper} is rolled out, not switched", 2)
    if target.kind.switch.in_parts and weight is None:
        fail(f"{target} has weights: say which percentage {to} is to have, as --weight 25", 2)
    if weight is not None and not target.kind.switch.in_parts:
        fail(f"{target} has no weights: a {target.kind.proper} moves all of its traffic", 2)
    checks = [check.value for check in FlipCheck if check not in BINDING]
    unknown = [name for name in overridden if name not in checks]
    if unknown:
        fail(f"{unknown[0]!r} is no check that can be passed over; there are {', '.join(checks)}", 2)
    if overridden and not reason.strip():
        fail("--override needs a --reason, for whoever reads who switched", 2)
    settings = settings_or_exit(kubeconfig=kubeconfig, context=context, namespace=namespace)
    wait = not no_wait and weight != 0
    asked = _Asked(target, to, weight, reason.strip(), frozenset(map(FlipCheck, overridden)), yes, wait)
    raise SystemExit(run_async(asked.carry_out(settings, timeout, open_within, output)))


class _Asked:
    """What the command line asks for."""

    def __init__(
        self,
        target: "Target",
        to: str,
        weight: int | None,
        reason: str,
        overridden: "frozenset[FlipCheck]",
        yes: bool,
        wait: bool,
    ) -> None:
        self._target, self._to, self._weight, self._reason = target, to, weight, reason
        self._overridden, self._yes, self._wait = overridden, yes, wait

    async def carry_out(self, settings: "Settings", timeout: timedelta, open_within: timedelta, output: str) -> int:
        from watchdog.adapters.clock import SystemClock  # noqa: PLC0415
        from watchdog.cli.waiting import tell_in_json, wait_for  # noqa: PLC0415
        from watchdog.domain.flipping import Objection  # noqa: PLC0415
        from watchdog.domain.waiting import Wanted  # noqa: PLC0415
        from watchdog.releasing import switch_of  # noqa: PLC0415

        as_json = output == "json"
        async with switch_of(
            settings,
            SystemClock(),
            self._target,
            self._to,
            reason=self._reason,
            overridden=self._overridden,
            weight=self._weight,
            rulebook=_rulebook(settings),
        ) as switch:
            found = switch.considered
            if isinstance(found, Objection):
                code, reason = _refused(found)
            else:
                code, reason = await self._switched(switch, found, quiet=as_json)
                if not code and self._wait:
                    return await wait_for(
                        Wanted(self._target, found.candidate, others=found.watches),
                        switch.outlook,
                        timeout=timeout,
                        open_within=open_within,
                        output=output,
                        accept_known_good=found.flip is None,
                        base=settings.public_url or "",
                    )
            if as_json:
                tell_in_json(self._target, code, reason)
            return code

    async def _switched(self, switch: "Switch", found: "Considered", *, quiet: bool) -> tuple[int, str]:
        """Do it, if nobody says no: the exit code, and what was done."""
        from watchdog.domain.flipping import Objection  # noqa: PLC0415

        def say(line: str) -> str:
            click.echo(printable(line), err=quiet)
            return line

        if found.flip is None:
            there = f"is on {found.candidate}"
            if self._weight is not None:
                there = f"gives {self._to} {self._weight} % of its traffic"
            return 0, say(f"{self._target} {there} already; nothing was written")
        given, taker = found.previous or "nothing", str(found.candidate)
        if self._weight == 0:
            given, taker = taker, str(found.previous or "what has the rest")
        elif self._weight is not None:
            taker += f", {self._weight} % of the traffic"
        say(f"{self._target}: {given}")
        say(f"     -> {taker} ({'; '.join(found.notes)})")
        if not self._yes and not click.confirm(f"Switch {found.flip.change}?", default=False, err=quiet):
            return 1, say("nothing was done")
        answer = await switch.carry_out(found.flip)
        if isinstance(answer, Objection):
            return _refused(answer)
        if answer is not None:
            why = f"the API server never said whether it was done ({answer.detail}); look at {self._target}"
            click.echo(printable(f"watchdog: {why}"), err=True)
            return 1, why
        return 0, say(f"switched: {found.flip.change}")


def _refused(objection: object) -> tuple[int, str]:
    from watchdog.cli.waiting import REFUSED  # noqa: PLC0415
    from watchdog.domain.flipping import Objection  # noqa: PLC0415

    assert isinstance(objection, Objection)
    why = f"not switched ({objection.check}): {objection.sentence}"
    click.echo(printable(f"watchdog: {why}"), err=True)
    return REFUSED, why


def _rulebook(settings: "Settings") -> "Rulebook | None":
    """The rules, for their probes, where the file is there; one with mistakes ends with exit code 1."""
    from watchdog.cli.common import fail, read_file  # noqa: PLC0415
    from watchdog.rulebook import RulesError, read_rules  # noqa: PLC0415

    if not settings.rules.exists():
        return None
    try:
        return read_rules(read_file(settings.rules), str(settings.rules))
    except RulesError as error:
        fail(f"{str(error).splitlines()[0]} (`watchdog check` names every mistake)")
