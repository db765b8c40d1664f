"""`harness show`: everything about one part or suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main

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
