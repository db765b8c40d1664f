"""Making images against a judge: a generator and a discriminator that learn in turns, scored on images of digits.

A model has the sub-modules `generator`, latents [B, L, 1, 1] to images [B, 1, 28, 28] from -1 to 1, and
`discriminator`, such images to logits [B], and the attribute `latent`, which is L.

Data sets give images from 0 to 1 (their option scale = "unit"); the task maps them to -1 … 1. Losses draw latents from
torch's global stream; evaluating uses the same latents every time, and draws from no global stream.

Scores, over as many generated images as the split has, at most `samples`, against as many real ones:

- frechet_distance: between the features of generated and real images (see `_features`); lower is better.
- frechet_floor, frechet_noise: the same distance of real training images, and of uniform noise. Both belong to the
  data; a distance means something between them.
- frechet_ratio: noise ÷ distance.
- class_coverage: classes that the samples reach (see `_generated.covered`).
- real_score, fake_score: mean probability of being real that the discriminator gives to real and to generated images.

Shape suffixes: B batch, N samples, L latent, C channels, H height, W width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data import Split, Splits
from harness.errors import DataError, UsageError
from harness.options import check_choice, check_count
from harness.tasks._base import Learning, Scores, Task, Turn, evaluation_mode
from harness.tasks._features import CLASSES, IMAGE
from harness.tasks._generated import SEED, Reference, judge, picture, refer, spread

OWNER = "task 'adversarial'"
MOST_SAMPLES = 100_000
ORDERS = {"discriminator_first": ("discriminator", "generator"), "generator_first": ("generator", "discriminator")}
"""Option `order` -> the parts in the order in which they learn within a step."""
DIGITS = tuple(str(digit) for digit in range(CLASSES))


def start(splits: Splits, *, order: str = "discriminator_first", samples: int = 2000) -> Learning:
    """Return how two networks learn from each other.

    Args:
        splits: 28x28 images of the ten digits, from 0 to 1.
        order: which network learns first in a step: discriminator_first as in Goodfellow et al. 2014, with one step of
            each, or generator_first as in article 004, section 3.5.
        samples: most images that an evaluation generates; at least 2.

    Raises:
        UsageError: an option that is not allowed, or images that are not such.
    """
    check_choice("order", order, list(ORDERS), OWNER)
    check_count("samples", samples, 2, MOST_SAMPLES, OWNER)
    _require_digits(splits)
    losses = {"generator": generator_loss, "discriminator": discriminator_loss}
    turns = tuple(Turn(losses[part], part) for part in ORDERS[order])
    return Learning(turns=turns, evaluate=Evaluation(splits.train, samples), infer=generate)


def _require_digits(splits: Splits) -> None:
    shape = tuple(splits.train.inputs.shape[1:])
    if shape != IMAGE or splits.classes != DIGITS:
        raise UsageError(
            f"task 'adversarial': the data set gives {len(splits.classes)} classes of shape {'x'.join(map(str, shape))}; "
            "samples are judged by a classifier of 1x28x28 images of the ten digits; choose mnist or digits"
        )
    for name, split in (("training", splits.train), ("test", splits.test), ("validation", splits.validation)):
        if split is not None and len(split) and (split.inputs.min() < 0 or split.inputs.max() > 1):
            raise UsageError(
                f"task 'adversarial': the {name} images go from {split.inputs.min():g} to {split.inputs.max():g}; "
                'from 0 to 1 is needed; set the data set\'s option scale = "unit"'
            )


def generate(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return one new image for each input, [B, 1, 28, 28], from -1 to 1; latents come from torch's global stream."""
    z_BL11 = torch.randn(len(inputs), _latent(model), 1, 1, device=inputs.device)
    generated_BCHW: Tensor = model.get_submodule("generator")(z_BL11)
    return generated_BCHW


def _latent(model: nn.Module) -> int:
    """Return the length of a model's noise.

    Raises:
        UsageError: the model is none for this task.
    """
    lacking = [name for name in ("generator", "discriminator", "latent") if not hasattr(model, name)]
    if lacking:
        raise UsageError(
            f"task 'adversarial': the model {type(model).__name__} has no {', no '.join(lacking)}; the task wants the "
            "sub-modules generator and discriminator and the attribute latent, the length of the noise"
        )
    return int(model.latent)  # type: ignore[arg-type]  # torch takes every attribute for a tensor or module


