"""The articles' formulas for convolution and its gradient, evaluated as they are written.

All images and weights are small whole numbers, so that float64 is exact, and the same in every run. The reference is torch's
own convolution and its automatic gradient.

- `value_error`: largest difference of article 000's convolution (section 3.1) from the reference, a 6x6 image and a 3x3
  window; an index that leaves the image counts as 0. `outside`: of its 144 index pairs, how many leave it.
  `value_error_repaired`: with the image's index the other way round and one bias a map.
- `weight_accepted`: whether a convolution takes weights of article 003's shape (section 4.2), maps x window x window, without
  an axis for channels: 1 or 0; `weight_accepted_repaired`: with it.
- `gradient_defined`: whether article 003's formula for the gradient of the weights (section 4.2), the activation's slope
  times image times the gradient of the output, all element by element, can be formed for a 28x28 image and a 5x5 window: 1 or
  0.
- `gradient_shape_agrees`: whether it has the weights' shape where it can be formed, for a 1x1 window: 1 or 0.
- `gradient_error_repaired`: largest difference from the reference when the image is correlated with the slope times the
  gradient of the output.

Source: article 000, section 3.1; article 003, section 4.2; LeCun et al. 1998.

Shape suffixes: H height, W width, K window rows, L window columns, I output rows, J output columns.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.experiments import Experiment, Setting


def run(setting: Setting) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: not drawn from: the numbers are the same in every run.
    """
    image_HW, weight_KL, bias = whole(6, 6), whole(3, 3), 2.0
    known_IJ = F.conv2d(image_HW[None, None], weight_KL[None, None], torch.tensor([bias]).double())[0, 0]
    written_IJ, outside = as_written(image_HW, weight_KL, whole(4, 1)[:, 0])
    return {
        "value_error": float((written_IJ - known_IJ).abs().max()),
        "outside": outside,
        "value_error_repaired": float((repaired(image_HW, weight_KL, bias) - known_IJ).abs().max()),
        "weight_accepted": accepts(whole(6, 25).unflatten(1, (5, 5))),
        "weight_accepted_repaired": accepts(whole(6, 25).unflatten(1, (1, 5, 5))),
        **gradients(),
    }


def whole(rows: int, columns: int) -> Tensor:
    """Return whole numbers from −4 to 4 in no simple order, float64."""
    numbers = torch.arange(rows * columns, dtype=torch.float64)
    found: Tensor = (((numbers + 1) ** 2 * 7) % 9 - 4).unflatten(0, (rows, columns))
    return found


def as_written(image_HW: Tensor, weight_KL: Tensor, bias_I: Tensor) -> tuple[Tensor, int]:
    """Return y_ij = Σ_k Σ_l x_{k−i+1, l−j+1} w_kl + b_i, all indices from 1, and how many pairs leave the image."""
    height, width = image_HW.shape
    rows, columns = weight_KL.shape
    y_IJ = torch.zeros(height - rows + 1, width - columns + 1, dtype=torch.float64)
    outside = 0
    for i in range(1, len(y_IJ) + 1):
        for j in range(1, y_IJ.shape[1] + 1):
            y_IJ[i - 1, j - 1] = bias_I[i - 1]
            for k in range(1, rows + 1):
                for m in range(1, columns + 1):  # l, which reads like 1
                    row, column = k - i + 1, m - j + 1
                    if 1 <= row <= height and 1 <= column <= width:
                        y_IJ[i - 1, j - 1] += image_HW[row - 1, column - 1] * weight_KL[k - 1, m - 1]
                    else:
                        outside += 1
    return y_IJ, outside


def repaired(image_HW: Tensor, weight_KL: Tensor, bias: float) -> Tensor:
    """Return y_ij = Σ_k Σ_l x_{i+k−1, j+l−1} w_kl + b."""
    windows_IJKL = image_HW.unfold(0, weight_KL.shape[0], 1).unfold(1, weight_KL.shape[1], 1)
    y_IJ: Tensor = (windows_IJKL * weight_KL).sum(dim=(2, 3)) + bias
    return y_IJ


def accepts(weight: Tensor) -> float:
    """Return 1 if a convolution of a batch of grey images takes such weights, else 0."""
    try:
        F.conv2d(whole(28, 28)[None, None], weight)
    except RuntimeError:
        return 0.0
    return 1.0


def gradients() -> dict[str, float]:
    """Return the outcomes on the gradient of the weights behind a ReLU, for an error that is the output's gradient itself."""
    defined = shape_agrees = 0.0
    image_HW, weight_KL = whole(28, 28), whole(5, 5)
    before_IJ, output_gradient_IJ, known_KL = reference(image_HW, weight_KL)
    try:
        slope(before_IJ) * (image_HW * output_gradient_IJ)
        defined = 1.0
    except RuntimeError:
        pass
    one_HW, one_KL = whole(28, 28), whole(1, 1)
    before, output_gradient, _ = reference(one_HW, one_KL)
    shape_agrees = float((slope(before) * (one_HW * output_gradient)).shape == one_KL.shape)
    error_IJ = slope(before_IJ) * output_gradient_IJ
    found_KL = F.conv2d(image_HW[None, None], error_IJ[None, None])[0, 0]
    error = float((found_KL - known_KL).abs().max())
    return {"gradient_defined": defined, "gradient_shape_agrees": shape_agrees, "gradient_error_repaired": error}


def reference(image_HW: Tensor, weight_KL: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the values before the ReLU, a gradient of the output in whole numbers, and the weights' gradient by autograd."""
    weight_KL = weight_KL.clone().requires_grad_()
    before_IJ = F.conv2d(image_HW[None, None], weight_KL[None, None])[0, 0]
    output_gradient_IJ = whole(*before_IJ.shape)
    (known_KL,) = torch.autograd.grad((F.relu(before_IJ) * output_gradient_IJ).sum(), weight_KL)
    return before_IJ.detach(), output_gradient_IJ, known_KL


def slope(values: Tensor) -> Tensor:
    """Return the ReLU's slope: 1 above 0, else 0."""
    return (values > 0).double()


EXPERIMENT = Experiment(
    run=run,
    title="Formulas of convolution",
    outcomes={
        "value_error": "1",
        "outside": "1",
        "value_error_repaired": "1",
        "weight_accepted": "1",
        "weight_accepted_repaired": "1",
        "gradient_defined": "1",
        "gradient_shape_agrees": "1",
        "gradient_error_repaired": "1",
    },
    metric_class="exact",
    source="article 000, section 3.1; article 003, section 4.2",
)
