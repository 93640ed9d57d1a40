"""What a dry run tells, as lines for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from watchdog.domain.judge import Finding
from watchdog.domain.state import Phase
from watchdog.domain.text import in_words

Fact = Mapping[str, Any]


def lines_of(fact: Fact) -> Iterator[str]:
    """A fact as people read it; nothing of a verdict that says what the last one said."""
    target = fact.get("target")
    match fact["event"]:
        case "begun" if "at" in fact:
            yield f"{fact['targets'][0]}: as if it had been switched at {_moment(fact['at'])}, over {fact['bake']}"
            if fact["shortened"]:
                yield "  the guard's bake is longer: only its beginning is judged"
            if fact["whom"]:
                yield f"  {fact['whom']}"
            if fact["left_out"]:
                yield f"  not judged, for it leaves no past: {', '.join(fact['left_out'])}"
        case "begun":
            yield f"a dry run: nothing is written; guarded are {', '.join(fact['targets']) or 'no targets'}"
            if fact["unseeded"]:
                yield f"  what the watchdog in the cluster remembers is not known: {fact['unseeded']}"
            if fact["unjudged"]:
                kinds = in_words(fact["unjudged"])
                yield f"  of {kinds} it judges what that watchdog remembers alone: else nothing keeps earlier weights"
            yield from (f"  {note}" for note in fact["notes"])
        case "switch" if fact["candidate"] != fact["stable"]:
            by = f" by {fact['switched_by']}" if fact["switched_by"] else ""
            yield f"{target} {fact['how']} {fact['candidate']} at {_moment(fact['switched_at'])}{by}"
            yield f"  stable {fact['stable'] or 'none known'}; watched for {fact['bake']} by guard {fact['guard']}"
        case "verdict" if fact["changed"]:
            needed = fact["log_evidence_needed"] if fact["verdict"] == Finding.UNDECIDED else None
            share = f" (evidence {share_of(fact['log_evidence'], needed):.0%} of what is needed)" if needed else ""
            yield f"{target} {_moment(fact['at'])} {fact['rule']} {fact['verdict']}: {fact['sentence']}{share}"
        case "outlook":
            yield from (f"{target} {sentence}" for sentence in fact["sentences"])
        case "rules-edited":
            yield fact["reason"]
        case "held":
            yield f"{target} would be held ({fact['check']}): {fact['reason']}"
        case "outcome":
            yield f"{target} {fact['outcome']}: {fact['reason']}"
        case "would-roll-back":
            yield from _would_lines(fact)
        case "summary":
            watches = fact["watches"]
            told_just_now = len(watches) == 1 and Phase(watches[0]["standing"]).terminal
            for one in () if told_just_now else watches:
                yield f"{one['target']} {one['standing']}: {one['reason']}"
            if not watches:
                yield "no guarded target was switched: nothing was judged"
            yield f"{fact['meaning']}; nothing was written"


def _would_lines(fact: Fact) -> Iterator[str]:
    if fact["from"] == fact["to"]:
        yield f"{fact['target']} WOULD HAVE BEEN ROLLED BACK"  # a moment: what it was, and what before, is not known
    else:
        yield f"{fact['target']} WOULD BE ROLLED BACK from {fact['from']} to {fact['to']}"
    for rule, sentence in fact["rules"].items():
        yield f"  {rule}: {sentence}"
    for one in fact["requests"]:
        yield f"  {one['method']} {one['path']}"
        yield f"  Content-Type: {one['content_type']}"
        yield f"  {one['body']}"
    if fact["requests"]:
        yield f"  {fact['reason']}"


def _moment(text: str) -> str:
    return f"{text[:19].replace('T', ' ')} UTC"


def share_of(log_evidence: float | None, needed: float) -> float:
    """From 0 to 1; evidence for a harmless release counts as none."""
    return max(0.0, min(1.0, (log_evidence or 0.0) / needed))
