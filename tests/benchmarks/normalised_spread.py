"""How far the spread of training throughput between processes falls when it is divided by calibration kernels.

Run: python tests/benchmarks/normalised_spread.py [--processes 20] [--models a000_lenet_gray a002_lstm]

Each process is a fresh one with one thread and the settings of the harness's runs. It trains one model as the calibrated
pass does: chunks of about 50 ms of steps for 2 s of CPU time, the kernels between them. From these steps come three figures:
samples a second by the wall clock, samples a CPU second, and samples in the time of the kernels. The models take turns,
so that all meet the machine at much the same time. Printed is each figure's coefficient of variation between the processes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
from collections.abc import Callable
from typing import Any

FIGURES = ("wall throughput", "CPU throughput", "normalised throughput")
DATA = {"a000_lenet_gray": "digits", "a002_lstm": "digit_rows"}
BATCH = 64


def training(model_name: str) -> Any:
    """Return the training of a model on real digits, in the shape that it takes."""
    from pathlib import Path

    import torch

    from harness.catalog import Catalog
    from harness.data import LoadContext
    from harness.models import DataSpec
    from harness.suite import Optimizer, Recipe
    from harness.train import Job

    catalog = Catalog()
    part, task = catalog.load("models", model_name), catalog.load("tasks", "classification")
    splits = catalog.load("data", DATA[model_name]).load(LoadContext(Path("unused"), part.input_shape, Path.cwd()))
    torch.manual_seed(1)
    model = part.build(DataSpec(tuple(splits.train.inputs.shape[1:]), len(splits.classes)))
    recipe = Recipe(optimizer=Optimizer(name="sgd", lr=0.001, momentum=0.9), batch_size=BATCH, epochs=1)
    return Job(model, task, task.start(splits), recipe, 1, splits.train, None, splits.test, torch.device("cpu"))


def measure(model_name: str, figures: Any) -> None:
    """Train in this process; put the three figures into the queue `figures`."""
    from time import perf_counter

    import torch

    from harness.metrics._normalised import throughput
    from harness.runner.passes._stepper import Stepper
    from harness.runner.passes.calibrated import measure_chunks, warm_up

    class TimedStepper(Stepper):
        """Notes the wall time of its steps."""

        samples, seconds = 0, 0.0

        def take(self, steps: int = 1) -> int:
            started = perf_counter()
            samples = super().take(steps)
            self.samples, self.seconds = self.samples + samples, self.seconds + perf_counter() - started
            return samples

    torch.set_num_threads(1)
    stepper = TimedStepper(training(model_name))
    warm_up(stepper)
    stepper.samples, stepper.seconds = 0, 0.0
    seconds, samples, kernels = measure_chunks(stepper)
    figures.put((stepper.samples / stepper.seconds, throughput(samples, seconds), throughput(samples, seconds, kernels)))


def fresh(action: Callable[..., None], model_name: str) -> tuple[float, ...]:
    """Return the figures of one fresh process."""
    context = multiprocessing.get_context("spawn")
    figures = context.SimpleQueue()
    process = context.Process(target=action, args=(model_name, figures))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{model_name}: a process ended with exit code {process.exitcode}")
    seen: tuple[float, ...] = figures.get()
    return seen


def variation(values: list[float]) -> float:
    """Return the coefficient of variation in percent: the sample standard deviation over the mean."""
    return 100 * statistics.stdev(values) / statistics.fmean(values)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--models", nargs="+", choices=sorted(DATA), default=sorted(DATA))
    options = parser.parse_args()
    from harness.runner.client import ENVIRONMENT

    os.environ.update(ENVIRONMENT | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in options.models}
    for _ in range(options.processes):
        for name in options.models:
            seen[name].append(fresh(measure, name))
            print(name, json.dumps(dict(zip(FIGURES, seen[name][-1], strict=True))), flush=True)
    for name, rows in seen.items():
        spreads = [variation(list(column)) for column in zip(*rows, strict=True)]
        for figure, spread in zip(FIGURES, spreads, strict=True):
            print(f"{name}: {figure}: CV {spread:.1f} % between {len(rows)} processes, wall ÷ this = {spreads[0] / spread:.1f}")


if __name__ == "__main__":
    main()
