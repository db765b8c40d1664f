"""What clipping does to a gradient: no part of it grows, and one that is small already stays as it is.

A tanh recurrent network with fresh weights reads STEPS normal inputs; the loss is of ten classes, told from its last state.
The gradient by its parameters is clipped, in float64, as recipes clip (torch's `clip_grad_norm_`): once to half its norm, once
to twice its norm. The recurrent weights of each step count as parameters of their own, so that the part which an early step
has in the gradient is seen apart: `steps` of them.

- `tensors`, `elements`: parameters, and numbers in them.
- `tensors_grown`, `elements_grown`: how many are larger after clipping to half the norm than before, in norm or in size.
- `steps_grown`: of how many steps the part in the recurrent weights' gradient grew.
- `small_changed`: elements that clipping to twice the norm changed in any bit.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, section 3.2.

Shape suffixes: B batch, T steps, F features, H hidden width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.experiments import Experiment, Setting

STEPS, BATCH, FEATURES, HIDDEN, CLASSES = 50, 16, 8, 32, 10


class Unrolled(nn.Module):
    """A tanh network whose recurrent weights are a parameter of each step, all equal at first, and a readout."""

    def __init__(self) -> None:
        super().__init__()
        layer, readout = nn.RNN(FEATURES, HIDDEN).double(), nn.Linear(HIDDEN, CLASSES).double()
        self.inputs, self.bias = (nn.Parameter(layer.state_dict()[name]) for name in ("weight_ih_l0", "bias_ih_l0"))
        self.readout = readout
        self.steps = nn.ParameterList([layer.state_dict()["weight_hh_l0"].clone() for _ in range(STEPS)])

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return the logits, [B, 10]."""
        state_BH = x_BTF.new_zeros(len(x_BTF), HIDDEN)
        for x_BF, weight_HH in zip(x_BTF.unbind(1), self.steps, strict=True):
            state_BH = torch.tanh(F.linear(x_BF, self.inputs, self.bias) + F.linear(state_BH, weight_HH))
        logits: Tensor = self.readout(state_BH)
        return logits


def run(setting: Setting) -> dict[str, float | None]:
    """Return the counts that the module's docstring defines.

    Args:
        setting: weights come from the global stream, inputs and labels from the stream "inputs".
    """
    stream, network = setting.generator("inputs"), Unrolled()
    x_BTF = torch.randn(BATCH, STEPS, FEATURES, dtype=torch.float64, generator=stream)
    labels_B = torch.randint(CLASSES, (BATCH,), generator=stream)
    raw = torch.autograd.grad(F.cross_entropy(network(x_BTF), labels_B), list(network.parameters()))
    norm = float(torch.cat([gradient.flatten() for gradient in raw]).norm())
    halved, kept = clipped(network, raw, norm / 2), clipped(network, raw, norm * 2)
    of_steps = [number for number, (name, _) in enumerate(network.named_parameters()) if name.startswith("steps.")]
    return {
        "tensors": len(raw),
        "elements": sum(gradient.numel() for gradient in raw),
        "steps": len(of_steps),
        "tensors_grown": grown(raw, halved),
        "elements_grown": sum(int((b.abs() > a.abs()).sum()) for a, b in zip(raw, halved, strict=True)),
        "steps_grown": grown([raw[number] for number in of_steps], [halved[number] for number in of_steps]),
        "small_changed": sum(int((a != b).sum()) for a, b in zip(raw, kept, strict=True)),
    }


def grown(before: Sequence[Tensor], after: Sequence[Tensor]) -> int:
    """Return how many tensors have a larger norm after than before."""
    return sum(bool(new.norm() > old.norm()) for old, new in zip(before, after, strict=True))


def clipped(network: nn.Module, raw: tuple[Tensor, ...], limit: float) -> list[Tensor]:
    """Return the gradients after clipping their common norm to `limit`."""
    parameters = list(network.parameters())
    for parameter, gradient in zip(parameters, raw, strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(parameters, limit)
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


EXPERIMENT = Experiment(
    run=run,
    title="What clipping does to a gradient",
    outcomes={
        "tensors": "1",
        "elements": "1",
        "steps": "{step}",
        "tensors_grown": "1",
        "elements_grown": "1",
        "steps_grown": "{step}",
        "small_changed": "1",
    },
    metric_class="exact",
    source="Pascanu, Mikolov and Bengio 2013, section 3.2",
)
