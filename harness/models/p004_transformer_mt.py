"""Transformer of encoder and decoder that translates texts.

Article 004, section 3.4.2: names attention and the Transformer as the means of machine translation and gives no network.
This is the base of Vaswani et al. 2017 at a small width: sinusoidal positions added to embeddings scaled by sqrt(width),
layer normalisation after each sub-layer (or before, with `norm_first`), the output tied to the target embedding.

Padding is exact: no position attends to PAD in the source, none to a later target, so that neither changes a logit. A
source of PAD alone is read as if its first id were a word, so that its logits are numbers.

Input: source_BS and target_BT, int64 ids, PAD at their ends. Output: logits_BTV, [B, T, V]. Parameters: 246,272 with two
vocabularies of 100.

Shape suffixes: B batch, S source ids, T target ids, L ids of either, H heads, D width of a head, E width, V target vocabulary.
"""

from __future__ import annotations

import math
from typing import cast

from torch import Tensor, nn

from harness.errors import UsageError
from harness.models._base import DataSpec, Model
from harness.models._mt_layers import DecoderLayer, EncoderLayer
from harness.models._option_checks import require_choice, require_counts, require_flag, require_heads, require_shares
from harness.models._shape import require_form
from harness.models._sinusoids import sinusoids
from harness.models._translator import State
from harness.vocabulary import PAD

TIES = ("none", "output", "all")


class TransformerTranslator(nn.Module):
    """Encoder and decoder.

    Args:
        vocabularies: ids of source and target.
        width: of the stream; a multiple of `heads`.
        heads: of each attention.
        layers: of the encoder, and as many of the decoder.
        ff: width of the feed-forward step.
        dropout: of embeddings and of each step's result while training, as in the paper's section 5.4.
        norm_first: normalise before each step instead of after it; one more normalisation then ends either stack.
        tie: "output" takes the target embedding as the output's weights, "all" one embedding for both texts too.
    """

    def __init__(
        self,
        vocabularies: tuple[int, int],
        *,
        width: int,
        heads: int,
        layers: int,
        ff: int,
        dropout: float,
        norm_first: bool,
        tie: str,
    ) -> None:
        super().__init__()
        self.width = width
        self.target = nn.Embedding(vocabularies[1], width)
        self.source = self.target if tie == "all" else nn.Embedding(vocabularies[0], width)
        shape = (width, heads, ff, dropout, norm_first)
        self.encoder = nn.ModuleList(EncoderLayer(*shape) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(*shape) for _ in range(layers))
        self.encoder_norm = nn.LayerNorm(width) if norm_first else nn.Identity()
        self.decoder_norm = nn.LayerNorm(width) if norm_first else nn.Identity()
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(width, vocabularies[1], bias=False)
        self._initialise()
        if tie != "none":
            self.out.weight = self.target.weight

    def _initialise(self) -> None:
        """Glorot and Bengio's uniform weights; embeddings of variance 1 / width, so that scaled ones have variance 1."""
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.xavier_uniform_(weight)
        for embedding in (self.source, self.target):
            nn.init.normal_(embedding.weight, std=self.width**-0.5)

    def forward(self, source_BS: Tensor, target_BT: Tensor) -> Tensor:
        """Return the logits of what follows each id of the target, [B, T, V]."""
        mask, *memory = self._memory(source_BS)
        x_BTE = self._embed(self.target, target_BT, 0)
        for layer, (key_BHSD, value_BHSD) in zip(self._decoder, _pairs(memory), strict=True):
            x_BTE, _ = layer.decode(x_BTE, (), (key_BHSD, value_BHSD), mask)
        logits_BTV: Tensor = self.out(self.decoder_norm(x_BTE))
        return logits_BTV

    def encode(self, source_BS: Tensor) -> State:
        """Return the mask, then per decoder layer the source's keys and values, then per layer those of no target yet."""
        mask, *memory = self._memory(source_BS)
        nothing = [part[:, :, :0] for part in memory]
        return (mask, *memory, *nothing)

    def step(self, state: State, token_B: Tensor) -> tuple[Tensor, State]:
        """Return (logits_BV of what follows `token_B`, the state after it)."""
        mask, *rest = state
        half = len(rest) // 2
        memory, past = rest[:half], rest[half:]
        x_BTE = self._embed(self.target, token_B[:, None], past[0].shape[2])
        grown: list[Tensor] = []
        for layer, around, before in zip(self._decoder, _pairs(memory), _pairs(past), strict=True):
            x_BTE, now = layer.decode(x_BTE, before, around, mask)
            grown += now
        logits_BV: Tensor = self.out(self.decoder_norm(x_BTE[:, 0]))
        return logits_BV, (mask, *memory, *grown)

    def _memory(self, source_BS: Tensor) -> State:
        """Return mask_B11S, True at the source's words, and per decoder layer its keys and values of the source."""
        mask_BS = source_BS != PAD
        mask_BS[:, 0] = True
        mask = mask_BS[:, None, None, :]
        x_BSE = self._embed(self.source, source_BS, 0)
        for layer in cast("list[EncoderLayer]", list(self.encoder)):
            x_BSE = layer.encode(x_BSE, mask)
        x_BSE = self.encoder_norm(x_BSE)
        return (mask, *(part for layer in self._decoder for part in layer.cross.keys_values(x_BSE)))

    @property
    def _decoder(self) -> list[DecoderLayer]:
        return cast("list[DecoderLayer]", list(self.decoder))

    def _embed(self, table: nn.Embedding, ids_BL: Tensor, first: int) -> Tensor:
        x_BLE = table(ids_BL) * math.sqrt(self.width)
        places_LE = sinusoids(x_BLE.new_empty(1, first + ids_BL.shape[1], self.width))[first:]
        embedded_BLE: Tensor = self.drop(x_BLE + places_LE)
        return embedded_BLE


def _pairs(parts: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(parts[::2], parts[1::2], strict=True))


def build(
    spec: DataSpec,
    *,
    width: int = 64,
    heads: int = 4,
    layers: int = 2,
    ff: int = 256,
    dropout: float = 0.1,
    norm_first: bool = False,
    tie: str = "output",
) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream; options as for TransformerTranslator.

    Raises:
        UsageError: the data set gives no pairs of texts, or an option is not allowed.
    """
    require_form(__name__, spec, "pair")
    require_heads(__name__, width, heads)
    require_counts(__name__, layers=layers, ff=ff)
    require_shares(__name__, dropout=dropout)
    require_flag(__name__, norm_first=norm_first)
    require_choice(__name__, "tie", tie, TIES)
    source, target = spec.vocabularies
    if tie == "all" and source != target:
        raise UsageError(
            f"model 'p004_transformer_mt': option tie = 'all': the vocabularies have {source} and {target} ids; one "
            "embedding needs a joint vocabulary (an option of the data set), or choose tie = 'output'"
        )
    return TransformerTranslator(
        (source, target),
        width=width,
        heads=heads,
        layers=layers,
        ff=ff,
        dropout=dropout,
        norm_first=norm_first,
        tie=tie,
    )


MODEL = Model(
    build=build,
    parameters=246_272,
    example=((16,), 0, (100, 100)),
    task="translation",
    article="004",
    section="3.4.2",
    repairs=("the article gives no network; encoder and decoder are those of Vaswani et al. 2017, at a small width",),
    source="Vaswani et al. 2017",
)
