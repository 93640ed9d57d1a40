"""The domain is pure: no await, no clock, no logging, nothing but the standard library and itself."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import watchdog.domain

ROOT = Path(watchdog.domain.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
CLOCKS = {"now", "today", "utcnow", "monotonic", "perf_counter", "time_ns"}
FORBIDDEN = {
    "asyncio", "logging", "time", "os", "pathlib", "random", "secrets", "socket", "subprocess",
    "threading", "urllib", "uuid", "pydantic",
}  # fmt: skip


def imports_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_domain_awaits_asks_the_time_logs_or_does_io(module: Path) -> None:
    tree = ast.parse(module.read_text())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
        if isinstance(node, ast.Call):
            called = node.func
            assert not (isinstance(called, ast.Attribute) and called.attr in CLOCKS), ast.unparse(node)
            assert not (isinstance(called, ast.Name) and called.id in {"open", "print", "input"}), ast.unparse(node)
    for name in imports_of(tree):
        top = name.partition(".")[0]
        assert top not in FORBIDDEN, name
        assert top in sys.stdlib_module_names or name == "watchdog.domain" or name.startswith("watchdog.domain."), name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_dataclass_of_the_domain_is_frozen(module: Path) -> None:
    private_scratch = {"_Track", "_Scrapes", "_Line", "_Sum"}  # of `counting` and `stretch`, alive while they count
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ClassDef) and node.name not in private_scratch:
            for decorator in node.decorator_list:
                text = ast.unparse(decorator)
                assert not text.startswith("dataclass") or "frozen=True" in text, node.name
