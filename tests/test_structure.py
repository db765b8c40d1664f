"""The house rules that a machine can check: ranks, torch-free halves, start-up, the public face, the documentation."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness

PACKAGE = Path(harness.__file__).parent
ROOT = Path(__file__).parents[1]

RANKS = {
    0: {"errors", "units", "digests"},
    1: {"catalog", "observations", "stats", "seeds", "git", "options", "vocabulary"},
    2: {"project", "environment", "models", "data", "metrics", "probes"},
    3: {"tasks", "suite"},
    4: {"results", "train"},
    5: {"baseline", "audits", "claims", "experiments", "history", "verdicts", "runner"},
    6: {"gate", "report", "paired", "reproduce"},
    7: {"render", "api", "script", "audit", "archive", "exporters", "calibration", "selftest"},
    8: {"cli", "pytest_plugin"},
    9: {"__main__"},
}
"""Module -> rank, as in ARCHITECTURE.md; `__init__` names the public face and has none."""
RANK = {module: rank for rank, modules in RANKS.items() for module in modules}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, top-level module of the harness) for each import of a file that runs."""
    tree = ast.parse(file.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in typing_only and (node.module or "").split(".")[0] == "harness":
            names = [alias.name for alias in node.names] if node.module == "harness" else [(node.module or "").split(".")[1]]
            yield from ((node.lineno, name) for name in names)


def test_every_module_has_a_rank() -> None:
    """A new module takes its place in the table."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert set(RANK) == modules - {"__init__"}


def test_imports_point_to_lower_ranks() -> None:
    """A module imports from lower ranks, or from its own package."""
    wrong = []
    for file in PACKAGE.rglob("*.py"):
        own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for line, other in imports(file):
            if own != "__init__" and other != own and RANK[other] >= RANK[own]:
                wrong.append(f"{file}:{line}: {own} (rank {RANK[own]}) imports {other} (rank {RANK[other]})")

    assert wrong == []


def test_the_documented_ranks_are_these() -> None:
    """ARCHITECTURE.md shows the table that is checked."""
    text = (ROOT / "ARCHITECTURE.md").read_text()

    for rank, modules in RANKS.items():
        rows = [line for line in text.splitlines() if re.match(rf"{rank} +\w", line)]
        named = {name for row in rows for name in re.findall(r"[a-z_]+", row.split("  ")[1] if "  " in row else row)}
        assert modules <= named, f"rank {rank}: {modules - named} not in ARCHITECTURE.md"


JUDGING = (
    "harness.gate",
    "harness.verdicts",
    "harness.baseline",
    "harness.render",
    "harness.report",
    "harness.api",
    "harness.runner.execute",
)


@pytest.mark.parametrize("module", JUDGING)
def test_judging_and_supervising_never_import_torch(module: str) -> None:
    """Judging runs on any machine, and the supervisor of runs stays small."""
    code = f"import sys, {module}; print([name for name in ('torch', 'sklearn', 'scipy.stats') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_package_itself_is_quick_to_import() -> None:
    """`import harness` costs neither torch nor pandas, though it offers `measure` and `load`."""
    code = "import sys, harness; print([name for name in ('torch', 'pandas', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_public_face_is_what_all_says() -> None:
    """Each public name is there, documented, and nothing else is promised."""
    assert set(harness.__all__) == {"run", "load", "compare", "measure"}
    for name in harness.__all__:
        assert getattr(harness, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = harness.nothing  # type: ignore[attr-defined]


def test_every_command_has_help_with_an_example() -> None:
    """`harness COMMAND --help` says what the command does and shows it."""
    from harness.catalog import Catalog

    for name, part in Catalog().parts("cli").items():
        command = part.load()
        functions = [command.run] if command.run else list(command.group.values())
        for function in functions:
            assert "Example" in (function.__doc__ or ""), f"{name}: {function.__name__}"


def test_an_option_of_several_commands_means_one_thing() -> None:
    """--json and --markdown are described in the same words everywhere."""
    from typing import get_type_hints

    from harness.catalog import Catalog

    said: dict[str, set[str]] = {"--json": set(), "--markdown": set()}
    for part in Catalog().parts("cli").values():
        command = part.load()
        for function in [command.run] if command.run else command.group.values():
            for hint in get_type_hints(function, include_extras=True).values():
                for option in getattr(hint, "__metadata__", ()):
                    # within Annotated typer takes the option's first name for its default
                    for name in said.keys() & {option.default, *(option.param_decls or ())}:
                        said[name].add(option.help)

    assert {"--json": 1, "--markdown": 1} == {name: len(words) for name, words in said.items()}
