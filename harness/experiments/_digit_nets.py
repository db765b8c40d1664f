"""Small networks for pictures, whose parts the experiments on convolution exchange one by one.

Shape suffixes: B batch, C channels, H height, W width, F features, K classes.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from harness.data import Splits
from harness.experiments._setting import Setting

Downsampling = Literal["max", "average", "stride", "window"]
"""How a stage halves a picture's sides: max or average pooling of 2x2, a convolution with stride 2, or a convolution without
padding whose window is just large enough to leave half of the places, which skips and pools nothing."""


class TwoStages(nn.Module):
    """Two convolutional stages of 16 and 32 maps, each halving the sides, then two linear layers.

    The values that reach the linear layers are as many whatever `downsampling` is.

    Args:
        side: of a square picture of one channel, a multiple of 4.
        downsampling: see `Downsampling`.
        classes: width of the last layer.
        activation: whether a ReLU follows each convolution and the first linear layer.
        hidden: width of the first linear layer.
    """

    def __init__(
        self, side: int, downsampling: Downsampling, *, classes: int = 10, activation: bool = True, hidden: int = 64
    ) -> None:
        super().__init__()
        features = 32 * (side // 4) ** 2
        self.layers = nn.Sequential(
            *_stage(1, 16, side, downsampling, activation),
            *_stage(16, 32, side // 2, downsampling, activation),
            nn.Flatten(),
            nn.Linear(features, hidden),
            _relu(activation),
            nn.Linear(hidden, classes),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.layers(x_BCHW)
        return logits_BK


def _relu(activation: bool) -> nn.Module:
    return nn.ReLU() if activation else nn.Identity()


def _stage(inputs: int, maps: int, side: int, downsampling: Downsampling, activation: bool) -> list[nn.Module]:
    """Return the layers of a stage from `inputs` maps of `side` to `maps` of half the side."""
    relu = _relu(activation)
    match downsampling:
        case "max":
            return [nn.Conv2d(inputs, maps, 3, padding=1), relu, nn.MaxPool2d(2)]
        case "average":
            return [nn.Conv2d(inputs, maps, 3, padding=1), relu, nn.AvgPool2d(2)]
        case "stride":
            return [nn.Conv2d(inputs, maps, 3, stride=2, padding=1), relu]
        case "window":
            return [nn.Conv2d(inputs, maps, side // 2 + 1), relu]  # a window of 9 fits 8 times into 16


ARTICLE_001 = {"none": (False, False), "one": (False, True), "two": (True, True)}
"""Poolings of article 001's network -> whether each of the two is there; one is how its forward pass is printed."""


class Article001Net(nn.Module):
    """Article 001's convolutions (6 and 16 maps of 5x5) on 1x28x28 pictures, with or without each of its two poolings.

    Args:
        pool_first: whether a 2x2 max pooling follows the first convolution.
        pool_second: likewise the second.
        global_average: whether the mean of each map goes to one linear layer, instead of all values to three.
    """

    def __init__(self, pool_first: bool, pool_second: bool, *, global_average: bool = False) -> None:
        super().__init__()
        side = ((24 // 2 if pool_first else 24) - 4) // (2 if pool_second else 1)
        self.maps = nn.Sequential(
            nn.Conv2d(1, 6, 5),
            nn.ReLU(),
            nn.MaxPool2d(2) if pool_first else nn.Identity(),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2) if pool_second else nn.Identity(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(16 * side**2, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        )
        if global_average:
            self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits, [B, K]."""
        logits_BK: Tensor = self.classifier(self.maps(x_BCHW))
        return logits_BK


def lenet_or_small(setting: Setting, splits: Splits) -> nn.Module:
    """Return a convolutional network with fresh weights: a LeNet for 28x28 pixels, `TwoStages` for fewer."""
    spec = setting.spec(splits)
    if spec.shape == (1, 28, 28):
        return setting.model("a000_lenet_gray28", spec)
    setting.seed_globals()
    return TwoStages(spec.shape[1], "max").to(setting.device)
