"""What each kind of data augmentation does for accuracy: mirroring, turning and cropping, one at a time.

A network learns from `copies` versions of every training picture: equal ones, or each changed at random. All trainings take
the same number of steps over as many samples, so that an augmented one gets neither more nor fewer of either. In an epoch of
the harness's loop every version comes once, as fresh changes in every epoch would.

- `<kind>_few`, `<kind>_all`: accuracy on the test pictures as they are, after learning from a tenth of the training pictures,
  drawn by the seed, and from all.
- `<kind>_few_moved`, `<kind>_all_moved`: accuracy on a shifted test set: every test picture moved in each of eight directions.
- `<kind>_few_turned`, `<kind>_all_turned`: accuracy on every test picture turned by 15 degrees in either direction.

Kinds: `none`; `flip`: left and right exchanged with even chances; `rotate`: turned by up to 15 degrees either way; `crop`: a
window of the picture's own size out of the picture with a border of background, which moves it by up to that border.

Source: articles 000 (6) and 003 (3.2, 10.4); Shorten and Khoshgoftaar, "A survey on Image Data Augmentation", 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Generator, Tensor

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._digit_nets import lenet_or_small
from harness.experiments._digit_pictures import drawn, mirrored, moved_around, repeated, standardised, turned_both_ways
from harness.experiments._distortions import rotated, shifted
from harness.options import check_choice, check_count

DEGREES = 15.0
BORDER = {"digits": 1, "mnist": 2}
"""Pixels that a crop moves a picture by at most, and that test pictures are moved by: an eighth and a fourteenth of a side."""
FEW = 0.1
"""Share of the training pictures in the smaller split."""
TRAIN_LIMIT = 8000
Change = Callable[[Tensor, Generator], Tensor]


def run(
    setting: Setting, *, pictures: str = "digits", steps: int = 300, copies: int = 10, lr: float = 5e-3
) -> dict[str, float | None]:
    """Return the accuracies that the module's docstring defines.

    Args:
        setting: draws weights, batches, changes and which pictures the smaller split holds.
        pictures: digits (1,437 of 8x8 pixels for training) or mnist (8,000 of 28x28).
        steps: of 64 samples.
        copies: versions of each picture when all are used; ten times as many of a tenth.
        lr: learning rate of Adam.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_choice("pictures", pictures, ("digits", "mnist"))
    check_count("steps", steps, 1, 1_000_000)
    check_count("copies", copies, 1, 1000)
    splits, border = load(setting, pictures), BORDER[pictures]
    few = drawn(splits.train, round(FEW * len(splits.train)), setting.generator("subset"))
    pixels = splits.train.inputs
    clean = standardised(splits.test, pixels)
    shifted_tests = {
        "moved": standardised(moved_around(splits.test, border), pixels),
        "turned": standardised(turned_both_ways(splits.test, DEGREES), pixels),
    }
    found: dict[str, float | None] = {}
    for size, originals, times in (("few", few, round(copies / FEW)), ("all", splits.train, copies)):
        for kind, change in changes(border).items():
            train = standardised(augmented(originals, times, change, setting.generator("augment")), pixels)
            data = Splits(train, clean, splits.classes)
            model = lenet_or_small(setting, data)
            seen = setting.train(model, data, steps=steps, lr=lr)
            found[f"{kind}_{size}"] = seen.evaluations[-1].scores["accuracy"]
            for name, test in shifted_tests.items():
                found[f"{kind}_{size}_{name}"] = setting.score(model, test)["accuracy"]
            setting.report(len(found), 24)
    return found


def load(setting: Setting, pictures: str) -> Splits:
    """Return the pictures from 0 (background) to 1."""
    if pictures == "mnist":
        return setting.data("mnist", shape=(1, 28, 28), scale="unit", train_limit=TRAIN_LIMIT)
    return setting.data("digits", scale="unit")


def changes(border: int) -> dict[str, Change | None]:
    """Return each kind of change."""
    return {
        "none": None,
        "flip": mirrored,
        "rotate": lambda pictures, stream: rotated(pictures, DEGREES, stream),
        "crop": lambda pictures, stream: shifted(pictures, border, stream),
    }


def augmented(split: Split, times: int, change: Change | None, stream: Generator) -> Split:
    """Return `times` versions of every picture."""
    copies = repeated(split, times)
    return copies if change is None else replace(copies, inputs=change(copies.inputs, stream))


EXPERIMENT = Experiment(
    run=run,
    title="Data augmentation, one kind at a time",
    outcomes={
        "none_few": "1",
        "none_few_moved": "1",
        "none_few_turned": "1",
        "none_all": "1",
        "none_all_moved": "1",
        "none_all_turned": "1",
        "flip_few": "1",
        "flip_few_moved": "1",
        "flip_few_turned": "1",
        "flip_all": "1",
        "flip_all_moved": "1",
        "flip_all_turned": "1",
        "rotate_few": "1",
        "rotate_few_moved": "1",
        "rotate_few_turned": "1",
        "rotate_all": "1",
        "rotate_all_moved": "1",
        "rotate_all_turned": "1",
        "crop_few": "1",
        "crop_few_moved": "1",
        "crop_few_turned": "1",
        "crop_all": "1",
        "crop_all_moved": "1",
        "crop_all_turned": "1",
    },
    source="Shorten and Khoshgoftaar 2019, A survey on Image Data Augmentation for Deep Learning",
)
