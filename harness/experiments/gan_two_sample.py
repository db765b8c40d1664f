"""How close a GAN's samples come to the data: whether a fresh classifier can tell them apart, in either order of learning.

Article 004's pair, as a DCGAN, learns MNIST by the task `adversarial`: Adam at 0.0002 with betas 0.5 and 0.999, batches of
64. After training, as many images are generated as are real in a sample of the test split. A small convolutional network
learns to tell one half of both from each other for `judge_steps` steps, and is asked about the other half.

- `two_sample`: its accuracy: 0.5 where samples cannot be told from data, 1 where every one can.
- `two_sample_floor`: the same between test images and training images, which come from one source: what the judge finds where
  there is nothing to find.
- `distance_first`, `distance_last`: Fréchet distance between features of generated and real images (see the task) after the
  first epoch, and after the last.

Source: article 004, section 3.5.3; Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017; Radford et al. 2015.

Shape suffixes: N samples, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from harness.data import Split
from harness.experiments import Experiment, Setting
from harness.experiments._fit import accuracy, fit
from harness.options import check_choice, check_count
from harness.tasks import Learning, evaluation_mode
from harness.tasks.adversarial import ORDERS, generate, start

BATCH, RATE, BETAS = 64, 2e-4, (0.5, 0.999)


def run(
    setting: Setting,
    *,
    order: str = "discriminator_first",
    train_limit: int = 10000,
    epochs: int = 4,
    judged: int = 2000,
    judge_steps: int = 300,
) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, the order of the images, the latents and the judge.
        order: which part learns first in a step, discriminator_first or generator_first.
        train_limit: images of MNIST that are learnt from.
        epochs: passes over them.
        judged: real images, and as many generated ones, that the judge sees; half to learn from.
        judge_steps: its training, 64 images each.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_choice("order", order, list(ORDERS))
    check_count("epochs", epochs, 2, 1000)
    check_count("judged", judged, 8, 10_000)
    check_count("judge_steps", judge_steps, 1, 100_000)
    splits = setting.data("mnist", scale="unit", train_limit=train_limit)
    learning = start(splits, order=order)
    model = setting.model("p004_gan_dcgan28", setting.spec(splits))
    test = splits.test.to(setting.device)
    distances: list[float] = []
    for epoch in learn(model, learning, splits.train.to(setting.device), epochs, setting.generator("shuffle")):
        if epoch in (1, epochs):
            distances.append(dict(learning.evaluate(model, test, 256).values)["frechet_distance"])
        setting.report(epoch, epochs)
    chosen = torch.randperm(len(test), generator=setting.generator("judged"))[:judged]
    real = test.inputs[chosen]
    others = splits.train.to(setting.device).inputs[torch.randperm(len(splits.train), generator=setting.generator("others"))]
    made = generated(model, real)
    return {
        "two_sample": two_sample(setting, real, made, judge_steps),
        "two_sample_floor": two_sample(setting, real, others[: len(real)], judge_steps),
        "distance_first": distances[0],
        "distance_last": distances[-1],
    }


def learn(model: nn.Module, learning: Learning, train: Split, epochs: int, order: torch.Generator) -> Iterator[int]:
    """Train both parts in turns, each with an optimiser of its own; yield the number of each epoch at its end."""
    optimizers = [torch.optim.Adam(model.get_submodule(turn.part).parameters(), RATE, BETAS) for turn in learning.turns]
    for epoch in range(1, epochs + 1):
        model.train()
        for places_B in torch.randperm(len(train), generator=order).split(BATCH):
            for turn, optimizer in zip(learning.turns, optimizers, strict=True):
                model.zero_grad()  # a turn's loss leaves gradients in the other part too
                loss = turn.loss(model, train.inputs[places_B], train.labels[places_B])
                assert isinstance(loss, Tensor)  # only episodes give more
                loss.backward()
                optimizer.step()
        yield epoch


def generated(model: nn.Module, real_NCHW: Tensor) -> Tensor:
    """Return as many new images, from 0 to 1 in steps of 1/255 as real ones are; latents come from torch's global stream."""
    with evaluation_mode(model):
        made_NCHW = torch.cat([generate(model, part) for part in real_NCHW.split(256)])
    return ((made_NCHW.clone() + 1) * 127.5).round() / 255


def two_sample(setting: Setting, one_NCHW: Tensor, other_NCHW: Tensor, steps: int) -> float:
    """Return how often a classifier that learnt one half of two equally large samples is right about the other half."""
    inputs = torch.cat([one_NCHW, other_NCHW])
    labels = torch.arange(2, device=inputs.device).repeat_interleave(len(one_NCHW))
    places = torch.randperm(len(inputs), generator=setting.generator("halves"))
    half = len(places) // 2
    train, test = (Split(inputs[part], labels[part]) for part in (places[:half], places[half:]))
    setting.seed_globals()
    judge = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2)
    ).to(inputs.device)
    fit(judge, train, torch.optim.Adam(judge.parameters(), 1e-3), steps=steps, order=setting.generator("judge"))
    return accuracy(judge, test)


EXPERIMENT = Experiment(
    run=run,
    title="A GAN's samples against the data",
    outcomes={"two_sample": "1", "two_sample_floor": "1", "distance_first": "1", "distance_last": "1"},
    metric_class="quality",
    source="article 004, section 3.5.3; Lopez-Paz and Oquab 2017",
)
