"""Records and memories as JSON: plain, versioned, and read back to equal values.

An unknown schema is kept by the journal and not acted on. How values become JSON: `domain.codec`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchdog.domain.account import headline_of
from watchdog.domain.codec import Unreadable, dump, load
from watchdog.domain.effects import Write
from watchdog.domain.judge import History
from watchdog.domain.judge.betting import Bet, replayed
from watchdog.domain.judge.history import forgotten
from watchdog.domain.judge.peers import RuleCompared
from watchdog.domain.judge.pods import Pods
from watchdog.domain.judge.sentences import calibration_sentence
from watchdog.domain.judge.weighing import betting_on, blocks_in
from watchdog.domain.measurement import Baseline, Buckets
from watchdog.domain.memory import Memory
from watchdog.domain.rules import Signs
from watchdog.domain.state import PATH_KEPT, Track, Watch
from watchdog.domain.story import rule_story, story_of
from watchdog.domain.telling import name_of
from watchdog.domain.told import told_before, with_told

LARGEST = 240_000
"""Bytes of a record above which the paths of its rules are thinned: a ConfigMap must hold it."""

SCHEMA = 1
"""The version of both documents. It grows when an older program could not read them, or would do harm by passing over
what it does not know; a name that may be passed over may be added without that. `schema`, `watch`, `target` and
`outcome` of a record stay what they are in every schema: by them any version knows what to leave alone."""


class OtherSchema(Unreadable):
    """A document of another version of the watchdog: not damaged, and not ours to replace."""


def record_of(watch: Watch) -> dict[str, Any]:
    """The record of a watch: a summary that people and programs read, and under `state` all that is needed to go on.

    Blocks of measurements are left out: Prometheus remembers what was measured. Paths that would make the record too
    large are thinned.
    """
    every = 1
    document = _document(watch, every)
    while len(json.dumps(document)) > LARGEST and every < PATH_KEPT:
        every *= 2
        document = _document(watch, every)
    return document


def outline_of(watch: Watch) -> dict[str, Any]:
    """The record without what is for a watch's own page and for going on: no `state`, bets, or courses of numbers.

    It costs a tenth of the record, for whoever looks at many watches at a time.
    """
    return _document(watch, PATH_KEPT, whole=False)


def _document(watch: Watch, every: int, *, whole: bool = True) -> dict[str, Any]:
    stable = watch.stable.revision if watch.stable else None
    document = {
        "schema": SCHEMA,
        "watch": watch.id,
        "target": str(watch.switch.target),
        "guard": watch.guard.name,
        **({"source": watch.guard.source} if watch.guard.source else {}),
        "kind": str(watch.switch.kind),
        "candidate": name_of(watch.switch.candidate),
        "stable": None if stable is None else name_of(stable),
        "switched_at": watch.switch.at.isoformat(),
        "switched_by": watch.switch.by,
        "by_hand": watch.by_hand,
        "opened_at": watch.opened.isoformat(),
        "phase": str(watch.phase),
        "outcome": None if watch.outcome is None else str(watch.outcome),
        "recovery": None if watch.recovery is None else str(watch.recovery),
        "reason": watch.reason or (watch.refusal.sentence if watch.refusal else ""),
        "ended_at": None if watch.ended_at is None else watch.ended_at.isoformat(),
        "acted_at": None if watch.acted_at is None else watch.acted_at.isoformat(),
        **story_of(watch),
        "rules": {
            track.rule.name: {
                **_rule_summary(track, every, watch.switch.at, by_hand=bool(watch.by_hand)),
                **rule_story(watch, track, every),
                **told_before(watch, track),
            }
            for track in watch.tracks
        },
        "peers": [_compared(one) for one in watch.comparison.rules] if watch.comparison else [],
        "notices": [
            {
                "id": telling.notice.id,
                "title": telling.notice.title,
                "at": telling.notice.at.isoformat(),
                "deliveries": {
                    delivery.channel: f"{delivery.state}" + (f" ({delivery.detail})" if delivery.detail else "")
                    for delivery in telling.deliveries
                },
            }
            for telling in watch.tellings
        ],
        **({"would_send": [_unsent(write) for write in watch.withheld]} if watch.withheld else {}),
        **({"state": dump(_without_blocks(watch))} if whole else {}),
    }
    return {**document, "headline": headline_of(document)}


def is_about(document: Mapping[str, Any], target: str) -> bool:
    """Whether a record may be of a watch of the target, by its text alone: a Service may have joined another's flip."""
    if document.get("target") == target:
        return True
    namespace, _, rest = target.partition("/")
    kind, _, own = rest.partition("/")
    if not str(document.get("target")).startswith(f"{namespace}/{kind}/"):
        return False
    found: Any = document
    for name in ("state", "switch", "flips"):
        found = found.get(name) if isinstance(found, Mapping) else None
    flips = found if isinstance(found, list) else ()
    return any(isinstance(flip, Mapping) and flip.get("service") == own for flip in flips)


def _unsent(write: Write) -> dict[str, str]:
    """A write that was withheld; a template too large to be kept is only counted."""
    body = write.body if len(write.body) <= LARGEST // 4 else f"({len(write.body)} characters, too many to be kept)"
    return {"method": write.method, "path": write.path, "content_type": write.content_type, "body": body}


