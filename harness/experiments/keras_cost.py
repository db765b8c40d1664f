"""What a sample costs article 003's network: to learn from, and to be scored on.

Times are CPU seconds, of batches of 32 random images of MNIST's size; what an image shows does not change them.

- `train_seconds_per_sample`: a training step (forward, backward, Adam), median over rounds; `evaluation_seconds_per_sample`:
  a scoring step (forward, loss, correct ones counted), likewise. A round takes ten steps of either, in turns.
- `evaluation_ratio`: the second ÷ the first.
- `start_up_seconds`: what the first ten steps of the fresh network take beyond ten later ones, never below 0.
- `first_epoch_ratio`: (an epoch of 60,000 samples + the start-up) ÷ the epoch: how much dearer the first epoch is.

Source: article 003, sections 5.2 and 5.4.
"""

from __future__ import annotations

from time import process_time

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.experiments import Experiment, Setting
from harness.experiments._cpu_time import cpu_seconds
from harness.models import DataSpec
from harness.options import check_count

BATCH = 32
EPOCH_SAMPLES = 60_000
STEPS = 10


def run(setting: Setting, *, rounds: int = 7) -> dict[str, float | None]:
    """Return the times that the module's docstring defines; null on a GPU, whose work the CPU's clock does not see.

    Args:
        setting: first weights and images are drawn from it.
        rounds: of ten steps of either kind, after those of the start-up.

    Raises:
        UsageError: `rounds` is not 1 to 1000.
    """
    check_count("rounds", rounds, 1, 1000)
    if setting.device.type != "cpu":
        return dict.fromkeys(EXPERIMENT.outcomes)
    inputs, labels = images(setting)
    model = setting.model("a003_keras_cnn", DataSpec((1, 28, 28), 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)

    def train() -> None:
        for _ in range(STEPS):
            F.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
            optimizer.zero_grad()

    @torch.inference_mode()
    def evaluate() -> None:
        for _ in range(STEPS):
            logits = model(inputs)
            F.cross_entropy(logits, labels)
            (logits.argmax(dim=1) == labels).sum()

    started = process_time()
    train()
    first = process_time() - started
    seconds = cpu_seconds({"train": train, "evaluate": evaluate}, rounds)
    return told(first, seconds["train"], seconds["evaluate"])


def images(setting: Setting) -> tuple[Tensor, Tensor]:
    """Return a batch of random images, [BATCH, 1, 28, 28], and random labels, [BATCH]."""
    stream = setting.generator("inputs")
    return torch.rand(BATCH, 1, 28, 28, generator=stream), torch.randint(10, (BATCH,), generator=stream)


def told(first: float, training: float, evaluation: float) -> dict[str, float | None]:
    """Return the outcomes of the seconds that the first ten training steps, ten later ones, and ten scoring steps took."""
    samples = STEPS * BATCH
    start_up = max(first - training, 0.0)
    return {
        "train_seconds_per_sample": training / samples,
        "evaluation_seconds_per_sample": evaluation / samples,
        "evaluation_ratio": evaluation / training,
        "start_up_seconds": start_up,
        "first_epoch_ratio": 1 + start_up / (EPOCH_SAMPLES * training / samples),
    }


EXPERIMENT = Experiment(
    run=run,
    title="Cost of article 003's network",
    outcomes={
        "train_seconds_per_sample": "s",
        "evaluation_seconds_per_sample": "s",
        "evaluation_ratio": "1",
        "start_up_seconds": "s",
        "first_epoch_ratio": "1",
    },
    metric_class="machine",
    directions={"train_seconds_per_sample": "lower", "evaluation_seconds_per_sample": "lower"},
    source="article 003, sections 5.2 and 5.4",
)
