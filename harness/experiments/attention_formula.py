"""Article 000's attention formula against scaled dot-product attention: where each runs, what it depends on, what it learns.

The article (section 3.3) writes softmax(Q K^T / √d + V) W; meant is softmax(Q K^T / √d) V W. `<formula>` is `article` or
`correct`.

- `refused_<formula>`: of SHAPES combinations of n queries, m keys and d features, each of SIZES, how many it cannot be
  evaluated for.
- `order_<formula>`: with n = m = d, of BATCH samples, how many change by more than ROUNDING when the pairs of keys and values
  are put in another order, which attention does not notice (float64).
- `accuracy_<formula>`: of one head with trained projections, on texts of as many steps as features, so that both formulas
  run: positions are added to an embedding, the steps' mean is classified. The class is the text's first symbol.

Source: Vaswani et al., "Attention Is All You Need", 2017, equation 1.

Shape suffixes: B batch, T steps, D features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.models._sinusoids import sinusoids
from harness.models.p000_attention_article import FORMULAS
from harness.options import check_count, check_real

SIZES = (4, 6, 8)
SHAPES = 27
BATCH, ROUNDING = 32, 1e-9
LENGTH = WIDTH = 16
SYMBOLS, VOCABULARY, TRAIN, TEST = 8, 12, 20_000, 1000

Formula = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class OneHead(nn.Module):
    """An embedding with positions, one head of self-attention by a formula, the steps' mean, a linear layer."""

    def __init__(self, formula: Formula) -> None:
        super().__init__()
        self.formula = formula
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.output = nn.Parameter(torch.randn(WIDTH, WIDTH) / WIDTH**0.5)
        self.fc = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        x_BTD = self.embedding(ids_BT)
        x_BTD = x_BTD + sinusoids(x_BTD)
        mixed_BTD = self.formula(self.query(x_BTD), self.key(x_BTD), self.value(x_BTD), self.output)
        logits_BK: Tensor = self.fc(mixed_BTD.mean(dim=1))
        return logits_BK


def run(setting: Setting, *, steps: int = 600, lr: float = 3e-3) -> dict[str, float | None]:
    """Return what the module's docstring defines.

    Args:
        setting: decides weights and the order of the samples.
        steps: of training.
        lr: learning rate of Adam.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 1_000_000)
    check_real("lr", lr, 1e-6, 10)
    splits = setting.data(
        "recall", length=LENGTH, classes=SYMBOLS, vocabulary=VOCABULARY, train_samples=TRAIN, test_samples=TEST
    )
    found: dict[str, float | None] = {}
    for name, formula in FORMULAS.items():
        stream = setting.generator("tensors")
        found[f"refused_{name}"] = refused(formula, stream)
        found[f"order_{name}"] = noticed(formula, stream)
        setting.seed_globals()
        model = OneHead(formula).to(setting.device)
        setting.train(model, splits, steps=steps, batch_size=32, lr=lr)
        found[f"accuracy_{name}"] = setting.score(model, splits.test)["accuracy"]
    return found


def refused(formula: Formula, stream: torch.Generator) -> int:
    """Return for how many combinations of queries, keys and features a formula cannot be evaluated."""
    return sum(not runs(formula, stream, *sizes) for sizes in product(SIZES, repeat=3))


def runs(formula: Formula, stream: torch.Generator, queries: int, keys: int, features: int) -> bool:
    """Return whether a formula can be evaluated: whether its tensors' shapes fit."""
    q, k, v = (torch.randn(1, steps, features, generator=stream) for steps in (queries, keys, keys))
    try:
        formula(q, k, v, torch.eye(features))
    except RuntimeError:  # what torch raises where shapes do not fit
        return False
    return True


def noticed(formula: Formula, stream: torch.Generator) -> int:
    """Return how many samples change when keys and values are put in another order together."""
    q, k, v = torch.randn(3, BATCH, WIDTH, WIDTH, dtype=torch.float64, generator=stream)
    order_T, out = torch.randperm(WIDTH, generator=stream), torch.eye(WIDTH, dtype=torch.float64)
    moved = (formula(q, k, v, out) - formula(q, k[:, order_T], v[:, order_T], out)).abs()
    return int((moved.amax(dim=(1, 2)) > ROUNDING).sum())


EXPERIMENT = Experiment(
    run=run,
    title="Article 000's attention formula",
    outcomes={
        "refused_article": "1",
        "refused_correct": "1",
        "order_article": "1",
        "order_correct": "1",
        "accuracy_article": "1",
        "accuracy_correct": "1",
    },
    metric_class="quality",
    directions={"accuracy_article": "higher", "accuracy_correct": "higher"},
    source="Vaswani et al. 2017, equation 1",
)
