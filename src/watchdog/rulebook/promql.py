"""PromQL offline: placeholders, the parser's verdict with a place, bare counters, and a guard's matchers written in.

promql_parser says whether a query is right but not where it is wrong, so a small tokeniser keeps the places. Queries
are templates: each placeholder is replaced by as many harmless characters before parsing, so that places stay true.
"""

import re
from collections.abc import Mapping

import promql_parser

from watchdog.rulebook.mistakes import FOR_THESE_ONLY, OUTSIDE, Fault, shown, suggest
from watchdog.rulebook.promql_text import Token, placeholders, selectors, stand_in, tokens_of

VARIABLES = ("namespace", "pods", "workload", "name")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SMALLER = "make it a recording rule of Prometheus"
_LONGEST = 4000
_DEEPEST = 50
_MOST_OPERATORS = 100
_OPERATORS = frozenset({"+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "atan2"})


def check_placeholders(template: str) -> None:
    """Raise Fault at the first placeholder that is unknown or stands outside of quotes."""
    for name, at in placeholders(template):
        if name.startswith("secret."):
            raise Fault(at, OUTSIDE, FOR_THESE_ONLY)
        if name not in VARIABLES:
            raise Fault(at, f"{{{{ {name} }}}} is no variable of a query", suggest(name, VARIABLES))
    unclosed = stand_in(template).find("{{")
    if unclosed >= 0:
        raise Fault(unclosed, "a placeholder is not closed", 'write it like "{{ pods }}"')
    strings = [
        range(token.at, token.at + len(token.text)) for token in tokens_of(stand_in(template)) if token.kind == "string"
    ]
    for name, at in placeholders(template):
        if not any(at in string for string in strings):
            raise Fault(at, f"{{{{ {name} }}}} stands outside of quotes", f'write it in quotes: "{{{{ {name} }}}}"')


def parse(template: str) -> promql_parser.Expr:
    """Parse a template; raises Fault as near to the fault's place as can be told."""
    check_placeholders(template)
    query = stand_in(template)
    _check_size(query)
    try:
        expression = promql_parser.parse(query)
    except ValueError as error:
        at = _place_of(query, str(error))
        raise Fault(at, f"no PromQL: {error}", "try the query in Prometheus first") from None
    for selector in _vector_selectors(expression):
        if selector.matchers.or_matchers:
            at = max(query.find(" or "), 0)
            raise Fault(at, 'no PromQL: "or" stands between matchers', "write one selector for each alternative")
    return expression


def parse_counter(template: str) -> promql_parser.VectorSelector:
    """Parse a counter: a bare vector selector, nothing around it; raises Fault."""
    expression = parse(template)
    remedy = "write the bare counter, name{matchers}; the watchdog chooses window and function itself"
    start = len(template) - len(template.lstrip())
    if not isinstance(expression, promql_parser.VectorSelector):
        bracket = next((token.at for token in tokens_of(stand_in(template)) if token.text == "["), start)
        match expression:
            case promql_parser.MatrixSelector():
                raise Fault(bracket, "a counter is given with a range", remedy)
            case promql_parser.Call() | promql_parser.AggregateExpr():
                raise Fault(start, "a counter is given inside a function or an aggregation", remedy)
        raise Fault(start, "a counter is given as an expression", remedy)
    if expression.offset is not None or expression.at is not None:
        words = ("offset", "@")
        at = next((token.at for token in tokens_of(stand_in(template)) if token.text.lower() in words), start)
        raise Fault(at, "a counter is given with offset or @", remedy)
    names = {name for name, _ in placeholders(template)}
    if not names & {"pods", "name", "workload"}:
        what = "nothing in it names the revision, so good and bad releases would be counted together"
        raise Fault(
            start, what, 'add pod=~"{{ pods }}" (or a label with {{ name }} or {{ workload }} where there is no pod)'
        )
    return expression


def parse_buckets(template: str) -> None:
    """Parse the `_bucket` counters of a histogram; raises Fault."""
    selector = parse_counter(template)
    named = [str(matcher.value) for matcher in selector.matchers.matchers if matcher.name == "__name__"]
    name = selector.name or (named[0] if named else "")
    if not name.endswith("_bucket"):
        what = f"{shown(name)} is no histogram's bucket counter"
        raise Fault(len(template) - len(template.lstrip()), what, 'write the series whose name ends in "_bucket"')
    for found in selectors(template):
        if "le" in found.labels:
            raise Fault(
                found.labels["le"], 'a histogram is given with a matcher on "le"', "remove it: all buckets are needed"
            )


def parse_gauge(template: str) -> bool:
    """Parse a gauge's query; raises Fault. True where something in it names the revision."""
    expression = parse(template)
    start = len(template) - len(template.lstrip())
    if isinstance(expression, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        raise Fault(start, "a gauge is given with a range", "write a query that answers one value now for each pod")
    if isinstance(expression, promql_parser.StringLiteral):
        raise Fault(start, "a gauge is given as a text", "write a query that answers one value now for each pod")
    return any(name in ("pods", "name", "workload") for name, _ in placeholders(template))


def with_matchers(template: str, matchers: Mapping[str, str]) -> str:
    """The template with the matchers in each of its selectors; raises Fault at a label that is matched already."""
    if not matchers:
        return template
    text = template
    found = selectors(template)
    for selector in found:
        for label in matchers.keys() & selector.labels.keys():
            what = f'the guard\'s matchers match "{label}" already'
            raise Fault(selector.labels[label], what, "remove it here or from the guard's matchers")
    written = ", ".join(f"{label}={_quoted(value)}" for label, value in matchers.items())
    for selector in reversed(found):
        if selector.brace is None:
            text = f"{text[: selector.end]}{{{written}}}{text[selector.end :]}"
        else:
            comma = ", " if selector.labels else ""
            text = f"{text[: selector.brace + 1]}{written}{comma}{text[selector.brace + 1 :]}"
    _check_written(text, matchers)
    return text


def _check_written(template: str, matchers: Mapping[str, str]) -> None:
    """Hold the text edit to what the parser reads out of it."""
    for selector in _vector_selectors(parse(template)):
        labels = {matcher.name for matcher in selector.matchers.matchers}
        if not matchers.keys() <= labels:
            what = "the guard's matchers cannot be added to this query"
            raise Fault(0, what, "write each of its selectors with braces: name{}")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _vector_selectors(expression: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(expression, visit)
    return found


def _check_size(query: str) -> None:
    """Refuse what the parser, a recursive one in native code, would take minutes for or not return from."""
    if len(query) > _LONGEST:
        raise Fault(0, f"the query is longer than {_LONGEST} characters", _SMALLER)
    depth = operators = 0
    for token in tokens_of(query):
        depth += (token.text in _CLOSING) - (token.text in _CLOSING.values())
        operators += token.text.lower() in _OPERATORS
        if depth > _DEEPEST:
            raise Fault(token.at, "the query is nested too deeply", _SMALLER)
        if operators > _MOST_OPERATORS:
            raise Fault(token.at, f"the query has more than {_MOST_OPERATORS} operators", _SMALLER)


def _place_of(query: str, error: str) -> int:
    """Where a query is probably wrong: a word the error quotes, an open bracket, else what follows its valid part."""
    for quoted in re.findall(r"'([^']+)'|for (.+)$", error):
        word = quoted[0] or quoted[1]
        if word in query:
            return query.index(word)
    open_brackets: list[Token] = []
    tokens = tokens_of(query)
    for token in tokens:
        if token.text in _CLOSING:
            open_brackets.append(token)
        elif token.text in _CLOSING.values():
            if not open_brackets or _CLOSING[open_brackets.pop().text] != token.text:
                return token.at
        elif token.text in "\"'`":
            return token.at
    if open_brackets:
        return open_brackets[-1].at
    return _behind_valid_part(query, tokens)


def _behind_valid_part(query: str, tokens: list[Token]) -> int:
    for token in reversed(tokens[1:]):
        try:
            promql_parser.parse(query[: token.at])
        except ValueError:
            continue
        return token.at
    return tokens[0].at if tokens else 0
