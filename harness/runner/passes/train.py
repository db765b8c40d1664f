"""The train pass: quality and time of one training, from its first step to its scores, and the trained model's inference."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from harness import digests
from harness.observations import Observations
from harness.probes.flops import count_flops
from harness.probes.inference import time_inference
from harness.probes.stored import store_and_load
from harness.runner.jobs import Job
from harness.runner.passes._analyses import FIELDS, analyse
from harness.runner.passes._execution import compile_seconds
from harness.runner.passes._setup import out_of_memory, prepare
from harness.tasks import Played, Turn
from harness.train import DivergedError, Reach, StepPlan, autocast, evaluate, first_batch, train
from harness.train import Job as TrainJob


def measure(job: Job, device: torch.device, seen: Observations) -> None:
    """Train, score, and measure the trained model."""
    training = prepare(job, device, seen)
    train(training, seen)
    if seen.resumed_at_step == len(seen.losses) > 0:
        seen.nulls["compile_seconds"] = "not_measured: the training was taken up at its end"
    else:
        seen.compile_seconds = compile_seconds(job.case.execution.mode)
        seen.nulls |= {"compile_seconds": "not_applicable"} if seen.compile_seconds is None else {}
    score(training, seen)
    measure_inference(training, seen)
    measure_storage(job, training, seen)
    for analysis in job.case.analyses:
        with spared(seen, *FIELDS[analysis]):
            analyse(analysis, training, seen)
    count_operations(training, seen)

    seen.targets = dict(job.case.targets)
    seen.digests |= {
        "initial_weights": weights_digest(seen, 0),
        "final_weights": weights_digest(seen, len(seen.losses)),
        "loss_curve": digests.losses_digest(seen.losses),
    }


def weights_digest(seen: Observations, step: int) -> str:
    """Return one digest over the weights as they were after a step."""
    return digests.digest_of({mark.tensor: mark.sha256 for mark in seen.tensor_marks if mark.step == step})


def score(training: TrainJob, seen: Observations) -> None:
    """Score the selected weights on the test split.

    Raises:
        DivergedError: a score or a weight is not finite.
    """
    scores = evaluate(training, training.test)
    for name, value in scores.values.items():
        if not math.isfinite(value):
            raise DivergedError(f"test {name} was {value} after training")
    for name, parameter in training.model.named_parameters():
        if not parameter.isfinite().all():
            raise DivergedError(f"weights {name!r} were not finite after training")
    seen.scores, seen.texts = dict(scores.values), dict(scores.texts)
    seen.images = {title: base64.b64encode(image).decode("ascii") for title, image in scores.images.items()}
    if scores.predictions is not None and scores.labels is not None:
        seen.predictions, seen.labels = scores.predictions, scores.labels
    if scores.returns is not None:
        seen.test_returns = scores.returns


@contextmanager
def spared(seen: Observations, *fields: str) -> Iterator[None]:
    """Let a probe of the trained model fail without the run: its fields are null, and say why. Lack of memory goes on up."""
    try:
        yield
    except Exception as error:
        if out_of_memory(error):
            raise
        first, *_ = [*str(error).splitlines(), ""]
        seen.nulls |= dict.fromkeys(fields, f"unsupported: {type(error).__name__}: {first}")


def measure_inference(training: TrainJob, seen: Observations) -> None:
    """Time forward passes of one sample and of a training batch, in the precision of training."""
    plan, test = StepPlan.of(training.recipe, len(training.train)), training.test
    reach = Reach.of(test) if training.learning.padded else None
    seen.infer_batch_size = min(plan.batch_size, len(test))
    for field, samples in (("infer_latency_seconds", 1), ("infer_batch_seconds", seen.infer_batch_size)):
        with spared(seen, field):
            context = autocast(training.device, training.precision)
            infer, model, device = training.learning.infer, training.model, training.device
            inputs, _ = first_batch(test, samples, reach)
            setattr(seen, field, time_inference(infer, model, inputs, device, context))


def measure_storage(job: Job, training: TrainJob, seen: Observations) -> None:
    """Write the selected weights to disk and time how long it takes until they are back in the model."""
    with spared(seen, "model_file_bytes", "load_seconds"):
        seen.model_file_bytes, seen.load_seconds = store_and_load(training.model, job.folder)


def count_operations(training: TrainJob, seen: Observations) -> None:
    """Count the floating-point operations of forward and backward; last, because it leaves gradients behind.

    Two samples are enough where all cost the same (batch normalisation wants more than one); texts are counted over a batch
    without the padding that training cuts off.
    """
    if not training.learning.steady:
        seen.nulls["train_flops_per_sample"] = "not_applicable: an episode's length varies"
        return
    reach = Reach.of(training.train) if training.learning.padded else None
    count = StepPlan.of(training.recipe, len(training.train)).batch_size if reach else 2
    inputs, labels = first_batch(training.train, count, reach)
    samples = len(inputs)
    training.model.train()
    with spared(seen, "train_flops_per_sample"), autocast(training.device, training.precision):
        operations = sum(count_flops(partial(_pass, turn, training.model, inputs, labels)) for turn in training.learning.turns)
        if operations or not seen.parameters:
            seen.train_flops_per_sample = operations // samples
        else:
            seen.nulls["train_flops_per_sample"] = "unsupported: none of the model's operations are known to the counter"


def _pass(turn: Turn, model: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    """Go forward, and backward where anything learns."""
    loss = turn.loss(model, inputs, labels)
    loss = loss.loss if isinstance(loss, Played) else loss
    if loss.requires_grad:
        loss.backward()
