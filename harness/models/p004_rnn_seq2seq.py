"""Recurrent encoder and decoder (GRU) that translates texts, with or without attention.

Article 004, section 3.4.1: names recurrent networks as a means of machine translation and gives no network; article 002,
section 3.3, holds that attention improves such a pair. Without attention the decoder sees the whole source as one summary
(Cho et al. 2014); with it, at each step the source's positions weighted by how they fit its state (Bahdanau et al. 2015).
Both arms share everything else: a bidirectional encoder, a decoder that starts from the encoder's last states, and an
output of its state, of what it sees of the source and of the last id (in the place of Bahdanau's maxout layer).

Padding is exact: the encoder stops at a source's last id and no weight falls on PAD. A source of PAD alone counts as one id.

Input: source_BS and target_BT, int64 ids, PAD at their ends. Output: logits_BTV, [B, T, V]. Parameters: 155,876 with two
vocabularies of 100.

Shape suffixes: B batch, S source ids, T target ids, H width, E width of embeddings, M = 2 H what is seen of the source,
V target vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from harness.models._base import DataSpec, Model
from harness.models._option_checks import require_counts, require_flag, require_shares
from harness.models._shape import require_form
from harness.models._translator import State
from harness.vocabulary import PAD


class SourceAttention(nn.Module):
    """Weighs the source's positions by v · tanh(W s + U h) (Bahdanau et al. 2015, appendix A.1.2).

    Args:
        width: of the decoder's state, and of the layer in between.
        memory: width of each position of the source.
    """

    def __init__(self, width: int, memory: int) -> None:
        super().__init__()
        self.state = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(memory, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, state_BH: Tensor, keys_BSH: Tensor, memory_BSM: Tensor, mask_BS: Tensor) -> Tensor:
        """Return the weighted mean of the positions where the mask is True, [B, M]; `keys_BSH` are `key(memory_BSM)`."""
        score_BS = self.score(torch.tanh(self.state(state_BH)[:, None] + keys_BSH)).squeeze(2)
        weight_BS = F.softmax(score_BS.masked_fill(~mask_BS, -torch.inf), dim=1)
        return torch.einsum("bs,bsm->bm", weight_BS, memory_BSM)


class RecurrentTranslator(nn.Module):
    """Encoder and decoder.

    Args:
        vocabularies: ids of source and target.
        width: of each direction of the encoder, and of the decoder.
        embedding: width of an id's embedding.
        attention: whether each step of the decoder weighs the source anew.
        dropout: of embeddings and of the layer before the output while training.
    """

    def __init__(self, vocabularies: tuple[int, int], *, width: int, embedding: int, attention: bool, dropout: float) -> None:
        super().__init__()
        memory = 2 * width
        self.source, self.target = (nn.Embedding(size, embedding) for size in vocabularies)
        self.encoder = nn.GRU(embedding, width, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(memory, width)
        self.attention = SourceAttention(width, memory) if attention else None
        self.cell = nn.GRUCell(embedding + memory, width)
        self.hidden = nn.Linear(width + memory + embedding, embedding)
        self.out = nn.Linear(embedding, vocabularies[1])
        self.drop = nn.Dropout(dropout)

    def forward(self, source_BS: Tensor, target_BT: Tensor) -> Tensor:
        """Return the logits of what follows each id of the target, [B, T, V]."""
        state_BH, *seen = self.encode(source_BS)
        embedded_BTE = self.drop(self.target(target_BT))
        results: list[Tensor] = []
        for embedded_BE in embedded_BTE.unbind(1):
            state_BH, context_BM = self._advance(state_BH, seen, embedded_BE)
            results.append(torch.cat((state_BH, context_BM, embedded_BE), dim=1))
        return self._logits(torch.stack(results, dim=1))

    def encode(self, source_BS: Tensor) -> State:
        """Return the decoder's first state_BH, then what it sees of the source.

        With attention that is keys_BSH, memory_BSM and mask_BS; without, summary_BM.
        """
        lengths_B = (source_BS != PAD).sum(dim=1).clamp(min=1)
        packed = pack_padded_sequence(
            self.drop(self.source(source_BS)), lengths_B.cpu(), batch_first=True, enforce_sorted=False
        )
        outputs, last_2BH = self.encoder(packed)
        summary_BM = last_2BH.transpose(0, 1).flatten(1)
        state_BH = torch.tanh(self.bridge(summary_BM))
        if self.attention is None:
            return state_BH, summary_BM
        memory_BSM, _ = pad_packed_sequence(outputs, batch_first=True, total_length=source_BS.shape[1])
        mask_BS = torch.arange(source_BS.shape[1], device=source_BS.device) < lengths_B[:, None]
        return state_BH, self.attention.key(memory_BSM), memory_BSM, mask_BS

    def step(self, state: State, token_B: Tensor) -> tuple[Tensor, State]:
        """Return (logits_BV of what follows `token_B`, the state after it)."""
        state_BH, *seen = state
        embedded_BE = self.drop(self.target(token_B))
        state_BH, context_BM = self._advance(state_BH, seen, embedded_BE)
        logits_BV = self._logits(torch.cat((state_BH, context_BM, embedded_BE), dim=1))
        return logits_BV, (state_BH, *seen)

    def _advance(self, state_BH: Tensor, seen: list[Tensor], embedded_BE: Tensor) -> tuple[Tensor, Tensor]:
        """Return (the decoder's next state, what it saw of the source)."""
        context_BM: Tensor = seen[0] if self.attention is None else self.attention(state_BH, *seen)
        return self.cell(torch.cat((embedded_BE, context_BM), dim=1), state_BH), context_BM

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.out(self.drop(torch.tanh(self.hidden(features))))
        return logits


def build(spec: DataSpec, *, width: int = 64, embedding: int = 64, attention: bool = True, dropout: float = 0.0) -> nn.Module:
    """Return the network with fresh weights, drawn from torch's global stream; options as for RecurrentTranslator.

    Raises:
        UsageError: the data set gives no pairs of texts, or an option is not allowed.
    """
    require_form(__name__, spec, "pair")
    require_counts(__name__, width=width, embedding=embedding)
    require_shares(__name__, dropout=dropout)
    require_flag(__name__, attention=attention)
    source, target = spec.vocabularies
    return RecurrentTranslator((source, target), width=width, embedding=embedding, attention=attention, dropout=dropout)


MODEL = Model(
    build=build,
    parameters=155_876,
    example=((16,), 0, (100, 100)),
    task="translation",
    article="004",
    section="3.4.1",
    repairs=("the article gives no network; these are the encoder and decoder of the papers it rests on, at a small width",),
    source="Cho et al. 2014; with attention: Bahdanau, Cho and Bengio 2015",
)
