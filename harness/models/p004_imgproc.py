"""Classical image processing as fixed operators: Gaussian blur, Sobel edges, or Otsu's segmentation.

Article 004, section 2: filtering, edge detection and segmentation are named as image processing, without formulas. Each
is taken in its usual form, one channel at a time, all images of a batch at once:

- gaussian: convolution with a normalised Gaussian of standard deviation `sigma`, cut off at 4 sigma;
- sobel: length of the gradient from Sobel's two 3x3 windows (each -1, 0, 1 across 1, 2, 1);
- otsu: 1 where the pixel's level is above the threshold that parts the levels into two classes with the largest variance
  between them, else 0. Levels are 256 even steps from the image's least to its largest value; of equally good
  thresholds the lowest counts; an image of one value has no foreground.

Beyond the border the nearest pixel is repeated. References are SciPy's filters in float64, and for Otsu a loop over all
256 thresholds in whole numbers.

Input: x_BCHW, [B, C, H, W], float. Output: the same shape. Parameters: 0.

Shape suffixes: B batch, C channels, H height, W width, R images of one channel, P pixels in the order of their level,
K places of the blur's window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_choice, require_real
from harness.models._shape import require_form

LEVELS = 256
CUTOFF = 4.0
"""Standard deviations after which the Gaussian is cut off, SciPy's default."""
LEAST_SIGMA, LARGEST_SIGMA = 0.01, 100.0
"""In pixels: less blurs nothing, more is wider than any image here."""


class Gaussian(nn.Module):
    """Gaussian blur.

    Args:
        sigma: standard deviation in pixels, above 0.
    """

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma
        self.radius = int(CUTOFF * sigma + 0.5)
        offsets = torch.arange(-self.radius, self.radius + 1, dtype=torch.float64)
        weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
        self.register_buffer("window_11K", (weights / weights.sum()).float()[None, None])

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the blurred images: along the rows, then along the columns."""
        window_11K, radius = self.get_buffer("window_11K"), self.radius
        padded_R1HW = F.pad(_apart(x_BCHW), (radius,) * 4, mode="replicate")
        return F.conv2d(F.conv2d(padded_R1HW, window_11K[:, :, None]), window_11K[..., None]).reshape(x_BCHW.shape)

    def reference(self, x_BCHW: Tensor) -> Tensor:
        """Return SciPy's Gaussian filter."""
        from scipy.ndimage import gaussian_filter

        return _by_image(x_BCHW, lambda image: gaussian_filter(image, self.sigma, mode="nearest", truncate=CUTOFF))


class Sobel(nn.Module):
    """Edges: length of Sobel's gradient."""

    def __init__(self) -> None:
        super().__init__()
        across = torch.outer(torch.tensor([1.0, 2.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0]))
        self.register_buffer("windows", torch.stack([across, across.T])[:, None])

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the gradient's length at each pixel."""
        padded_R1HW = F.pad(_apart(x_BCHW), (1,) * 4, mode="replicate")
        gradient_R2HW = F.conv2d(padded_R1HW, self.get_buffer("windows"))
        length_RHW: Tensor = torch.linalg.vector_norm(gradient_R2HW, dim=1)
        return length_RHW.reshape(x_BCHW.shape)

    def reference(self, x_BCHW: Tensor) -> Tensor:
        """Return the length of SciPy's two Sobel filters."""
        from scipy.ndimage import sobel

        return _by_image(x_BCHW, lambda image: np.hypot(*(sobel(image, axis=axis, mode="nearest") for axis in (0, 1))))


