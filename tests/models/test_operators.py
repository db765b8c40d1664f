"""The articles' formulas as operators: each against loops over scalars, SciPy or torch, the wrong formula beside the right."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter, sobel
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import UsageError
from harness.models import DataSpec, Model
from harness.models.p000_attention_article import article_attention, correct_attention
from harness.models.p004_imgproc import levels, otsu_threshold
from harness.tasks import Task

TASK: Task = Catalog().load("tasks", "operator")
OPERATORS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("p000_conv_op", {}, (3, 9, 8)),
    ("p000_conv_op", {"formula": "article"}, (1, 9, 8)),
    ("p000_attention_article", {}, (6, 6)),
    ("p000_attention_article", {"formula": "correct"}, (10, 64)),
    ("p004_imgproc", {"operator": "gaussian"}, (3, 9, 8)),
    ("p004_imgproc", {"operator": "sobel"}, (3, 9, 8)),
    ("p004_imgproc", {"operator": "otsu"}, (3, 9, 8)),
    ("p004_clip", {}, (1, 9, 8)),
]

every_operator = pytest.mark.parametrize(("name", "options", "shape"), OPERATORS)


def build(name: str, shape: tuple[int, ...], **options: object) -> nn.Module:
    """An operator for inputs of a shape."""
    model: Model = Catalog().load("models", name)
    module: nn.Module = model.build(DataSpec(shape, 10), **options)
    return module


def max_error(module: nn.Module, inputs: Tensor) -> float:
    """The task's score over the inputs, in one batch."""
    split = Split(inputs, torch.zeros(len(inputs), dtype=torch.int64))
    return float(TASK.start(Splits(split, split)).evaluate(module, split, len(inputs)).values["max_error"])


def reference(module: nn.Module, inputs: Tensor) -> Tensor:
    """What the operator holds itself against."""
    wanted: Tensor = module.reference(inputs)  # type: ignore[operator]
    return wanted


