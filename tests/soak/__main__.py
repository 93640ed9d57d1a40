"""`make soak`: the watchdog under random faults and kill -9, judged from outside."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from soak.soaking import Report, soak
from soak.weighing import Weight
from soak.world import Wear


def main() -> int:
    """Soak until the switches, or the minutes, are used up; 1 where an invariant was violated."""
    parser = argparse.ArgumentParser(prog="make soak ARGS=...", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed; each soak after it takes the next one")
    parser.add_argument("--switches", type=int, default=60, help="switches of one soak")
    parser.add_argument("--soaks", type=int, default=1, help="how many soaks, one a seed")
    parser.add_argument("--minutes", type=float, default=0, help="real minutes: seed after seed until they are over")
    parser.add_argument("--hours", type=float, default=0, help="simulated hours over which the switches are spread")
    parser.add_argument("--records-kept", type=int, default=200)
    parser.add_argument("--log", type=Path, help="write the watchdog's own log there")
    parser.add_argument("--json", type=Path, help="write the figures there, one line a seed")
    parser.add_argument("--sum", type=Path, nargs="+", metavar="FILE", help="only add up what --json wrote there")
    given = parser.parse_args()
    if given.sum:
        summary([read(line) for path in given.sum for line in path.read_text(encoding="utf-8").splitlines()])
        return 0
    wear = Wear(records_kept=given.records_kept)
    if given.hours:
        wear = spread(wear, given.hours, given.switches)
    began, seed, reports = time.monotonic(), given.seed, []  # noqa: TID251 - the bound of a person's patience is real
    while True:
        report = soak(seed, wear, switches=given.switches, hours=given.hours, weigh=bool(given.hours), log=given.log)
        reports.append(report)
        tell(report)
        if given.json:
            with given.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(vars(report), default=vars) + "\n")
        if report.violations:
            hours = f" --hours {given.hours:g}" if given.hours else ""
            print(f"repeat it:  make soak ARGS='--seed {seed} --switches {given.switches}{hours} --log soak.log'")
        seed += 1
        minutes = (time.monotonic() - began) / 60  # noqa: TID251
        if len(reports) >= given.soaks and minutes >= given.minutes:
            break
    summary(reports)
    return 1 if any(report.violations for report in reports) else 0


def read(line: str) -> Report:
    """What `--json` wrote of one seed."""
    written = json.loads(line)
    written["weights"] = [Weight(**one) for one in written["weights"]]
    counters = {name: Counter(written[name]) for name in ("faults", "events", "outcomes")}
    return Report(**{**written, **counters})


def spread(wear: Wear, hours: float, switches: int) -> Wear:
    """Fewer services, with so much rest between releases that the switches last for so long; fewer kills.

    What a process weighs after hours shows only in one that lives for hours.
    """
    wear = replace(wear, rollouts=4, flips=1, hurried=0.1, kill_every=0.0, kill_at_effect=0.0, kill_at_act=0.0)
    each = hours * 3600 * (wear.rollouts + wear.flips) / switches
    middle = max(5.0, each - 250.0)
    return replace(wear, rest=(0.6 * middle, 1.4 * middle))


def tell(report: Report) -> None:
    """One seed, for people."""
    print(
        f"seed {report.seed}: {report.switches} switches ({report.bad} bad, {report.owed} of them owed an act) in "
        f"{report.hours:.1f} simulated h, {report.acts} acts, {report.kills} kills, {sum(report.faults.values())} "
        f"faults, {report.records} records, {report.notices} notices; "
        f"{len(report.lines) or 'no'} violation{'' if len(report.lines) == 1 else 's'}",
        flush=True,
    )
    for line in report.lines:
        print(f"  VIOLATED  {line}")
    if len(report.weights) > 1:
        held = [weight.held for weight in report.weights]
        print(
            f"  the watchdog held {held[0]:.2f} MiB after the first hour, then {min(held[1:]):.2f} to"
            f" {max(held[1:]):.2f} MiB, {held[-1]:.2f} at the end; {report.most_records} records kept at most"
        )


def summary(reports: list[Report]) -> None:
    """All seeds together."""

    def total(name: str) -> Counter[str]:
        return sum((getattr(report, name) for report in reports), Counter())

    print(f"\n{len(reports)} seeds ({reports[0].seed} to {reports[-1].seed}):")
    for name in ("switches", "bad", "owed", "acts", "kills", "records", "notices"):
        print(f"  {name:<10}{sum(getattr(report, name) for report in reports):7}")
    print(f"  {'hours':<10}{sum(report.hours for report in reports):7.1f}  (simulated)")
    print(f"  {'violations':<10}{sum(len(report.lines) for report in reports):6}")
    for title, name in (("outcomes", "outcomes"), ("what happened", "events"), ("faults that met something", "faults")):
        print(f"{title}:")
        for what, count in sorted(total(name).items()):
            print(f"  {count:7}  {what}")


if __name__ == "__main__":
    # The loop's own complaints of connections that were cut are what this is about.
    asyncio.log.logger.setLevel("CRITICAL")
    sys.exit(main())
