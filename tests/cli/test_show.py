"""`harness show`: everything about one part or suite, a stored run set or a run."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.stats import t_interval
from tests.report.support import Trained, make_case, make_suite, stored, usual, values

MODEL = '''"""A net of two layers.

It is small."""
from torch import nn
from harness.models import DataSpec, Model


def build(spec: DataSpec, *, hidden: int = 3, bias: bool = True) -> nn.Module:
    frozen = nn.Linear(hidden, spec.classes).requires_grad_(False)
    return nn.Sequential(nn.Flatten(), nn.Linear(spec.shape[-1], hidden, bias=bias), frozen)


MODEL = Model(build=build, parameters=99, repairs=("one", "two"))
'''


@pytest.fixture
def bench(project_folder: Path) -> Path:
    """A project with a model of its own."""
    (project_folder / "bench" / "models").mkdir(parents=True)
    (project_folder / "bench" / "models" / "mine.py").write_text(MODEL)
    return project_folder


def test_a_model_is_shown_with_layers_and_counted_parameters(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Docstring, fields, options with defaults, torch's print of the layers; frozen parameters are not counted."""
    assert main(["show", "model", "mine", "--catalogue", "bench"]) == 0

    assert capsys.readouterr().out == (
        f"mine ({bench / 'bench' / 'models' / 'mine.py'})\n\n"
        "A net of two layers.\n\nIt is small.\n\n"
        "input_shape: none\nparameters: 99\nexample: none\ntask: classification\narticle: none\nsection: none\n"
        "repairs:\n  one\n  two\nsource: none\nnondeterminism: none\n"
        "options:\n  hidden: int = 3\n  bias: bool = True\n"
        "layers, for inputs of 1x28x28 and 10 classes:\n"
        "Sequential(\n"
        "  (0): Flatten(start_dim=1, end_dim=-1)\n"
        "  (1): Linear(in_features=28, out_features=3, bias=True)\n"
        "  (2): Linear(in_features=3, out_features=10, bias=True)\n"
        ")\n"
        "trainable parameters, counted: 87\n"
    )


def test_a_model_can_be_shown_for_a_data_set(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--data builds the model for that data set's shape and classes."""
    assert main(["show", "model", "mine", "--data", "digits", "--catalogue", "bench"]) == 0

    out = capsys.readouterr().out
    assert "layers, for inputs of 1x8x8 and 10 classes:\n" in out
    assert out.endswith("trainable parameters, counted: 27\n")


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["model", "a000_lenet_gray"], ["input_shape: (1, 32, 32)", "trainable parameters, counted: 61706", "options: none"]),
        (["data", "digits"], ["shape: (1, 8, 8)", "sizes: (1437, 360)", "  scale: str = 'standard'"]),
        (["task", "classification"], ["primary: accuracy", "scores:", "  loss: lower"]),
        (["metric", "accuracy"], ["unit: 1", "direction: higher", "metric_class: quality"]),
        (
            ["metric", "tensor_peak_memory"],
            [
                "source: torch's dispatcher (TorchDispatchMode)",
                "null_when: an agent's episodes, whose length varies; a mode that compiles",
            ],
        ),
    ],
)
def test_built_in_parts_are_shown(
    project_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], lines: list[str]
) -> None:
    """Every kind of part has a view of its own fields."""
    assert main(["show", *arguments]) == 0

    shown = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line not in shown] == []


