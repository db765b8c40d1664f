"""The fixed classifier of digits whose features compare sets of images, and the Fréchet distance between two sets.

Generated images are judged as Heusel et al. 2017 do, with a small classifier of digits in place of an Inception
network: MNIST is not what Inception was trained for. Its weights ship with the harness, behind a hash, so that
distances mean the same on every machine; `tests/tools/train_digit_classifier.py` made them.

Shape suffixes: B batch, N samples, C channels, H height, W width, D features, K classes, R rows of a factor.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import DataError

WEIGHTS = Path(__file__).with_name("_digit_classifier.npz")
"""Weights of `DigitClassifier`, one float16 array a parameter."""
WEIGHTS_SHA256 = "becc80c21c5600e90051f36fa5b2e6deda50b904784ee92df198bfd421076bc9"
IMAGE = (1, 28, 28)
FEATURES = 64
CLASSES = 10

Reals = npt.NDArray[np.float64]


class DigitClassifier(nn.Module):
    """Three convolutions with pooling, then two linear layers: 33,450 parameters, for 1x28x28 images from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 3 * 3, FEATURES)
        self.fc2 = nn.Linear(FEATURES, CLASSES)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features, [B, D], which are the last hidden layer, and the logits, [B, K]."""
        for layer in (self.conv1, self.conv2, self.conv3):
            x_BCHW = F.max_pool2d(F.relu(layer(x_BCHW)), 2)  # 14 x 14, 7 x 7, 3 x 3
        features_BD = F.relu(self.fc1(x_BCHW.flatten(1)))
        return features_BD, self.fc2(features_BD)


def load_classifier(weights: Path = WEIGHTS, sha256: str = WEIGHTS_SHA256) -> DigitClassifier:
    """Return the classifier with its trained weights, on the CPU, in evaluation mode, frozen.

    No random stream is drawn from.

    Raises:
        DataError: the file cannot be read, or is not the one with this SHA-256.
    """
    content = _read(weights, sha256)
    with torch.device("meta"):
        model = DigitClassifier()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files}
    model.load_state_dict(state, assign=True)
    return model.eval().requires_grad_(False)


def _read(weights: Path, sha256: str) -> bytes:
    advice = "the file ships with the harness; install it again"
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise DataError(f"{weights}: the weights of the digit classifier cannot be read: {error.strerror}; {advice}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{weights}: its SHA-256 is {found}, that of the digit classifier's weights is {sha256}; {advice}")
    return content


@cache
def classifier(device: torch.device) -> DigitClassifier:
    """Return the classifier on a device; read once in a process."""
    return load_classifier().to(device)


@dataclass(frozen=True)
class Described:
    """What the classifier makes of a set of images."""

    features: Reals
    """[N, D]"""
    classes: npt.NDArray[np.int64]
    """[N] most likely class; -1 for an image that is not finite."""


def describe(images_NCHW: Tensor, batch_size: int) -> Described:
    """Return the features and the classes of images from 0 to 1, computed in float32 where the images lie."""
    model = classifier(images_NCHW.device)
    features: list[Tensor] = []
    classes: list[Tensor] = []
    with torch.inference_mode(), torch.autocast(images_NCHW.device.type, enabled=False):
        for x_BCHW in images_NCHW.split(batch_size):
            features_BD, logits_BK = model(x_BCHW.float())
            features.append(features_BD)
            classes.append(logits_BK.argmax(dim=1).where(x_BCHW.isfinite().flatten(1).all(dim=1), -1))
    return Described(torch.cat(features).double().cpu().numpy(), torch.cat(classes).cpu().numpy())


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution: its mean, and any factor F whose Fᵀ F is its covariance."""

    mean: Reals
    """[D]"""
    factor: Reals
    """[R, D]"""


def fit(features_ND: Reals) -> Gaussian:
    """Return the normal distribution of a set of features: mean and covariance with divisor N - 1.

    Raises:
        DataError: there are fewer than two samples.
    """
    if len(features_ND) < 2:
        raise DataError(f"Fréchet distance: {len(features_ND)} images have no covariance, at least 2 are needed; take more")
    mean_D = features_ND.mean(axis=0)
    if not np.isfinite(mean_D).all():
        return Gaussian(mean_D, np.full((1, features_ND.shape[1]), np.nan))
    scaled_ND = (features_ND - mean_D) / np.sqrt(len(features_ND) - 1)
    _, factor_RD = np.linalg.qr(scaled_ND)
    return Gaussian(mean_D, factor_RD)


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """Return the squared Fréchet distance of two normal distributions (Dowson and Landau 1982).

    d² = |m₁ - m₂|² + tr C₁ + tr C₂ - 2 tr (C₁ C₂)^½, which Heusel et al. 2017 call the FID of two sets of features.
    With Cᵢ = Fᵢᵀ Fᵢ, the last trace is the sum of the singular values of F₁ F₂ᵀ: their squares are the eigenvalues of
    C₁ C₂. No root of a matrix is taken, so that covariances of any rank are as exact as float64 allows; rounding below 0
    is cut off. Not finite where a distribution is not.
    """
    if not all(np.isfinite(part).all() for part in (one.mean, one.factor, other.mean, other.factor)):
        return float("nan")
    between = float(np.sum((one.mean - other.mean) ** 2))
    traces = float(np.sum(one.factor**2) + np.sum(other.factor**2))
    shared = float(np.linalg.svd(one.factor @ other.factor.T, compute_uv=False).sum())
    return max(0.0, between + traces - 2 * shared)