def generator_loss(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the generator's non-saturating loss, the mean of -log D(G(z)) (Goodfellow et al. 2014, section 3).

    Args:
        model: see the module's docstring.
        inputs: [B, 1, 28, 28]; only the number counts.
        labels: not used.
    """
    return _cross_entropy(model.get_submodule("discriminator")(generate(model, inputs)), real=True)


def discriminator_loss(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the discriminator's loss, the mean of -log D(x) plus the mean of -log(1 - D(G(z))).

    Real and generated images pass as two batches, so that each is normalised by its own statistics (Radford et al.
    2015). No gradient reaches the generator.

    Args:
        model: see the module's docstring.
        inputs: [B, 1, 28, 28], real images from 0 to 1.
        labels: not used.
    """
    discriminator = model.get_submodule("discriminator")
    with torch.no_grad():
        generated_BCHW = generate(model, inputs)
    on_real = _cross_entropy(discriminator(_signed(inputs)), real=True)
    return on_real + _cross_entropy(discriminator(generated_BCHW), real=False)


def _cross_entropy(logits_B: Tensor, *, real: bool) -> Tensor:
    wanted_B = torch.full_like(logits_B, float(real))
    return F.binary_cross_entropy_with_logits(logits_B, wanted_B)


def _signed(x_BCHW: Tensor) -> Tensor:
    """Return images from 0 to 1 as images from -1 to 1."""
    return x_BCHW * 2 - 1


class Evaluation:
    """Scores a model on a split; what belongs to the real images is worked out once for each split.

    Args:
        train: real images for the floor.
        samples: most images generated.
    """

    def __init__(self, train: Split, samples: int) -> None:
        self._train = train
        self._samples = samples
        self._known: dict[int, tuple[Tensor, Split, Reference]] = {}

    def __call__(self, model: nn.Module, split: Split, batch_size: int) -> Scores:
        """Return the scores and a picture of the first samples; no global stream is drawn from.

        Raises:
            DataError: the split holds fewer than two images.
        """
        if len(split) < 2:
            raise DataError(
                f"evaluating: the split holds {len(split)} images, at least 2 are needed for a covariance; choose a larger "
                "data set or share"
            )
        real, reference = self._reference(split, batch_size)
        with evaluation_mode(model):
            generated_NCHW, fake_score = _samples(model, real, batch_size)
            values = judge(generated_NCHW, reference, batch_size)
            values |= {"real_score": _real_score(model, real, batch_size), "fake_score": fake_score}
        return Scores(values, images={"samples, seed-fixed latent": picture(generated_NCHW)})

    def _reference(self, split: Split, batch_size: int) -> tuple[Split, Reference]:
        """Return the real images compared with, and what is known of them."""
        key = id(split.inputs)  # the tensor is kept beside it, so that no other one can have this id
        if key not in self._known:
            real = split.take(spread(split, self._samples))
            self._known[key] = (split.inputs, real, refer(real, self._train, batch_size))
        return self._known[key][1:]


def _samples(model: nn.Module, real: Split, batch_size: int) -> tuple[Tensor, float]:
    """Return as many generated images as real ones, from 0 to 1, and their mean probability of being real."""
    latents_NL11 = torch.randn(len(real), _latent(model), 1, 1, generator=torch.Generator().manual_seed(SEED))
    generated: list[Tensor] = []
    logits: list[Tensor] = []
    for z_BL11 in latents_NL11.to(real.inputs.device).split(batch_size):
        x_BCHW = model.get_submodule("generator")(z_BL11)
        logits.append(model.get_submodule("discriminator")(x_BCHW))
        generated.append((x_BCHW.float() + 1) / 2)
    return torch.cat(generated), _mean_probability(logits)


def _real_score(model: nn.Module, real: Split, batch_size: int) -> float:
    discriminator = model.get_submodule("discriminator")
    return _mean_probability([discriminator(_signed(x_BCHW)) for x_BCHW in real.inputs.split(batch_size)])


def _mean_probability(logits: list[Tensor]) -> float:
    return torch.cat(logits).double().sigmoid().mean().item()


TASK = Task(
    primary="frechet_distance",
    scores={
        "frechet_distance": "lower",
        "frechet_floor": "none",
        "frechet_noise": "none",
        "frechet_ratio": "higher",
        "class_coverage": "higher",
        "real_score": "none",
        "fake_score": "none",
    },
    start=start,
)
