"""What an attention weight depends on: the query, the memory, or both, as a similarity of the two has to.

Three scores give each of STEPS queries its weights on STEPS memory steps, from fresh weights and normal inputs, in float64:
`printed`, article 002's listing (section 4.3) with its softmax over the queries; `repaired`, the same with the softmax over
the memory; `bahdanau`, the additive attention that is meant.

- `queries_<score>`: queries whose weights on the memory differ from the first query's by more than ROUNDING.
- `memories_<score>`: memory steps whose weights differ from the first memory step's by more than that.
- `pairs_<score>`: queries of which the logarithms of the weights do not differ from the first query's by a constant: such a
  query prefers other memory steps than the first one does.

Source: Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", 2015.

Shape suffixes: B batch, T steps as queries, S steps as memory, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.experiments import Experiment, Setting
from harness.models import DataSpec
from harness.models.a002_attention import SummedAttention
from harness.models.p002_attention_bahdanau import AdditiveAttention

STEPS, FEATURES = 12, 16
ROUNDING = 1e-9


def run(setting: Setting) -> dict[str, float | None]:
    """Return the counts that the module's docstring defines.

    Args:
        setting: weights come from the global stream, inputs from the stream "inputs".
    """
    x_BTF = torch.randn(1, STEPS, FEATURES, dtype=torch.float64, generator=setting.generator("inputs"))
    summed = setting.model("a002_attention", DataSpec((STEPS, FEATURES), 2), hidden=4).cpu().double()
    assert isinstance(summed, SummedAttention)
    additive = AdditiveAttention(FEATURES, dropout=0.0).double()
    with torch.no_grad():
        scores_TS = (summed.score(x_BTF) + summed.score(x_BTF).transpose(1, 2))[0]
        weights = {
            "printed": scores_TS.softmax(dim=0),
            "repaired": summed.weights(x_BTF)[0],
            "bahdanau": additive.weights(x_BTF)[0],
        }
    found: dict[str, float | None] = {}
    for name, weights_TS in weights.items():
        found[f"queries_{name}"] = unlike_first(weights_TS)
        found[f"memories_{name}"] = unlike_first(weights_TS.T)
        logarithms_TS = weights_TS.log()
        found[f"pairs_{name}"] = unlike_first(logarithms_TS - logarithms_TS[:, :1])
    return found


def unlike_first(rows: Tensor) -> int:
    """Return how many rows differ from the first one by more than ROUNDING anywhere."""
    return int(((rows - rows[0]).abs().amax(dim=1) > ROUNDING).sum())


EXPERIMENT = Experiment(
    run=run,
    title="What attention weights depend on",
    outcomes={
        "queries_printed": "1",
        "memories_printed": "1",
        "pairs_printed": "1",
        "queries_repaired": "1",
        "memories_repaired": "1",
        "pairs_repaired": "1",
        "queries_bahdanau": "1",
        "memories_bahdanau": "1",
        "pairs_bahdanau": "1",
    },
    metric_class="exact",
    source="Bahdanau, Cho and Bengio 2015",
)
