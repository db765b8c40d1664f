"""What a case may ask of the trained model beyond its scores: how it generalises, and how faithfully it can be explained.

Off every clock, after the last thing that is timed; no global random number is drawn, and the model stays as it is.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from harness.observations import Analysis, Observations
from harness.probes.faithfulness import chosen, faithfulness
from harness.probes.shift import NOISE, shift_images
from harness.seeds import generator
from harness.train import Job, autocast, evaluate, evaluation_batch

FIELDS: dict[Analysis, tuple[str, ...]] = {
    "generalisation": ("train_scores", "shifted_scores"),
    "interpretability": ("deletion_curve", "insertion_curve"),
}
"""Analysis -> the fields of the observations that it fills."""
OF_IMAGES = ("shifted_scores", "deletion_curve", "insertion_curve")
"""Those of them that only images have."""
SHIFT_SEED = 0
"""Seed of the shifted test set: like the test set, it is the same whatever the run's seed."""


def analyse(analysis: Analysis, training: Job, seen: Observations) -> None:
    """Do one analysis of the selected weights; what the data has not is null, and says why."""
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


def channel_means(images: Tensor) -> Tensor:
    """Return each channel's mean over images and pixels, [C, 1, 1]."""
    return images.mean(dim=(0, 2, 3))[:, None, None]
