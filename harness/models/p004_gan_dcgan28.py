"""A DCGAN for 28x28 digits: a generator that makes images from noise, and a discriminator that tells them from real ones.

Article 004, section 3.5: the two networks and their training in words alone: noise through several convolutional layers
to a sample; sample to a score; train the generator, then the discriminator, until the difference is small. Neither
layers nor a loss are given. Convolutions alone cannot make an image from one pixel of noise; transposed ones can. The
layers are those of DCGAN, brought to 28x28. The task `adversarial` trains them, in the article's order or the other.

Input of the model: x_BCHW, [B, 1, 28, 28], of which only the number counts. Output: as many generated images, from -1
to 1. Sub-modules: `generator`, z_BL11 to x_BCHW, and `discriminator`, x_BCHW to logits_B; `latent` is L.
Parameters: 898,304, of the generator 759,680, of the discriminator 138,624.

Shape suffixes: B batch, L latent, C channels, H height, W width.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._dcgan import Discriminator, Generator, noise
from harness.models._option_checks import require_counts
from harness.models._shape import require_shape


class Dcgan(nn.Module):
    """Both networks; called as one, they generate.

    Args:
        latent: numbers of noise that one image is made from.
        width: of both networks, see there.
    """

    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.latent = latent
        self.generator = Generator(latent, width)
        self.discriminator = Discriminator(width)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return as many new images as there are in `x_BCHW`; the noise comes from torch's global stream."""
        generated_BCHW: Tensor = self.generator(noise(len(x_BCHW), self.latent, x_BCHW.device))
        return generated_BCHW


def build(spec: DataSpec, *, width: int = 64, latent: int = 100) -> nn.Module:
    """Return both networks with fresh weights, drawn from torch's global stream.

    Args:
        spec: of the images.
        width: maps of the layers next to the image; the inner layers have twice as many.
        latent: numbers of noise that one image is made from.

    Raises:
        UsageError: the images are not 1x28x28, or a size is no whole number of at least 1.
    """
    require_shape(__name__, spec, MODEL)
    require_counts(__name__, width=width, latent=latent)
    return Dcgan(latent, width)


MODEL = Model(
    build=build,
    input_shape=(1, 28, 28),
    parameters=898_304,
    task="adversarial",
    article="004",
    section="3.5",
    repairs=(
        "words only: neither network's layers are given; they are those of DCGAN, two doublings from 7x7",
        "convolutions alone keep the noise at 1x1; the generator's are transposed",
        "no loss, no optimiser: non-saturating cross-entropy; the suite gan has Adam 2e-4 with betas 0.5 and 0.999",
    ),
    source="Radford, Metz, Chintala 2015 (DCGAN)",
)
