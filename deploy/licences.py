"""Writes docs/licences.md: the licence of everything that the image installs, as its own metadata says.

    python deploy/licences.py

Run it in an environment that has requirements.txt installed; a test holds the page to the lock.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
_HEAD = """# Licences of what is installed

Made by `python deploy/licences.py` from the packages' own metadata. The watchdog itself is Apache-2.0.

| package | version | licence |
|---|---|---|
"""
_LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;\\]+)( ; [^\\]*)?", re.MULTILINE)
# Texts in the field that was meant for names, by how they begin.
_KNOWN = {"MIT License": "MIT", "The MIT License": "MIT", "Apache License": "Apache-2.0", "BSD": "BSD-3-Clause"}


def locked() -> Iterator[tuple[str, str, bool]]:
    """Name, version, and whether it is for other platforms alone."""
    for match in _LOCKED.finditer((ROOT / "requirements.txt").read_text(encoding="utf-8")):
        yield match[1], match[2], "win32" in (match[3] or "") or "emscripten" in (match[3] or "")


def licence(name: str) -> str:
    """As the metadata has it: the expression, the field, the classifiers, else the beginning of the licence's own text.

    Raises PackageNotFoundError.
    """
    installed = distribution(name)
    about = installed.metadata
    if expression := about.get("License-Expression"):
        return expression
    text = (about.get("License") or "").strip()
    if text and len(text.splitlines()) == 1:
        return text
    names = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    if names and not text:
        return ", ".join(names)
    texts = [text, *(installed.read_text(f"licenses/{file}") or "" for file in about.get_all("License-File") or [])]
    for begins, known in _KNOWN.items():
        if any(each.startswith(begins) for each in texts):
            return known
    raise SystemExit(f"{name} does not say its licence")


def page(instead: Mapping[str, str] | None = None) -> str:
    """The whole page. `instead`: of packages that are not installed here."""
    rows = []
    for name, version, elsewhere in locked():
        try:
            said = licence(name)
        except PackageNotFoundError:
            if not elsewhere:
                raise SystemExit(f"{name} is locked and not installed here") from None
            said = (instead or {}).get(name, "not in the image (another platform's)")
        rows.append(f"| {name} | {version} | {said} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
