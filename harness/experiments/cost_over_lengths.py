"""What a token costs in sequences of different lengths: a Transformer against recurrent networks of the same width.

All networks take WIDTH features a step, have LAYERS layers of WIDTH units (feed-forward step of the Transformer: 2 WIDTH) and
about the same number of parameters but for rnn and gru, which have fewer gates; ten classes are told from their last state or
mean. For every network and length:

- `train_<network>_<length>`: seconds a token of a training step: forward pass, cross-entropy, backward pass (no optimiser,
  whose cost has nothing to do with the length).
- `infer_<network>_<length>`: seconds a token of a forward pass without gradients.

A batch holds as many sequences as make `tokens` tokens, at least one; or `sequences` sequences of every length, which asks for
more tokens the longer they are. Each figure is the median of `repeats` passes, after one that is not counted; the passes of
all networks and lengths take turns, so that a disturbance of the machine meets all alike. On a CPU the time is the process's
CPU time, on one thread equal to the time taken; on a GPU it is wall time until the device is done.

Gradients that vanish over many steps become subnormal: numbers below 1.2e-38, with which CPUs compute many times more slowly.
A length would then cost what its gradients make it cost: such numbers are taken as 0 here, unless `subnormals` asks for them.

Source: Vaswani et al., "Attention Is All You Need", 2017, table 1 (what is expected of the operations).

Shape suffixes: B batch, T steps, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter, process_time

import torch
import torch.nn.functional as F
from torch import nn

from harness.errors import MeasuringError
from harness.experiments import Experiment, Setting
from harness.models import DataSpec
from harness.options import check_count, check_flag
from harness.probes.clock import wait_for

LENGTHS = (16, 128, 256, 512, 1024)
FEATURES = WIDTH = 64
LAYERS, HEADS, CLASSES = 2, 4, 10
NETWORKS = ("rnn", "lstm", "gru", "transformer")

Pass = Callable[[], object]


def run(
    setting: Setting, *, tokens: int = 1024, sequences: int = 0, repeats: int = 3, subnormals: bool = False
) -> dict[str, float | None]:
    """Return seconds a token of each network, length and kind of pass.

    Args:
        setting: weights come from the global stream, inputs and labels from the stream "inputs".
        tokens: of a batch, where `sequences` is 0.
        sequences: of a batch; 0 takes as many as make `tokens`.
        repeats: passes that are timed.
        subnormals: whether a CPU computes with subnormal numbers, as it does unless told otherwise.

    Raises:
        UsageError: an option that is not allowed.
        MeasuringError: subnormal numbers should be taken as 0, and the CPU knows no such switch.
    """
    check_count("tokens", tokens, 1, 10_000_000)
    check_count("sequences", sequences, 0, 100_000)
    check_count("repeats", repeats, 1, 10_000)
    check_flag("subnormals", subnormals)
    passes: dict[str, tuple[Pass, int]] = {}
    for name in NETWORKS:
        model = build(setting, name)
        for length in LENGTHS:
            batch = sequences or max(tokens // length, 1)
            train, infer = passes_of(setting, model, batch, length)
            passes[f"train_{name}_{length}"] = train, batch * length
            passes[f"infer_{name}_{length}"] = infer, batch * length
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    with flushing(not subnormals):
        for turn in range(repeats + 1):
            for name, (action, _) in passes.items():
                spent = seconds_of(action, setting.device)
                if turn:
                    seconds[name].append(spent)
            setting.report(turn + 1, repeats + 1)
    return {name: median(seconds[name]) / count for name, (_, count) in passes.items()}


@contextmanager
def flushing(on: bool) -> Iterator[None]:
    """Have this thread take subnormal results as 0 meanwhile, or not.

    Raises:
        MeasuringError: it should, and the CPU knows no such switch.
    """
    if not torch.set_flush_denormal(on) and on:
        raise MeasuringError("this CPU cannot take subnormal numbers as 0; `subnormals = true` measures with them")
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def build(setting: Setting, name: str) -> nn.Module:
    """Return one of NETWORKS with fresh weights; none of them has dropout, or anything else that training adds."""
    spec = DataSpec((1, FEATURES), CLASSES)  # all take sequences of any length
    if name == "rnn":
        return setting.model("a001_rnn", spec, hidden=WIDTH, layers=LAYERS)
    if name == "lstm":
        return setting.model("p004_lstm", spec, hidden=WIDTH, layers=LAYERS)
    if name == "gru":
        return setting.model("p004_gru", spec, hidden=WIDTH, layers=LAYERS)
    return setting.model("p002_transformer_encoder", spec, width=WIDTH, heads=HEADS, ff=2 * WIDTH, layers=LAYERS, dropout=0.0)


def passes_of(setting: Setting, model: nn.Module, batch: int, length: int) -> tuple[Pass, Pass]:
    """Return (a training step without its update, a forward pass) on a batch of normal inputs."""
    stream = setting.generator("inputs")
    x_BTF = torch.randn(batch, length, FEATURES, generator=stream).to(setting.device)
    labels_B = torch.randint(CLASSES, (batch,), generator=stream).to(setting.device)

    def train() -> None:
        model.zero_grad()
        F.cross_entropy(model(x_BTF), labels_B).backward()

    def infer() -> None:
        with torch.inference_mode():
            model(x_BTF)

    return train, infer


def seconds_of(action: Pass, device: torch.device) -> float:
    """Return the time that an action takes: of the process on a CPU, of the clock on another device."""
    clock = process_time if device.type == "cpu" else perf_counter
    wait_for(device)
    started = clock()
    action()
    wait_for(device)
    return clock() - started


EXPERIMENT = Experiment(
    run=run,
    title="Cost of a token over lengths",
    outcomes={
        "train_rnn_16": "s/{token}",
        "train_rnn_128": "s/{token}",
        "train_rnn_256": "s/{token}",
        "train_rnn_512": "s/{token}",
        "train_rnn_1024": "s/{token}",
        "infer_rnn_16": "s/{token}",
        "infer_rnn_128": "s/{token}",
        "infer_rnn_256": "s/{token}",
        "infer_rnn_512": "s/{token}",
        "infer_rnn_1024": "s/{token}",
        "train_lstm_16": "s/{token}",
        "train_lstm_128": "s/{token}",
        "train_lstm_256": "s/{token}",
        "train_lstm_512": "s/{token}",
        "train_lstm_1024": "s/{token}",
        "infer_lstm_16": "s/{token}",
        "infer_lstm_128": "s/{token}",
        "infer_lstm_256": "s/{token}",
        "infer_lstm_512": "s/{token}",
        "infer_lstm_1024": "s/{token}",
        "train_gru_16": "s/{token}",
        "train_gru_128": "s/{token}",
        "train_gru_256": "s/{token}",
        "train_gru_512": "s/{token}",
        "train_gru_1024": "s/{token}",
        "infer_gru_16": "s/{token}",
        "infer_gru_128": "s/{token}",
        "infer_gru_256": "s/{token}",
        "infer_gru_512": "s/{token}",
        "infer_gru_1024": "s/{token}",
        "train_transformer_16": "s/{token}",
        "train_transformer_128": "s/{token}",
        "train_transformer_256": "s/{token}",
        "train_transformer_512": "s/{token}",
        "train_transformer_1024": "s/{token}",
        "infer_transformer_16": "s/{token}",
        "infer_transformer_128": "s/{token}",
        "infer_transformer_256": "s/{token}",
        "infer_transformer_512": "s/{token}",
        "infer_transformer_1024": "s/{token}",
    },
    metric_class="machine",
    directions={
        "train_rnn_16": "lower",
        "train_rnn_128": "lower",
        "train_rnn_256": "lower",
        "train_rnn_512": "lower",
        "train_rnn_1024": "lower",
        "infer_rnn_16": "lower",
        "infer_rnn_128": "lower",
        "infer_rnn_256": "lower",
        "infer_rnn_512": "lower",
        "infer_rnn_1024": "lower",
        "train_lstm_16": "lower",
        "train_lstm_128": "lower",
        "train_lstm_256": "lower",
        "train_lstm_512": "lower",
        "train_lstm_1024": "lower",
        "infer_lstm_16": "lower",
        "infer_lstm_128": "lower",
        "infer_lstm_256": "lower",
        "infer_lstm_512": "lower",
        "infer_lstm_1024": "lower",
        "train_gru_16": "lower",
        "train_gru_128": "lower",
        "train_gru_256": "lower",
        "train_gru_512": "lower",
        "train_gru_1024": "lower",
        "infer_gru_16": "lower",
        "infer_gru_128": "lower",
        "infer_gru_256": "lower",
        "infer_gru_512": "lower",
        "infer_gru_1024": "lower",
        "train_transformer_16": "lower",
        "train_transformer_128": "lower",
        "train_transformer_256": "lower",
        "train_transformer_512": "lower",
        "train_transformer_1024": "lower",
        "infer_transformer_16": "lower",
        "infer_transformer_128": "lower",
        "infer_transformer_256": "lower",
        "infer_transformer_512": "lower",
        "infer_transformer_1024": "lower",
    },
    source="Vaswani et al. 2017, table 1",
)
