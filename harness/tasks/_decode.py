"""Writing target texts with a trained translator: the likeliest id each time, or the best of several texts.

Shape suffixes: B batch, K texts in the beam, S source ids, T target ids, V target vocabulary.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from harness.data import END, PAD, START
from harness.models._translator import State, Translator

PENALTY_BASE = 5
"""Of Wu et al. 2016, equation 14."""


def greedy(model: nn.Module, source_BS: Tensor, limit: int) -> Tensor:
    """Return the ids that are likeliest one after the other, [B, T], END and PAD after it included, START not.

    Args:
        model: a Translator.
        source_BS: ids of the sources.
        limit: ids at most; T is smaller where all texts end before.
    """
    translator = cast(Translator, model)
    state = translator.encode(source_BS)
    token_B = source_BS.new_full((len(source_BS),), START)
    ended_B = torch.zeros_like(token_B, dtype=torch.bool)
    written: list[Tensor] = []
    for _ in range(limit):
        logits_BV, state = translator.step(state, token_B)
        token_B = _allowed(logits_BV).argmax(dim=1).masked_fill(ended_B, PAD)
        written.append(token_B)
        ended_B = ended_B | (token_B == END)
        if ended_B.all():
            break
    return torch.stack(written, dim=1)


def length_penalty(lengths: Tensor, alpha: float) -> Tensor:
    """Return what a text's log-probability is divided by: ((5 + length) / 6) ** alpha (Wu et al. 2016, equation 14)."""
    return ((PENALTY_BASE + lengths) / (PENALTY_BASE + 1)) ** alpha


class Beam:
    """The K likeliest texts so far of each source, ended ones among them.

    A text that has ended keeps its place until K likelier ones push it out. With K = 1 this is greedy decoding; with K
    as large as the number of texts it is exhaustive search.
    """

    def __init__(self, batch: int, width: int, alpha: float, limit: int, device: torch.device) -> None:
        self.width, self.alpha, self.limit = width, alpha, limit
        self.score_BK = torch.full((batch, width), -math.inf, device=device)
        self.score_BK[:, 0] = 0.0  # one empty text; the others are none
        self.ended_BK = torch.zeros(batch, width, dtype=torch.bool, device=device)
        self.length_BK = torch.zeros(batch, width, dtype=torch.int64, device=device)
        self.texts_BKT = torch.empty(batch, width, 0, dtype=torch.int64, device=device)

    def grow(self, logits_BKV: Tensor) -> tuple[Tensor, Tensor]:
        """Add one id to each text and keep the likeliest; return (the texts they came from, the ids), each [B, K]."""
        vocabulary = logits_BKV.shape[2]
        chance_BKV = torch.log_softmax(logits_BKV.float(), dim=2)
        chance_BKV[..., (PAD, START)] = -math.inf
        stay_V = torch.full((vocabulary,), -math.inf, device=chance_BKV.device)
        stay_V[PAD] = 0.0
        chance_BKV = torch.where(self.ended_BK[..., None], stay_V, chance_BKV)
        sum_BN = (self.score_BK[..., None] + chance_BKV).flatten(1)
        self.score_BK, place_BK = sum_BN.topk(self.width, dim=1)
        from_BK, token_BK = place_BK // vocabulary, place_BK % vocabulary
        self.length_BK = self.length_BK.gather(1, from_BK) + (token_BK != PAD)
        self.ended_BK = self.ended_BK.gather(1, from_BK) | (token_BK == END)
        earlier_BKT = self.texts_BKT.gather(1, from_BK[..., None].expand(-1, -1, self.texts_BKT.shape[2]))
        self.texts_BKT = torch.cat((earlier_BKT, token_BK[..., None]), dim=2)
        return from_BK, token_BK

    @property
    def settled(self) -> bool:
        """Whether no text that goes on can become better than one that has ended: adding ids only lowers its sum."""
        ended_B = self._normalised().masked_fill(~self.ended_BK, -math.inf).amax(dim=1)
        most = length_penalty(torch.tensor(self.limit), self.alpha).item()
        open_B = self.score_BK.masked_fill(self.ended_BK, -math.inf).amax(dim=1) / most
        return bool((ended_B >= open_B).all())

    def best(self) -> Tensor:
        """Return the best text of each source, [B, T]: of those that have ended where there is one."""
        rank_BK = self._normalised()
        some_B1 = self.ended_BK.any(dim=1, keepdim=True)
        rank_BK = rank_BK.masked_fill(some_B1 & ~self.ended_BK, -math.inf)
        chosen_B = rank_BK.argmax(dim=1)
        return self.texts_BKT[torch.arange(len(chosen_B), device=chosen_B.device), chosen_B]

    def _normalised(self) -> Tensor:
        return self.score_BK / length_penalty(self.length_BK, self.alpha)


def beam_search(model: nn.Module, source_BS: Tensor, limit: int, *, width: int, alpha: float) -> Tensor:
    """Return the best text found for each source, as `greedy` does.

    A text's rank is its log-probability divided by `length_penalty`; the coverage penalty of Wu et al. is left out.

    Args:
        model: a Translator.
        source_BS: ids of the sources.
        limit: ids at most.
        width: texts kept of each source.
        alpha: exponent of the length penalty; 0 ranks by log-probability alone.
    """
    translator = cast(Translator, model)
    batch, device = len(source_BS), source_BS.device
    state = _pick(translator.encode(source_BS), torch.arange(batch, device=device).repeat_interleave(width))
    first_B1 = torch.arange(batch, device=device)[:, None] * width
    token = source_BS.new_full((batch * width,), START)
    beam = Beam(batch, width, alpha, limit, device)
    for _ in range(limit):
        logits, state = translator.step(state, token)
        from_BK, token_BK = beam.grow(logits.unflatten(0, (batch, width)))
        if beam.settled:
            break
        state, token = _pick(state, (first_B1 + from_BK).flatten()), token_BK.flatten()
    return beam.best()


def _pick(state: State, rows: Tensor) -> State:
    return tuple(part.index_select(0, rows) for part in state)


def _allowed(logits_BV: Tensor) -> Tensor:
    """Return the logits with no chance for ids that stand in no text."""
    logits_BV = logits_BV.clone()
    logits_BV[:, (PAD, START)] = -math.inf
    return logits_BV