@every_operator
def test_has_nothing_to_train(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    """No parameters, no gradient of the loss, and the part says so."""
    module = build(name, shape, **options)
    split = Split(torch.randn(4, *shape), torch.zeros(4, dtype=torch.int64))
    (turn,) = TASK.start(Splits(split, split)).turns
    loss = turn.loss(module, split.inputs, split.labels)
    fields = Catalog().part("models", name).fields

    assert isinstance(loss, Tensor)
    assert ([], False) == (list(module.parameters()), loss.requires_grad)
    assert (0, "operator") == (fields["parameters"], fields["task"])


@every_operator
def test_same_seed_same_numbers(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Two builds from one state of the global stream give the same output to the bit."""
    inputs = torch.randn(4, *shape)
    outputs = []
    for _ in range(2):
        torch.manual_seed(3)
        outputs.append(build(name, shape, **options)(inputs))

    assert torch.equal(*outputs)


@every_operator
def test_stays_on_its_inputs_device(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Nothing is made on the CPU when the inputs lie elsewhere; torch's device without storage stands in for a GPU."""
    output = build(name, shape, **options).to("meta")(torch.randn(4, *shape, device="meta"))

    assert "meta" == output.device.type


@every_operator
def test_runs_in_bfloat16_and_deterministically(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Autocasting keeps the output within bfloat16's rounding of the full one, with deterministic kernels demanded."""
    module, inputs = build(name, shape, **options), torch.randn(4, *shape)
    full = module(inputs)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            low = module(inputs)
    finally:
        torch.use_deterministic_algorithms(False)

    assert float((low.float() - full).abs().max()) <= 0.03 * float(full.abs().max())


# --- convolution, article 000 section 3.1 ---


def test_108_of_144_index_pairs_leave_the_image() -> None:
    """Window minus output position, counted by hand from 1 on 6x6 pixels and a 3x3 window; meant: none."""
    inside = [(i, k) for i, k in product(range(1, 5), range(1, 4)) if 1 <= k - i + 1 <= 6]

    assert 6 == len(inside) == 3 + 2 + 1
    assert 108 == 12 * 12 - len(inside) ** 2 == build("p000_conv_op", (1, 6, 6), formula="article", window=3).outside
    assert 0 == build("p000_conv_op", (1, 6, 6), window=3).outside


def in_loops(module: nn.Module, x_BCHW: Tensor, article: bool) -> Tensor:
    """The formula over scalars, indices from 1 as printed, in float64."""
    weight_OCKL, bias = module.get_buffer("weight_OCKL").double(), module.get_buffer("bias_OI1").double()
    maps, channels, window, _ = weight_OCKL.shape
    height, width = x_BCHW.shape[2] - window + 1, x_BCHW.shape[3] - window + 1
    y = torch.zeros(len(x_BCHW), maps, height, width, dtype=torch.float64)
    for b, o, i, j in product(*map(range, y.shape)):
        total = bias[0, i, 0] if article else bias[o, 0, 0]
        for c, k, m in product(range(channels), range(window), range(window)):
            row, column = ((k + 1) - (i + 1) + 1, (m + 1) - (j + 1) + 1) if article else ((i + 1) + (k + 1) - 1, (j + m + 1))
            if 1 <= row <= x_BCHW.shape[2] and 1 <= column <= x_BCHW.shape[3]:
                total = total + x_BCHW[b, c, row - 1, column - 1].double() * weight_OCKL[o, c, k, m]
        y[b, o, i, j] = total
    return y


@pytest.mark.parametrize(("formula", "shape"), [("correct", (2, 6, 5)), ("article", (1, 6, 5))])
def test_convolution_equals_its_formula_in_loops(formula: str, shape: tuple[int, int, int]) -> None:
    """Gathering by index tables gives what the formula gives term by term."""
    module = build("p000_conv_op", shape, formula=formula, maps=2, window=3)
    x_BCHW = torch.randn(2, *shape)

    torch.testing.assert_close(module(x_BCHW).double(), in_loops(module, x_BCHW, formula == "article"), rtol=0, atol=1e-5)


def test_correct_convolution_is_torchs() -> None:
    """The right indices miss torch's convolution by rounding only."""
    for shape in ((1, 6, 6), (1, 28, 28), (3, 12, 17)):
        assert 1e-8 < max_error(build("p000_conv_op", shape, window=5), torch.randn(8, *shape)) < 1e-5


def test_article_convolution_is_not() -> None:
    """Nine products of normals and a bias have standard deviation sqrt(10); the article's indices miss by three of those."""
    images = torch.randn(10, 1, 6, 6)

    assert max_error(build("p000_conv_op", (1, 6, 6), formula="article", window=3), images) > 3 * math.sqrt(10)
    assert max_error(build("p000_conv_op", (1, 6, 6), formula="correct", window=3), images) < 1e-5


def test_article_bias_follows_the_row() -> None:
    """On an empty image each output row holds its own bias; meant is one bias a map, the same in all rows."""
    article, correct = (
        build("p000_conv_op", (1, 6, 6), formula=formula, window=3)(torch.zeros(1, 1, 6, 6))
        for formula in ("article", "correct")
    )

    assert 4 == len(article[0, 0, :, 0].unique()) == len(article.unique())
    assert 6 == len(correct[0, :, 0, 0].unique()) == len(correct.unique())


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((28, 28), {}, "images"),
        ((1, 6, 6), {"formula": "printed"}, "formula = 'printed': unknown; allowed: correct, article"),
        ((3, 6, 6), {"formula": "article"}, "sums over no channels, the data set gives 3"),
        ((1, 6, 4), {"window": 5}, "window = 5: images of 6x4 allow a window of 1 to 4"),
        ((1, 6, 6), {"maps": 0}, "maps = 0: not a whole number in reach; allowed: 1 to 1000"),
    ],
)
def test_convolution_refuses(shape: tuple[int, ...], options: dict[str, Any], message: str) -> None:
    """What cannot be computed is a usage error before anything runs."""
    with pytest.raises(UsageError, match=message):
        build("p000_conv_op", shape, **options)


# --- attention, article 000 section 3.3 ---


def draw(*shapes: tuple[int, int]) -> list[Tensor]:
    """Matrices in float64, a batch of one."""
    return [torch.randn(1, *shape, dtype=torch.float64) for shape in shapes]


def test_article_attention_needs_equal_sizes() -> None:
    """Ten queries and keys of 64 features: a 10x10 score cannot be added to 10x64 values; the right formula runs."""
    q, k, v, out = draw((10, 64), (10, 64), (10, 64), (64, 64))

    with pytest.raises(RuntimeError, match=r"size of tensor a \(10\) must match the size of tensor b \(64\)"):
        article_attention(q, k, v, out)
    assert (1, 10, 64) == tuple(correct_attention(q, k, v, out).shape)
    with pytest.raises(UsageError, match="10 steps of 64 features"):
        build("p000_attention_article", (10, 64))


def test_correct_attention_in_loops() -> None:
    """Each output is the mean of the values, weighted by exp(q·k / sqrt(d)): by scalar sums, and by torch."""
    q, k, v, out = draw((3, 4), (5, 4), (5, 4), (4, 4))
    expected = torch.zeros(1, 3, 4, dtype=torch.float64)
    for t in range(3):
        weights = [math.exp(sum(float(q[0, t, d] * k[0, s, d]) for d in range(4)) / 2) for s in range(5)]
        expected[0, t] = torch.stack([weight / sum(weights) * v[0, s] for s, weight in enumerate(weights)]).sum(0)

    torch.testing.assert_close(correct_attention(q, k, v, out), expected @ out)
    torch.testing.assert_close(correct_attention(q, k, v, out), F.scaled_dot_product_attention(q, k, v) @ out)


def test_article_rows_are_a_softmax_over_features() -> None:
    """Before the output matrix each row is positive and sums to 1 over features; attention's rows are means of values."""
    q, k, v = draw((6, 6), (6, 6), (6, 6))
    identity = torch.eye(6, dtype=torch.float64)
    wrong, right = article_attention(q, k, v, identity), correct_attention(q, k, v, identity)

    assert bool((wrong > 0).all())
    torch.testing.assert_close(wrong.sum(-1), torch.ones(1, 6, dtype=torch.float64))
    assert not bool((right > 0).all())
    assert bool(((right >= v.amin(1, keepdim=True)) & (right <= v.amax(1, keepdim=True))).all())


def test_order_of_keys_and_values_matters_to_the_article_only() -> None:
    """Reversing pairs of keys and values leaves attention as it is up to rounding, and changes the article's output."""
    q, k, v, out = (matrix.float() for matrix in draw((6, 6), (6, 6), (6, 6), (6, 6)))

    def change(attend: Any) -> float:
        return float((attend(q, k, v, out) - attend(q, k.flip(1), v.flip(1), out)).abs().max())

    assert change(article_attention) > 0.1
    assert change(correct_attention) < 1e-5


def test_article_attention_as_an_operator() -> None:
    """On one input as queries, keys and values: the article's formula is off by far, the right one by rounding."""
    inputs = torch.randn(8, 28, 28)

    assert max_error(build("p000_attention_article", (28, 28)), inputs) > 1
    assert max_error(build("p000_attention_article", (28, 28), formula="correct"), inputs) < 1e-5


def test_attention_refuses_other_options() -> None:
    """A formula of another name and images are usage errors."""
    with pytest.raises(UsageError, match="allowed: article, correct"):
        build("p000_attention_article", (6, 6), formula="printed")
    with pytest.raises(UsageError, match="sequences"):
        build("p000_attention_article", (1, 6, 6))


# --- image processing, article 004 section 2 ---


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5])
def test_gaussian_equals_scipys(sigma: float) -> None:
    """Each channel of each image is blurred as SciPy blurs it alone, also where the window is larger than the image."""
    images = torch.randn(2, 3, 9, 7)
    output = build("p004_imgproc", (3, 9, 7), sigma=sigma)(images)

    for b, c in product(range(2), range(3)):
        expected = gaussian_filter(images[b, c].double().numpy(), sigma, mode="nearest")
        np.testing.assert_allclose(output[b, c].numpy(), expected, atol=2e-6)