class Otsu(nn.Module):
    """Foreground by Otsu's threshold, each channel of each image for itself."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return 1 for foreground and 0 for background, in the input's dtype.

        Splitting the sorted levels after pixel p gives a class of n = p + 1 pixels with sum s, of N with sum S in all.
        The variance between the classes is (N s - n S)² / (n (N - n)), up to a constant factor; s and S are exact.
        """
        if x_BCHW[0, 0].numel() == 1:
            return torch.zeros_like(x_BCHW)
        levels_RP, order_RP = levels(x_BCHW).flatten(2).flatten(0, 1).sort(dim=1, stable=True)
        pixels = levels_RP.shape[1]
        sums_RP = levels_RP.cumsum(dim=1)
        counts_P = torch.arange(1, pixels + 1, device=x_BCHW.device)
        apart_RP = (pixels * sums_RP - counts_P * sums_RP[:, -1:]).double()
        between_RP = apart_RP[:, :-1] ** 2 / (counts_P * (pixels - counts_P))[:-1]
        # A threshold lies between two levels, never between two pixels of one level.
        between_RP = between_RP.where(levels_RP[:, :-1] < levels_RP[:, 1:], -1.0)
        best_R1 = between_RP.argmax(dim=1, keepdim=True)
        foreground_RP = (levels_RP > levels_RP.gather(1, best_R1)).to(x_BCHW.dtype)
        return torch.zeros_like(foreground_RP).scatter(1, order_RP, foreground_RP).reshape(x_BCHW.shape)

    def reference(self, x_BCHW: Tensor) -> Tensor:
        """Return the foreground by counting levels and trying every threshold."""
        levels_RP = levels(x_BCHW).flatten(2).flatten(0, 1).tolist()
        rows = [[float(level > threshold) for level in row] for row in levels_RP for threshold in [otsu_threshold(row)]]
        return torch.tensor(rows, dtype=torch.float64).reshape(x_BCHW.shape)


def levels(x_BCHW: Tensor) -> Tensor:
    """Return each pixel's level, int64 from 0 to 255, between its image's least and largest value in that channel."""
    x_BCHW = x_BCHW.double()
    least, largest = x_BCHW.amin(dim=(2, 3), keepdim=True), x_BCHW.amax(dim=(2, 3), keepdim=True)
    span = (largest - least).where(largest > least, 1.0)
    return ((x_BCHW - least) / span * (LEVELS - 1)).round().long()


def otsu_threshold(pixels: Iterable[int]) -> int:
    """Return Otsu's threshold by trying all, in whole numbers: the first that parts the levels best, or the last level.

    Args:
        pixels: levels from 0 to 255.
    """
    histogram = [0] * LEVELS
    for level in pixels:
        histogram[level] += 1
    count, total = sum(histogram), sum(level * pixels_of for level, pixels_of in enumerate(histogram))
    best, best_square, best_weight, below, below_sum = LEVELS - 1, 0, 1, 0, 0
    for threshold, pixels_of in enumerate(histogram):
        below, below_sum = below + pixels_of, below_sum + threshold * pixels_of
        square, weight = (count * below_sum - below * total) ** 2, below * (count - below)
        if weight and square * best_weight > best_square * weight:
            best, best_square, best_weight = threshold, square, weight
    return best


def _apart(x_BCHW: Tensor) -> Tensor:
    """Return every channel as an image of its own, [B · C, 1, H, W]."""
    return x_BCHW.flatten(0, 1)[:, None]


def _by_image(x_BCHW: Tensor, operate: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> Tensor:
    """Return `operate` of each channel of each image, [H, W] in float64, on the CPU.

    One at a time: SciPy's Sobel filter smooths along every axis but its own, the batch's included.
    """
    images_RHW = x_BCHW.flatten(0, 1).double().cpu().numpy()
    return torch.from_numpy(np.stack([operate(image_HW) for image_HW in images_RHW])).reshape(x_BCHW.shape)


def build(spec: DataSpec, *, operator: str = "gaussian", sigma: float = 1.0) -> nn.Module:
    """Return the operator; it draws nothing.

    Args:
        spec: images.
        operator: gaussian, sobel or otsu.
        sigma: standard deviation of the Gaussian in pixels, 0.01 to 100; the others take none.

    Raises:
        UsageError: no images, an operator of another name, or a sigma that is not allowed.
    """
    require_form(__name__, spec, "image")
    makers: dict[str, Callable[[], nn.Module]] = {"gaussian": lambda: Gaussian(sigma), "sobel": Sobel, "otsu": Otsu}
    require_choice(__name__, "operator", operator, makers)
    require_real(__name__, "sigma", sigma, LEAST_SIGMA, LARGEST_SIGMA)
    return makers[operator]()


MODEL = Model(
    build=build,
    parameters=0,
    example=((1, 8, 8), 10, ()),
    task="operator",
    article="004",
    section="2",
    repairs=("filtering, edges and segmentation are named without formulas: Gaussian, Sobel and Otsu in their usual forms",),
    source="Sobel and Feldman 1968 (edges); Otsu 1979 (threshold); SciPy's gaussian_filter (blur)",
)
