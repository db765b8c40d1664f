"""Analyses in the train pass: of real runs, against models and data made for the purpose."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.api import run_suite
from harness.project import find_project
from harness.runner.execute import Ran
from harness.suite import Overrides

DATA = '''"""Grey images of four classes, told apart by where one bright pixel is, and by how bright it is."""
import torch
from harness.data import Dataset, Split, Splits

def images(count, seed):
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    pictures = 0.01 * torch.randn(count, 1, 25, 25, generator=draw)
    pictures[torch.arange(count), 0, 12, 8 + 2 * labels] += 10.0 * (1 + labels)
    return Split(pictures, labels)

def load(context):
    return Splits(images(48, 1), images(40, 2), tuple("abcd"))

DATASET = Dataset(load=load, shape=(1, 25, 25), classes=4, synthetic=True)
'''

VECTORS = '''"""The same images, as rows of numbers whose length no file tells."""
import torch
from harness.data import Dataset, Split, Splits

def load(context):
    draw = torch.Generator().manual_seed(7)
    labels = torch.arange(40) % 4
    inputs = torch.eye(4)[labels] + 0.1 * torch.randn(40, 4, generator=draw)
    return Splits(Split(inputs, labels), Split(inputs, labels), tuple("abcd"))

DATASET = Dataset(load=load, classes=4, synthetic=True)
'''

MODEL = '''"""A model with weights that are set by hand: {words}."""
import torch
from torch import nn
from harness.models import Model

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(()))

    def forward(self, images):
        return {logits} + 0 * self.unused

def build(spec):
    return Net()

MODEL = Model(build=build)
'''

LOGITS = {
    "place": "images[:, 0, 12, 8:16:2]",
    "brightness": "-(images.amax(dim=(1, 2, 3))[:, None] / 10 - torch.tensor([1.0, 2.0, 3.0, 4.0])) ** 2",
    "constant": "torch.zeros(len(images), 4)",
    "vector": "10 * images",
}

SUITE = """
version = 1
why = "To test."

[defaults]
data = "bright"
seeds = [1]
passes = []
analyses = ["generalisation", "interpretability"]
recipe = { steps = 2, batch_size = 8 }

[[case]]
model = "place"

[[case]]
model = "brightness"

[[case]]
model = "constant"

[[case]]
model = "vector"
data = "vectors"

[[case]]
name = "plain"
model = "place"
analyses = []

[[case]]
name = "attends"
model = "p000_mha"
data = { name = "recall", length = 8, train_samples = 80 }
analyses = ["attention"]

[[case]]
name = "attends-not"
model = "place"
analyses = ["attention"]
"""

ANALYSED = ("train_accuracy", "generalisation_gap", "shifted_accuracy", "deletion_area", "insertion_area")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run the suite once."""
    project = tmp_path_factory.mktemp("analyses")
    for name, text in {"data/bright": DATA, "data/vectors": VECTORS, **models()}.items():
        file = project / "bench" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (project / "suites").mkdir()
    (project / "suites" / "mine.toml").write_text(SUITE)
    (project / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
    ran = run_suite(find_project(project), "mine", Overrides())
    runs = ran.run_set.table("runs")
    assert set(runs["status"]) == {"ok"}, list(runs["reason"])
    return ran


@pytest.fixture(scope="module")
def measured(ran: Ran) -> pd.DataFrame:
    """A value, text and null reason for each case and metric."""
    runs = ran.run_set.table("runs")
    return ran.run_set.table("measurements").merge(runs[["run_id", "case"]], on="run_id").set_index(["case", "metric"])


def models() -> dict[str, str]:
    """Part -> source of the models."""
    return {f"models/{name}": MODEL.format(words=name, logits=logits) for name, logits in LOGITS.items()}


def value(measured: pd.DataFrame, case: str, metric: str) -> float:
    """One number of a case."""
    return float(measured.loc[(case, metric), "value"])


def test_a_planted_shift_is_found(measured: pd.DataFrame) -> None:
    """Both models are right about every sample as it is. The one that looks at places is left to chance, a quarter, about all
    that were moved, 24 of 25; the one that looks at the brightest pixel does not mind where that is."""
    for case in ("place", "brightness"):
        assert [value(measured, case, name) for name in ("accuracy", "train_accuracy", "generalisation_gap")] == [1, 1, 0]
    assert value(measured, "brightness", "shifted_accuracy") == 1
    assert value(measured, "place", "shifted_accuracy") == pytest.approx(
        0.25, abs=0.2
    )  # three standard deviations of 40 samples


def test_an_explanation_is_faithful_where_one_pixel_decides(measured: pd.DataFrame) -> None:
    """The bright pixel of its class is the most important one: its tenth deleted leaves a quarter, its tenth restored all."""
    assert value(measured, "place", "deletion_area") == pytest.approx((1 + 0.25) / 2 / 10 + 0.25 * 0.9, abs=0.01)
    assert value(measured, "place", "insertion_area") == pytest.approx((1 + 0.25) / 2 / 10 + 0.9, abs=0.01)


def test_a_model_that_looks_at_nothing_has_a_value_too(measured: pd.DataFrame) -> None:
    """It answers class 0 to everything: a quarter right anywhere, a quarter sure of everything, and nothing gained."""
    expected = {"train_accuracy": 0.25, "generalisation_gap": 0, "shifted_accuracy": 0.25}
    expected |= {"deletion_area": 0.25, "insertion_area": 0.25, "storage_efficiency": 0}

    assert expected == {name: pytest.approx(value(measured, "constant", name)) for name in expected}


def test_what_is_no_image_is_null_and_says_so(measured: pd.DataFrame) -> None:
    """Of rows of four numbers the gap is known; there is nothing to be moved, nor a pixel to be deleted."""
    why = "not_applicable: an input is 4, and an image is channels x height x width"

    assert value(measured, "vector", "train_accuracy") == 1
    assert value(measured, "vector", "generalisation_gap") == 0
    for name in ANALYSED[2:]:
        assert measured.loc[("vector", name), "null_reason"] == why


def test_analyses_change_no_other_number(measured: pd.DataFrame) -> None:
    """The same model without analyses has the same digests, losses and scores, and nulls in place of theirs."""
    same = (
        "final_weights_digest",
        "loss_curve_digest",
        "batch_order_digest",
        "accuracy",
        "test_loss",
        "train_flops_per_sample",
    )

    for name in same:
        one, other = (
            measured.loc[(case, name), ["value", "value_text", "null_reason"]].tolist() for case in ("place", "plain")
        )
        assert str(one) == str(other), name
    assert {measured.loc[("plain", name), "null_reason"] for name in ANALYSED} == {"not_applicable"}


def test_where_a_model_looks_is_drawn_and_measured(ran: Ran, measured: pd.DataFrame) -> None:
    """Untrained attention looks about evenly at all steps; its four heads are one picture, for reports."""
    images = ran.run_set.table("images")
    assert 0.8 < value(measured, "attends", "attention_entropy") <= 1
    assert list(images["title"]) == ["attention 1 of 1: 4 heads side by side, 8 queries down, 8 steps across"]
    assert measured.loc[("attends-not", "attention_entropy"), "null_reason"] == (
        "not_applicable: no attention was seen in the model's forward pass"
    )
    assert measured.loc[("plain", "attention_entropy"), "null_reason"] == "not_applicable"
