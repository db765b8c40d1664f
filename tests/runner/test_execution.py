"""Execution settings: each is really in force, or the run fails and says why; none of them changes what is learnt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.api import run_suite
from harness.cli import main
from harness.project import find_project
from harness.runner.execute import Ran
from harness.suite import Overrides

MODEL = '''"""A small convolutional network that tells how its weights and images lie in memory."""
import torch
from torch import nn
from harness.models import Model

LAST = torch.channels_last

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.convolution, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(4, classes)

    def forward(self, x):
        return self.linear(self.convolution(x).relu().mean((2, 3)))

class Telling(Net):
    def forward(self, x):
        with open("layout.txt", "a") as file:
            weight = self.convolution.weight
            file.write(f"{x.is_contiguous(memory_format=LAST)} {weight.is_contiguous(memory_format=LAST)}\\n")
        return super().forward(x)

class Hidden(Net):
    forward = torch.compiler.disable(Net.forward)

def build(spec, *, kind="Net"):
    return globals()[kind](spec.classes)

MODEL = Model(build=build)
'''

IMAGES = '''"""Noisy images of one of three colours."""
import torch
from harness.data import Dataset, Split, Splits

def load(context):
    draw = torch.Generator().manual_seed(7)
    labels = torch.arange(48) % 3
    inputs = torch.eye(3)[labels][:, :, None, None] + torch.randn(48, 3, 6, 6, generator=draw)
    return Splits(Split(inputs[:32], labels[:32]), Split(inputs[32:], labels[32:]), ("a", "b", "c"))

DATASET = Dataset(load=load, shape=(3, 6, 6), classes=3, sizes=(32, 16), synthetic=True)
'''

SUITE = """
version = 1
why = "test"
[defaults]
model = "net"
data = "images"
seeds = [1]
passes = []
recipe = { epochs = 3, batch_size = 8 }
"""


@pytest.fixture
def run_cases(project_folder: Path) -> Callable[..., Ran]:
    """Return a function that runs cases of these images, given as name -> TOML lines."""
    for kind, name, text in (("models", "net", MODEL), ("data", "images", IMAGES)):
        folder = project_folder / "bench" / kind
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(text)
    (project_folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')

    def run(device: str | None = None, **cases: str) -> Ran:
        listed = "".join(f'\n[[case]]\nname = "{name}"\n{lines}\n' for name, lines in cases.items())
        (project_folder / "suites" / "mine.toml").write_text(SUITE + listed)
        return run_suite(find_project(project_folder), "mine", Overrides(device=device), False)

    return run


def by_case(ran: Ran, table: str, column: str) -> dict[str, list[Any]]:
    """Return case -> one column of a table, in its order."""
    rows = ran.run_set.table(table).merge(ran.run_set.table("runs")[["run_id", "case"]], on="run_id")
    return {str(case): group[column].tolist() for case, group in rows.groupby("case")}


def reason(ran: Ran) -> str:
    """Return why the only run failed."""
    assert ran.statuses == {"failed": 1}
    return str(ran.run_set.table("runs")["reason"][0])


def test_channels_last_is_how_weights_and_images_lie_and_nothing_else(
    project_folder: Path, run_cases: Callable[..., Ran]
) -> None:
    """In every forward pass, of training and of scoring, both lie with their channels last; the losses are those of the usual
    layout to one part in a hundred thousand, the rounding of sums taken in another order."""
    model = 'model = { name = "net", kind = "Telling" }'
    usual = run_cases(one=model)
    assert {"False False"} == set((project_folder / "layout.txt").read_text().splitlines())
    (project_folder / "layout.txt").unlink()
    last = run_cases(one=f"{model}\nexecution.channels_last = true")

    assert {"True True"} == set((project_folder / "layout.txt").read_text().splitlines())
    assert by_case(usual, "steps", "loss")["one"] == pytest.approx(by_case(last, "steps", "loss")["one"], rel=1e-5)
    assert {1} == {len(set(ran.run_set.table("runs")["numeric_fingerprint"])) for ran in (usual, last)}


def test_channels_last_is_refused_for_what_is_no_image(project_folder: Path, write_project: Callable[..., None]) -> None:
    """Rows of three numbers have no channels: the run fails, in one sentence."""
    write_project({"good": "execution.channels_last = true\nseeds = [1]"})

    ran = run_suite(find_project(project_folder), "mine", Overrides(), False)

    assert reason(ran) == (
        "execution.channels_last: samples are 3, and only images (channels × height × width) have any; leave it out"
    )


def test_a_compiled_training_is_told_apart_and_learns_the_same(
    tmp_path: Path, run_cases: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch.compile's time, the mode in the runs table and in the numeric fingerprint; weights keep their names, and losses
    are eager's to one part in ten thousand."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))

    ran = run_cases(eager="", compiled='execution.mode = "compile"\ntimeout_seconds = 600')

    runs = ran.run_set.table("runs").set_index("case")
    assert {"ok": 2} == ran.statuses, runs["reason"].tolist()
    assert {"eager": "eager", "compiled": "compile"} == runs["mode"].to_dict()
    assert runs["numeric_fingerprint"]["eager"] != runs["numeric_fingerprint"]["compiled"]
    described = {case: ran.run_set.environment[digest] for case, digest in runs["environment_digest"].items()}
    assert {"eager": "eager", "compiled": "compile"} == {case: keys["numeric.mode"] for case, keys in described.items()}
    measured = ran.run_set.table("measurements").merge(runs[["run_id"]].reset_index(), on="run_id")
    time = measured[measured["metric"] == "compile_time"].set_index("case")
    assert time["value"]["compiled"] > 0
    assert time["null_reason"]["eager"] == "not_applicable"
    tensors, losses = by_case(ran, "digests", "tensor"), by_case(ran, "steps", "loss")
    assert {"convolution.weight", "convolution.bias", "linear.weight", "linear.bias"} == set(tensors["compiled"])
    assert losses["eager"] == pytest.approx(losses["compiled"], rel=1e-4)


def test_a_model_of_which_nothing_was_compiled_fails(run_cases: Callable[..., Ran]) -> None:
    """A model that keeps itself from the compiler would pass for what it is not."""
    ran = run_cases(one='model = { name = "net", kind = "Hidden" }\nexecution.mode = "compile"')

    assert reason(ran) == (
        'execution.mode = "compile": nothing was compiled, for the task calls the model\'s insides; leave it out'
    )


def test_compiling_without_a_compiler_says_what_to_install(
    run_cases: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without a C++ compiler a compiled run fails before its first step."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert shutil.which("g++") is None

    found = reason(run_cases(one='execution.mode = "compile"'))

    assert found.startswith('execution.mode = "compile": torch.compile needs a C++ compiler, and ')
    assert found.endswith("is not on PATH; install one (Debian, Ubuntu: apt install g++), or name yours in CXX")


def test_cuda_graphs_on_a_cpu_are_refused_with_file_and_line(
    project_folder: Path, run_cases: Callable[..., Ran], capsys: pytest.CaptureFixture[str]
) -> None:
    """`harness check` knows it where the suite says so; where the command line brings the CPU, the run does."""
    text = SUITE + '[[case]]\nname = "one"\nexecution.mode = "cuda_graphs"\nexecution.device = "cpu"\n'
    (project_folder / "suites" / "mine.toml").write_text(text)

    assert main(["check", "mine"]) == 2
    message = 'suites/mine.toml:12: execution.mode: found "cuda_graphs" on the device "cpu", which has none; allowed on: cuda'
    assert message in capsys.readouterr().err
    overridden = run_cases(device="cpu", one='execution.mode = "cuda_graphs"\nexecution.device = "cuda"')
    assert reason(overridden) == "execution.mode = \"cuda_graphs\": the device 'cpu' has no CUDA graphs; use --device cuda"
