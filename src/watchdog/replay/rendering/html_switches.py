"""The switches of an HTML report: grouped by how they stand, each with its evidence folded beneath."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchdog.drawing.elements import words
from watchdog.replay.rendering.html_text import fact, figure, table
from watchdog.replay.rendering.pictures import switch_figure
from watchdog.replay.rendering.wording import (
    Standing,
    amount,
    by_relevance,
    decision,
    label_words,
    moment,
    nearest,
    plural,
    saved,
    standing,
    what_it_is,
)
from watchdog.replay.report import Report, RuleReplay, SwitchReplay

PICTURES = 900  # in one file: with them it stays well below 20 MB
_EACH = 3  # pictures of one switch
_TARGETS = 24  # that can be filtered by

_TONES = {
    Standing.MISSED: "doubt", Standing.FALSE_ALARM: "evidence", Standing.CAUGHT: "breach", Standing.UNLABELLED: "ink",
    Standing.CUT_SHORT: "muted", Standing.TOLD: "ink", Standing.OTHER: "muted", Standing.PASSED: "good",
}  # fmt: skip
_GROUPS = {
    Standing.MISSED: "Missed: known to be bad, and nothing was decided",
    Standing.FALSE_ALARM: "False alarms: decided on a clean deploy",
    Standing.CAUGHT: "Caught: known to be bad",
    Standing.CUT_SHORT: "Cut short: the watchdog put them back before these rules decided; they count neither way",
    Standing.UNLABELLED: "Would have been rolled back; nobody said whether they were bad",
    Standing.TOLD: "Would have been told of; nobody said whether they were bad",
    Standing.OTHER: "No decision: too little was seen",
    Standing.PASSED: "Passed",
}
_OPEN = (Standing.MISSED, Standing.FALSE_ALARM, Standing.CAUGHT)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a switch stands in the page, by its id; ids of others are never ids of the page."""

    anchors: Mapping[str, str]
    targets: Sequence[str]  # that switches can be filtered by

    @classmethod
    def of(cls, report: Report) -> "Places":
        """The places of a report's switches."""
        ids = [switch.id for switch in report.switches if _is_listed(switch)]
        targets = sorted({switch.target for switch in report.switches})
        return cls(
            {each: f"#switch-{index}" for index, each in enumerate(ids)}, targets if len(targets) <= _TARGETS else ()
        )

    def link(self, switch: str, text: str) -> str:
        """Markup that leads to a switch, where it is listed."""
        return f'<a href="{self.anchors[switch]}">{text}</a>' if switch in self.anchors else text


def _is_listed(switch: SwitchReplay) -> bool:
    return not switch.placebo or standing(switch) is Standing.FALSE_ALARM


def switch_groups(report: Report, places: Places) -> str:
    """Every switch, what went wrong first; the pictures of the most relevant ones."""
    left = PICTURES
    groups: dict[Standing, list[str]] = {}
    for switch in by_relevance(report.switches):
        if not _is_listed(switch):
            continue
        figures = _figures(switch, places.anchors[switch.id].removeprefix("#"))[: max(left, 0)]
        left -= len(figures)
        groups.setdefault(standing(switch), []).append(_switch(switch, figures, places))
    parts = ["<h2>Switch by switch</h2>", _filter(places)]
    for kind in Standing:
        if kind in groups:
            shown = " open" if kind in _OPEN else ""
            summary = f"<summary>{words(_GROUPS[kind])} ({len(groups[kind])})</summary>"
            parts.append(f'<details class="group"{shown}>{summary}{"".join(groups[kind])}</details>')
    if left <= 0:
        parts.append(
            f'<p class="faint">The {PICTURES} pictures that matter most are drawn; the numbers of all are here.</p>'
        )
    quiet = sum(1 for switch in report.switches if not _is_listed(switch))
    if quiet:
        parts.append(
            f'<p class="faint">{plural(quiet, "placebo")} at which nothing was decided are counted and not listed.</p>'
        )
    return "\n".join(parts)


def _filter(places: Places) -> str:
    if len(places.targets) < 2:
        return ""
    every = '<label><input type="radio" name="target" id="every" checked>all</label>'
    each = "".join(
        f'<label><input type="radio" name="target" id="t{index}">{words(target, 80)}</label>'
        for index, target in enumerate(places.targets)
    )
    return f'<fieldset class="filter"><legend>Show</legend>{every}{each}</fieldset>'


def _figures(switch: SwitchReplay, key: str) -> list[str]:
    """The rule that says most, and the others that breached."""
    first = nearest(switch)
    rules = [] if first is None else [first]
    rules += [rule for rule in switch.rules if rule.breached_at is not None and rule is not first]
    drawn = [switch_figure(switch, rule, f"{key}-{index}") for index, rule in enumerate(rules[:_EACH])]
    return [figure(each.svg(alone=False), each.title) for each in drawn if each is not None]


def _switch(switch: SwitchReplay, figures: Sequence[str], places: Places) -> str:
    kind = standing(switch)
    target = f" t{places.targets.index(switch.target)}" if switch.target in places.targets else ""
    facts = [
        ("what", what_it_is(switch) + (f", found by {switch.source}" if switch.source else "")),
        ("candidate", switch.candidate),
        ("stable", switch.stable or "nothing was known to go back to"),
        ("label", label_words(switch)),
        ("outcome", switch.reason or switch.outcome),
        ("really served until", f"{moment(switch.served_until)} UTC ({switch.served_until_why})"),
        ("failed requests", f"{amount(switch.bad_requests)}; saved by the decision: {saved(switch)}"),
        *(("note", note) for note in switch.notes[:20]),
    ]
    heads = ["rule", "says", "when", "in words"]
    rules = table("Rules of this switch", heads, [_rule(switch, rule) for rule in switch.rules])
    summary = (
        f'<span class="badge {_TONES[kind]}">{words(kind if kind in _OPEN else switch.outcome)}</span>'
        f"{words(switch.target)} <span class=faint>{moment(switch.at)}</span> {words(decision(switch))}"
    )
    anchor = places.anchors[switch.id].removeprefix("#")
    return (
        f'<details class="switch{target}" id="{anchor}"><summary>{summary}</summary><div>'
        f"{''.join(figures)}<dl>{''.join(fact(name, text) for name, text in facts)}</dl>{rules}</div></details>\n"
    )


def _rule(switch: SwitchReplay, rule: RuleReplay) -> list[str]:
    name = f'<code>{words(rule.rule)}</code><br><span class="faint">{words(rule.text)}</span>'
    if rule.not_replayable:
        return [name, "not replayable", "-", words(rule.not_replayable)]
    when = "-"
    if rule.breached_at is not None:
        when = f"{(rule.breached_at - switch.at).total_seconds():,.0f} s"
    return [name, words(rule.finding), when, words(rule.sentence)]
