"""What every built-in metric promises."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from harness.catalog import Catalog, Part
from harness.metrics import Metric, Scope
from harness.observations import NULL_REASONS, Direction, MetricClass, Observations, Phase, Value
from harness.units import FORMATTERS

PARTS = Catalog().parts("metrics")
LINE = 110
GPU_ONLY = ("gpu_", "cuda_", "train_energy", "energy_")

every_metric = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())


def measured(part: Part, observations: Observations) -> Value:
    """What one metric draws."""
    metric: Metric = part.load()
    return metric.measure(observations)


@every_metric
def test_nothing_observed_is_null_with_a_reason(part: Part) -> None:
    """Empty observations give a null that says why, never 0 and never an exception."""
    value = measured(part, Observations())

    assert (value.value, value.text, value.n) == (None, None, 0)
    assert value.null_reason in NULL_REASONS


@every_metric
def test_everything_observed_is_a_value(part: Part, observed: Observations) -> None:
    """A complete run gives a finite number or a text, and how many readings it was drawn from."""
    value = measured(part, observed)

    assert value.null_reason is None
    assert value.n >= 1
    assert (value.value is None) != (value.text is None)
    assert value.value is None or np.isfinite(value.value)
    assert value.quality_flag is None


@every_metric
def test_is_pure(part: Part, observed: Observations) -> None:
    """Drawing twice gives the same value and leaves the observations alone."""
    before = copy.deepcopy(observed)
    values = [measured(part, observed) for _ in range(2)]

    assert values[0] == values[1]
    np.testing.assert_equal(asdict(observed), asdict(before))


@every_metric
def test_reads_the_same_from_disk(part: Part, observed: Observations, tmp_path: Path) -> None:
    """Observations that were saved and loaded give the same value, to the bit."""
    observed.save(tmp_path)

    assert measured(part, observed) == measured(part, Observations.load(tmp_path))


@every_metric
def test_declares_its_meaning_as_literals(part: Part) -> None:
    """Unit, direction, class, phase, title and scope are readable without importing, and are allowed values."""
    metric: Metric = part.load()
    fields = part.fields

    assert {"title", "unit", "direction", "metric_class", "phase"} <= fields.keys()
    assert {name: getattr(metric, name) for name in fields} == fields
    assert fields["unit"] in FORMATTERS
    assert fields["direction"] in get_args(Direction)
    assert fields["metric_class"] in get_args(MetricClass)
    assert fields["phase"] in get_args(Phase)
    assert part.summary.endswith(".")


@every_metric
def test_says_where_it_comes_from_and_when_it_is_null(part: Part) -> None:
    """Source and nulls are readable without importing, in a line each; what only a GPU has is null without one."""
    source, null_when = part.fields["source"], part.fields["null_when"]

    assert (True, True) == tuple(0 < len(words) <= LINE for words in (source, null_when))
    assert not any(words.endswith(".") or "\n" in words for words in (source, null_when))
    assert null_when.startswith("no GPU") == part.name.startswith(GPU_ONLY)


@every_metric
def test_scope_belongs_to_exact_metrics(part: Part) -> None:
    """An exact metric says where it must be equal, and more of it is never better; no other metric has a scope."""
    fields = part.fields
    exact = fields["metric_class"] == "exact"

    assert exact == ("scope" in fields)
    assert not exact or fields["scope"] in get_args(Scope)
    assert not exact or fields["direction"] in ("none", "lower")


def test_titles_are_distinct() -> None:
    """No two metrics read alike in a report."""
    titles = [part.fields["title"] for part in PARTS.values()]

    assert sorted(set(titles)) == sorted(titles)


def test_importing_all_metrics_is_light() -> None:
    """Importing every metric loads neither torch nor scikit-learn nor SciPy's statistics."""
    program = (
        "import json, sys\n"
        "from harness.catalog import Catalog\n"
        "for part in Catalog().parts('metrics').values(): part.load()\n"
        "print(json.dumps([name for name in ('torch', 'sklearn', 'scipy.stats') if name in sys.modules]))\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(finished.stdout) == []
