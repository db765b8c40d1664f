"""What can be had for nothing: the same training and inference made faster, and what that does to the accuracy.

Article 004's convolutional network on digits enlarged to 28x28, batches of 64, Adam at 0.001; CPU seconds of a training step,
the ways taking turns:

- `step_seconds_plain`: images and weights as torch lays them out, Adam updating one tensor after another.
- `step_seconds_layout`: images and weights with their channels last. `step_seconds_fused`: Adam in one fused kernel.
- `step_seconds_both`: both of these. `step_seconds_bfloat16`: both, the forward pass in bfloat16 where torch allows it.
- `accuracy_plain`, `accuracy_both`, `accuracy_bfloat16`: test accuracy after `epochs` epochs so trained.

And inference of an LSTM of `hidden` units, large enough that reading its weights takes the most time, on the rows of the 8x8
digits, one image at a time:

- `lstm_seconds_float`: CPU seconds an image. `lstm_seconds_int8`: with weights of 8 bits and activations rounded on the way
  (torch's dynamic quantisation); None where torch has none.
- `lstm_agreement_int8`: share of the test digits of which both say the same.

Source: article 000, section 6.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._cpu_time import cpu_seconds
from harness.experiments._fit import accuracy, fit, outputs
from harness.options import check_count

BATCH, IMAGES, RATE = 64, 20, 1e-3


@dataclass(frozen=True)
class Way:
    """One way to train the same network."""

    channels_last: bool = False
    fused: bool = False
    bfloat16: bool = False

    def place(self, inputs: Tensor) -> Tensor:
        """Return images in this way's layout."""
        return inputs.contiguous(memory_format=torch.channels_last) if self.channels_last else inputs

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(model.parameters(), RATE, fused=self.fused, foreach=False)

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass."""
        return torch.autocast("cpu", torch.bfloat16) if self.bfloat16 else nullcontext()


class InWay(nn.Module):
    """A network whose forward pass is in a way's precision; autocasting begins and ends with it, or it would keep old weights.

    Args:
        model: any.
        way: says which precision.
    """

    def __init__(self, model: nn.Module, way: Way) -> None:
        super().__init__()
        self.model, self.way = model, way

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the model's outputs in float32."""
        with self.way.precision():
            found: Tensor = self.model(inputs)
        return found.float()


WAYS = {
    "plain": Way(),
    "layout": Way(channels_last=True),
    "fused": Way(fused=True),
    "both": Way(channels_last=True, fused=True),
    "bfloat16": Way(channels_last=True, fused=True, bfloat16=True),
}
TRAINED = ("plain", "both", "bfloat16")


def run(setting: Setting, *, rounds: int = 7, epochs: int = 2, hidden: int = 512) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines; on the CPU, whose clock it is.

    Args:
        setting: its streams give weights and the order of the batches.
        rounds: times that each way's turn is counted.
        epochs: of the trainings whose accuracy is told.
        hidden: units of the LSTM.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("rounds", rounds, 1, 10_000)
    check_count("epochs", epochs, 1, 1000)
    splits = setting.data("digits", shape=(1, 28, 28))

    def network(way: Way) -> nn.Module:
        model = setting.model("a004_cnn", setting.spec(splits)).cpu()
        return model.to(memory_format=torch.channels_last) if way.channels_last else model  # type: ignore[call-overload]

    batch = splits.train.take(torch.arange(BATCH))
    steppers = {name: stepper(network(way), way, batch) for name, way in WAYS.items()}
    found: dict[str, float | None] = {f"step_seconds_{name}": took for name, took in cpu_seconds(steppers, rounds).items()}
    for name in TRAINED:
        way = WAYS[name]
        model, train = network(way), replace(splits.train, inputs=way.place(splits.train.inputs))
        steps, order = epochs * math.ceil(len(train) / BATCH), setting.generator("shuffle")
        fit(InWay(model, way), train, way.optimizer(model), steps=steps, order=order, batch_size=BATCH)
        found[f"accuracy_{name}"] = accuracy(InWay(model, way), splits.test)
    return found | recurrent(setting, rounds, hidden)


def stepper(model: nn.Module, way: Way, batch: Split) -> Callable[[], object]:
    """Return what takes a training step."""
    inputs, network, optimizer = way.place(batch.inputs), InWay(model, way), way.optimizer(model)

    def step() -> None:
        loss = F.cross_entropy(network(inputs), batch.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def recurrent(setting: Setting, rounds: int, hidden: int) -> dict[str, float | None]:
    """Return times and agreement of an LSTM in float32 and in 8 bits."""
    digits = setting.data("digits")
    train, test = (Split(split.inputs.squeeze(1), split.labels) for split in (digits.train, digits.test))
    rows = Splits(train, test, digits.classes)
    model = setting.model("p004_lstm", setting.spec(rows), hidden=hidden).cpu()
    fit(model, rows.train, torch.optim.Adam(model.parameters(), 1e-3), steps=30, order=setting.generator("shuffle"))
    small = quantised(model)
    networks = {"float": model} if small is None else {"float": model, "int8": small}
    images = rows.test.inputs[:IMAGES]
    took = cpu_seconds({name: partial(one_by_one, network, images) for name, network in networks.items()}, rounds)
    agree = None if small is None else agreement(model, small, rows.test.inputs)
    seconds = {name: took[name] / IMAGES if name in took else None for name in ("float", "int8")}
    return {f"lstm_seconds_{name}": value for name, value in seconds.items()} | {"lstm_agreement_int8": agree}


def one_by_one(model: nn.Module, inputs: Tensor) -> None:
    """Predict for one sample after the other."""
    for one in inputs.split(1):
        outputs(model, one)


def quantised(model: nn.Module) -> nn.Module | None:
    """Return a copy with the LSTM's and the linear layer's weights in 8 bits; None where this torch cannot make one."""
    make = getattr(getattr(torch.ao, "quantization", None), "quantize_dynamic", None)
    if make is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces its removal, and has no other for recurrent layers
        small: nn.Module = make(copy.deepcopy(model).eval(), {nn.LSTM, nn.Linear}, dtype=torch.qint8)
    return small


def agreement(one: nn.Module, other: nn.Module, inputs: Tensor) -> float:
    """Return the share of samples of which both networks name the same class."""
    return float((outputs(one, inputs).argmax(1) == outputs(other, inputs).argmax(1)).double().mean())


EXPERIMENT = Experiment(
    run=run,
    title="Faster training and inference",
    outcomes={
        "step_seconds_plain": "s",
        "step_seconds_layout": "s",
        "step_seconds_fused": "s",
        "step_seconds_both": "s",
        "step_seconds_bfloat16": "s",
        "accuracy_plain": "1",
        "accuracy_both": "1",
        "accuracy_bfloat16": "1",
        "lstm_seconds_float": "s",
        "lstm_seconds_int8": "s",
        "lstm_agreement_int8": "1",
    },
    metric_class="machine",
    source="article 000, section 6",
)
