"""The fixed classifier of digits and the Fréchet distance, against closed forms, SciPy and the real digits."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import linalg

from harness.data import LoadContext, Splits
from harness.data.digits import load
from harness.errors import DataError
from harness.tasks._features import (
    CLASSES,
    FEATURES,
    IMAGE,
    WEIGHTS,
    WEIGHTS_SHA256,
    DigitClassifier,
    Gaussian,
    classifier,
    describe,
    fit,
    frechet_distance,
    load_classifier,
)

Reals = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def digits() -> Splits:
    """The digits at 28x28, from 0 to 1."""
    return load(LoadContext(Path("/nonexistent"), IMAGE, Path("/nonexistent")), scale="unit")


@pytest.fixture
def draws() -> np.random.RandomState:
    """A stream of the test's own."""
    return np.random.RandomState(5)


def covariance_root(covariance: Reals) -> Reals:
    """A factor F with Fᵀ F = covariance, whatever its rank: by eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    root: Reals = (vectors * np.sqrt(values.clip(min=0))).T
    return root


def by_definition(one: Reals, other: Reals) -> float:
    """The distance of two sets of features with SciPy's root of a matrix, as the papers write it."""
    between = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    return float(between + np.trace(first + second - 2 * linalg.sqrtm(first @ second).real))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0.0, 1.0), (0.0, 1.0), 0.0),
        ((0.0, 1.0), (3.0, 1.0), 9.0),
        ((0.0, 1.0), (0.0, 4.0), 9.0),
        ((1.0, 2.0), (-2.0, 0.5), 9.0 + 2.25),
        ((1.0, 0.0), (1.0, 2.0), 4.0),
    ],
)
def test_one_dimension(one: tuple[float, float], other: tuple[float, float], expected: float) -> None:
    """N(m, s²) and N(n, t²) are (m - n)² + (s - t)² apart, a constant included."""
    first, second = (Gaussian(np.array([mean]), np.array([[spread]])) for mean, spread in (one, other))

    assert frechet_distance(first, second) == pytest.approx(expected, abs=1e-14)


def test_diagonal_covariances(draws: np.random.RandomState) -> None:
    """Independent dimensions add up."""
    means, spreads = draws.randn(2, 6), draws.rand(2, 6)

    distance = frechet_distance(*(Gaussian(mean, np.diag(spread)) for mean, spread in zip(means, spreads, strict=True)))

    assert distance == pytest.approx(((means[0] - means[1]) ** 2 + (spreads[0] - spreads[1]) ** 2).sum(), rel=1e-13)


def test_rotated_covariances(draws: np.random.RandomState) -> None:
    """Covariances with common axes add up along these, whichever way they point."""
    spreads = draws.rand(2, 6)
    axes, _ = np.linalg.qr(draws.randn(6, 6))
    roots = [axes @ np.diag(spread) @ axes.T for spread in spreads]

    distance = frechet_distance(*(Gaussian(np.zeros(6), root) for root in roots))

    assert distance == pytest.approx(((spreads[0] - spreads[1]) ** 2).sum(), rel=1e-12)


def test_two_dimensions_that_do_not_commute() -> None:
    """For 2x2 covariances tr (C₁ C₂)^½ is √(tr C₁C₂ + 2 √det C₁C₂): 1 and 4 along axes turned by 45° to those of 1 and 9."""
    first = np.array([[1.0, 0.0], [0.0, 9.0]])
    second = np.array([[2.5, 1.5], [1.5, 2.5]])
    shared = np.sqrt(np.trace(first @ second) + 2 * np.sqrt(9.0 * 4.0))

    distance = frechet_distance(*(Gaussian(np.zeros(2), covariance_root(entry)) for entry in (first, second)))

    assert distance == pytest.approx(10.0 + 5.0 - 2 * shared, rel=1e-13)


def test_equals_the_definition(draws: np.random.RandomState) -> None:
    """Sets of features in general position are as far apart as SciPy's root of a matrix says."""
    one = draws.randn(200, 12) @ draws.randn(12, 12) + draws.randn(12)
    other = draws.randn(150, 12) @ draws.randn(12, 12)

    assert frechet_distance(fit(one), fit(other)) == pytest.approx(by_definition(one, other), rel=1e-10)


