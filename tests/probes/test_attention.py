"""Attention maps: the weights that a forward pass has used, against torch's own and against the formula."""

from __future__ import annotations

import io
import math

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.models import DataSpec
from harness.probes.attention import attention_maps, dot_product_weights, entropy, picture
from harness.vocabulary import END, START


@pytest.fixture
def steps() -> Tensor:
    """One sample of five steps."""
    return torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(3))


def test_multi_head_attention_shows_its_own_weights(steps: Tensor) -> None:
    """Those that nn.MultiheadAttention returns when it is asked to, padding included; the pass's result stays as it was."""
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    padding = torch.tensor([[False, False, False, True, True]])
    plain, wanted = attention(steps, steps, steps, key_padding_mask=padding, average_attn_weights=False)
    seen: list[Tensor] = []

    def forward() -> None:
        output, nothing = attention(steps, steps, steps, key_padding_mask=padding, need_weights=False)
        seen.append(output)
        assert nothing is None

    (weights,) = attention_maps(forward)

    torch.testing.assert_close(weights, wanted[0].detach())
    torch.testing.assert_close(seen[0], plain.detach())


def test_an_encoders_layers_are_seen_although_torch_would_fuse_them(steps: Tensor) -> None:
    """One map a layer, with rows that sum to 1, of layers whose fused kernel holds no weights."""
    layer = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False).eval()

    maps = attention_maps(lambda: encoder(steps))

    assert [tuple(weights.shape) for weights in maps] == [(4, 5, 5)] * 3
    torch.testing.assert_close(maps[0].sum(dim=2), torch.ones(4, 5))


@pytest.mark.parametrize("given", [{}, {"is_causal": True}, {"scale": 0.3}, {"attn_mask": torch.ones(5, 7).tril(2).bool()}])
def test_the_weights_of_torchs_function_give_its_result(given: dict[str, object]) -> None:
    """Times the values they are what the fused function returns, with masks and scales."""
    draw = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(1, 2, steps, 4, generator=draw) for steps in (5, 7, 7))
    out: list[Tensor] = []

    (weights,) = attention_maps(lambda: out.append(F.scaled_dot_product_attention(q, k, v, **given)))  # type: ignore[arg-type]

    torch.testing.assert_close(weights @ v[0], out[0][0])
    torch.testing.assert_close(weights, dot_product_weights(q, k, v, **given)[0])  # type: ignore[arg-type]


def test_a_decoder_that_looks_step_by_step_has_one_map() -> None:
    """The recurrent pair's weights, a row a target id, are those that its attention computes when asked one by one."""
    torch.manual_seed(0)
    model = Catalog().load("models", "p004_rnn_seq2seq").build(DataSpec((6,), 0, (20, 20)), width=8, embedding=8).eval()
    source, target = torch.tensor([[5, 6, 7, END]]), torch.tensor([[START, 8, 9]])

    (weights,) = attention_maps(lambda: model(source, target))

    state, *seen = model.encode(source)
    rows = []
    for token in target[0]:
        scores = model.attention.score(torch.tanh(model.attention.state(state)[:, None] + seen[0])).squeeze(2)
        rows.append(scores.softmax(dim=1))
        _, (state, *seen) = model.step((state, *seen), token[None])
    torch.testing.assert_close(weights[0], torch.cat(rows).detach())


def test_what_is_no_attention_is_not_seen(steps: Tensor) -> None:
    """An LSTM, a classifier's softmax and one over another axis leave no map."""
    lstm = nn.LSTM(8, 4, batch_first=True)

    def forward() -> None:
        hidden, _ = lstm(steps)
        hidden.softmax(dim=1)
        hidden[:, -1].softmax(dim=1)

    assert attention_maps(forward) == []


def test_entropy_is_that_of_the_definition() -> None:
    """0 at one step, 1 at all alike, in between by hand; masked steps do not count, nor a query that has no choice."""
    even, one = torch.full((1, 1, 4), 0.25), torch.tensor([[[1.0 - 1e-12, 1e-12]]])
    uneven, masked = torch.tensor([[[0.75, 0.25]]]), torch.tensor([[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]])
    wanted = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2)

    assert entropy([even]) == pytest.approx(1)
    assert entropy([one]) == pytest.approx(0, abs=1e-9)
    assert entropy([uneven]) == pytest.approx(wanted)
    assert entropy([masked]) == pytest.approx(1)
    assert entropy([even, uneven]) == pytest.approx((1 + wanted) / 2)
    assert entropy([torch.tensor([[[1.0, 0.0]]])]) is None


def test_a_picture_has_a_pixel_a_weight_and_a_frame() -> None:
    """Heads side by side, black at each head's largest weight, white at none."""
    weights = torch.tensor([[[0.0, 1.0], [0.5, 0.5]], [[0.25, 0.0], [0.0, 0.1]]])

    image = Image.open(io.BytesIO(picture(weights)))

    assert image.size == (8, 4)
    first, second = image.crop((1, 1, 3, 3)), image.crop((5, 1, 7, 3))
    assert list(first.tobytes()) == [255, 0, 128, 128]
    assert list(second.tobytes()) == [0, 255, 255, 153]
