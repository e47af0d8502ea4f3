"""Which tests show which rows, read from their marks."""

import ast
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]


def shown() -> dict[int, list[str]]:
    """By row the tests that are marked with it, as `FOLDER/FILE::TEST`."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for function in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)):
            for row in _rows(function):
                found[row].append(f"{path.relative_to(TESTS)}::{function.name}")
    return dict(found)


def _rows(function: ast.FunctionDef) -> list[int]:
    marks = [
        mark
        for mark in function.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault"
    ]
    return [ast.literal_eval(argument) for mark in marks for argument in mark.args]
