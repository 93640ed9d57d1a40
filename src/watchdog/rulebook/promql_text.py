"""The text of a query: its placeholders, its tokens, its selectors and their places."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\{(?P<inside>[^{}]*)\}\}")
_TOKEN = re.compile(
    r"(?P<blank>\s+|#[^\n]*)"
    r"|(?P<string>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`)"
    r"|(?P<number>[0-9][0-9a-zA-Z_.]*)"
    r"|(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r"|(?P<op>=~|!~|!=|==|>=|<=|.)",
    re.DOTALL,
)
_GROUPINGS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_NO_METRICS = frozenset({"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and where it stands."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Selector:
    """A vector selector of a query: where its name ends, where its brace opens (if any), its labels' places."""

    end: int
    brace: int | None
    labels: Mapping[str, int]


def placeholders(template: str) -> Iterator[tuple[str, int]]:
    """The names of the template's placeholders, with their places."""
    for match in _PLACEHOLDER.finditer(template):
        yield match["inside"].strip(), match.start()


def stand_in(template: str) -> str:
    """The template with each placeholder replaced by as many letters: a query with the same places."""
    return _PLACEHOLDER.sub(lambda match: "x" * len(match[0]), template)


def selectors(template: str) -> list[Selector]:
    """The vector selectors of a valid template, by its tokens."""
    tokens = tokens_of(stand_in(template))
    tokens.append(Token("end", "", len(template)))
    found: list[Selector] = []
    index = 0
    while tokens[index].kind != "end":
        token, following = tokens[index], tokens[index + 1]
        if token.text == "{":
            index, labels = _labels(tokens, index + 1)
            found.append(Selector(token.at, token.at, labels))
        elif token.text == "[" or (token.text.lower() in _GROUPINGS and following.text == "("):
            end = "]" if token.text == "[" else ")"
            while tokens[index].text != end:
                index += 1
        elif token.kind == "word" and _is_metric(token, following):
            found.append(Selector(token.at + len(token.text), None, {}))
        index += 1
    return found


def _is_metric(token: Token, following: Token) -> bool:
    if following.text in ("(", "{") or token.text.lower() in _NO_METRICS | _GROUPINGS:
        return False
    return following.text.lower() not in ("by", "without")


def _labels(tokens: list[Token], index: int) -> tuple[int, dict[str, int]]:
    labels = {}
    while tokens[index].text != "}":
        token = tokens[index]
        if token.kind in ("word", "string") and tokens[index + 1].text in ("=", "!=", "=~", "!~"):
            labels[token.text.strip("\"'`")] = token.at
            index += 2
        elif token.kind == "string":
            labels["__name__"] = token.at
        index += 1
    return index, labels


def tokens_of(query: str) -> list[Token]:
    """The tokens of a query, right or wrong, without blanks and comments."""
    return [
        Token(match.lastgroup, match[0], match.start())
        for match in _TOKEN.finditer(query)
        if match.lastgroup and match.lastgroup != "blank"
    ]
