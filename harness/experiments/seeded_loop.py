"""What a seed fixes: article 000's kind of training loop, run again as it was and with one thing changed.

The loop seeds torch's global generator once, builds a convolutional network, and takes batches of 64 from a shuffling
DataLoader for `epochs` epochs of SGD at 0.01 with momentum 0.9; after each epoch it evaluates through another shuffling
DataLoader, as the article does. Two runs are equal when all their final weights have the same bits (1; otherwise 0).

- `equal_again`: the same loop in the same process.
- `equal_without_evaluation`: without the evaluations, which train nothing.
- `equal_other_threads`: with two threads in place of one.
- `equal_unshuffled_evaluation`: with the evaluations' samples in a fixed order. Every pass over a DataLoader draws from the
  global generator, shuffled or not, but not as often.
- `equal_own_generators`, `equal_own_generators_without_evaluation`: as the first two, when each DataLoader has a generator of
  its own, seeded once.

Source: article 000, section 4 (its only seed is torch's).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from harness.data import Split, Splits
from harness.experiments import Experiment, Setting
from harness.experiments._threads import threads
from harness.options import check_count

BATCH = 64


@dataclass(frozen=True)
class Loop:
    """How the loop is run; the default is the article's."""

    evaluates: bool = True
    shuffles_test: bool = True
    threads: int = 1
    own_generators: bool = False


def run(setting: Setting, *, samples: int = 256, epochs: int = 2) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: the run's seed is the loop's, given to torch as the article does.
        samples: of the training split.
        epochs: passes over them.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("samples", samples, BATCH, 1437)
    check_count("epochs", epochs, 2, 1000)
    splits = setting.data("digits", shape=(1, 28, 28), train_limit=samples, test_limit=2 * BATCH)

    def weights(loop: Loop) -> list[Tensor]:
        return final_weights(loop, splits, setting.seed, epochs)

    base, own = weights(Loop()), weights(Loop(own_generators=True))
    return {
        "equal_again": same(base, weights(Loop())),
        "equal_without_evaluation": same(base, weights(Loop(evaluates=False))),
        "equal_other_threads": same(base, weights(Loop(threads=2))),
        "equal_unshuffled_evaluation": same(base, weights(Loop(shuffles_test=False))),
        "equal_own_generators": same(own, weights(Loop(own_generators=True))),
        "equal_own_generators_without_evaluation": same(own, weights(Loop(own_generators=True, evaluates=False))),
    }


def same(one: list[Tensor], other: list[Tensor]) -> float:
    """Return 1 where all tensors have the same bits, else 0."""
    return float(all(torch.equal(mine, theirs) for mine, theirs in zip(one, other, strict=True)))


def final_weights(loop: Loop, splits: Splits, seed: int, epochs: int) -> list[Tensor]:
    """Run the loop once, on the CPU, and return the weights that it ends with."""
    with threads(loop.threads):
        torch.manual_seed(seed)
        model = _network()
        train = _loader(splits.train, shuffles=True, seed=seed if loop.own_generators else None)
        test = _loader(splits.test, shuffles=loop.shuffles_test, seed=seed + 1 if loop.own_generators else None)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        for _ in range(epochs):
            for inputs, labels in train:
                optimizer.zero_grad()
                F.cross_entropy(model(inputs), labels).backward()
                optimizer.step()
            if loop.evaluates:
                with torch.no_grad():
                    for inputs, _ in test:
                        model(inputs)
    return [parameter.detach() for parameter in model.parameters()]


def _loader(split: Split, *, shuffles: bool, seed: int | None) -> DataLoader[tuple[Tensor, ...]]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return DataLoader(TensorDataset(split.inputs, split.labels), BATCH, shuffle=shuffles, generator=generator)


def _network() -> nn.Module:
    """Return article 000's two convolutions for 28x28 images, and one linear layer: large enough for threads to share."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


EXPERIMENT = Experiment(
    run=run,
    title="What a seed fixes",
    outcomes={
        "equal_again": "1",
        "equal_without_evaluation": "1",
        "equal_other_threads": "1",
        "equal_unshuffled_evaluation": "1",
        "equal_own_generators": "1",
        "equal_own_generators_without_evaluation": "1",
    },
    metric_class="quality",
    source="article 000, section 4",
)
