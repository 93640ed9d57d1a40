"""The house keeps its order: imports go one way, what others use is explained, files hold one idea."""

import ast
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "watchdog").rglob("*.py"))
LONG = 300

Explained = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_imports_go_one_way() -> None:
    # A process of its own: it would switch off this one's loggers.
    command = (sys.executable, "-c", "import importlinter.cli as c; raise SystemExit(c.lint_imports(no_cache=True))")
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == EXIT_STATUS_SUCCESS, ran.stdout + ran.stderr
    assert " 0 broken" in ran.stdout


def public(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, Explained]]:
    """Classes and functions of a module, and the methods of its classes, that others may use."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield f"{within}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{node.name}.")


def explained_by_protocols() -> set[str]:
    """The methods that a protocol or abstract base explains, once for all that fulfil it."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                ast.unparse(base).startswith(("Protocol", "ABC")) for base in node.bases
            ):
                found |= {name.split(".")[-1] for name, one in public(node.body) if ast.get_docstring(one)}
    return found


ELSEWHERE = explained_by_protocols()


def needs_no_words(name: str, node: Explained, bases: dict[str, list[ast.expr]]) -> bool:
    """A property that says what its name says; a method whose words stand where its base or protocol has it."""
    if isinstance(node, ast.ClassDef) or "." not in name:
        return False
    if any(isinstance(one, ast.Name) and one.id in ("property", "cached_property") for one in node.decorator_list):
        return True
    return bool(bases[name.partition(".")[0]]) or node.name in ELSEWHERE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src" / "watchdog")))
def test_every_public_module_class_and_function_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = list(public(tree.body))
    bases = {name: node.bases for name, node in found if isinstance(node, ast.ClassDef)}
    silent = [
        f"{path.name}:{node.lineno} {name}"
        for name, node in found
        if ast.get_docstring(node) is None and not needs_no_words(name, node, bases)
    ]
    if ast.get_docstring(tree) is None and path.name != "__main__.py":
        silent.insert(0, f"{path.name} itself")
    assert not silent


@pytest.mark.filterwarnings("default::UserWarning")
def test_most_files_hold_one_idea() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    long = {name: lines for name, lines in long.items() if lines > LONG}
    if long:
        listed = ", ".join(f"{name} ({lines})" for name, lines in sorted(long.items(), key=lambda one: -one[1]))
        warnings.warn(UserWarning(f"longer than {LONG} lines: {listed}"), stacklevel=1)


@pytest.mark.parametrize("room", ["domain", "engine"])
def test_who_decides_names_no_kind_of_target(room: str) -> None:
    """A new kind of switch is a provider's file; `rollout.py` alone lists the words that people write."""
    named = [
        f"{path.name}:{node.lineno} {ast.unparse(node)}"
        for path in SOURCES
        if path.relative_to(ROOT / "src" / "watchdog").parts[0] == room and path.name != "rollout.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "TargetKind"
    ]
    assert not named
