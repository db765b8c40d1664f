"""The defects of the articles' image listings, each shown on a construction of our own beside its repair."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from harness.catalog import Catalog
from harness.data import Split
from harness.models import DataSpec, Model
from harness.seeds import seed_globals
from harness.tasks.classification import evaluate, loss


def build(name: str) -> nn.Module:
    """A built-in model on the inputs it takes."""
    model: Model = Catalog().load("models", name)
    assert model.input_shape is not None
    module: nn.Module = model.build(DataSpec(model.input_shape, 10))
    return module


def random_split(samples: int, shape: tuple[int, ...] = (1, 28, 28)) -> Split:
    """Noise with random labels."""
    return Split(torch.randn(samples, *shape), torch.randint(10, (samples,)))


class UnimportedName(nn.Module):
    """A layer that uses a module nobody imported."""

    def forward(self, x: Tensor) -> Tensor:
        """Fail: the name is looked up only when this line runs."""
        result: Tensor = functional_nobody_imported.relu(x)  # type: ignore[name-defined]  # noqa: F821
        return result


def test_a_missing_import_shows_at_the_first_forward_only() -> None:
    """000 defects 1 to 4, 002 and 004 defect 1: building succeeds, the first forward pass fails; ours passes."""
    module = UnimportedName()

    with pytest.raises(NameError):
        module(torch.zeros(1))
    for name in ("a000_lenet_rgb", "a000_lenet_gray", "a000_lenet_gray28", "a002_cnn_rgb24", "a002_cnn_rgb32", "a004_cnn"):
        shape = Catalog().load("models", name).input_shape
        assert tuple(build(name)(torch.zeros(2, *shape)).shape) == (2, 10)


def test_three_channel_layer_refuses_digits() -> None:
    """000 defect 5: a first layer for three channels fails on one; the repairs take one or are given three."""
    digits_BCHW = torch.randn(4, 1, 28, 28)

    with pytest.raises(RuntimeError, match="to have 3 channels, but got 1 channels"):
        nn.Conv2d(3, 6, 5)(digits_BCHW)

    padded_BCHW = F.pad(digits_BCHW, (2, 2, 2, 2))
    assert tuple(build("a000_lenet_rgb")(padded_BCHW.expand(-1, 3, -1, -1)).shape) == (4, 10)
    assert tuple(build("a000_lenet_gray")(padded_BCHW).shape) == (4, 10)
    assert tuple(build("a000_lenet_gray28")(digits_BCHW).shape) == (4, 10)


def test_28_pixels_leave_256_features_not_400() -> None:
    """000 defect 6: two 5x5 windows and two poolings make 16 x 4 x 4 of 28x28, which do not refold to rows of 400."""
    x_BCHW = torch.randn(64, 1, 28, 28)
    for layer in (nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)):
        x_BCHW = F.max_pool2d(F.relu(layer(x_BCHW)), 2)

    assert tuple(x_BCHW.shape) == (64, 16, 4, 4)
    with pytest.raises(RuntimeError, match=r"shape '\[-1, 400\]' is invalid for input of size 16384"):
        x_BCHW.view(-1, 400)


def test_sum_of_batch_means_over_samples_is_64_times_too_small() -> None:
    """000 defect 7: dividing batch means by the number of samples shrinks the loss by the batch size; ours is exact."""
    module, split = build("a000_lenet_gray28"), random_split(640)
    with torch.no_grad():
        true_mean = F.cross_entropy(module(split.inputs), split.labels).item()
        batches = zip(torch.split(split.inputs, 64), torch.split(split.labels, 64), strict=True)
        printed = sum(F.cross_entropy(module(inputs), labels).item() for inputs, labels in batches) / len(split)

    assert printed * 64 == pytest.approx(true_mean, rel=1e-5)
    assert evaluate(module, split, 64).values["loss"] == pytest.approx(true_mean, rel=1e-5)


def test_mean_of_means_overweights_the_last_batch() -> None:
    """000 defect 8: with 64 + 32 samples the plain mean of batch means is off; ours weighs samples."""
    losses_N = torch.cat([torch.full((64,), 1.0), torch.full((32,), 4.0)])
    logits_NK = torch.stack([torch.zeros(96), torch.log(torch.expm1(losses_N))], dim=1)
    split = Split(logits_NK, torch.zeros(96, dtype=torch.int64))

    assert torch.stack([part.mean() for part in torch.split(losses_N, 64)]).mean().item() == 2.5
    assert evaluate(nn.Identity(), split, 64).values["loss"] == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("shuffle", [True, False])
def test_iterating_a_loader_moves_the_global_stream(shuffle: bool) -> None:
    """000 defect 9: a loader without a generator draws from the global stream, shuffled or not; evaluating here does not."""
    split = random_split(16)
    samples = TensorDataset(split.inputs, split.labels)
    before = torch.get_rng_state()

    for _ in DataLoader(samples, batch_size=8, shuffle=shuffle, generator=torch.Generator().manual_seed(1)):
        pass
    evaluate(build_from(before), split, 8)
    assert torch.equal(before, torch.get_rng_state())

    for _ in DataLoader(samples, batch_size=8, shuffle=shuffle):
        pass
    assert not torch.equal(before, torch.get_rng_state())


def build_from(state: Tensor) -> nn.Module:
    """A model whose building leaves the global stream at `state`."""
    module = build("a000_lenet_gray28")
    torch.set_rng_state(state)
    return module


def test_whole_per_cent_hide_a_difference() -> None:
    """000 defect 10: 641 and 644 right of 1,000 both print as 64 %; ours stores the share itself."""
    labels_N = torch.zeros(1000, dtype=torch.int64)
    shares = []
    for right in (641, 644):
        predicted_N = (torch.arange(1000) >= right).long()
        shares.append(evaluate(nn.Identity(), Split(F.one_hot(predicted_N, 2).float(), labels_N), 64).values["accuracy"])

    assert [f"{100 * share:.0f}%" for share in shares] == ["64%", "64%"]
    assert [0.641, 0.644] == shares


def test_an_ellipsis_dies_inside_the_convolution() -> None:
    """001 defect 1: an ellipsis is a legal value, which building does not see and the first layer refuses."""
    layer = nn.Conv2d(1, 6, 5)

    with pytest.raises(TypeError, match=r"received an invalid combination of arguments - got \(ellipsis, "):
        layer(...)
    for name in ("a001_cnn_onepool", "a001_cnn_twopool"):
        shape = Catalog().load("models", name).input_shape
        assert tuple(build(name)(torch.zeros(2, *shape)).shape) == (2, 10)


def test_without_a_seed_no_two_starts_are_alike() -> None:
    """001 defect 4, no seed: one listing built twice has other weights; the harness seeds each run's start by its number."""

    def start(seed: int | None) -> Tensor:
        if seed is not None:
            seed_globals(seed, "init")
        return nn.utils.parameters_to_vector(build("a001_cnn_onepool").parameters())

    assert not torch.equal(start(None), start(None))
    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))


