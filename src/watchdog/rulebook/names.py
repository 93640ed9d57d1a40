"""The small grammars of names: of Kubernetes (namespaces, targets, label selectors) and of the file's own tables."""

import re
from collections.abc import Callable

from watchdog.domain.rollout import TARGET_FORM, Target, TargetKind
from watchdog.domain.rules import ALERT_NAME, ALERT_STATE
from watchdog.domain.selectors import LabelSelector, Requirement, SelectorOp
from watchdog.rulebook.mistakes import Fault, nearest, shown
from watchdog.rulebook.shapes import Text

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
METRIC_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
LABEL_NAME_PATTERN = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
ALERT_LABEL_PATTERN = r"^(?!alertname$|alertstate$)[a-zA-Z_][a-zA-Z0-9_]*$"
ANNOTATION_PATTERN = r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
READABLE_PATTERN = r"^[^\u0000-\u001f\u007f]+$"
RFC_1123_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_OBJECT = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
TARGET_PATTERN = rf"^{RFC_1123_PATTERN[1:-1]}/({'|'.join(TargetKind)})/{_OBJECT}$"

_WRITE = f"write {TARGET_FORM}"


def matching(pattern: str, what: str, remedy: str) -> Callable[[str], str]:
    """A parser that accepts what the pattern matches, and returns it."""
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if compiled.fullmatch(text) is None or text.endswith("\n"):
            raise Fault(0, f"{shown(text)} is no {what}", remedy)
        return text

    return parse


parse_name = matching(NAME_PATTERN, "name", 'write letters, digits, "-" and "_", 63 at most')
parse_metric_name = matching(METRIC_PATTERN, "name of a metric", 'write letters, digits and "_"')
parse_label_name = matching(LABEL_NAME_PATTERN, "name of a label", 'write letters, digits and "_"')
parse_namespace = matching(
    RFC_1123_PATTERN, "name of a namespace", 'write small letters, digits and "-", 63 at most, as Kubernetes does'
)
parse_container = matching(
    RFC_1123_PATTERN, "name of a container", 'write small letters, digits and "-", 63 at most, as Kubernetes does'
)

parse_annotation = matching(
    ANNOTATION_PATTERN, "name of an annotation", 'write it like "example.org/commit", as Kubernetes does'
)


def parse_alert_name(text: str) -> str:
    """The name of an alert, which may hold anything that can be read; raises Fault."""
    if not text:
        raise Fault(0, "the name of an alert is empty", 'write it as in the alerting rule, like "CheckoutErrorsHigh"')
    return parse_label_value(text)


def parse_label_value(text: str) -> str:
    """The value of a label; raises Fault."""
    unreadable = next((at for at, character in enumerate(text) if not character.isprintable()), None)
    if unreadable is not None:
        raise Fault(unreadable, f"{shown(text)} holds a control character", "write what stands in the alerting rule")
    return text


def parse_alert_label(text: str) -> str:
    """The name of a label that alerts are chosen by; raises Fault."""
    if text in (ALERT_NAME, ALERT_STATE):
        raise Fault(0, f'"{text}" is no label to choose by', "name the alerts in alerts; only those that fire count")
    return parse_label_name(text)


def parse_target(text: str) -> Target:
    """Read `namespace/kind/name`; raises Fault at the part that is wrong."""
    parts = text.split("/")
    if len(parts) != 3:
        raise Fault(0, f"{shown(text)} is no target", _WRITE)
    namespace, kind, name = parts
    if not re.fullmatch(RFC_1123_PATTERN[1:-1], namespace):
        raise Fault(0, f"{shown(namespace)} is no name of a namespace", _WRITE)
    if kind not in list(TargetKind):
        match = nearest(kind, list(TargetKind))
        remedy = f'did you mean "{namespace}/{match}/{name}"?' if match else _WRITE
        raise Fault(len(namespace) + 1, f"{shown(kind)} is nothing that the watchdog guards", remedy)
    if not re.fullmatch(_OBJECT, name):
        raise Fault(len(namespace) + len(kind) + 2, f"{shown(name)} is no name of a {kind}", _WRITE)
    return Target(namespace, TargetKind(kind), name)


ANNOTATION = Text("annotation", '"example.org/commit"', parse_annotation, ANNOTATION_PATTERN)
RULE_NAME = Text("name", '"error-rate"', parse_name, NAME_PATTERN)
CHANNEL_NAME = Text("name", '"releases"', parse_name, NAME_PATTERN)
SOURCE_NAME = Text("name", '"mimir"', parse_name, NAME_PATTERN)
NAMESPACE = Text("namespace", '"production"', parse_namespace, RFC_1123_PATTERN)
CONTAINER = Text("container", '"app"', parse_container, RFC_1123_PATTERN)
TARGET = Text("target", '"production/deployment/gateway"', parse_target, TARGET_PATTERN)


_LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?(?![A-Za-z0-9_./-])"
)
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?(?![A-Za-z0-9_./-])")
_SELECTOR_FORM = 'write requirements like "app=web", "tier in (a, b)", "!canary", with commas between'


def parse_selector(text: str) -> LabelSelector:
    """Read a label selector as Kubernetes does: =, ==, !=, in (), notin (), key, !key; raises Fault."""
    if not text.strip():
        raise Fault(0, "the selector is empty and would select everything", _SELECTOR_FORM)
    reader = _SelectorReader(text)
    requirements = [reader.requirement()]
    while reader.accepts(","):
        requirements.append(reader.requirement())
    if reader.rest:
        raise reader.fault("a comma or the end")
    return LabelSelector(text, tuple(requirements))


class _SelectorReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip_blanks()

    @property
    def rest(self) -> str:
        return self._text[self._at :]

    def fault(self, expected: str) -> Fault:
        found = shown(self.rest) if self.rest else "the end"
        return Fault(self._at, f"in the selector stands {found} where {expected} should", _SELECTOR_FORM)

    def accepts(self, word: str) -> bool:
        if not self.rest.startswith(word):
            return False
        self._at += len(word)
        self._skip_blanks()
        return True

    def requirement(self) -> Requirement:
        if self.accepts("!"):
            return Requirement(self._take(_LABEL_KEY, "a label's key"), SelectorOp.ABSENT)
        key = self._take(_LABEL_KEY, "a label's key")
        if self.accepts("!="):
            return Requirement(key, SelectorOp.NOT_IN, frozenset([self._take(_LABEL_VALUE, "a label's value")]))
        if self.accepts("==") or self.accepts("="):
            return Requirement(key, SelectorOp.IN, frozenset([self._take(_LABEL_VALUE, "a label's value")]))
        for word, op in (("notin", SelectorOp.NOT_IN), ("in", SelectorOp.IN)):
            if re.match(rf"{word}(?![A-Za-z0-9_./-])", self.rest):
                self.accepts(word)
                return Requirement(key, op, self._values())
        if self.rest and not self.rest.startswith(","):
            raise self.fault('one of =, !=, in, notin, ","')
        return Requirement(key, SelectorOp.EXISTS)

    def _values(self) -> frozenset[str]:
        if not self.accepts("("):
            raise self.fault('"("')
        values = {self._take(_LABEL_VALUE, "a label's value")}
        while self.accepts(","):
            values.add(self._take(_LABEL_VALUE, "a label's value"))
        if not self.accepts(")"):
            raise self.fault('")"')
        return frozenset(values)

    def _take(self, pattern: re.Pattern[str], expected: str) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise self.fault(expected)
        self._at = match.end()
        self._skip_blanks()
        return match[0]

    def _skip_blanks(self) -> None:
        self._at += len(self.rest) - len(self.rest.lstrip())