def test_a_suite_is_shown_resolved(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON with defaults merged and the matrix expanded."""
    (project_folder / "suites" / "mine.toml").write_text(
        'version = 1\nwhy = "To test."\n[defaults]\ndata = "digits"\n[[case]]\nname = "x"\nmodel = "a004_cnn"\n'
        'matrix = { "recipe.epochs" = [1, 2] }\n'
    )

    assert main(["show", "suite", "mine"]) == 0

    cases = json.loads(capsys.readouterr().out)["cases"]
    assert [(case["name"], case["data"]["name"], case["recipe"]["epochs"]) for case in cases] == [
        ("x[epochs=1]", "digits", 1),
        ("x[epochs=2]", "digits", 2),
    ]


@pytest.mark.parametrize(("kind", "near"), [("model", "a004_cnn"), ("data", "digits"), ("metric", "accuracy")])
def test_an_unknown_name_is_refused_with_the_nearest(
    project_folder: Path, capsys: pytest.CaptureFixture[str], kind: str, near: str
) -> None:
    """A misspelt name is a usage error."""
    assert main(["show", kind, near[:-1]]) == 2
    assert f"did you mean {near!r}?" in capsys.readouterr().err


def lines_after(lines: list[str], head: str) -> list[str]:
    """The lines of a table that follow the one that begins so, up to an empty line."""
    start = next(place for place, line in enumerate(lines) if line.startswith(head)) + 1
    end = next((place for place in range(start, len(lines)) if not lines[place]), len(lines))
    return lines[start:end]


def test_a_run_set_is_shown_with_numbers_losses_failures_and_nulls(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it is, each case's score with its interval and its losses as bars, what failed with its reason, and what is null."""
    run_set = usual(project_folder / "results")

    assert main(["show", "demo"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"{run_set.name}: complete, 5 of 6 runs ok", "Shows what a report looks like."]
    assert {"commit: 0123456789ab", "machine: cpu Example CPU 2.5 GHz, gpu none", "suite version: 1"} <= set(lines)
    keras, digits = (line.split("\t") for line in lines_after(lines, "case\t"))
    low, high = t_interval([0.990, 0.992, 0.991])
    assert keras[:5] == ["keras", "3/3", "accuracy", "0.9910", f"{low:.4f} to {high:.4f}"]
    assert keras[-1] == "█▄▂▁ 2.3000 → 0.4000"
    assert digits[:2] == ["digits", "2/3"]
    (failed,) = lines_after(lines, "run\tcase\t")
    assert failed.split("\t") == [
        "digits-3-1-solo",
        "digits",
        "3",
        "train",
        "oom",
        "killed at 7.2 GiB <script>alert('x')</script> | a_b",
    ]
    assert lines_after(lines, "metrics\twhy") == ["gpu_utilization\tthe run used no GPU"]


def test_one_run_is_shown_by_its_id_or_by_case_and_seed(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its setting, losses, scores while it trained, every number, and the command that runs it again."""
    usual(project_folder / "results")
    printed = []
    for arguments in (["keras-2-1-solo"], ["demo", "keras", "--seed", "2"], ["run", "demo", "keras", "--seed", "2"]):
        assert main(["show", *arguments]) == 0
        printed.append(capsys.readouterr().out)

    assert printed[0] == printed[1] == printed[2]
    lines = printed[0].splitlines()
    assert lines[0] == "keras-2-1-solo: ok after 4.20 s"
    assert "of: model a003_keras_cnn, data mnist, task classification, device cpu, lane speed" in lines
    assert "loss: █▄▂▁ 2.3000 → 0.4000, 4 steps" in lines
    assert "test accuracy: ▁█ 0.9500 → 0.9800, 2 evaluations" in lines
    numbers = {line.split("\t")[0]: line.split("\t")[1:] for line in lines_after(lines, "metric\t")}
    assert numbers["accuracy"] == ["0.9920", "quality", ""]
    assert numbers["train_throughput"] == ["5.12 ksamples/s", "machine", ""]
    assert "gpu_utilization" not in numbers
    assert lines[-1] == "to run it again and compare: harness reproduce keras-2-1-solo"


def test_a_failed_run_says_where_it_failed(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status and reason first, then the first loss that was no number, and the end of what it wrote."""
    case = make_case(seeds=[1, 2])
    broken = Trained(
        case, 2, losses=(2.0, 1.5, math.nan, math.nan), status="diverged", reason="training loss was nan at step 3"
    )
    run_set = stored(project_folder / "results", make_suite(case), [Trained(case, 1, values(0.9)), broken])
    (run_set.path / "logs").mkdir()
    (run_set.path / "logs" / f"{broken.run_id}.txt").write_text("".join(f"line {number}\n" for number in range(30)))

    assert main(["show", "demo", "keras", "--seed", "2"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "keras-2-1-solo: diverged after 4.20 s: training loss was nan at step 3"
    assert "loss: █▁×× 2.0000 → n/a, 4 steps" in lines
    assert "not finite: from step 3 on" in lines
    assert lines[-1] == "  line 29"
    assert "  line 17" not in lines
    assert main(["show", "demo", "keras"]) == 0
    assert capsys.readouterr().out.startswith("keras-1-1-solo: ok")  # of several, one that went well


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no run 'nothing'"),
        (["keras-"], "'keras-' begins 3 runs"),
        (["demo", "kera"], "no case 'kera', did you mean 'keras'?; held: digits, keras"),
        (["demo", "keras", "--seed", "9"], "no run of seed 9; held: 1, 2, 3"),
        (["demo", "--seed", "1"], "--seed 1: which case's?"),
        (["modle", "a004_cnn"], "is it a kind of part, did you mean 'model'?"),
    ],
)
def test_what_is_not_stored_is_a_usage_error(
    project_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """Code 2, and the nearest name or what is held."""
    usual(project_folder / "results")

    assert main(["show", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_showing_a_run_set_never_imports_torch(project_folder: Path) -> None:
    """It is read where nothing is trained."""
    usual(project_folder / "results")
    script = "import sys; from harness.cli import main; sys.exit(main(['show', 'demo']) or ('torch' in sys.modules) * 99)"

    done = subprocess.run([sys.executable, "-c", script], cwd=project_folder, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
