"""Words that stand for a template's variables, so that the parser can read it."""

import re

PODS = "pods"
NAMESPACE = "namespace"


def stand_in(name: str) -> str:
    """The word that stands for a variable."""
    return f"WATCHDOG0{name}0STANDIN"


def with_stand_ins(text: str) -> str:
    """The template with a word for each variable, which the parser reads even as a regular expression."""
    return re.sub(r"\{\{\s*([a-z]+)\s*\}\}", lambda match: stand_in(match[1]), text)


def without_stand_ins(text: str) -> str:
    """The way back from `with_stand_ins`."""
    return re.sub(r"WATCHDOG0([a-z]+)0STANDIN", r"{{ \1 }}", text)
