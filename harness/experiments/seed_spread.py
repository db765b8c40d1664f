"""How steady a training is: over seeds, over learning rates, and in what its probabilities promise.

A multilayer perceptron of one hidden layer learns the 8x8 digits with plain SGD and with Adam, a fifth of the training
samples held out for validation. For each optimiser:

- `rate_decades_<optimiser>`: width of the range of learning rates whose validation accuracy is within one percentage point of
  the best: how many of nine rates, half a decade apart, times a half. A training whose loss is not finite counts as accuracy
  0.
- `spread_<optimiser>`: standard deviation of the test accuracy over `replicas` trainings at the best rate (of equals the
  middle one), each with weights and an order of samples of its own.
- `failed_<optimiser>`: how many of these replicas ended with a loss that is not finite, or below twice the accuracy of
  chance.
- `calibration_error_<optimiser>`: expected calibration error, mean over the replicas: the mean distance between the
  probability of the predicted class and how often that class is right, over ten equal bins of that probability, weighed by
  their samples.

Source: article 001, section 6.3.3; article 002, section 7; calibration error: Guo et al., "On calibration of modern neural
networks", 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, stdev

import torch
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._fit import accuracy, fit, outputs
from harness.options import check_count
from harness.seeds import generator
from harness.train import hold_out

HALF_DECADES = {"sgd": -5, "adam": -9}
"""Optimiser -> the smallest rate, as a power of √10: SGD from 0.003 to 30, Adam from 0.00003 to 0.3."""
RATES, NEAR, VALIDATION, CHANCE, BINS = 9, 0.01, 0.2, 0.1, 10
Make = Callable[..., torch.optim.Optimizer]
OPTIMISERS: dict[str, Make] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def run(setting: Setting, *, steps: int = 250, replicas: int = 6, hidden: int = 64) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, held-out samples and the order of the batches over the rates; the replicas have
            streams of their own, drawn from the stream "replicas".
        steps: of each training, 64 samples each.
        replicas: trainings at the best rate, at least two.
        hidden: width of the network.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("steps", steps, 1, 100_000)
    check_count("replicas", replicas, 2, 1000)
    splits = setting.data("digits")
    training, validation = hold_out(splits, VALIDATION, setting.seed)
    assert validation is not None  # a share is held out
    held = Splits(training.to(setting.device), validation.to(setting.device), splits.classes)
    test = splits.test.to(setting.device)
    seeds = torch.randint(2**31, (replicas,), generator=setting.generator("replicas")).tolist()
    found: dict[str, float | None] = {}
    for done, (name, make) in enumerate(OPTIMISERS.items()):

        def trained(rate: float, seed: int | None = None, make: Make = make) -> nn.Module | None:
            model = setting.model("p003_mlp", setting.spec(splits), hidden=hidden)
            if seed is not None:
                redraw(model, seed)
            order = setting.generator("shuffle") if seed is None else generator(seed, "shuffle")
            finite = fit(model, held.train, make(model.parameters(), lr=rate), steps=steps, order=order)
            return model if finite else None

        rates = [10 ** ((HALF_DECADES[name] + index) / 2) for index in range(RATES)]
        models = [trained(rate) for rate in rates]
        scores = [0.0 if model is None else accuracy(model, held.test) for model in models]
        near = [rate for rate, score in zip(rates, scores, strict=True) if score >= max(scores) - NEAR]
        best = [rate for rate, score in zip(rates, scores, strict=True) if score == max(scores)]
        again = steadiness([trained(best[len(best) // 2], seed) for seed in seeds], test)
        found |= {f"rate_decades_{name}": len(near) / 2} | {f"{key}_{name}": value for key, value in again.items()}
        setting.report(done + 1, len(OPTIMISERS))
    return found


def redraw(model: nn.Module, seed: int) -> None:
    """Give a network's linear layers fresh weights, drawn as torch does when it makes them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()


def steadiness(models: list[nn.Module | None], test: Split) -> dict[str, float]:
    """Return spread, failures and mean calibration error of replicas; None is one whose loss was not finite, accuracy 0."""
    scores = [0.0 if model is None else accuracy(model, test) for model in models]
    errors = [calibration_error(outputs(model, test.inputs), test.labels) for model in models if model is not None]
    failed = sum(score < 2 * CHANCE for score in scores)
    return {"spread": stdev(scores), "failed": failed, "calibration_error": fmean(errors) if errors else 1.0}


def calibration_error(logits_NK: Tensor, labels_N: Tensor) -> float:
    """Return the expected calibration error over ten equal bins, from 0 to 1."""
    confidence_N, predicted_N = logits_NK.double().softmax(dim=1).max(dim=1)
    right_N = (predicted_N == labels_N).double()
    bin_N = (confidence_N * BINS).long().clamp(max=BINS - 1)
    gaps = torch.zeros(BINS, dtype=torch.float64, device=logits_NK.device).index_add_(0, bin_N, right_N - confidence_N)
    return float(gaps.abs().sum() / len(labels_N))


EXPERIMENT = Experiment(
    run=run,
    title="Steadiness of trainings",
    outcomes={
        "rate_decades_sgd": "1",
        "spread_sgd": "1",
        "failed_sgd": "{run}",
        "calibration_error_sgd": "1",
        "rate_decades_adam": "1",
        "spread_adam": "1",
        "failed_adam": "{run}",
        "calibration_error_adam": "1",
    },
    metric_class="quality",
    source="article 001, section 6.3.3; article 002, section 7; Guo et al. 2017",
)
