"""README is true: its commands exist, its example works, its table is that of the baselines."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.catalog import Catalog
from harness.cli import main
from harness.results import find_run_set
from harness.units import FORMATTERS

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
    surroundings = {"COLUMNS": "200", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    for command in commands():
        words = re.findall(r"^harness ([a-z]+)(?: ([a-z]+))?", command)[0]
        group = words if words[0] in ("baseline", "results") else words[:1]
        help_of = [sys.executable, "-P", "-m", "harness", *group, "--help"]
        shown = subprocess.run(help_of, capture_output=True, text=True, check=False, env=surroundings)
        assert shown.returncode == 0, command
        for option in re.findall(r"(?<= )--?[a-z][a-z-]*", command):
            assert option in shown.stdout, f"{command}: {option}"


def block(language: str, first_line: str = "") -> str:
    """Return README's code block of a language that begins with a line."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(found for found in blocks if found.startswith(first_line))


def catalogue(folder: Path) -> None:
    """Write README's pyproject.toml, which names a catalogue."""
    (folder / "bench" / "models").mkdir(parents=True)
    (folder / "bench" / "experiments").mkdir()
    (folder / "pyproject.toml").write_text(block("toml", "# pyproject.toml"))


def test_the_example_of_own_models_runs(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """README's three files and its claim, word for word, are a project that is checked, run and judged as README says."""
    catalogue(project_folder)
    (project_folder / "bench" / "models" / "tiny.py").write_text(block("python", "# bench/models/tiny.py"))
    (project_folder / "suites" / "mine.toml").write_text(block("toml", "# suites/mine.toml"))

    assert main(["check"]) == 0
    with (project_folder / "suites" / "mine.toml").open("a") as suite:
        suite.write("\n" + block("toml", "# added to suites/mine.toml"))
    assert main(["check"]) == 0
    assert main(["run", "mine"]) == 0
    capsys.readouterr()
    assert main(["claims", "mine"]) == 0
    assert "this claim is *supported*" in README
    assert "\tsupported\t" in capsys.readouterr().out

    measured = find_run_set(project_folder / "results", "mine").table("measurements")
    accuracy = measured.query("metric == 'accuracy'")["value"]
    assert len(accuracy) == 20
    assert (accuracy > 0.85).all()  # the example's own floor
    # what each metric says of its nulls is true of a real run
    said = {name: part.fields["null_when"] for name, part in Catalog().parts("metrics").items()}
    nulls = measured[measured["null_reason"].notna()]
    assert {name for name in nulls["metric"] if said[name] == "never"} == set()
    assert {name for name in nulls.query("null_reason == 'no_gpu'")["metric"] if not said[name].startswith("no GPU")} == set()


def test_the_example_of_an_own_experiment_runs(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """README's experiment and its suite, word for word, are checked, run and judged as README says."""
    catalogue(project_folder)
    (project_folder / "bench" / "experiments" / "depth.py").write_text(block("python", "# bench/experiments/depth.py"))
    (project_folder / "suites" / "depth.toml").write_text(block("toml", "# suites/depth.toml"))

    assert main(["check"]) == 0
    assert main(["run", "depth"]) == 0
    capsys.readouterr()
    assert main(["claims", "depth"]) == 0
    assert "The claim is *supported*." in README
    assert "\tsupported\t" in capsys.readouterr().out


def load_tool(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import one of the tools that write tables, from where its neighbours are."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "tools")
    return importlib.import_module(name)


def test_the_tables_are_those_of_the_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure of README's results and of the results page is computed from the samples in git."""
    tool = load_tool("write_results", monkeypatch)

    assert tool.page() == (ROOT / "results" / "README.md").read_text()
    assert tool.readme() == README
    assert len(list(tool.page_rows(tool.suites()[0]))) > 50


def test_the_table_of_metrics_says_what_their_files_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """README has each metric once, in its own words; every unit has a name that people know."""
    tool, metrics = load_tool("write_metrics", monkeypatch), Catalog().parts("metrics")
    named = re.findall(r"^\| [^|]+<br>`(\w+)` \|", README, re.MULTILINE)

    assert tool.readme() == README
    assert list(metrics) == sorted(named)
    assert tool.UNITS.keys() == FORMATTERS.keys()


def test_the_number_of_models_is_the_catalogues() -> None:
    """README counts the models that there are."""
    assert f"comes with it, {len(Catalog().parts('models'))} in all" in README


def test_the_shown_verdicts_are_what_the_gate_says() -> None:
    """The exit codes in README are those of the table in `errors`."""
    from harness.errors import ExitCode

    for code in ExitCode:
        if code is not ExitCode.INTERRUPTED:
            assert re.search(rf"\b{code.value} {code.name.lower().split('_')[0][:6]}", README), code
