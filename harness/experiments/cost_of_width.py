"""What a network costs as it grows: article 004's convolutional network at 4, 8, 16 and 32 maps, which is its width.

At 16 maps it has the article's own 206,922 parameters; the hidden layer grows with the maps. Digits enlarged to 28x28,
batches of 64, Adam, CPU time of all threads. For each number of maps w:

- `train_seconds_w`: CPU seconds of a training step per sample; `infer_seconds_w`: of a forward pass without gradients.
  Medians; the widths take turns.
- `peak_bytes_w`: largest memory of all tensors during a training step, weights, gradients and the optimiser's state included.
- `target_seconds_w`: CPU seconds of training until the accuracy on `validated` held-out samples is first 0.9, looked at every
  `every` steps off the clock, at the learning rate of RATES that takes the least; None where none gets there in `steps`
  steps.

Source: article 000, section 5; article 001, section 6.2.1; article 003, section 3.3; article 004, sections 5 and 6.
"""

from __future__ import annotations

from functools import partial
from time import process_time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split
from harness.experiments import Experiment, Setting
from harness.experiments._cpu_time import cpu_seconds
from harness.experiments._fit import accuracy, outputs
from harness.options import check_count
from harness.probes.tensors import TensorPeak

WIDTHS = (4, 8, 16, 32)
RATES = (0.001, 0.003, 0.01)
BATCH, TARGET = 64, 0.9


def run(
    setting: Setting, *, rounds: int = 5, steps: int = 150, every: int = 4, validated: int = 200
) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, held-out samples and the order of the batches.
        rounds: times that each width's turn is counted.
        steps: at most, until the target.
        every: steps between two looks.
        validated: held-out samples.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("rounds", rounds, 1, 10_000)
    check_count("steps", steps, 1, 100_000)
    check_count("every", every, 1, steps)
    check_count("validated", validated, 10, 1000)
    digits = setting.data("digits", shape=(1, 28, 28)).train
    order = torch.randperm(len(digits), generator=setting.generator("split"))
    held, train = digits.take(order[:validated]), digits.take(order[validated:])
    batch = train.take(torch.arange(BATCH))
    models = {width: network(setting, width) for width in WIDTHS}
    trainers = {width: Trainer(model) for width, model in models.items()}
    took = cpu_seconds({width: partial(trainer.step, batch) for width, trainer in trainers.items()}, rounds)
    answered = cpu_seconds({width: partial(outputs, model, batch.inputs) for width, model in models.items()}, rounds)
    found: dict[str, float | None] = {}
    for done, width in enumerate(WIDTHS):
        found[f"train_seconds_{width}"] = took[width] / BATCH
        found[f"infer_seconds_{width}"] = answered[width] / BATCH
        found[f"peak_bytes_{width}"] = trainers[width].peak_bytes(batch)
        tried = [
            Trainer(network(setting, width), rate).seconds_to_target(train, held, setting.generator("shuffle"), steps, every)
            for rate in RATES
        ]
        found[f"target_seconds_{width}"] = min((seconds for seconds in tried if seconds is not None), default=None)
        setting.report(done + 1, len(WIDTHS))
    return found


def network(setting: Setting, maps: int) -> nn.Module:
    """Return article 004's network with `maps` maps, twice as many after the second convolution, and 8 · maps hidden units.

    Parameters: 802 · maps² + 100 · maps + 10.
    """
    setting.seed_globals()
    return nn.Sequential(
        nn.Conv2d(1, maps, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(maps, 2 * maps, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(98 * maps, 8 * maps),
        nn.ReLU(),
        nn.Linear(8 * maps, 10),
    )


class Trainer:
    """A network and its optimiser, on the CPU.

    Args:
        model: with fresh weights.
        rate: of Adam.
    """

    def __init__(self, model: nn.Module, rate: float = RATES[0]) -> None:
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), rate)

    def step(self, batch: Split) -> Tensor:
        """Take one training step; return the loss."""
        loss = F.cross_entropy(self.model(batch.inputs), batch.labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def peak_bytes(self, batch: Split) -> int:
        """Return the largest sum of the bytes of all tensors during a step."""
        with TensorPeak() as tensors:
            self.step(batch)  # weights and state become known
            tensors.reset_peak()
            self.step(batch)
        return int(tensors.peak_bytes)

    def seconds_to_target(self, train: Split, held: Split, order: torch.Generator, steps: int, every: int) -> float | None:
        """Return the CPU seconds of the steps until the held-out accuracy is TARGET; None if it never is."""
        seconds, step = 0.0, 0
        while step < steps:
            for places in torch.randperm(len(train), generator=order).split(BATCH)[: steps - step]:
                batch = Split(train.inputs[places], train.labels[places])
                started = process_time()
                self.step(batch)
                seconds += process_time() - started
                step += 1
                if step % every == 0 and accuracy(self.model, held) >= TARGET:
                    return seconds
        return None


EXPERIMENT = Experiment(
    run=run,
    title="Cost over width",
    outcomes={
        "train_seconds_4": "s",
        "train_seconds_8": "s",
        "train_seconds_16": "s",
        "train_seconds_32": "s",
        "infer_seconds_4": "s",
        "infer_seconds_8": "s",
        "infer_seconds_16": "s",
        "infer_seconds_32": "s",
        "peak_bytes_4": "By",
        "peak_bytes_8": "By",
        "peak_bytes_16": "By",
        "peak_bytes_32": "By",
        "target_seconds_4": "s",
        "target_seconds_8": "s",
        "target_seconds_16": "s",
        "target_seconds_32": "s",
    },
    metric_class="machine",
    source="article 004, sections 5 and 6; article 003, section 3.3",
)
