"""Adversarial training: turns that leave each other's weights alone, losses by loops, scores that say what they claim."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import LoadContext, Split, Splits
from harness.data.digits import load
from harness.errors import DataError, UsageError
from harness.models import DataSpec
from harness.tasks import Learning, Scores, Task
from harness.tasks._features import IMAGE, describe, fit, frechet_distance
from harness.tasks._generated import covered, picture, spread

TASK: Task = Catalog().load("tasks", "adversarial")
LATENT, BATCH = 6, 10
PARTS = ("generator", "discriminator")


@pytest.fixture(autouse=True)
def _own_random_stream() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        yield


@pytest.fixture(scope="module")
def digits() -> Splits:
    """The digits at 28x28, from 0 to 1."""
    return load(LoadContext(Path("/nonexistent"), IMAGE, Path("/nonexistent")), scale="unit")


@pytest.fixture
def learning(digits: Splits) -> Learning:
    """The task at work on the digits, with 100 samples an evaluation."""
    started: Learning = TASK.start(digits, samples=100)
    return started


@pytest.fixture
def model() -> nn.Module:
    """A narrow DCGAN."""
    built: nn.Module = Catalog().load("models", "p004_gan_dcgan28").build(DataSpec(IMAGE, 10), width=3, latent=LATENT)
    return built


class Stub(nn.Module):
    """A model whose generator gives stored images from 0 to 1, in order, and whose discriminator is sure of its mean."""

    latent = LATENT

    def __init__(self, images_NCHW: Tensor) -> None:
        super().__init__()
        self.generator = Stored(images_NCHW)
        self.discriminator = Brightness()


class Stored(nn.Module):
    """Gives the next images, whatever the noise, and starts anew when all are given."""

    def __init__(self, images_NCHW: Tensor) -> None:
        super().__init__()
        self.images, self.next = images_NCHW, 0

    def forward(self, z_BL11: Tensor) -> Tensor:
        """Return one image for each row of noise, from -1 to 1."""
        chosen = torch.arange(self.next, self.next + len(z_BL11)) % len(self.images)
        self.next = (self.next + len(z_BL11)) % len(self.images)
        return self.images[chosen] * 2 - 1


class Brightness(nn.Module):
    """Takes an image's sum for the logit that it is real."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return one logit for each image."""
        return x_BCHW.flatten(1).sum(dim=1)


def snapshot(module: nn.Module) -> list[Tensor]:
    """Copies of a module's parameters."""
    return [parameter.detach().clone() for parameter in module.parameters()]


def loss_of(model: nn.Module, learning: Learning, part: str, inputs: Tensor) -> Tensor:
    """The loss of the turn that updates `part`."""
    (turn,) = [turn for turn in learning.turns if turn.part == part]
    loss = turn.loss(model, inputs, torch.zeros(len(inputs), dtype=torch.int64))
    assert isinstance(loss, Tensor)
    return loss


def sigmoid(logit: float) -> float:
    """Probability of a logit."""
    return 1 / (1 + math.exp(-logit))


@pytest.mark.parametrize(
    ("order", "parts"),
    [("discriminator_first", ("discriminator", "generator")), ("generator_first", ("generator", "discriminator"))],
)
def test_order_of_turns(order: str, parts: tuple[str, ...], digits: Splits) -> None:
    """Goodfellow et al. 2014 train the discriminator first, which is the default; article 004 the generator."""
    assert parts == tuple(turn.part for turn in TASK.start(digits, order=order).turns)
    assert ("discriminator", "generator") == tuple(turn.part for turn in TASK.start(digits).turns)


def test_parts_are_sub_modules_of_both_models(learning: Learning) -> None:
    """What the turns update is there in both GANs, and is all of each."""
    for name in ("p004_gan_dcgan28", "a004_gan"):
        built = Catalog().load("models", name).build(DataSpec(IMAGE, 10), width=2)
        of_parts = [parameter for turn in learning.turns for parameter in built.get_submodule(turn.part).parameters()]
        assert {id(parameter) for parameter in of_parts} == {id(parameter) for parameter in built.parameters()}