def test_a_set_is_at_no_distance_from_itself(draws: np.random.RandomState) -> None:
    """Equal sets are 0 apart, never less, up to float64's rounding of their variance; order does not matter."""
    features = 100 * draws.randn(300, FEATURES)
    distance = frechet_distance(fit(features), fit(features[draws.permutation(300)]))

    assert 0 <= distance <= 1e-14 * FEATURES * features.var()


def test_distance_is_symmetric(draws: np.random.RandomState) -> None:
    """It is the same either way."""
    one, other = fit(draws.randn(40, 5)), fit(draws.rand(30, 5))

    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), rel=1e-13)


def test_low_rank_is_exact(draws: np.random.RandomState) -> None:
    """Fewer samples than dimensions, and dimensions that never change, cost no accuracy.

    Features in three of many dimensions are as far apart as in these three alone.
    """
    one, other = draws.randn(50, 3), 2 * draws.randn(40, 3) + 1
    axes, _ = np.linalg.qr(draws.randn(FEATURES, FEATURES))
    expected = by_definition(one, other)

    embedded = [np.hstack([features, np.zeros((len(features), FEATURES - 3))]) @ axes for features in (one, other)]

    assert frechet_distance(*map(fit, embedded)) == pytest.approx(expected, rel=1e-12)
    assert frechet_distance(fit(embedded[0][:2]), fit(embedded[0][:2])) == pytest.approx(0, abs=1e-13)


def test_one_point_repeated(draws: np.random.RandomState) -> None:
    """A set of equal features has no covariance: what is left is the other's variance and the way between the means."""
    features = draws.randn(80, 4)
    point = np.tile([1.0, 2.0, 3.0, 4.0], (10, 1))
    expected = ((features.mean(axis=0) - point[0]) ** 2).sum() + features.var(axis=0, ddof=1).sum()

    assert frechet_distance(fit(features), fit(point)) == pytest.approx(expected, rel=1e-13)