def test_gaussian_keeps_the_mean_level() -> None:
    """A flat image stays flat: the window sums to 1 and the border is repeated."""
    torch.testing.assert_close(build("p004_imgproc", (1, 8, 8))(torch.full((1, 1, 8, 8), 3.0)), torch.full((1, 1, 8, 8), 3.0))


def test_sobel_of_a_slope_and_an_edge() -> None:
    """A slope of 1 a column has length 8; a step of 1 has 4 on both sides of it, and 0 elsewhere: computed by hand."""
    module = build("p004_imgproc", (1, 5, 6), operator="sobel")
    slope, edge = torch.arange(6.0).expand(1, 1, 5, 6), (torch.arange(6) > 2).float().expand(1, 1, 5, 6)

    assert bool((module(slope)[..., 1:-1] == 8).all())
    assert [0.0, 0.0, 4.0, 4.0, 0.0, 0.0] == module(edge)[0, 0, 2].tolist()


def test_sobel_equals_scipys_image_by_image() -> None:
    """The length of SciPy's two derivatives; taken over a whole batch at once SciPy would smooth across images."""
    images = torch.randn(2, 3, 9, 7)
    output = build("p004_imgproc", (3, 9, 7), operator="sobel")(images).numpy()
    whole = images.double().numpy()

    for b, c in product(range(2), range(3)):
        expected = np.hypot(*(sobel(whole[b, c], axis=axis, mode="nearest") for axis in (0, 1)))
        np.testing.assert_allclose(output[b, c], expected, atol=1e-5)
    assert np.abs(output - np.hypot(*(sobel(whole, axis=axis, mode="nearest") for axis in (2, 3)))).max() > 1


