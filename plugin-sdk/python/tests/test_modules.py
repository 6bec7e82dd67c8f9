"""Modules of the SDK use each other in one direction, imports for types and inside functions included."""

from __future__ import annotations

import ast
import unittest
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "src"


def imports(name: str, text: str, modules: set[str], is_package: bool) -> set[str]:
    """The modules of the SDK that a module imports: of two that a statement names, the longer one."""
    found: set[str] = set()
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            named = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for path in named:
            known = [path, path.rpartition(".")[0]]
            found.update([module for module in known if module in modules][:1])
    return found - {name}


def graph(sources: dict[str, tuple[str, bool]]) -> dict[str, set[str]]:
    """What each module imports; it is given by its text, and whether it is a package."""
    return {
        name: imports(name, text, set(sources), is_package) for name, (text, is_package) in sources.items()
    }


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import each other; none where there is no circle."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


class Modules(unittest.TestCase):
    def test_no_modules_import_each_other(self) -> None:
        sources = {}
        for file in SOURCES.rglob("*.py"):
            parts = file.relative_to(SOURCES).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            sources[name] = (file.read_text(encoding="utf-8"), is_package)
        self.assertGreater(len(sources), 20)
        self.assertEqual(circle(graph(sources)), [])

    def test_a_circle_over_a_type_and_an_import_in_a_function_is_found(self) -> None:
        edges = graph(
            {
                "sdk": ("from .a import A", True),
                "sdk.a": ("def f():\n    from .low.b import B", False),
                "sdk.low": ("", True),
                "sdk.low.b": ("if TYPE_CHECKING:\n    from ..c import C\nimport os", False),
                "sdk.c": ("from sdk import a", False),
            }
        )
        self.assertEqual(edges["sdk.low.b"], {"sdk.c"})
        self.assertEqual(set(circle(edges)), {"sdk.a", "sdk.low.b", "sdk.c"})


if __name__ == "__main__":
    unittest.main()
