"""What the harness's training loop costs over a hand-written one, in CPU time.

Run: python tests/benchmarks/loop_overhead.py [--model a000_lenet_gray] [--restarts 9]

Each restart starts two fresh processes on one and the same core, one a loop, both training one model from the same
weights over the same batches. They take turns in blocks of about 50 ms, in alternating order. A restart's value is the
median over its blocks of ln(CPU time of the harness's loop / of the hand-written loop); the result is the median over
restarts with the interval that their order statistics give.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import time
from multiprocessing.connection import Connection
from typing import Any

BLOCK_STEPS = 8
BLOCK_PAIRS = 40
BATCH = 64
WARMUP_BLOCKS = 4


def serve_blocks(loop: str, model_name: str, core: int, pipe: Connection) -> None:
    """Train block after block as asked, and send back each block's CPU seconds."""
    os.sched_setaffinity(0, {core})
    import torch

    torch.set_num_threads(1)
    block = (harness_block if loop == "harness" else plain_block)(model_name)
    for _ in range(WARMUP_BLOCKS):
        block()
    pipe.send("ready")
    while pipe.recv():
        started = time.process_time()
        block()
        pipe.send(time.process_time() - started)


def material(model_name: str) -> tuple[Any, Any, Any]:
    """Return the model and one block's samples: real digits in the shape that the model takes."""
    from pathlib import Path

    import torch

    from harness.catalog import Catalog
    from harness.data import LoadContext
    from harness.models import DataSpec

    catalog = Catalog()
    part = catalog.load("models", model_name)
    splits = catalog.load("data", "digits").load(LoadContext(Path("unused"), part.input_shape, Path.cwd()))
    torch.manual_seed(1)
    samples = BLOCK_STEPS * BATCH
    return part.build(DataSpec(part.input_shape, 10)), splits.train.inputs[:samples], splits.train.labels[:samples]


def plain_block(model_name: str) -> Any:
    """Return a function that trains one block as a person would write it."""
    import torch
    from torch.nn import functional as F

    model, inputs, labels = material(model_name)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    order = torch.arange(len(labels))
    model.train()

    def block() -> None:
        for indices in order.split(BATCH):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs[indices]), labels[indices])
            loss.backward()
            optimizer.step()

    return block


def harness_block(model_name: str) -> Any:
    """Return a function that trains one block with the harness's loop, everything it records included."""
    import torch

    from harness.catalog import Catalog
    from harness.data import Split, Splits
    from harness.observations import Observations
    from harness.suite import Optimizer, Recipe
    from harness.train import Job, Loop

    model, inputs, labels = material(model_name)
    split = Split(inputs, labels)
    recipe = Recipe(optimizer=Optimizer(name="sgd", lr=0.001, momentum=0.9), batch_size=BATCH, epochs=1)
    task = Catalog().load("tasks", "classification")
    job = Job(model, task, task.start(Splits(split, split)), recipe, 1, split, None, split, torch.device("cpu"))
    loop, order = Loop(job, Observations()), torch.arange(len(labels))
    return lambda: loop.steps(1, order)


def restart(model_name: str, core: int, harness_first: bool) -> float:
    """Return one restart's median ln ratio of CPU time, harness over plain."""
    context = multiprocessing.get_context("spawn")
    workers: dict[str, tuple[Any, Connection]] = {}
    for loop in ("harness", "plain") if harness_first else ("plain", "harness"):
        ours, theirs = context.Pipe()
        process = context.Process(target=serve_blocks, args=(loop, model_name, core, theirs))
        process.start()
        workers[loop] = process, ours
    for _, pipe in workers.values():
        pipe.recv()
    ratios = []
    for pair in range(BLOCK_PAIRS):
        seconds = {}
        for loop in ("harness", "plain") if pair % 2 else ("plain", "harness"):
            workers[loop][1].send(True)
            seconds[loop] = workers[loop][1].recv()
        ratios.append(math.log(seconds["harness"] / seconds["plain"]))
    for process, pipe in workers.values():
        pipe.send(False)
        process.join()
    return statistics.median(ratios)


def interval(values: list[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Return (low, high, confidence reached) of the median from order statistics (binomial, David & Nagaraja 2003, 7.1)."""
    ordered, count = sorted(values), len(values)
    for k in range(count // 2, -1, -1):
        reached = 1 - 2 * sum(math.comb(count, i) for i in range(k + 1)) / 2**count
        if reached >= confidence or k == 0:
            return ordered[k], ordered[count - 1 - k], reached
    raise AssertionError("unreachable")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="a000_lenet_gray")
    parser.add_argument("--restarts", type=int, default=9)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    from harness.runner.client import ENVIRONMENT

    os.environ.update(ENVIRONMENT)
    values = []
    for number in range(options.restarts):
        values.append(restart(options.model, cores[number % len(cores)], number % 2 == 0))
        print(f"restart {number + 1}: {100 * math.expm1(values[-1]):+.2f} %", flush=True)
    low, high, reached = (100 * math.expm1(value) if place < 2 else value for place, value in enumerate(interval(values)))
    median = 100 * math.expm1(statistics.median(values))
    print(f"{options.model}: median {median:+.2f} % CPU time, {100 * reached:.1f} % interval [{low:+.2f}, {high:+.2f}] %")


if __name__ == "__main__":
    main()
