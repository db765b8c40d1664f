"""What every data set of the catalogue promises."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from harness.catalog import BUILT_IN, Part
from harness.data import Dataset

PARTS = {path.stem: Part("data", path.stem, path, BUILT_IN) for path in sorted((BUILT_IN / "data").glob("[!_]*.py"))}


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest) -> Part:
    """Each data set in turn."""
    return PARTS[str(request.param)]


def test_fields_are_readable_without_importing(part: Part) -> None:
    """Every field but the functions is a literal, so that listings show what importing would."""
    dataset: Dataset = part.load()

    for name in ("shape", "classes", "sizes", "source", "licence", "synthetic", "download"):
        default = inspect.signature(Dataset).parameters[name].default
        assert getattr(dataset, name) == part.fields.get(name, default), name


def test_it_says_where_it_comes_from(part: Part) -> None:
    """A data set has a summary and a source; collected ones that ship or download have a licence."""
    dataset: Dataset = part.load()

    assert part.summary
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
