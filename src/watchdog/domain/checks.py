"""What was made sure of before acting, check by check, as `remedy.plan` asks; for record, page and people."""

from collections.abc import Mapping
from enum import StrEnum

from watchdog.domain.state import RefusalReason, Watch

CHECKS: Mapping[RefusalReason, str] = {
    RefusalReason.SUPERSEDED: "the candidate still serves: nobody deployed or put it back since",
    RefusalReason.CONFIG: "what was before is kept, and can be gone back to",
    RefusalReason.FROZEN: "no pause is in force",
    RefusalReason.TOO_MANY: "there were not too many rollbacks lately",
    RefusalReason.PAUSED: "its rollout is not paused",
    RefusalReason.ON_HOLD: "no annotation holds it",
    RefusalReason.NOTHING_TO_GO_BACK_TO: "a good revision to go back to is known",
    RefusalReason.OWNED: "no other controller rolls it out",
    RefusalReason.GITOPS: "nothing that reconciles it would revert it",
    RefusalReason.DESTINATION_GONE: "the good revision is still there",
    RefusalReason.DESTINATION_CHANGED: "it is still what served before",
    RefusalReason.NO_DIFFERENCE: "going back changes something",
    RefusalReason.NOT_REACHED: "going back reaches all of the candidate's pods",
    RefusalReason.NEEDS_GONE: "all that it needs (ConfigMaps, Secrets, ...) is there",
    RefusalReason.DRY_RUN_REFUSED: "the API server would accept it",
    RefusalReason.DESTINATION_NOT_READY: "its pods are ready to serve",
    RefusalReason.STABLE_OVER_LIMIT: "stable was not over the same limit itself",
    RefusalReason.SHARED_CAUSE: "untouched peers do not fail in the same way",
}
"""In the order in which they are asked, what holds where the check is passed."""

_FLIPS_ALONE = frozenset({RefusalReason.DESTINATION_NOT_READY})


class Answer(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    REFUSED = "refused"
    PASSED_OVER = "passed over"  # a person decided so; what it would have said was not asked
    NOT_REACHED = "not reached"


def checks_of(watch: Watch) -> list[dict[str, str]]:
    """The checks of the last look before acting, in order; empty where nothing asked for an act."""
    refusal = watch.refusal
    if refusal is None and watch.remedy is None:
        return []
    refused = refusal.reason if refusal is not None else None
    if refused is not None and refused not in CHECKS and watch.remedy is None:
        # Nothing could be looked at, or a check was refused that only a rollback by hand has.
        return [_check(refused, "it could be looked at", Answer.REFUSED, refusal.sentence if refusal else "")]
    told, reached = [], True
    for reason, holds in CHECKS.items():
        if reason in _FLIPS_ALONE and not watch.switch.kind.at_once:
            continue
        if reason is RefusalReason.CONFIG and watch.switch.kind.returns:
            continue
        if reason.value in watch.overridden:
            answer = Answer.PASSED_OVER
        elif reason is refused:
            answer, reached = Answer.REFUSED, False
        else:
            answer = Answer.PASSED if reached else Answer.NOT_REACHED
        why = refusal.sentence if refusal is not None and answer is Answer.REFUSED else ""
        told.append(_check(reason, holds, answer, why))
    if refusal is not None and refused not in CHECKS:
        told.append(_check(refusal.reason, "the API server took the write", Answer.REFUSED, refusal.sentence))
    return told


def _check(reason: RefusalReason, holds: str, answer: Answer, why: str) -> dict[str, str]:
    return {"check": reason.value, "holds": holds, "answer": answer.value, "why": why}
