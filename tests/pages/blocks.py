"""The blocks of a page that a script writes: between `<!-- output: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Mapping

_BLOCK = re.compile(r"(<!-- output: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_HASHES = re.compile(r"\b(gateway|research|brand)-[a-z0-9]{6,10}(-[a-z0-9]{5})?\b")
_DIGEST = re.compile(r"\b[0-9a-f]{7,12}\b")
_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?")
_DURATION = re.compile(r"\bN (h|min|s)( N (min|s))*\b")
_WRAPPED = re.compile(r"\n#  +")  # a comment's next line: where it begins depends on how long the numbers are


def blocks(page: str) -> dict[str, str]:
    """What stands in each block, by name."""
    return {name: text for _, name, text, _ in _BLOCK.findall(page)}


def rewritten(page: str, outputs: Mapping[str, str]) -> str:
    """The page with its blocks written anew. A block that the outputs do not have raises KeyError."""
    return _BLOCK.sub(lambda match: match[1] + outputs[match[2]] + match[4], page)


def words(text: str) -> list[str]:
    """The words of each line: numbers, how long things took, names of pods and widths differ from run to run."""
    masked = _NUMBER.sub("N", _DIGEST.sub("N", _HASHES.sub(r"\1-HASH", _WRAPPED.sub(" ", text))))
    masked = re.sub(r"\b(query|queries)\b", "queries", _DURATION.sub("N s", masked))
    return [" ".join(line.replace("─", "").split()) for line in masked.splitlines()]
