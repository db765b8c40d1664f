"""Every model that the articles print, describe or write as a formula is there, names its article and has a case.

The table is kept by hand, from reading the articles. Left out is what they merely name: BERT, GPT, ResNet, VGG, DALL-E,
style transfer, speech synthesis, detection, driving, medicine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.suite import load_suite

ARTICLES = Path(__file__).parents[2] / "suites" / "articles.toml"


@dataclass(frozen=True)
class Row:
    """One model of an article."""

    id: str
    article: str
    several: tuple[str, ...] = ()
    """The parts it is split into, where one row stands for several networks."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its parts."""
        return self.several or (self.id,)


PRINTED = (
    Row("a000_lenet_rgb", "000"),
    Row("a001_cnn_onepool", "001"),
    Row("a001_rnn", "001"),
    Row("a002_cnn_rgb24", "002"),
    Row("a002_lstm", "002"),
    Row("a002_attention", "002"),
    Row("a002_transformer_lstm", "002"),
    Row("a003_keras_cnn", "003"),
    Row("a004_cnn", "004"),
    Row("a004_rnn", "004"),
    Row("a004_nlp_lstm", "004"),
    Row("a004_gan", "004"),
)
"""Listings, repaired as little as will do."""
REPAIRED = (
    Row("a000_lenet_gray", "000"),
    Row("a000_lenet_gray28", "000"),
    Row("a001_cnn_twopool", "001"),
    Row("a002_cnn_rgb32", "002"),
    Row("p002_attention_bahdanau", "002"),
)
"""Other repairs of a listing."""
DESCRIBED = (
    Row("p000_conv_op", "000"),
    Row("p000_rnn", "000"),
    Row("p001_rnn_relu", "001"),
    Row("p000_attention_article", "000"),
    Row("p000_mha", "000"),
    Row("p002_transformer_encoder", "002"),
    Row("p004_transformer_mt", "004"),
    Row("p004_gru", "004"),
    Row("p004_lstm", "004"),
    Row("p004_rnn_seq2seq", "004"),
    Row("p004_clip", "004"),
    Row("p000_rl_policy", "000"),
    Row("p000_crnn_speech", "000"),
    Row("p000_rnn_speech", "000"),
    Row("p001_cnn_speech", "001"),
    Row("p003_conv_stage", "003"),
    Row("p003_mlp", "003"),
    Row("p003_recsys", "003", ("p003_recsys", "p003_ncf")),
    Row("p003_game", "003"),
    Row("p003_bio", "003"),
    Row("p004_gan_dcgan28", "004"),
    Row("p004_video", "004", ("p004_video_frames", "p004_video_lrcn", "p004_video_c3d")),
    Row("p004_imgproc", "004"),
)
"""Described in prose or as a formula."""

ARTICLE_OF = {part: row.article for row in (*PRINTED, *REPAIRED, *DESCRIBED) for part in row.parts}
"""Name of a part -> its article."""


def listed(names: Iterable[str]) -> str:
    """Names in one line, so that a failing comparison with '' shows all of them."""
    return ", ".join(sorted(names))


def test_every_row_is_a_model() -> None:
    """Each model of the table is a part of the catalogue; those missing are listed together."""
    assert "" == listed(ARTICLE_OF.keys() - Catalog().parts("models").keys())


def test_every_model_of_an_article_is_a_row() -> None:
    """No part claims an article without standing in the table."""
    claiming = {name for name, part in Catalog().parts("models").items() if part.fields.get("article")}

    assert "" == listed(claiming - ARTICLE_OF.keys())


def test_every_row_names_its_article() -> None:
    """Each part's article is the table's, and it says which section."""
    found = Catalog().parts("models")
    fields = {name: found[name].fields for name in ARTICLE_OF if name in found}

    assert {name: ARTICLE_OF[name] for name in fields} == {name: known.get("article") for name, known in fields.items()}
    assert "" == listed(name for name, known in fields.items() if not known.get("section"))


@pytest.mark.parametrize("kind", ["printed", "repaired", "described"])
def test_every_row_has_a_case(kind: str) -> None:
    """The articles' suite runs each model of the table; those without a case are listed together."""
    rows = {"printed": PRINTED, "repaired": REPAIRED, "described": DESCRIBED}[kind]
    run = {case.model.name for case in load_suite(ARTICLES, Catalog()).cases}

    assert "" == listed({part for row in rows for part in row.parts} - run)
