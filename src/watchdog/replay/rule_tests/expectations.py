"""The small grammar of what is expected: `breach within 90s`, `no breach`, `undecided at 45s`, `not rolled-back`."""

import re
from datetime import timedelta

from watchdog.domain.judge import Finding
from watchdog.replay.rule_tests.cases import Expectation, OutcomeExpected, When
from watchdog.rulebook.durations import parse_duration
from watchdog.rulebook.mistakes import Fault, shown, suggest

FINDINGS = tuple(str(finding) for finding in Finding)
OUTCOMES = ("passed", "rolled-back", "held", "notified", "inconclusive")
_FORM = "write breach, breach within 90s, breach after 30s within 90s, no breach, pass, undecided at 45s or the like"
_WORD = re.compile(r"\S+")
_ANSWER = re.compile(r"(?P<what>[1-5][0-9]{2}|refused|timeout|_)(?:x(?P<times>[0-9]{1,5}))?")


def parse_expectation(text: str) -> Expectation:
    """Read what one rule is expected to say; raises Fault at the word that is wrong."""
    words = [(match[0], match.start()) for match in _WORD.finditer(text)]
    if not words:
        raise Fault(0, "the expectation is empty", _FORM)
    if [word for word, _ in words] == ["no", "breach"]:
        return Expectation(text, Finding.BREACH, When.NEVER)
    (verdict, at), *rest = words
    if verdict not in FINDINGS:
        raise Fault(at, f"{shown(verdict)} is no verdict", _FORM if verdict == "no" else suggest(verdict, FINDINGS))
    finding = Finding(verdict)
    moments = _moments(rest, len(text))
    if finding is Finding.BREACH and "at" in moments:
        what = "a breach stands once it came, so there is no breach at a moment"
        raise Fault(rest[0][1], what, f"write breach within {rest[1][0]}")
    if "after" in moments and finding is not Finding.BREACH:
        raise Fault(rest[0][1], f"after is for a breach alone, not for {finding}", f"write {finding} at {rest[1][0]}")
    if "at" in moments:
        return Expectation(text, finding, When.AT, by=moments["at"])
    if finding is Finding.BREACH or moments:
        after, by = moments.get("after"), moments.get("within")
        if after is not None and by is not None and by <= after:
            raise Fault(rest[0][1], "the breach would have to end before it begins", "write after 30s within 90s")
        return Expectation(text, finding, When.WITHIN, after, by)
    return Expectation(text, finding, When.AT_END)


def _moments(words: list[tuple[str, int]], end: int) -> dict[str, timedelta]:
    moments: dict[str, timedelta] = {}
    for index in range(0, len(words), 2):
        word, at = words[index]
        if word not in ("at", "after", "within"):
            raise Fault(at, f"{shown(word)} is not understood here", _FORM)
        if index + 1 == len(words):
            raise Fault(end, f"{word} has no time", f"write {word} 90s")
        if word in moments or (moments and (word == "at" or "at" in moments)):
            raise Fault(at, "an expectation has one at, or one after and one within", _FORM)
        moments[word] = _duration(*words[index + 1])
    return moments


def _duration(text: str, at: int) -> timedelta:
    try:
        return parse_duration(text)
    except Fault as fault:
        raise Fault(at + fault.index, fault.message, "write it like 90s or 1m30s, from the switch on") from None


def parse_outcome(text: str) -> OutcomeExpected:
    """Read how a watch is expected to go; raises Fault."""
    plain = text.replace("rolled back", "rolled-back")  # as long, so that places stay true
    words = [(match[0], match.start()) for match in _WORD.finditer(plain)]
    negated = bool(words) and words[0][0] == "not"
    (word, at), *rest = words[negated:] or [("", 0)]
    if word not in OUTCOMES:
        raise Fault(at, f"{shown(word)} is no outcome of a rule test", suggest(word, OUTCOMES))
    if not rest:
        return OutcomeExpected(text, word, negated)
    if negated or len(rest) != 2 or rest[0][0] != "within":
        what = f"{shown(plain[rest[0][1] :])} is not understood after an outcome"
        raise Fault(rest[0][1], what, f"write {word} or {word} within 90s")
    return OutcomeExpected(text, word, by=_duration(*rest[1]))


def parse_answers(text: str) -> tuple[str, ...]:
    """Read what the rounds of a probe meet, as in `200x6 503`; raises Fault. The last answer holds on.

    Each is a status code, `refused`, `timeout`, or `_`: the pod is not probed in this round.
    """
    answers: list[str] = []
    for item in _WORD.finditer(text):
        match = _ANSWER.fullmatch(item[0])
        if match is None:
            remedy = "write status codes, refused, timeout or _, and runs of them like 200x6, with blanks between"
            raise Fault(item.start(), f"{shown(item[0])} is no answer to a probe", remedy)
        times = int(match["times"] or 0)
        answers += [match["what"]] * (times if match["what"] == "_" and match["times"] else times + 1)
    if not answers:
        raise Fault(0, "no answer is given", "write one for each round of the probe, as in 200x6 503")
    return tuple(answers)
