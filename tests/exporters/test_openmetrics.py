"""OpenMetrics: Prometheus' own parser takes the text, and finds the numbers as they were measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.exporters.openmetrics import unit_word
from harness.units import FORMATTERS


def test_prometheus_own_parser_reads_every_run(export: Callable[..., Path]) -> None:
    """A gauge for each metric, named with its unit; a sample for each run; the commit and the verdicts beside them."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")

    families = {family.name: family for family in parser.text_string_to_metric_families(export("openmetrics").read_text())}

    throughput = families["harness_train_throughput_samples_per_second"]
    assert (throughput.type, throughput.unit) == ("gauge", "samples_per_second")
    found = {(sample.labels["case"], sample.labels["seed"]): sample.value for sample in families["harness_accuracy"].samples}
    assert found == {("keras", "1"): 0.990, ("keras", "2"): 0.992, ("keras", "3"): 0.991, ("digits[lr=0.1]", "1"): 0.95}
    assert families["harness_run_set"].samples[0].labels["commit"].startswith("0123456789abcdef")
    assert {sample.labels["verdict"]: sample.value for sample in families["harness_verdicts"].samples} == {
        "same": 1,
        "worse": 1,
    }


@pytest.mark.parametrize("unit", sorted(FORMATTERS))
def test_every_unit_has_a_word(unit: str) -> None:
    """A name takes letters, digits and _ only, whatever the unit's code; no unit of the harness ends in none but '1'."""
    word = unit_word(unit)

    assert (word == "") == (unit == "1")
    assert not set(word) - set("abcdefghijklmnopqrstuvwxyz_")


@pytest.mark.parametrize(
    ("unit", "word"),
    [("s", "seconds"), ("{sample}/s", "samples_per_second"), ("By/{step}", "bytes_per_step"), ("%", "percent")],
)
def test_words_are_those_of_the_specification(unit: str, word: str) -> None:
    """Seconds and bytes are written out, and what is for each of something is `_per_`."""
    assert unit_word(unit) == word
