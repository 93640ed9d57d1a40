"""Labels that a selector of a rule would select: what a first test of that rule calls its series."""

import re
from collections.abc import Iterable, Mapping

import promql_parser

from watchdog.replay.rule_tests.series_texts import CANDIDATE
from watchdog.simulator.tsdb import METRIC_NAME

PodLabels = Mapping[str, str]

# Stand in for variables while the parser reads: letters that no pattern means.
_STAND_IN = re.compile(r"WATCHDOG0([a-z]+)0STANDIN")
_OTHERS = ("app", "ok", "200", "2xx", "success", "none")
_ATOM = re.compile(r"(?P<atom>\\.|\[\^?[^\]]*\]|\((?:\?:)?[^()]*\)|.)(?P<many>[*+?]|\{[0-9,]+\})?")


class CannotWrite(Exception):
    """A first test of this rule cannot be written; says why in one line."""


def labels_for(selector: str, revision: str = CANDIDATE, apart_from: str | None = None) -> dict[str, str]:
    """Labels that the selector's template selects, of the first pod of `candidate` or `stable`.

    Labels by which `apart_from` selects less (a ratio's bad events) get a value that it does not select.
    """
    named = _matchers(selector)
    narrower = {
        name: matchers for name, matchers in _matchers(apart_from or "x").items() if matchers != named.get(name)
    }
    labels: dict[str, str] = {}
    for name, matchers in named.items():
        value = _value(name, matchers)
        if value:
            labels[name] = value
    for name, matchers in narrower.items():
        if name == METRIC_NAME or apart_from is None:
            continue
        wanted = named.get(name, [])
        good = [_like(_value(name, matchers)), *_OTHERS]
        labels[name] = _first(
            [value for value in good if value and not _accepted(matchers, value) and _accepted(wanted, value)], name
        )
    return {name: _STAND_IN.sub(lambda match: _written(match[1], revision), value) for name, value in labels.items()}


def _written(variable: str, revision: str) -> str:
    if variable == "pods":
        return f"{{{{ {revision} }}}}-1"
    return f"{{{{ {variable} }}}}"


def _matchers(selector: str) -> dict[str, list[tuple[str, str]]]:
    """The matchers of a bare selector by label, each as its operator and its value."""
    standing = re.sub(r"\{\{\s*([a-z]+)\s*\}\}", r"WATCHDOG0\g<1>0STANDIN", selector)
    expression = promql_parser.parse(standing)
    if not isinstance(expression, promql_parser.VectorSelector):
        raise CannotWrite("its query is no bare selector")
    found: dict[str, list[tuple[str, str]]] = {METRIC_NAME: [("=", expression.name)]} if expression.name else {}
    for matcher in expression.matchers.matchers:
        operator = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
        found.setdefault(matcher.name, []).append((operator[str(matcher.op)], matcher.value))
    return found


def _value(name: str, matchers: Iterable[tuple[str, str]]) -> str:
    """A value that all matchers of a label accept."""
    matchers = list(matchers)
    exact = [value for operator, value in matchers if operator == "="]
    examples = [_example(value) for operator, value in matchers if operator == "=~"]
    return _first([value for value in (*exact, *examples, *_OTHERS) if _accepted(matchers, value)], name)


def _first(values: list[str], name: str) -> str:
    if not values:
        raise CannotWrite(f'no value of label "{name}" was found that its query selects')
    return values[0]


def _accepted(matchers: Iterable[tuple[str, str]], value: str) -> bool:
    for operator, wanted in matchers:
        same = value == wanted if operator in ("=", "!=") else re.fullmatch(wanted, value) is not None
        if same is operator.startswith("!"):
            return False
    return True


def _example(pattern: str) -> str:
    """A text that a plain regular expression matches: its first alternative, with letters for its classes."""
    first = next((part for part in _alternatives(pattern) if part), "")
    text = ""
    for match in _ATOM.finditer(first):
        atom, many = match["atom"], match["many"] or ""
        if many in ("*", "?"):
            continue
        if atom.startswith("("):
            text += _example(re.sub(r"^\((\?:)?|\)$", "", atom))
        elif atom.startswith("\\"):
            text += {"d": "0", "w": "a", "s": " "}.get(atom[1], atom[1])
        elif atom.startswith("["):
            text += "0" if atom.startswith("[^") else atom[1]
        else:
            text += "0" if atom == "." else atom
    return text


def _alternatives(pattern: str) -> list[str]:
    parts, depth = [""], 0
    for character in pattern:
        depth += (character == "(") - (character == ")")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _like(bad: str) -> str:
    """What a good event would be called where bad ones are called this."""
    if re.fullmatch(r"[45][0-9x]{2}", bad):
        return f"2{bad[1:]}"
    return {"error": "ok", "failure": "success", "failed": "ok", "false": "true", "true": "false"}.get(bad, "ok")
