"""The GAN class of article 004, around the two networks of a DCGAN for 28x28 digits.

Article 004, section 4.4: a class that is handed a generator and a discriminator, draws noise of 100 x 1 x 1 and returns
what the discriminator says of the generated samples. It cannot be built as it stands, because neither network is given;
its noise is always on the CPU; its forward pass looks at its input for the number of samples alone, so that no
discriminator called through it ever sees a real image. The class is kept, with the noise on the input's device; the
networks are those of `p004_gan_dcgan28`, and the task `adversarial` calls them one by one.

Input: x_BCHW, [B, 1, 28, 28], of which only the number and the device count. Output: logits_B, that the generated
images are real. Sub-modules and their shapes are as in `p004_gan_dcgan28`. Parameters: 898,304, of the class itself 0.

Shape suffixes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._dcgan import Discriminator, Generator, noise
from harness.models._option_checks import require_counts
from harness.models._shape import require_shape


class Gan(nn.Module):
    """A generator and a discriminator; called as one, they give the validity of generated samples.

    Args:
        generator: noise, [B, latent, 1, 1], to images.
        discriminator: images to one logit each.
        latent: numbers of noise that the generator takes.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, latent: int = 100) -> None:
        super().__init__()
        self.latent = latent
        self.generator = generator
        self.discriminator = discriminator

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the logits that as many generated images as there are in `x_BCHW` are real, [B]."""
        generated_BCHW = self.generator(noise(len(x_BCHW), self.latent, x_BCHW.device))
        validity_B: Tensor = self.discriminator(generated_BCHW)
        return validity_B


def build(spec: DataSpec, *, width: int = 64, latent: int = 100) -> nn.Module:
    """Return the class around both networks with fresh weights, drawn from torch's global stream.

    Args:
        spec: of the images.
        width: maps of the layers next to the image; the inner layers have twice as many.
        latent: numbers of noise that one image is made from; the article's are 100.

    Raises:
        UsageError: the images are not 1x28x28, or a size is no whole number of at least 1.
    """
    require_shape(__name__, spec, MODEL)
    require_counts(__name__, width=width, latent=latent)
    return Gan(Generator(latent, width), Discriminator(width), latent)


MODEL = Model(
    build=build,
    input_shape=(1, 28, 28),
    parameters=898_304,
    task="adversarial",
    article="004",
    section="4.4",
    repairs=(
        "1: the class wants two networks that the article does not give; they are those of DCGAN",
        "2: the text's generator, convolutions without a stride, keeps the noise at 1x1; transposed convolutions enlarge it",
        "3: the noise is drawn on the CPU whatever the input's device; it is drawn where the input is",
        "4: forward shows the discriminator generated samples only; the task shows it real ones, too",
        "5: neither losses nor optimisers nor a loop; the task `adversarial` has two turns, one for each network",
    ),
    source="article 004; networks: Radford, Metz, Chintala 2015 (DCGAN)",
)