def otsu_by_definition(row: list[int]) -> int:
    """The first threshold of largest variance between the classes, from shares and means as exact fractions."""

    def between(threshold: int) -> Fraction:
        low, high = [level for level in row if level <= threshold], [level for level in row if level > threshold]
        if not low or not high:
            return Fraction(-1)
        apart = Fraction(sum(low), len(low)) - Fraction(sum(high), len(high))
        return Fraction(len(low) * len(high), len(row) ** 2) * apart**2

    return max(range(256), key=between)  # max takes the first of equals


def test_otsu_threshold_by_definition() -> None:
    """Counting through all thresholds gives that of the definition; 0 0 9 9 parts after 0."""
    draws = np.random.RandomState(4)

    assert 0 == otsu_threshold([0, 0, 9, 9])
    for spread in (3, 40, 256):
        row = draws.randint(spread, size=30).tolist()
        assert otsu_by_definition(row) == otsu_threshold(row)


def test_otsu_parts_two_levels_of_each_channel() -> None:
    """A bright square on dark ground is foreground, whatever its channel's scale; a flat channel has none."""
    square = torch.zeros(8, 8)
    square[2:5, 3:7] = 1
    noise = 0.1 * torch.rand(8, 8)
    images = torch.stack([square + noise, 100 * square - 3 + noise, torch.full((8, 8), 0.7)])[None]

    output = build("p004_imgproc", (3, 8, 8), operator="otsu")(images)

    assert torch.equal(torch.stack([square, square, torch.zeros(8, 8)])[None], output)


def test_otsu_equals_its_loop() -> None:
    """Sorting and summing finds the threshold that trying all finds, to the pixel."""
    for images in (torch.rand(20, 3, 9, 7), torch.randint(4, (20, 3, 9, 7)).float(), torch.rand(3, 3, 1, 1)):
        module = build("p004_imgproc", tuple(images.shape[1:]), operator="otsu")
        assert torch.equal(reference(module, images).float(), module(images))


