"""A TOML text, read into located nodes or refused at the place where it stops being TOML."""

import re
import tomllib
from contextlib import suppress

from watchdog.rulebook.mistakes import Fault, Lines
from watchdog.rulebook.nodes import Node, Walk

_WHERE = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL)
_UNQUOTED = re.compile(r"""[ \t]*[\w."'-]+[ \t]*=[ \t]*(?P<value>[^\s"'\[{#=][^\n#"]*?)[ \t]*(?:#.*)?$""", re.MULTILINE)
_REMEDIES = {
    "Cannot ": "write each key and each table once",
    "Duplicate": "write each key once",
    "Unterminated string": "close the quotes",
    "Illegal character": "close the quotes on the same line, or write a longer text between three quotes",
    "Unescaped": "write the text in single quotes, in which a backslash means itself",
    "Expected ']": "close the brackets of the table's name",
    "Expected '='": "write key = value",
    "Expected newline": "begin a new line, or put a text in quotes",
    "Unclosed": "close the brackets",
    "Invalid initial character": "write key = value",
    "Invalid value": "write a text in quotes, a number, true, false, or a list in brackets",
    "Invalid statement": "write key = value or [table]",
}


def read_document(text: str) -> Node:
    """Read a TOML text (with "\\n" line endings) into located nodes; raises Fault where it is no TOML."""
    try:
        tomllib.loads(text)
        return Walk(text).document()
    except tomllib.TOMLDecodeError as error:
        raise _syntax_fault(text, str(error)) from None
    except RecursionError:
        raise Fault(0, "the file is nested too deeply to be read", "write flat tables") from None
    except ValueError:  # int() refuses endless numbers with a plain ValueError
        digits = re.search(r"\d{1000,}", text)
        raise Fault(digits.start() if digits else 0, "a number has too many digits", "write a smaller one") from None


def _syntax_fault(text: str, error: str) -> Fault:
    match = _WHERE.match(error)
    what, offset = error, len(text.rstrip())
    if match is not None:
        what = match["what"]
        if match["line"]:
            offset = Lines(text).offset(int(match["line"]), int(match["column"]))
    if what.startswith(("Cannot ", "Duplicate ")):
        # tomllib points behind what is written twice; people look for its beginning.
        offset = _last_begun(text[:offset], pair=what.startswith("Duplicate "))
    line_start = text.rfind("\n", 0, offset) + 1
    unquoted = _UNQUOTED.match(text, line_start)
    if unquoted is not None and unquoted.start("value") <= offset <= unquoted.end("value"):
        value = unquoted["value"]
        return Fault(unquoted.start("value"), f"no TOML: {value} is no value", f'a text stands in quotes: "{value}"')
    remedy = next((text for begin, text in _REMEDIES.items() if what.startswith(begin)), "see toml.io for the notation")
    return Fault(offset, f"no TOML: {_plain(what)}", remedy)


def _plain(what: str) -> str:
    """tomllib's sentence with a path of keys as a person would write it."""
    named = re.sub(r"\(((?:'[^']*'(?:, )?)+),?\)", lambda keys: ".".join(re.findall(r"'([^']*)'", keys[1])), what)
    return named[:1].lower() + named[1:]


def _last_begun(text: str, *, pair: bool) -> int:
    """Where the last statement (or pair of an inline table) of a text begins that was cut where tomllib stopped."""
    walk = Walk(text + "\n")
    with suppress(IndexError, AssertionError, tomllib.TOMLDecodeError):
        walk.document()
    at = walk.pair_at if pair else walk.statement_at
    return at + len(text[at:]) - len(text[at:].lstrip("["))
