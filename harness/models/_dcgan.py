"""The two networks of a DCGAN for grey images of 28x28, which two models share.

Shape suffixes: B batch, L latent, C channels, H height, W width.

Source: Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks", 2015: strided convolutions instead of pooling, batch normalisation everywhere but at the generator's output
and the discriminator's input, ReLU and tanh in the generator, leaky ReLU in the discriminator, no fully connected layer.
Their networks make 64x64 images in four doublings; two doublings from 7x7 make 28x28. A bias before a normalisation
would be cancelled by it, and the last layers do without one, too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SPREAD = 0.02
"""Standard deviation of the first weights of every convolution (Radford et al. 2015, section 4)."""
LEAK = 0.2
"""Slope of the discriminator's activations below zero (likewise)."""


class Generator(nn.Module):
    """Noise to images: three transposed convolutions, 1x1 to 7x7 to 14x14 to 28x28.

    Args:
        latent: numbers of noise that one image is made from.
        width: maps before the last layer; twice as many before the second.
    """

    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(latent, 2 * width, 7, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1, bias=False),
            nn.Tanh(),
        )
        self.apply(_initialise)

    def forward(self, z_BL11: Tensor) -> Tensor:
        """Return one image for each row of noise, [B, 1, 28, 28], from -1 (black) to 1."""
        x_BCHW: Tensor = self.layers(z_BL11)
        return x_BCHW


class Discriminator(nn.Module):
    """Images to a score: three convolutions, 28x28 to 14x14 to 7x7 to 1x1.

    Args:
        width: maps after the first layer; twice as many after the second.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(2 * width, 1, 7, bias=False),
        )
        self.apply(_initialise)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logit that each image, from -1 to 1, is real, [B]."""
        logits_B: Tensor = self.layers(x_BCHW).flatten()
        return logits_B


def _initialise(layer: nn.Module) -> None:
    """Draw a convolution's first weights from N(0, SPREAD²); normalisations start as torch's own, at 1 and 0."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=SPREAD)


def noise(count: int, latent: int, device: torch.device) -> Tensor:
    """Return noise for `count` images, [count, latent, 1, 1], from torch's global stream."""
    return torch.randn(count, latent, 1, 1, device=device)
