"""Bencher Metric Format: case -> measure -> mean, with the ends of its 95 % interval as lower and upper value.

Metrics keep their units, so that a measure's unit on Bencher is the one that `harness list metrics` shows. Bencher's own
measures (latency in nanoseconds, throughput in operations a second) are not filled.

Source: https://bencher.dev/docs/reference/bencher-metric-format and its schema https://bencher.dev/bmf.json.
"""

from __future__ import annotations

import json

from harness.exporters._base import Exporter, Number, Source

LONGEST_NAME = 1024
LONGEST_MEASURE = 64
"""Characters that Bencher takes as a benchmark's name and as a measure's."""


def _text(source: Source) -> str:
    suite, content = source.run_set.manifest.suite.name, dict[str, dict[str, dict[str, float]]]()
    for number in source.numbers:
        measures = content.setdefault(f"{suite}/{number.case.name}"[:LONGEST_NAME], {})
        measures[number.series.metric.replace("_", "-")[:LONGEST_MEASURE]] = _metric(number)
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _metric(number: Number) -> dict[str, float]:
    ends = number.interval
    return {"value": number.mean} | ({"lower_value": ends[0], "upper_value": ends[1]} if ends else {})


EXPORTER = Exporter(reads="bencher run --adapter json --file FILE", text=_text)
