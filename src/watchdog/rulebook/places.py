"""Where in a rules file its tables and keys stand, for what is found out about them later."""

from watchdog.rulebook.mistakes import Lines
from watchdog.rulebook.nodes import Node

Key = str | int  # of a table, or the number of an item in a list
NOWHERE = (0, 0)


class Places:
    """Lines and columns (both from 1) by path, as in `places.find("guards", "services", "bake")`."""

    def __init__(self, document: Node | None = None, lines: Lines | None = None) -> None:
        self._document = document
        self._lines = lines

    def find(self, *path: Key) -> tuple[int, int] | None:
        """The place of a value (of a table: of its name); None where it is not written."""
        node = self._document
        for key in path:
            node = _inside(node, key)
        if node is None or self._lines is None:
            return None
        return self._lines.place(node.key_at if isinstance(node.value, dict) else node.at)

    def of(self, *path: Key) -> tuple[int, int]:
        """The place of a value, or of the nearest thing around it that is written; `NOWHERE` for none."""
        for length in range(len(path), 0, -1):
            place = self.find(*path[:length])
            if place is not None:
                return place
        return NOWHERE


def _inside(node: Node | None, key: Key) -> Node | None:
    match node.value if node is not None else None, key:
        case dict(table), str(name):
            return table.get(name)
        case list(items), int(index) if 0 <= index < len(items):
            return items[index]
    return None
