#!/usr/bin/env python3
"""One fact of services.json: told.py path SERVICE, told.py image SERVICE VERSION."""

import sys

from services import image, refuse, service


def main(words: list[str]) -> int:
    """Print it."""
    match words:
        case ["path", name]:
            print(service(name)["path"])
        case ["image", name, version]:
            print(image(name, version))
        case _:
            refuse("write `told.py path SERVICE` or `told.py image SERVICE VERSION`")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