def test_without_evaluation_mode_dropout_goes_on() -> None:
    """001 defect 4, no mode: in training mode each pass differs; ours evaluates in evaluation mode and gives it back."""
    split = random_split(64, (9, 6))
    module = Catalog().load("models", "a001_rnn").build(DataSpec((9, 6), 10), dropout=0.5)
    losses = {evaluate(module, split, 64).values["loss"] for _ in range(3)}

    assert not torch.equal(module(split.inputs), module(split.inputs))
    assert 1 == len(losses)
    assert module.training


def test_one_image_is_refolded_into_four_rows() -> None:
    """001 defect 2: 1600 features of an image seen as rows of 400 make four samples of it, and the labels run out."""
    features_BCHW = torch.randn(64, 16, 10, 10)
    rows = features_BCHW.view(-1, 400)

    assert tuple(rows.shape) == (256, 400)
    with pytest.raises(ValueError, match=r"Expected input batch_size \(256\) to match target batch_size \(64\)"):
        F.cross_entropy(nn.Linear(400, 10)(rows), torch.zeros(64, dtype=torch.int64))
    assert tuple(build("a001_cnn_onepool")(torch.randn(64, 1, 28, 28)).shape) == (64, 10)


def test_unpooled_layers_fit_18_and_19_pixels_alone() -> None:
    """001 defect 2: pooled once, an image leaves 400 features at 18 or 19 pixels and at no other size up to 32."""
    layers = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2))

    assert [side for side in range(11, 33) if layers(torch.zeros(1, 1, side, side)).numel() == 400] == [18, 19]


def test_ten_full_batch_steps_learn_nothing() -> None:
    """001 defect 3: ten steps on all samples stay at chance; ten real epochs of small batches learn the same samples."""
    labels_N = torch.arange(320) % 2
    inputs_NCHW = torch.randn(320, 1, 28, 28) * 0.1 + labels_N[:, None, None, None]

    def loss_after(batch_size: int) -> float:
        torch.manual_seed(5)
        module = build("a001_cnn_onepool")
        optimizer = torch.optim.SGD(module.parameters(), lr=0.001, momentum=0.9)
        for _ in range(10):
            for inputs, labels in zip(torch.split(inputs_NCHW, batch_size), torch.split(labels_N, batch_size), strict=True):
                optimizer.zero_grad()
                torch.autograd.backward(loss(module, inputs, labels))
                optimizer.step()
        return evaluate(module, Split(inputs_NCHW, labels_N), 320).values["loss"]

    assert loss_after(320) == pytest.approx(math.log(10), abs=0.1)
    assert loss_after(4) < 0.7


def test_32_pixels_refold_without_an_error_at_some_batch_sizes() -> None:
    """002 defect 2: 4096 features against 2304: most batches fail, 63 images pass the refolding as 112 rows."""
    with pytest.raises(RuntimeError, match=r"shape '\[-1, 2304\]' is invalid for input of size 262144"):
        torch.zeros(64, 64, 8, 8).view(-1, 2304)

    assert tuple(torch.zeros(63, 64, 8, 8).view(-1, 2304).shape) == (112, 2304)
    assert tuple(build("a002_cnn_rgb32")(torch.randn(63, 3, 32, 32)).shape) == (63, 10)
    assert tuple(build("a002_cnn_rgb24")(torch.randn(63, 3, 24, 24)).shape) == (63, 10)


def test_004_layers_fit_28_to_31_pixels() -> None:
    """004: 1568 features come of 28 to 31 pixels, not of 32; 49 images of 32x32 would pass as 64 rows."""
    layers = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2))

    assert [side for side in range(20, 37) if layers(torch.zeros(1, 1, side, side)).numel() == 1568] == [28, 29, 30, 31]
    with pytest.raises(RuntimeError, match=r"shape '\[-1, 1568\]' is invalid for input of size 131072"):
        torch.zeros(64, 32, 8, 8).view(-1, 1568)
    assert tuple(torch.zeros(49, 32, 8, 8).view(-1, 1568).shape) == (64, 1568)
