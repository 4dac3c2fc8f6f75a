"""One idea a module: none over 500 lines, functions within 60, the median below 150."""

from __future__ import annotations

import ast
import statistics
from typing import TYPE_CHECKING

import pytest

from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

_ROOMS = ("meshdoctor", "screens", "playbooks")
_MODULES = sorted(path for room in _ROOMS for path in (CHECKOUT / room).rglob("*.py"))


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_module_is_over_500_lines_and_the_median_is_below_150() -> None:
    sizes = {path: lines_of(path) for path in _MODULES}
    assert [str(path) for path, size in sizes.items() if size > 500] == []
    assert statistics.median(sizes.values()) < 150


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_function_is_over_60_lines(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    long = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > 60
    ]
    assert long == []