def watch_of(document: Mapping[str, Any]) -> Watch:
    """The watch of a record; raises `Unreadable`."""
    _check_schema(document)
    watch = load(Watch, document.get("state"), "state")
    assert isinstance(watch, Watch)
    return replace(
        watch,
        tracks=tuple(with_told(_with_pods(track, watch.pods), document) for track in watch.tracks),
        recovery_tracks=tuple(_with_pods(track, watch.recovery_pods) for track in watch.recovery_tracks),
    )


def document_of(memory: Memory) -> dict[str, Any]:
    """What is remembered of a target, as JSON."""
    return {"schema": SCHEMA, **dump(memory)}


def memory_of(document: Mapping[str, Any]) -> Memory:
    """The memory of a document; raises `Unreadable`."""
    _check_schema(document)
    memory = load(Memory, {key: value for key, value in document.items() if key != "schema"}, "memory")
    assert isinstance(memory, Memory)
    return memory


def _check_schema(document: Mapping[str, Any]) -> None:
    if document.get("schema") != SCHEMA:
        raise OtherSchema(f"schema {document.get('schema')!r:.80} is not known to this version, which writes {SCHEMA}")


def _rule_summary(track: Track, every: int, switched: datetime, *, by_hand: bool) -> dict[str, Any]:
    verdict = track.breach or track.verdict
    if verdict is None:
        why = "not judged: a rollback by hand" if by_hand else "nothing was measured"
        return {"finding": "no-data", "sentence": why}
    evidence = verdict.evidence
    return {
        "finding": str(verdict.finding),
        "at": verdict.at.isoformat(),
        "sentence": verdict.sentence,
        "value": _finite(evidence.value),
        "limit": _finite(evidence.limit),
        "baseline": _finite(evidence.baseline),
        "log_evidence": _finite(evidence.log_evidence),
        "log_evidence_needed": _finite(evidence.needed),
        **_calibration_summary(track),
        **_bets_summary(track, every, switched, verdict.at),
        "harmless": _finite(evidence.harmless),
        "bad": _finite(evidence.bad),
        "total": _finite(evidence.total),
        "query": evidence.query,
        "path": [
            [
                point.at.isoformat(),
                _finite(point.value),
                _finite(point.limit),
                str(point.finding),
                *(round(odds, 3) for odds in (point.log_evidence, point.needed) if odds is not None),
            ]
            for point in track.path[::every]
        ],
    }


def _compared(one: RuleCompared) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "from": one.start.isoformat(),
        "to": one.end.isoformat(),
        "shared": one.shared,
        "why": one.why,
        "peers": [
            {
                "target": str(peer.target),
                "usable": peer.usable,
                "alike": peer.alike,
                "value": _finite(peer.value),
                "limit": _finite(peer.limit),
                "sentence": peer.sentence,
            }
            for peer in one.peers
        ],
    }


def _bets_summary(track: Track, every: int, switched: datetime, at: datetime) -> dict[str, Any]:
    """All that the evidence was made of, exactly, up to the verdict; left out where the record would grow too large."""
    history = track.history
    if betting_on(track.rule) is None or every > 1 or history.bets.placed > len(history.ledger):
        return {}
    last = (at - switched) / history.interval
    return {
        "blocks_of_a_bake": blocks_in(history),
        "bets": [
            [bet.block, bet.bad, bet.requests, bet.harmless, bet.weight, bet.sought]
            for bet in history.ledger
            if bet.block <= last
        ],
    }


def evidence_again(summary: Mapping[str, Any]) -> float | None:
    """The log evidence of one of a record's `rules`, reckoned anew from its bets; None where it holds none."""
    bets = summary.get("bets")
    if bets is None:
        return None
    return replayed((Bet(*bet) for bet in bets), int(summary["blocks_of_a_bake"])).log_evidence


def _calibration_summary(track: Track) -> dict[str, Any]:
    """What is known of the service's habits, for rules that are judged by evidence."""
    if betting_on(track.rule) is None:
        return {}
    known = track.history.calibration
    verdict = track.breach or track.verdict
    capped = verdict is not None and verdict.evidence.capped
    return {
        "calibration": {
            "sentence": calibration_sentence(known, capped=capped),
            "reached": None if known is None else _finite(known.reached),
            "windows": 0 if known is None else known.windows,
            "capped": capped,
        }
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _without_blocks(watch: Watch) -> Watch:
    def lean(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
        return tuple(
            replace(track, history=_lean(track.history), baseline=_merged(track.baseline), path=()) for track in tracks
        )

    return replace(watch, tracks=lean(watch.tracks), recovery_tracks=lean(watch.recovery_tracks), withheld=())


def _lean(history: History) -> History:
    # The pods are those of the watch, written once for all rules.
    return replace(forgotten(history), pods=None)


def _with_pods(track: Track, pods: Pods | None) -> Track:
    if not isinstance(track.rule.check, Signs):
        return track
    return replace(track, history=replace(track.history, pods=pods))


def _merged(baseline: Baseline | None) -> Baseline | None:
    """A baseline's histograms as one: all that is ever asked of them, at a fiftieth of their size."""
    if baseline is None or not isinstance(baseline.reading, Buckets) or len(baseline.reading.pods) < 2:
        return baseline
    whole = baseline.reading.whole
    return replace(baseline, reading=Buckets({"": whole}))
