"""README is true: its commands exist, its example works, its table is that of the baselines."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from harness.catalog import Catalog
from harness.cli import main
from harness.results import find_run_set

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """Return each `harness …` command that README and CONTRIBUTING show in code."""
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"```(?:console|sh|bash)\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`(harness [^`]+)`", text)
    lines = [re.sub(r"^(\$ )?([A-Z_]+=\S+ )?", "", line) for block in blocks for line in block.splitlines()]
    return sorted({line.split("#")[0].strip() for line in [*lines, *inline] if re.match(r"harness [a-z]", line)})


def test_every_command_exists_with_its_options() -> None:
    """What is shown can be typed: the commands and their options are those of `--help`."""
    assert len(commands()) > 12
    for command in commands():
        words = re.findall(r"^harness ([a-z]+)(?: ([a-z]+))?", command)[0]
        group = words if words[0] in ("baseline", "results") else words[:1]
        help_of = [sys.executable, "-P", "-m", "harness", *group, "--help"]
        shown = subprocess.run(help_of, capture_output=True, text=True, check=False, env={"COLUMNS": "200"})
        assert shown.returncode == 0, command
        for option in re.findall(r"(?<= )--?[a-z][a-z-]*", command):
            assert option in shown.stdout, f"{command}: {option}"


def block(language: str, first_line: str = "") -> str:
    """Return README's code block of a language that begins with a line."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(found for found in blocks if found.startswith(first_line))


def test_the_example_of_own_models_runs(project_folder: Path) -> None:
    """README's three files, word for word, are a project that is checked, run and judged."""
    (project_folder / "bench" / "models").mkdir(parents=True)
    (project_folder / "pyproject.toml").write_text(block("toml", "# pyproject.toml"))
    (project_folder / "bench" / "models" / "tiny.py").write_text(block("python", "# bench/models/tiny.py"))
    (project_folder / "suites" / "mine.toml").write_text(block("toml", "# suites/mine.toml"))

    assert main(["check"]) == 0
    assert main(["run", "mine", "--seeds", "1"]) == 0

    run_set = find_run_set(project_folder / "results", "mine")
    accuracy = run_set.table("measurements").query("metric == 'accuracy'")["value"]
    assert len(accuracy) == 2
    assert (accuracy > 0.85).all()  # the example's own floor


def test_the_tables_are_those_of_the_baselines() -> None:
    """Every figure of README's results and of the results page is computed from the samples in git."""
    spec = importlib.util.spec_from_file_location("write_results", ROOT / "tests" / "tools" / "write_results.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    assert tool.page() == (ROOT / "results" / "README.md").read_text()
    assert tool.readme() == README
    assert len(list(tool.page_rows(tool.suites()[0]))) > 50


def test_the_number_of_models_is_the_catalogues() -> None:
    """README counts the models that there are."""
    assert f"comes with it, {len(Catalog().parts('models'))} in all" in README


def test_the_shown_verdicts_are_what_the_gate_says() -> None:
    """The exit codes in README are those of the table in `errors`."""
    from harness.errors import ExitCode

    for code in ExitCode:
        if code is not ExitCode.INTERRUPTED:
            assert re.search(rf"\b{code.value} {code.name.lower().split('_')[0][:6]}", README), code
