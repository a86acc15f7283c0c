"""README's Python and command lines speak of what exists."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from pocketbench.cli.main import VERBS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_what_a_snippet_imports_exists(snippet: str) -> None:
    imports = [node for node in ast.walk(ast.parse(snippet)) if isinstance(node, ast.ImportFrom)]
    assert imports
    for node in imports:
        module = importlib.import_module(str(node.module))
        assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_the_verbs_of_the_examples_exist() -> None:
    used = re.findall(r"^ {4}pocketbench ([a-z]+)", README, re.MULTILINE)
    assert len(used) > 10
    assert set(used) <= set(VERBS)
    assert len(SNIPPETS) == 2
