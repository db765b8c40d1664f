"""What every data set of the catalogue promises."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.catalog import BUILT_IN, Part
from harness.data import Dataset, LoadContext, Split, Splits
from harness.digests import tensors_digest

PARTS = {path.stem: Part("data", path.stem, path, BUILT_IN) for path in sorted((BUILT_IN / "data").glob("[!_]*.py"))}
AT_HAND = {name: part for name, part in PARTS.items() if not part.fields.get("download") and "path" not in part.options}
"""Data sets that load anywhere: neither fetched nor the user's own."""


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest) -> Part:
    """Each data set in turn."""
    return PARTS[str(request.param)]


@pytest.fixture(params=AT_HAND)
def at_hand(request: pytest.FixtureRequest) -> Part:
    """Each data set that loads anywhere."""
    return AT_HAND[str(request.param)]


def loaded(part: Part) -> Splits:
    """Load with default options, from folders that do not exist: nothing may be fetched."""
    splits: Splits = part.load().load(LoadContext(Path("/nonexistent/data"), None, Path("/nonexistent")))
    return splits


def splits_of(splits: Splits) -> dict[str, Split]:
    """Every split there is, by name."""
    found = {"train": splits.train, "test": splits.test, "validation": splits.validation}
    return {name: split for name, split in found.items() if split is not None}


def digest(splits: Splits) -> str:
    """One digest of every tensor."""
    return tensors_digest(tensor for split in splits_of(splits).values() for tensor in (split.inputs, split.labels))


def test_fields_are_readable_without_importing(part: Part) -> None:
    """Every field but the functions is a literal, so that listings show what importing would."""
    dataset: Dataset = part.load()

    for name in ("shape", "classes", "sizes", "source", "licence", "synthetic", "download", "validation", "preload"):
        default = inspect.signature(Dataset).parameters[name].default
        assert getattr(dataset, name) == part.fields.get(name, default), name


def test_it_says_where_it_comes_from(part: Part) -> None:
    """A data set has a summary of one line and a source; collected ones that ship or download have a licence."""
    dataset: Dataset = part.load()

    assert part.summary.endswith(".")
    assert dataset.source
    assert dataset.licence or dataset.identity is not None or dataset.synthetic


def test_options_are_keyword_only_with_defaults(part: Part) -> None:
    """A suite may leave out every option: `load` takes the context and keywords only."""
    context, *options = inspect.signature(part.load().load).parameters.values()

    assert context.name == "context"
    assert all(option.kind is option.KEYWORD_ONLY and option.default is not option.empty for option in options)
    assert list(part.options) == [option.name for option in options]


def test_identity_takes_every_option_of_load(part: Part) -> None:
    """A data set whose files are the user's tells them apart by the same options."""
    dataset: Dataset = part.load()
    if dataset.identity is None:
        assert dataset.licence or dataset.synthetic
    else:
        inspect.signature(dataset.identity).bind(Path(), **part.options)


def test_most_data_sets_load_anywhere() -> None:
    """The checks below are of more than a handful: every form of sample is among them."""
    assert {"digits", "digit_rows", "recall", "adding", "markov", "motifs", "moving_digits", "ratings"} <= set(AT_HAND)


def test_defaults_give_the_declared_shape_sizes_and_classes(at_hand: Part) -> None:
    """What a listing shows is what loading gives; the shape of an environment's data set is that of its observations."""
    dataset: Dataset = at_hand.load()
    splits = loaded(at_hand)

    assert dataset.sizes in (None, (len(splits.train), len(splits.test)))
    assert dataset.classes == (len(splits.classes) or None)
    assert dataset.validation == (splits.validation is not None)
    if splits.environment is None:
        for split in splits_of(splits).values():
            assert dataset.shape in (None, tuple(split.inputs.shape[1:]))


def test_splits_are_well_formed(at_hand: Part) -> None:
    """As many labels as inputs, and columns of that length; float32 or int64, in memory of their own."""
    for split in splits_of(loaded(at_hand)).values():
        assert 0 < len(split) == len(split.inputs) == len(split.labels)
        assert all(len(column) == len(split) for column in split.columns.values())
        assert split.inputs.dtype in (torch.float32, torch.int64)
        assert split.labels.dtype in (torch.float32, torch.int64)
        assert split.inputs.is_contiguous()
        assert split.labels.is_contiguous()


def test_numbers_are_finite_and_on_a_common_scale(at_hand: Part) -> None:
    """No model has to cope with inputs that are not numbers, or in the thousands."""
    for split in splits_of(loaded(at_hand)).values():
        if split.inputs.dtype == torch.float32:
            assert split.inputs.isfinite().all()
            assert split.inputs.abs().max() <= 10


def test_labels_are_classes_where_there_are_classes(at_hand: Part) -> None:
    """An index into the names, which are distinct; where every class has training samples, the default size shows them all."""
    splits = loaded(at_hand)

    assert len(set(splits.classes)) == len(splits.classes)
    if splits.classes and splits.environment is None:
        for split in splits_of(splits).values():
            assert split.labels.dtype == torch.int64
            assert torch.arange(len(splits.classes)).tolist() == split.labels.unique().tolist()


def test_ids_are_within_their_vocabulary(at_hand: Part) -> None:
    """Each id stands for a word; words are distinct."""
    splits = loaded(at_hand)
    for vocabulary in splits.vocabularies:
        assert len(set(vocabulary.words)) == len(vocabulary)
    if splits.vocabularies:
        for split in splits_of(splits).values():
            assert 0 <= split.inputs.min() <= split.inputs.max() < len(splits.vocabularies[0])


def test_two_loads_give_the_same_bytes_whatever_the_global_seed(at_hand: Part) -> None:
    """Loading draws on no global random state, and leaves NumPy's and torch's alone."""
    np.random.seed(1)
    torch.manual_seed(1)
    first = digest(loaded(at_hand))
    drawn = np.random.random(), torch.rand(()).item()
    np.random.seed(1)
    torch.manual_seed(1)

    assert (np.random.random(), torch.rand(()).item()) == drawn
    assert first == digest(loaded(at_hand))
