"""`harness run` and `harness bench` as a user types them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.results import find_run_set


def test_the_path_goes_to_stdout_and_everything_else_to_stderr(
    project_folder: Path, write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Output pipes: stdout is the run set's path alone; a line a run, and what to do next, go to stderr."""
    write_project({"good": ""})

    code = main(["run", "mine", "--seeds", "1"])

    shown = capsys.readouterr()
    assert code == 0
    assert Path(shown.out.strip()) == find_run_set(project_folder / "results", "mine").path
    assert shown.err.startswith("[1/1] good, seed 1: ok, accuracy ")
    assert "1 ok; next: harness gate mine · harness report mine" in shown.err


def test_a_failed_run_ends_with_code_5(write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """Measuring failed is not a pass."""
    write_project({"exception": ""})

    assert main(["run", "mine", "--seeds", "1"]) == 5
    assert "failed, ValueError: boom" in capsys.readouterr().err


ASKS = '''"""Asks for digits, unless it is told to ask for more."""
from harness.experiments import Experiment
def run(setting, *, pictures="digits"):
    return {"samples": float(len(setting.data("mnist" if pictures == "mnist" else "digits").train))}
EXPERIMENT = Experiment(run=run, title="Samples", outcomes={"samples": "{sample}"})
'''


def test_data_that_an_experiment_may_not_ask_for_are_not_said_to_be_fetched(
    project_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options decide, which only the experiment knows; an offline run of what needs nothing fetches nothing."""
    monkeypatch.setenv("HARNESS_DATA_DIR", str(project_folder / "data"))
    (project_folder / "bench" / "experiments").mkdir(parents=True)
    (project_folder / "bench" / "experiments" / "asks.py").write_text(ASKS)
    (project_folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
    suite = 'version = 1\nwhy = "To test."\n[[case]]\nexperiment = "asks"\nseeds = 1\n'
    (project_folder / "suites" / "mine.toml").write_text(suite)

    assert main(["run", "mine"]) == 0

    told = f"mnist is fetched, if an experiment asks for it, into {project_folder / 'data' / 'mnist'}"
    assert capsys.readouterr().err.startswith(told)
    assert not (project_folder / "data").exists()


def test_an_unknown_suite_and_a_bad_option_end_with_code_2(
    write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage errors say what is allowed and run nothing."""
    write_project({"good": ""})

    assert main(["run", "mime"]) == 2
    assert "no suite 'mime'" in capsys.readouterr().err
    assert main(["run", "mine", "--device", "gpu"]) == 2
    assert "allowed: cpu, cuda" in capsys.readouterr().err
    assert main(["run", "mine", "--sedes", "3"]) == 2
    assert not Path("results").exists()


def test_a_device_that_is_not_there_is_told_by_the_run(
    write_project: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a usable GPU, --device cuda is a failed run that says so, not a run on the CPU."""
    write_project({"good": ""})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    assert main(["run", "mine", "--seeds", "1", "--device", "cuda"]) == 5
    assert "finds no usable CUDA device; use --device cpu" in capsys.readouterr().err


def test_a_corrupt_data_file_fails_its_runs_alone(
    project_folder: Path,
    write_project: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cached file whose content does not verify is named; the other cases are measured."""
    cache = project_folder / "cache"
    (cache / "mnist").mkdir(parents=True)
    (cache / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"not a data set")
    monkeypatch.setenv("HARNESS_DATA_DIR", str(cache))
    write_project({"good": ""})
    with (project_folder / "suites" / "mine.toml").open("a") as file:
        file.write('[[case]]\nname = "digits"\nmodel = "a004_cnn"\ndata = "mnist"\n')

    assert main(["run", "mine", "--seeds", "1"]) == 5

    runs = find_run_set(project_folder / "results", "mine").table("runs").set_index("case")
    assert {"good": "ok", "digits": "failed"} == runs["status"].to_dict()
    assert "train-images-idx3-ubyte.gz" in runs.loc["digits", "reason"]
    assert "Traceback" not in capsys.readouterr().err
    assert (cache / "mnist" / "train-images-idx3-ubyte.gz").read_bytes() == b"not a data set"


GATES = "[gates]\naccuracy = { margin = 0.05 }\nloss_curve_digest = {}\nstep_time_median = { level = 'info', margin = 0.2 }\n"
CLAIM = """
[[claim]]
id = "learns"
statement = "The model learns."
refuted_by = "an accuracy of a coin"
[[claim.test]]
kind = "above"
value = { case = "good", metric = "accuracy" }
bound = 0.5
"""


def test_a_users_own_project_is_run_gated_and_reported(
    project_folder: Path, write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder with one model, one data set and a suite needs nothing from the harness's own folders."""
    write_project({"good": "recipe.epochs = 5"}, head=GATES)

    assert main(["check", "mine"]) == 0
    assert main(["bench", "mine", "--seeds", "8"]) == 4  # no baseline yet
    shown = capsys.readouterr()
    assert "what is new has no baseline yet: harness baseline propose mine --reason TEXT" in shown.out
    assert "harness claims" not in shown.out
    assert main(["baseline", "propose", "mine", "--reason", "first"]) == 0
    assert main(["baseline", "promote", "mine"]) == 0
    with (project_folder / "suites" / "mine.toml").open("a") as suite:
        suite.write(CLAIM)
    capsys.readouterr()
    assert main(["bench", "mine"]) == 0

    shown = capsys.readouterr()
    assert "what the suite claims is judged apart: harness claims mine" in shown.out
    assert "1 inconclusive" not in shown.out
    report = find_run_set(project_folder / "results", "mine").path / "report.html"
    assert str(report) in shown.out
    assert "synthetic" in report.read_text()
    assert (project_folder / "results" / "baselines" / "mine" / "good.json").is_file()
    assert main(["list", "models"]) == 0
    assert "A linear classifier (good)" in capsys.readouterr().out


def test_a_slower_learning_rate_is_caught_by_the_gate(
    project_folder: Path, write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A worse model against a baseline of ten seeds ends with code 1 and names the metric, base and head."""
    write_project({"good": "recipe.epochs = 5"}, head=GATES)
    main(["run", "mine", "--seeds", "10"])
    main(["baseline", "propose", "mine", "--reason", "first"])
    main(["baseline", "promote", "mine"])
    model = project_folder / "bench" / "models" / "good.py"
    model.write_text(model.read_text().replace("return self.linear(x)", "return self.linear(x) * 0"))
    capsys.readouterr()

    code = main(["bench", "mine"])

    assert code == 1
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines() if "\t" in line]
    assert {("good", "accuracy", "worse"), ("good", "loss_curve_digest", "worse")} <= {(*row[:2], row[6]) for row in rows}


def test_the_python_face_does_what_the_commands_do(project_folder: Path, write_project: Callable[..., None]) -> None:
    """run, load and compare give a run set, its tables and its verdicts."""
    import harness

    write_project({"good": ""}, head=GATES)

    first, second = (harness.run("mine", seeds=[1]) for _ in range(2))
    tables = harness.load("mine")
    verdicts = harness.compare(second.path, first.path)

    assert tables["runs"]["seed"].tolist() == [1]
    assert verdicts.set_index("metric").loc["loss_curve_digest", "verdict"] == "same"


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["results", "--help"], ["--version"]])
def test_help_is_there_without_a_project(arguments: list[str], tmp_path: Path) -> None:
    """Help works in any folder."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "harness", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert "harness" in done.stdout
