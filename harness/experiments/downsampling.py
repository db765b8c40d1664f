"""Whether pooling generalises better than other ways of halving a picture, and which pooling: accuracy, clean and shifted.

Digits of 12x12 pixels lie in the middle of a field of 16x16. Four networks of two stages learn them for the same number of
epochs at the same rate; they differ in how a stage halves the sides, and have as many maps, and as many values before the
linear layers:

- `max`, `average`: 2x2 pooling after a 3x3 convolution;
- `stride`: a 3x3 convolution with stride 2, which has as many parameters as those;
- `window`: neither pooling nor stride: a convolution without padding whose window (9x9, then 5x5) leaves half of the places.

`<network>` is the accuracy on the test digits as they are, `<network>_moved_1` and `_moved_2` on test digits moved by one or
two pixels in each of eight directions; training digits lie in the middle.

Source: article 004 (3.2.2) and 001 (3.1); Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2015;
shifts: Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019.
"""

from __future__ import annotations

from typing import get_args

from harness.data import Splits
from harness.experiments import Experiment, Setting
from harness.experiments._digit_nets import Downsampling, TwoStages
from harness.experiments._digit_pictures import moved_around, on_field, standardised
from harness.options import check_count

DIGIT_SIDE, MARGIN = 12, 2
SIDE = DIGIT_SIDE + 2 * MARGIN


def run(setting: Setting, *, epochs: int = 10, lr: float = 1e-2) -> dict[str, float | None]:
    """Return the accuracies that the module's docstring defines.

    Args:
        setting: draws weights and batches.
        epochs: of batches of 64.
        lr: learning rate of Adam.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("epochs", epochs, 1, 100_000)
    centred = on_field(setting.data("digits", shape=(1, DIGIT_SIDE, DIGIT_SIDE), fit="resize", scale="unit"), MARGIN)
    pixels = centred.train.inputs
    splits = Splits(standardised(centred.train, pixels), standardised(centred.test, pixels), centred.classes)
    around = {steps: standardised(moved_around(centred.test, steps), pixels) for steps in (1, 2)}
    found: dict[str, float | None] = {}
    for done, name in enumerate(get_args(Downsampling)):
        setting.seed_globals()
        model = TwoStages(SIDE, name).to(setting.device)
        found[name] = setting.train(model, splits, epochs=epochs, lr=lr).evaluations[-1].scores["accuracy"]
        for steps, split in around.items():
            found[f"{name}_moved_{steps}"] = setting.score(model, split)["accuracy"]
        setting.report(done + 1, 4)
    return found


EXPERIMENT = Experiment(
    run=run,
    title="Pooling and other ways of halving a picture",
    outcomes={
        "max": "1",
        "max_moved_1": "1",
        "max_moved_2": "1",
        "average": "1",
        "average_moved_1": "1",
        "average_moved_2": "1",
        "stride": "1",
        "stride_moved_1": "1",
        "stride_moved_2": "1",
        "window": "1",
        "window_moved_1": "1",
        "window_moved_2": "1",
    },
    source="Springenberg et al. 2015; Zhang 2019",
)
