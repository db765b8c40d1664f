"""Whether attention knows the order of its inputs: without positions, and with four tables of them.

One layer of multi-head attention, its steps' mean and a linear layer (`p000_mha`) with a table of positions added to the
embedding: `none`; `printed`, the table of article 002 (section 4.4) as its formula stands, sin(t / 10000^(i/2)) +
cos(t / 10000^(i/2)) in feature i; `repaired`, the same with the exponent i / width; `sinusoids`, those of the paper.

- `blind_<table>`: of BATCH texts, how many leave every logit of a network with fresh weights where it was, to ROUNDING, when
  their symbols are put in another order (float64).
- `features_<table>`: of TABLE_WIDTH features of the table, how many differ between two of its first TABLE_STEPS positions by
  more than VISIBLE. In the printed table features from the 155th on are the limit for an angle of 0, because its divisor is
  larger than any float.
- `apart_<table>`: the smallest distance between two of these positions.
- `accuracy_<table>`: after training to tell the first of LENGTH symbols, which cannot be told without order.

Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.5.

Shape suffixes: B batch, T steps, D width.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.models import DataSpec
from harness.models._sinusoids import sinusoids
from harness.models.a002_transformer_lstm import summed_positions
from harness.models.p000_mha import AttentionMean
from harness.options import check_count, check_real

LENGTH, SYMBOLS, VOCABULARY = 16, 8, 12
TRAIN, TEST, BATCH = 20_000, 1000, 32
TABLE_STEPS, TABLE_WIDTH, VISIBLE = 50, 256, 1e-3
ROUNDING = 1e-9


class Placed(nn.Module):
    """Steps with a table of positions added to their vectors.

    Args:
        steps: makes vectors [B, T, D] of inputs, and their lengths.
        table_TD: the positions.
    """

    table: Tensor

    def __init__(self, steps: nn.Module, table_TD: Tensor) -> None:
        super().__init__()
        self.steps = steps
        self.register_buffer("table", table_TD)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the vectors with the positions added, and the lengths."""
        x_BTD, lengths_B = self.steps(x)
        return x_BTD + self.table[: x_BTD.shape[1]].to(x_BTD.dtype), lengths_B


def run(setting: Setting, *, steps: int = 300, lr: float = 3e-3, width: int = 32) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: decides weights, the order of the samples and the other order of the symbols.
        steps: of training.
        lr: learning rate of Adam.
        width: of the embedding.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    check_real("lr", lr, 1e-6, 10)
    splits = setting.data(
        "recall", length=LENGTH, classes=SYMBOLS, vocabulary=VOCABULARY, train_samples=TRAIN, test_samples=TEST
    )
    texts_BT = splits.test.inputs[:BATCH].to(setting.device)
    order_T = torch.randperm(LENGTH, generator=setting.generator("order")).to(setting.device)
    found: dict[str, float | None] = {}
    for number, (name, table) in enumerate(TABLES.items(), 1):
        model = build(setting, setting.spec(splits), width, table)
        found[f"blind_{name}"] = blind(model.double(), texts_BT, order_T)
        model = build(setting, setting.spec(splits), width, table)
        setting.train(model, splits, steps=steps, batch_size=32, lr=lr)
        found[f"accuracy_{name}"] = setting.score(model, splits.test)["accuracy"]
        found[f"features_{name}"], found[f"apart_{name}"] = visible(table(TABLE_STEPS, TABLE_WIDTH))
        setting.report(number, len(TABLES))
    return found


def build(setting: Setting, spec: DataSpec, width: int, table: Callable[[int, int], Tensor]) -> AttentionMean:
    """Return attention with a table of positions, and fresh weights."""
    model = setting.model("p000_mha", spec, width=width)
    assert isinstance(model, AttentionMean)
    model.steps = Placed(model.steps, table(LENGTH, width).to(setting.device))  # type: ignore[assignment]  # it is called alone
    return model


def nowhere(length: int, width: int) -> Tensor:
    """Return no positions: zeros, [T, D]."""
    return torch.zeros(length, width, dtype=torch.float64)


def printed(length: int, width: int) -> Tensor:
    """Return the positions of article 002 as its formula stands, [T, D]."""
    angles_TD = torch.arange(length)[:, None] / 10000 ** (torch.arange(width, dtype=torch.float64) / 2)
    return angles_TD.sin() + angles_TD.cos()


def paired(length: int, width: int) -> Tensor:
    """Return the positions of Vaswani et al., [T, D]."""
    return sinusoids(torch.empty(1, length, width, dtype=torch.float64))


TABLES: dict[str, Callable[[int, int], Tensor]] = {
    "none": nowhere,
    "printed": printed,
    "repaired": summed_positions,
    "sinusoids": paired,
}


@torch.no_grad()
def blind(model: nn.Module, texts_BT: Tensor, order_T: Tensor) -> int:
    """Return for how many texts another order of their symbols leaves the logits as they were, to ROUNDING."""
    moved_BK = (model(texts_BT) - model(texts_BT[:, order_T])).abs()
    return int((moved_BK.amax(dim=1) <= ROUNDING).sum())


def visible(table_TD: Tensor) -> tuple[int, float]:
    """Return (features that differ between two positions by more than VISIBLE, the smallest distance of two positions)."""
    table_TD = table_TD.double()
    spans_D = table_TD.amax(dim=0) - table_TD.amin(dim=0)
    return int((spans_D > VISIBLE).sum()), float(torch.pdist(table_TD).min())


EXPERIMENT = Experiment(
    run=run,
    title="Order, and tables of positions",
    outcomes={
        "blind_none": "1",
        "blind_printed": "1",
        "blind_repaired": "1",
        "blind_sinusoids": "1",
        "features_none": "1",
        "features_printed": "1",
        "features_repaired": "1",
        "features_sinusoids": "1",
        "apart_none": "1",
        "apart_printed": "1",
        "apart_repaired": "1",
        "apart_sinusoids": "1",
        "accuracy_none": "1",
        "accuracy_printed": "1",
        "accuracy_repaired": "1",
        "accuracy_sinusoids": "1",
    },
    metric_class="quality",
    directions={
        "accuracy_none": "higher",
        "accuracy_printed": "higher",
        "accuracy_repaired": "higher",
        "accuracy_sinusoids": "higher",
    },
    source="Vaswani et al. 2017, section 3.5",
)