def test_levels_span_each_channel() -> None:
    """The least value is level 0, the largest 255, the middle of an even scale between; a flat channel is level 0."""
    images = torch.tensor([[[[-1.0, 0.0, 4.0]], [[5.0, 5.0, 5.0]]]])

    assert [[[[0, 51, 255]], [[0, 0, 0]]]] == levels(images).tolist()


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((28, 28), {}, "images"),
        ((1, 8, 8), {"operator": "canny"}, "operator = 'canny': unknown; allowed: gaussian, sobel, otsu"),
        ((1, 8, 8), {"sigma": 0.0}, "sigma = 0.0: not a number in reach; allowed: 0.01 to 100"),
    ],
)
def test_image_processing_refuses(shape: tuple[int, ...], options: dict[str, Any], message: str) -> None:
    """What cannot be computed is a usage error before anything runs."""
    with pytest.raises(UsageError, match=message):
        build("p004_imgproc", shape, **options)


# --- gradient clipping, article 004 section 3.3.2 ---


def test_a_long_gradient_is_shrunk_to_the_threshold() -> None:
    """3 and 4 in two rows have norm 5: clipped at 1 they are 0.6 and 0.8, at 10 they stay."""
    gradient = torch.tensor([[3.0, 0.0], [0.0, 4.0]])

    torch.testing.assert_close(build("p004_clip", (2,))(gradient), torch.tensor([[0.6, 0.0], [0.0, 0.8]]))
    assert torch.equal(gradient, build("p004_clip", (2,), max_norm=10.0)(gradient))


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 0.05, 1.0, 1e6])
def test_clipping_equals_torchs(scale: float) -> None:
    """Short and long gradients come out as torch's own clipping leaves them, to its 1e-6; the norm never exceeds 1."""
    gradient = scale * torch.randn(7, 3, 5)
    module = build("p004_clip", (3, 5))

    assert max_error(module, gradient) < 2e-6
    assert float(module(gradient).norm()) < 1 + 1e-6


def test_clipping_keeps_the_direction() -> None:
    """A clipped gradient is a positive multiple of the gradient."""
    gradient = 50 * torch.randn(7, 3)

    assert float(F.cosine_similarity(gradient.flatten(), build("p004_clip", (3,))(gradient).flatten(), dim=0)) > 1 - 1e-6


def test_a_zero_gradient_stays_zero() -> None:
    """No division by a norm of 0 is seen."""
    assert torch.equal(torch.zeros(4, 3), build("p004_clip", (3,))(torch.zeros(4, 3)))


@pytest.mark.parametrize(
    ("bad", "others"),
    [(math.inf, 0.0), (-math.inf, 0.0), (math.nan, math.nan), (1e25, 0.0)],
)
def test_gradients_that_are_no_numbers(bad: float, others: float) -> None:
    """As torch has it: infinity makes finite entries 0 and itself NaN, NaN spoils all, an overflowing square gives 0."""
    gradient = torch.tensor([[1.0], [bad]])
    expected = torch.tensor([[others], [0.0 if math.isfinite(bad) else math.nan]])

    for clipped in (build("p004_clip", (1,))(gradient), reference(build("p004_clip", (1,)), gradient)):
        torch.testing.assert_close(clipped, expected, rtol=0, atol=0, equal_nan=True)


def test_clipping_refuses() -> None:
    """A threshold of 0 and texts of ids are usage errors."""
    with pytest.raises(UsageError, match=r"max_norm = 0\.0: not a number in reach; allowed: 1e-06 to 1e\+06"):
        build("p004_clip", (3,), max_norm=0.0)
    with pytest.raises(UsageError, match="texts"):
        Catalog().load("models", "p004_clip").build(DataSpec((20,), 2, (100,)))