def test_fit_gives_mean_and_covariance(draws: np.random.RandomState) -> None:
    """The factor's square is NumPy's covariance."""
    features = draws.randn(30, 5) + 7
    fitted = fit(features)

    np.testing.assert_allclose(fitted.mean, features.mean(axis=0), rtol=1e-15)
    np.testing.assert_allclose(fitted.factor.T @ fitted.factor, np.cov(features, rowvar=False), rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_distance(bad: float, draws: np.random.RandomState) -> None:
    """A diverged generator gets no number."""
    features = draws.randn(20, 4)
    broken = features.copy()
    broken[3, 1] = bad

    assert np.isnan(frechet_distance(fit(features), fit(broken)))
    assert np.isnan(frechet_distance(fit(broken), fit(features)))


def test_one_sample_has_no_covariance() -> None:
    """A set of one is refused rather than divided by nothing."""
    with pytest.raises(DataError, match="1 images have no covariance, at least 2 are needed"):
        fit(np.zeros((1, 4)))


def test_shipped_weights_are_the_recorded_ones() -> None:
    """The file is small, is the one that the code names, and holds float16 arrays of the layers' shapes."""
    content = WEIGHTS.read_bytes()
    expected = {"conv1": (16, 1, 5, 5), "conv2": (32, 16, 3, 3), "conv3": (32, 32, 3, 3), "fc1": (64, 288), "fc2": (10, 64)}

    assert len(content) < 150_000
    assert hashlib.sha256(content).hexdigest() == WEIGHTS_SHA256
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        assert expected == {name[:-7]: arrays[name].shape for name in arrays.files if name.endswith(".weight")}
        assert {np.dtype(np.float16)} == {arrays[name].dtype for name in arrays.files}


def test_parameters() -> None:
    """33,450 by hand: windows times maps, matrices and biases."""
    convolutions = (25 * 16 + 16) + (9 * 16 * 32 + 32) + (9 * 32 * 32 + 32)
    linear = (288 * 64 + 64) + (64 * 10 + 10)

    assert convolutions + linear == sum(entry.numel() for entry in DigitClassifier().parameters()) == 33_450


def test_classifier_knows_the_digits(digits: Splits) -> None:
    """At least 95 % of the digits' test split is told right."""
    described = describe(digits.test.inputs, 100)

    assert described.features.shape == (360, FEATURES)
    assert (described.classes == digits.test.labels.numpy()).mean() >= 0.95


def test_classifier_is_the_layers_that_are_documented(digits: Splits) -> None:
    """Convolutions as window products, pooling and matrices by NumPy give the same features and classes."""
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        weights = {name: arrays[name].astype(np.float64) for name in arrays.files}
    maps = digits.test.inputs[:6].double().numpy()
    for layer, padding in (("conv1", 2), ("conv2", 1), ("conv3", 1)):
        padded = np.pad(maps, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        window = weights[f"{layer}.weight"].shape[-1]
        windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(2, 3))
        maps = np.einsum("bchwij,mcij->bmhw", windows, weights[f"{layer}.weight"]) + weights[f"{layer}.bias"][:, None, None]
        half = maps.shape[-1] // 2
        maps = maps[..., : 2 * half, : 2 * half].reshape(*maps.shape[:2], half, 2, half, 2).max(axis=(3, 5)).clip(min=0)
    features = (maps.reshape(6, -1) @ weights["fc1.weight"].T + weights["fc1.bias"]).clip(min=0)
    logits = features @ weights["fc2.weight"].T + weights["fc2.bias"]

    described = describe(digits.test.inputs[:6], 6)

    np.testing.assert_allclose(described.features, features, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(logits.argmax(axis=1), described.classes)


def test_batches_do_not_matter(digits: Splits) -> None:
    """Features of one image are the same in any company, up to rounding."""
    whole, parts = (describe(digits.test.inputs[:30], size) for size in (30, 7))

    np.testing.assert_allclose(whole.features, parts.features, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(whole.classes, parts.classes)


def test_an_image_that_is_not_finite_has_no_class(digits: Splits) -> None:
    """NaN is no digit."""
    images = digits.test.inputs[:3].clone()
    images[1, 0, 5, 5] = torch.nan

    found = describe(images, 3).classes.tolist()

    assert found[1] == -1
    assert -1 not in (found[0], found[2])


def test_loading_draws_no_random_numbers_and_freezes() -> None:
    """The global stream stands where it stood; weights take no gradient; nothing is in training mode."""
    before = torch.get_rng_state()
    model = load_classifier()

    assert torch.equal(before, torch.get_rng_state())
    assert not any(entry.requires_grad for entry in model.parameters())
    assert not any(module.training for module in model.modules())
    assert {entry.device.type for entry in model.parameters()} == {"cpu"}
    assert {entry.dtype for entry in model.parameters()} == {torch.float32}


def test_read_once() -> None:
    """A process reads the weights once for each device."""
    assert classifier(torch.device("cpu")) is classifier(torch.device("cpu"))


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    """A file with one other byte is named, with both hashes and what to do."""
    copy = Path(shutil.copy(WEIGHTS, tmp_path))
    content = bytearray(copy.read_bytes())
    content[5000] ^= 1
    copy.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()

    with pytest.raises(DataError) as caught:
        load_classifier(copy)

    assert str(caught.value) == (
        f"{copy}: its SHA-256 is {found}, that of the digit classifier's weights is {WEIGHTS_SHA256}; "
        "the file ships with the harness; install it again"
    )


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(DataError, match=r"none\.npz: the weights of the digit classifier cannot be read: No such file"):
        load_classifier(tmp_path / "none.npz")


def test_pickles_are_refused(tmp_path: Path) -> None:
    """Even behind the right hash, an array of objects, which only a pickle can hold, is not read."""
    target = tmp_path / "pickled.npz"
    np.savez(target, fc2=np.array([{"a": 1}], dtype=object))

    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_classifier(target, hashlib.sha256(target.read_bytes()).hexdigest())


def test_ten_classes_of_28x28_images() -> None:
    """What the classifier takes and tells apart."""
    features_BD, logits_BK = load_classifier()(torch.zeros(2, *IMAGE))

    assert (tuple(features_BD.shape), tuple(logits_BK.shape)) == ((2, FEATURES), (2, CLASSES))
