"""Whether the figures that article 003 prints as its program's output can be the output of one run of it.

The figures are the data; nothing is trained. They are held against one another and against what the program asks for.

- `evaluated_samples`, `test_samples`: how many images the line of the final evaluation counts, and how many there are.
- `evaluation_accuracy`, `reported_accuracy`: of that line, and of the line that prints what the same call returned;
  `last_validation_accuracy`: of the fifth epoch.
- `foreign_traits`: how many of TRAITS the log has and its program cannot give it, or the other way round.
- `epoch_seconds_error`, `evaluation_seconds_error`: printed seconds against printed time a sample × samples, by how much
  they differ; figures that are rounded to whole seconds may differ by half a second.
- `loss_ratio`: training loss of epoch 5 ÷ epoch 1; `epochs_test_ahead`: in how many of the five epochs the accuracy on the
  test split is printed above that on the training split.

Source: article 003, sections 5.2 (what the program asks for) and 5.4 (the log); for TRAITS, Keras' documentation of
`Model.fit` and `Model.evaluate` (verbose = 2 prints one line an epoch and no bar; validation columns come of validation
data) and the output of TensorFlow 1.13 to 2.1, the only releases that give a time a sample.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.experiments import Experiment, Setting

TRAIN_SAMPLES, TEST_SAMPLES = 60_000, 10_000


@dataclass(frozen=True)
class Epoch:
    """One printed line."""

    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


EPOCHS = (
    Epoch(0.1902, 0.9664, 0.0638, 0.9854),
    Epoch(0.0741, 0.9803, 0.0483, 0.9893),
    Epoch(0.0579, 0.9831, 0.0459, 0.9903),
    Epoch(0.0545, 0.9843, 0.0447, 0.9909),
    Epoch(0.0532, 0.9849, 0.0444, 0.9914),
)
EPOCH_SECONDS, TRAIN_SECONDS_PER_SAMPLE = 5, 81e-6
EVALUATED_SAMPLES, EVALUATION_SECONDS, EVALUATION_SECONDS_PER_SAMPLE = 6_400, 3, 480e-6
EVALUATION_ACCURACY, REPORTED_ACCURACY = 0.9906, 0.9914


@dataclass(frozen=True)
class Trait:
    """Something that a log has or has not."""

    what: str
    printed: bool
    genuine: bool
    """Whether the output of the printed program has it."""


TRAITS = (
    Trait("columns of a validation, for which the call of fit names no data", printed=True, genuine=False),
    Trait("where there are such columns, the number of validation samples in the first line", printed=False, genuine=True),
    Trait("a bar of progress in an evaluation with verbose = 2", printed=True, genuine=False),
    Trait("a comma between thousands and hundreds", printed=True, genuine=False),
    Trait("a time a sample after the number of samples trained on, as of TensorFlow 1.13 to 2.1", printed=True, genuine=True),
)


def run(setting: Setting) -> dict[str, float | None]:
    """Return what the printed figures come to; the setting is not used."""
    return {
        "evaluated_samples": EVALUATED_SAMPLES,
        "test_samples": TEST_SAMPLES,
        "evaluation_accuracy": EVALUATION_ACCURACY,
        "reported_accuracy": REPORTED_ACCURACY,
        "last_validation_accuracy": EPOCHS[-1].val_accuracy,
        "foreign_traits": sum(trait.printed != trait.genuine for trait in TRAITS),
        "epoch_seconds_error": abs(EPOCH_SECONDS - TRAIN_SECONDS_PER_SAMPLE * TRAIN_SAMPLES),
        "evaluation_seconds_error": abs(EVALUATION_SECONDS - EVALUATION_SECONDS_PER_SAMPLE * EVALUATED_SAMPLES),
        "loss_ratio": EPOCHS[-1].loss / EPOCHS[0].loss,
        "epochs_test_ahead": sum(epoch.val_accuracy > epoch.accuracy for epoch in EPOCHS),
    }


EXPERIMENT = Experiment(
    run=run,
    title="Article 003's printed log",
    outcomes={
        "evaluated_samples": "{sample}",
        "test_samples": "{sample}",
        "evaluation_accuracy": "1",
        "reported_accuracy": "1",
        "last_validation_accuracy": "1",
        "foreign_traits": "1",
        "epoch_seconds_error": "s",
        "evaluation_seconds_error": "s",
        "loss_ratio": "1",
        "epochs_test_ahead": "1",
    },
    metric_class="exact",
    source="article 003, sections 5.2 and 5.4",
)
