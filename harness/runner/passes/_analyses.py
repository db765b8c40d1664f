"""What a case may ask of the trained model beyond its scores: how it generalises, how faithfully it can be explained, where it
looks.

Off every clock, after the last thing that is timed; no global random number is drawn, and the model stays as it is.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from harness.data import Split
from harness.observations import Analysis, Observations
from harness.probes.attention import MOST_MAPS, attention_maps, entropy, picture
from harness.probes.faithfulness import chosen, faithfulness
from harness.probes.shift import NOISE, shift_images
from harness.seeds import generator
from harness.tasks import evaluation_mode
from harness.train import Job, Reach, autocast, evaluate, evaluation_batch, first_batch

FIELDS: dict[Analysis, tuple[str, ...]] = {
    "generalisation": ("train_scores", "shifted_scores"),
    "interpretability": ("deletion_curve", "insertion_curve"),
    "attention": ("attention_entropy",),
}
"""Analysis -> the fields of the observations that it fills."""
OF_IMAGES = ("shifted_scores", "deletion_curve", "insertion_curve")
"""Those of them that only images have."""
SHIFT_SEED = 0
"""Seed of the shifted test set: like the test set, it is the same whatever the run's seed."""


ATTENDED_SAMPLES = 32
"""Test samples whose attention is measured at most; the first of them has its pictures kept."""


def analyse(analysis: Analysis, training: Job, seen: Observations) -> None:
    """Do one analysis of the selected weights; what the data or the model has not is null, and says why."""
    if analysis == "attention":
        _attention(training, seen)
    else:
        _of_images(analysis, training, seen)


def _of_images(analysis: Analysis, training: Job, seen: Observations) -> None:
    """Do one of the analyses of a classifier of images."""
    shape = tuple(training.test.inputs.shape[1:])
    images = len(shape) == 3 and training.test.inputs.is_floating_point()
    if not images:
        words = " x ".join(map(str, shape))
        reason = f"not_applicable: an input is {words or 'one number'}, and an image is channels x height x width"
        seen.nulls |= {field: reason for field in FIELDS[analysis] if field in OF_IMAGES}
    if analysis == "generalisation":
        _generalisation(training, seen, images)
    elif images:
        _interpretability(training, seen)


def _generalisation(training: Job, seen: Observations, images: bool) -> None:
    """Score the samples trained on, and the test split shifted."""
    seen.train_scores, seen.train_samples = dict(evaluate(training, training.train).values), len(training.train)
    if images:
        noise = NOISE * float(training.train.inputs.std())
        shifted = shift_images(training.test.inputs, noise, generator(SHIFT_SEED, "shift"))
        seen.shifted_scores = dict(evaluate(training, replace(training.test, inputs=shifted)).values)


def _interpretability(training: Job, seen: Observations) -> None:
    """Delete and restore what explains the true class of test images."""
    test, indices = training.test, chosen(len(training.test)).to(training.test.inputs.device)
    with autocast(training.device, training.precision):
        curves = faithfulness(
            training.model,
            test.inputs[indices],
            test.labels[indices],
            channel_means(training.train.inputs),
            evaluation_batch(training.recipe),
        )
    seen.deletion_curve, seen.insertion_curve = curves
    seen.explained_samples = len(indices)


def _attention(training: Job, seen: Observations) -> None:
    """Look at where the model looks, one test sample at a time."""
    if not training.learning.steady:
        seen.nulls["attention_entropy"] = "not_applicable: an episode is no sample that could be looked at again"
        return
    maps = [_maps(training, training.test.take(index)) for index in chosen(len(training.test), ATTENDED_SAMPLES).split(1)]
    found = [share for each in maps if (share := entropy(each)) is not None]
    if not found:
        seen.nulls["attention_entropy"] = "not_applicable: no attention was seen in the model's forward pass"
        return
    seen.attention_entropy, seen.attended_samples = sum(found) / len(found), len(found)
    for number, weights in enumerate(maps[0][:MOST_MAPS], start=1):
        heads, queries, steps = weights.shape
        shape = f"{heads} heads side by side, {queries} queries down, {steps} steps across"
        title = f"attention {number} of {len(maps[0])}: {shape}"
        seen.images[title] = base64.b64encode(picture(weights)).decode("ascii")


def _maps(training: Job, sample: Split) -> list[Tensor]:
    """Return the attention weights of each of the task's turns on a split of one sample."""
    inputs, labels = first_batch(sample, 1, Reach.of(sample) if training.learning.padded else None)
    # a loss may draw random numbers, which must not be those of anything that follows
    with evaluation_mode(training.model), autocast(training.device, training.precision), torch.random.fork_rng():
        return [
            weights
            for turn in training.learning.turns
            for weights in attention_maps(partial(turn.loss, training.model, inputs, labels))
        ]


def channel_means(images: Tensor) -> Tensor:
    """Return each channel's mean over images and pixels, [C, 1, 1]."""
    return images.mean(dim=(0, 2, 3))[:, None, None]