@pytest.mark.parametrize(("part", "other"), [PARTS, PARTS[::-1]])
def test_a_turn_leaves_the_other_parts_weights_alone(
    part: str, other: str, learning: Learning, model: nn.Module, digits: Splits
) -> None:
    """A step of one part's optimiser on its turn's loss moves every weight of it, and none of the other's."""
    before = {name: snapshot(model.get_submodule(name)) for name in PARTS}
    optimizer = torch.optim.SGD(model.get_submodule(part).parameters(), lr=1.0)
    torch.autograd.backward(loss_of(model, learning, part, digits.train.inputs[:BATCH]))
    optimizer.step()

    after = {name: snapshot(model.get_submodule(name)) for name in PARTS}
    assert all(not torch.equal(*pair) for pair in zip(before[part], after[part], strict=True))
    assert all(torch.equal(*pair) for pair in zip(before[other], after[other], strict=True))


def test_discriminators_turn_gives_the_generator_no_gradient(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """Generated images are data to the discriminator; the generator learns through the discriminator, as it must."""
    torch.autograd.backward(loss_of(model, learning, "discriminator", digits.train.inputs[:BATCH]))
    assert all(parameter.grad is None for parameter in model.get_submodule("generator").parameters())

    torch.autograd.backward(loss_of(model, learning, "generator", digits.train.inputs[:BATCH]))
    assert all(parameter.grad is not None for parameter in model.get_submodule("generator").parameters())


def test_generators_loss_by_a_loop(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """The mean of -log D(G(z)) over samples from the global stream, by the definition."""
    torch.manual_seed(4)
    loss = loss_of(model, learning, "generator", digits.train.inputs[:BATCH])
    torch.manual_seed(4)
    logits = model.get_submodule("discriminator")(model.get_submodule("generator")(torch.randn(BATCH, LATENT, 1, 1))).tolist()

    assert tuple(loss.shape) == ()
    assert loss.item() == pytest.approx(-sum(math.log(sigmoid(logit)) for logit in logits) / BATCH, rel=1e-6)


def test_discriminators_loss_by_a_loop(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """The mean of -log D(x) over real images, which go from -1 to 1, plus that of -log(1 - D(G(z))), a batch of its own."""
    inputs = digits.train.inputs[:BATCH]
    torch.manual_seed(4)
    loss = loss_of(model, learning, "discriminator", inputs)
    torch.manual_seed(4)
    fakes = model.get_submodule("generator")(torch.randn(BATCH, LATENT, 1, 1))
    real, fake = (model.get_submodule("discriminator")(images).tolist() for images in (2 * inputs - 1, fakes))

    total = 0.0
    for on_real, on_fake in zip(real, fake, strict=True):
        total -= math.log(sigmoid(on_real)) + math.log(1 - sigmoid(on_fake))
    assert tuple(loss.shape) == ()
    assert loss.item() == pytest.approx(total / BATCH, rel=1e-6)


def test_the_loss_does_not_saturate(learning: Learning) -> None:
    """Where the discriminator is sure, log(1 - D) has no slope left; ours has slope -1 in each logit."""
    logits = torch.full((4,), -30.0, requires_grad=True)
    ours = torch.zeros(4, requires_grad=True)

    torch.autograd.backward(torch.log(1 - logits.double().sigmoid()).mean())
    sure = Stub(torch.zeros(1, *IMAGE))
    sure.discriminator.register_forward_hook(lambda *_: ours - 30.0)
    torch.autograd.backward(loss_of(sure, learning, "generator", torch.zeros(4, *IMAGE)))

    assert logits.grad is not None
    assert ours.grad is not None
    assert logits.grad.abs().max() < 1e-12
    torch.testing.assert_close(ours.grad, torch.full((4,), -1 / 4))


def test_training_draws_from_the_global_stream(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """The same seed gives the same losses, another seed others."""

    def losses(seed: int) -> list[float]:
        torch.manual_seed(seed)
        return [loss_of(model, learning, part, digits.train.inputs[:BATCH]).item() for part in PARTS]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_infer_generates_one_image_for_each_input(learning: Learning, model: nn.Module) -> None:
    """What the trained model is for: as many images as asked, from -1 to 1."""
    generated = learning.infer(model.eval(), torch.zeros(7, *IMAGE))

    assert isinstance(generated, Tensor)
    assert tuple(generated.shape) == (7, *IMAGE)
    assert generated.abs().max() <= 1


def test_evaluating_draws_nothing_and_changes_nothing(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """Global streams, weights, running statistics and modes stay; two evaluations agree to the bit."""
    model.train()
    model.get_submodule("generator.layers.1").eval()
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    streams = torch.get_rng_state(), np.random.get_state(legacy=False), random.getstate()

    first, second = (learning.evaluate(model, digits.test, 32) for _ in range(2))

    assert torch.equal(streams[0], torch.get_rng_state())
    np.testing.assert_equal(np.random.get_state(legacy=False), streams[1])
    assert random.getstate() == streams[2]
    assert modes == [module.training for module in model.modules()]
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert (first.values, first.images) == (second.values, second.images)


def test_evaluating_between_steps_does_not_change_training(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """A training with evaluations ends at the weights of one without, to the bit."""
    start = {name: value.clone() for name, value in model.state_dict().items()}

    def trained(evaluate: bool) -> Tensor:
        torch.manual_seed(2)
        model.load_state_dict(start)
        model.train()
        optimizers = {part: torch.optim.Adam(model.get_submodule(part).parameters(), lr=1e-3) for part in PARTS}
        for _ in range(3):
            for turn in learning.turns:
                torch.autograd.backward(loss_of(model, learning, turn.part, digits.train.inputs[:BATCH]))
                optimizers[turn.part].step()
                model.zero_grad()
            if evaluate:
                learning.evaluate(model, digits.test, 50)
        return nn.utils.parameters_to_vector(model.parameters()).detach()

    assert torch.equal(trained(evaluate=False), trained(evaluate=True))


def test_real_images_give_the_floor(digits: Splits) -> None:
    """A generator of real training images is at the floor, far nearer than noise, and reaches every class."""
    learning = TASK.start(digits)
    chosen = digits.train.inputs[spread(digits.train, len(digits.test))]

    values = learning.evaluate(Stub(chosen), digits.test, 64).values

    assert values["frechet_distance"] == pytest.approx(values["frechet_floor"], rel=1e-6)
    assert values["frechet_ratio"] == pytest.approx(values["frechet_noise"] / values["frechet_floor"], rel=1e-6)
    assert values["frechet_ratio"] > 30
    assert values["class_coverage"] == 10


def test_the_split_itself_is_at_no_distance(digits: Splits) -> None:
    """A generator that gives the test images back is at 0, nearer than the floor."""
    values = TASK.start(digits).evaluate(Stub(digits.test.inputs), digits.test, 64).values

    assert values["frechet_distance"] == pytest.approx(0, abs=1e-6 * values["frechet_floor"])


def test_noise_is_at_the_distance_of_noise(digits: Splits) -> None:
    """Uniform noise of another seed is about as far as the noise that is the measure."""
    values = TASK.start(digits).evaluate(Stub(torch.rand(360, *IMAGE)), digits.test, 64).values

    assert values["frechet_ratio"] == pytest.approx(1, rel=0.05)


def test_scores_equal_their_parts(model: nn.Module, learning: Learning, digits: Splits) -> None:
    """The distance is that of the features of 100 images each, and D's scores are means of its probabilities."""
    scores = learning.evaluate(model, digits.test, 32)
    model.eval()
    z_NL11 = torch.randn(100, LATENT, 1, 1, generator=torch.Generator().manual_seed(2014))
    with torch.no_grad():
        generated = model.get_submodule("generator")(z_NL11)
        fake = [sigmoid(logit) for logit in model.get_submodule("discriminator")(generated).tolist()]
        chosen = digits.test.inputs[[index * 360 // 100 for index in range(100)]]
        real = [sigmoid(logit) for logit in model.get_submodule("discriminator")(2 * chosen - 1).tolist()]
    distance = frechet_distance(*(fit(describe(images, 100).features) for images in ((generated + 1) / 2, chosen)))

    assert scores.values["frechet_distance"] == pytest.approx(distance, rel=1e-4)
    assert scores.values["fake_score"] == pytest.approx(sum(fake) / 100, rel=1e-5)
    assert scores.values["real_score"] == pytest.approx(sum(real) / 100, rel=1e-5)
    assert scores.predictions is None


def test_one_digit_covers_one_class(digits: Splits) -> None:
    """A generator that has collapsed to a single four reaches one class, whatever its quality."""
    four = digits.train.inputs[digits.train.labels == 4][:1]

    values = TASK.start(digits).evaluate(Stub(four), digits.test, 64).values

    assert values["class_coverage"] == 1
    assert values["frechet_distance"] > values["frechet_floor"]


def test_missing_classes_are_not_covered(digits: Splits) -> None:
    """A generator of real digits below seven reaches seven classes."""
    images = digits.train.inputs[digits.train.labels < 7][:360]

    assert TASK.start(digits).evaluate(Stub(images), digits.test, 64).values["class_coverage"] == 7


@pytest.mark.parametrize(
    ("counts", "shares", "expected"),
    [
        ((50, 50), (0.5, 0.5), 2),
        ((95, 5), (0.5, 0.5), 2),  # 5 of 100 are a tenth of the half that is real
        ((96, 4), (0.5, 0.5), 1),
        ((100, 0), (0.5, 0.5), 1),
        ((90, 10), (1.0, 0.0), 1),  # no real image has class 1
        ((99, 1), (0.9, 0.1), 2),
        ((0, 0), (0.5, 0.5), 0),
    ],
)
def test_a_class_counts_from_a_tenth_of_its_share(counts: tuple[int, ...], shares: tuple[float, ...], expected: int) -> None:
    """Samples of 100, those without a class filled up with -1."""
    classes = np.repeat([0, 1, -1], [*counts, 100 - sum(counts)])

    assert expected == covered(classes, shares)


def test_a_diverged_generator_is_scored_without_a_number(digits: Splits) -> None:
    """NaN gives no distance, no ratio and no class, and evaluating does not fail."""
    scores = TASK.start(digits).evaluate(Stub(torch.full((1, *IMAGE), torch.nan)), digits.test, 64)

    assert math.isnan(scores.values["frechet_distance"])
    assert math.isnan(scores.values["frechet_ratio"])
    assert scores.values["class_coverage"] == 0
    assert scores.values["frechet_noise"] > scores.values["frechet_floor"] > 0


def test_reference_is_of_the_split_that_is_evaluated(digits: Splits) -> None:
    """Floor and noise belong to a split: another one has others, and the first keeps its own."""
    learning = TASK.start(digits)
    stub = Stub(digits.test.inputs)
    half = Split(digits.test.inputs[:180], digits.test.labels[:180])

    floors = [learning.evaluate(stub, split, 64).values["frechet_floor"] for split in (digits.test, half, digits.test)]

    assert floors[0] == floors[2] != floors[1]


@pytest.mark.parametrize(("held", "count", "expected"), [(10, 4, [0, 2, 5, 7]), (3, 9, [0, 1, 2]), (6, 6, [0, 1, 2, 3, 4, 5])])
def test_places_are_spread_over_the_split(held: int, count: int, expected: list[int]) -> None:
    """Fewer samples than there are come from all over."""
    split = Split(torch.zeros(held, 1), torch.zeros(held, dtype=torch.int64))

    assert expected == spread(split, count).tolist()


def test_picture_shows_the_first_samples(digits: Splits) -> None:
    """A grey PNG of 8 x 8 images of 28 x 28, row by row; what is lacking is black."""
    images = digits.test.inputs[:60]

    with Image.open(io.BytesIO(picture(images))) as opened:
        assert (opened.format, opened.mode, opened.size) == ("PNG", "L", (224, 224))
        pixels = np.asarray(opened)
    for index in range(64):
        row, column = divmod(index, 8)
        tile = pixels[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        expected = (images[index, 0] * 255).round().numpy() if index < 60 else np.zeros((28, 28))
        np.testing.assert_array_equal(expected, tile)


def test_scores_come_with_the_picture(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """One PNG with a title, of the same noise whatever the batch size."""
    (title, image), *others = learning.evaluate(model, digits.test, 100).images.items()

    assert (title, image[:8], others) == ("samples, seed-fixed latent", b"\x89PNG\r\n\x1a\n", [])


def test_declares_its_scores(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """What the source declares is what evaluating yields, and each score has a metric that says the same of it."""
    fields = Catalog().part("tasks", "adversarial").fields
    scores: Scores = learning.evaluate(model, digits.test, 32)
    metrics = Catalog().parts("metrics")

    assert (fields["primary"], fields["scores"]) == ("frechet_distance", TASK.scores)
    assert set(TASK.scores) == set(scores.values)
    assert {name: metrics[name].fields["direction"] for name in TASK.scores} == TASK.scores


def test_unknown_order_is_refused(digits: Splits) -> None:
    """The nearest allowed order is named."""
    with pytest.raises(UsageError, match=r"order = 'generator': unknown, did you mean 'generator_first'\?; allowed: discr"):
        TASK.start(digits, order="generator")


@pytest.mark.parametrize("samples", [1, 0, True, 2.5, "many"])
def test_numbers_of_samples_that_are_none_are_refused(samples: object, digits: Splits) -> None:
    """Two images are the fewest with a covariance."""
    with pytest.raises(UsageError, match=r"option samples = .*: not a whole number in reach; allowed: 2 to 100000"):
        TASK.start(digits, samples=samples)


@pytest.mark.parametrize("scale", ["standard", "raw"])
def test_images_out_of_range_are_refused(scale: str) -> None:
    """Standardised or raw images would be mapped to anything but -1 to 1; the message says which option to set."""
    splits = load(LoadContext(Path("/nonexistent"), IMAGE, Path("/nonexistent")), scale=scale, train_limit=20, test_limit=20)

    with pytest.raises(UsageError, match=r'the training images go from \S+ to \S+; from 0 to 1 .* set .* scale = "unit"'):
        TASK.start(splits)


def test_other_data_is_refused(digits: Splits) -> None:
    """Images of another size, or of anything but digits, are beyond the classifier that judges."""
    small = load(LoadContext(Path("/nonexistent"), None, Path("/nonexistent")), scale="unit", train_limit=20, test_limit=20)

    with pytest.raises(UsageError, match=r"the data set gives 10 classes of shape 1x8x8; samples are judged by"):
        TASK.start(small)
    with pytest.raises(UsageError, match=r"the data set gives 2 classes of shape 1x28x28"):
        TASK.start(Splits(digits.train, digits.test, ("shirt", "bag")))


def test_a_model_that_is_no_gan_is_refused(learning: Learning) -> None:
    """The message says what the task wants of a model, and what this one lacks."""
    with pytest.raises(UsageError, match=r"the model Linear has no generator, no discriminator, no latent; the task wants"):
        learning.infer(nn.Linear(2, 2), torch.zeros(3, *IMAGE))


def test_a_split_of_one_is_refused(learning: Learning, model: nn.Module, digits: Splits) -> None:
    """One image has no covariance to compare."""
    with pytest.raises(DataError, match="the split holds 1 images, at least 2 are needed"):
        learning.evaluate(model, Split(digits.test.inputs[:1], digits.test.labels[:1]), 8)
