"""What a network takes to put to use as it grows: a multilayer perceptron with 64 to 4,096 hidden units, on the CPU.

For w hidden units:

- `load_seconds_w`: from the weights on disk to the network ready, median of three; the file is in the system's cache.
- `first_seconds_w`: wall time of the first prediction of a network that has just been loaded.
- `latency_seconds_w`, `latency_p99_seconds_w`: wall time of a prediction for one image after that, median and 99th
  percentile. The networks take turns, TURNS after one that is not counted, so that a slow spell meets all alike.
- `exported`: of all widths, how many networks torch.jit.trace turns into one that gives the same outputs without our code.

Source: article 001, section 6.2.4.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from harness.experiments import Experiment, Setting
from harness.experiments._fit import outputs
from harness.probes.inference import time_inference
from harness.probes.stored import store_and_load

WIDTHS = (64, 256, 1024, 4096)
TURNS = 3


def run(setting: Setting) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: gives the weights.
    """
    splits = setting.data("digits", shape=(1, 28, 28))
    inputs = splits.test.inputs[:1].to(setting.device)
    found: dict[str, float | None] = {}
    networks = {width: setting.model("p003_mlp", setting.spec(splits), hidden=width) for width in WIDTHS}
    _load_seconds(setting.model("p003_mlp", setting.spec(splits)))  # what the first of all pays is no network's own
    for width, model in networks.items():
        found[f"load_seconds_{width}"] = _load_seconds(model)
        found[f"first_seconds_{width}"] = _first_prediction(model, inputs)
    turns = [
        {width: time_inference(_predict, model, inputs, setting.device) for width, model in networks.items()}
        for _ in range(TURNS + 1)
    ]
    for width in WIDTHS:
        seconds = np.concatenate([turn[width] for turn in turns[1:]])
        found[f"latency_seconds_{width}"] = float(np.median(seconds))
        found[f"latency_p99_seconds_{width}"] = float(np.quantile(seconds, 0.99))
    return found | {"exported": sum(can_export(model, inputs) for model in networks.values())}


def _load_seconds(model: nn.Module) -> float:
    with tempfile.TemporaryDirectory() as folder:
        _, seconds = store_and_load(model, Path(folder))
    return seconds


def _predict(model: nn.Module, inputs: Tensor) -> object:
    return model(inputs)


def _first_prediction(model: nn.Module, inputs: Tensor) -> float:
    started = perf_counter()
    outputs(model, inputs)
    return perf_counter() - started


def can_export(model: nn.Module, inputs: Tensor) -> bool:
    """Return whether a trace of the network, written and read back, gives the same outputs."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's own successor wants a compiler
        torch.jit.save(torch.jit.trace(model.eval(), inputs), file)
        file.seek(0)
        again = torch.jit.load(file)
    return torch.equal(outputs(again, inputs), outputs(model, inputs))


EXPERIMENT = Experiment(
    run=run,
    title="Deployment over width",
    outcomes={
        "load_seconds_64": "s",
        "first_seconds_64": "s",
        "latency_seconds_64": "s",
        "latency_p99_seconds_64": "s",
        "load_seconds_256": "s",
        "first_seconds_256": "s",
        "latency_seconds_256": "s",
        "latency_p99_seconds_256": "s",
        "load_seconds_1024": "s",
        "first_seconds_1024": "s",
        "latency_seconds_1024": "s",
        "latency_p99_seconds_1024": "s",
        "load_seconds_4096": "s",
        "first_seconds_4096": "s",
        "latency_seconds_4096": "s",
        "latency_p99_seconds_4096": "s",
        "exported": "{network}",
    },
    metric_class="machine",
    source="article 001, section 6.2.4",
)
