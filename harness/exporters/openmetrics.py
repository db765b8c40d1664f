"""OpenMetrics text: a gauge for each metric, a sample for each run, for Prometheus and whatever else scrapes it.

Names end with their unit, as the specification demands (`harness_step_time_median_seconds`); values are as measured, per cent
included. Samples carry no time: they are of the moment in `harness_run_set_created_timestamp_seconds`.

Source: https://github.com/prometheus/OpenMetrics, specification/OpenMetrics.md, version 1.0.0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from harness.exporters._base import Exporter, Source, Training

PREFIX = "harness"
WORDS = {
    "s": "seconds",
    "By": "bytes",
    "J": "joules",
    "W": "watts",
    "Hz": "hertz",
    "Cel": "celsius",
    "%": "percent",
    "{switch}": "switches",
    "{flop}": "flop",
}
"""Unit -> its word in a name."""
SINGULAR = {"s": "second"}
Sample = tuple[str, Mapping[str, str], float]
"""What follows the family's name, labels, value."""


def unit_word(unit: str) -> str:
    """Return a unit as the end of a name: 's' is 'seconds', '{sample}/s' is 'samples_per_second', '1' is ''."""
    top, _, bottom = unit.partition("/")
    word = "" if top == "1" else WORDS.get(top, _plain(top) + "s" if top.startswith("{") else _plain(top))
    return f"{word}_per_{SINGULAR.get(bottom, _plain(bottom))}" if bottom else word


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()


def _text(source: Source) -> str:
    trainings = list(source.trainings())
    suite = source.run_set.manifest.suite.name
    lines = [*_about(source, suite)]
    described = {number.series.metric: number.series for number in source.numbers}
    for metric, series in sorted(described.items()):
        unit = unit_word(series.unit)
        better = {"higher": "; higher is better", "lower": "; lower is better", "none": ""}[series.direction]
        samples = [("", _labels(suite, run), run.values[metric]) for run in trainings if metric in run.values]
        lines += _family(
            _named(metric, unit), "gauge", f"{metric} of each run, class {series.metric_class}{better}.", samples, unit
        )
    return "\n".join([*lines, "# EOF"]) + "\n"


def _named(metric: str, unit: str) -> str:
    return f"{PREFIX}_{metric}" if not unit or f"_{metric}".endswith(f"_{unit}") else f"{PREFIX}_{metric}_{unit}"


def _labels(suite: str, run: Training) -> dict[str, str]:
    return {"suite": suite, "case": run.case.name, "seed": str(run.seed), "repeat": str(run.repeat)}


def _about(source: Source, suite: str) -> Iterator[str]:
    manifest, last = source.run_set.manifest, source.last
    facts = {
        "suite": suite,
        "run_set": source.run_set.path.name,
        "commit": last["commit"],
        "machine_class": last["machine_class"],
    }
    labels = {key: str(value or "") for key, value in facts.items()}
    yield from _family(f"{PREFIX}_run_set", "info", "What the numbers are of.", [("_info", labels, 1.0)])
    moment = datetime.fromisoformat(manifest.created_utc).timestamp()
    name = f"{PREFIX}_run_set_created_timestamp_seconds"
    yield from _family(name, "gauge", "When the run set was begun.", [("", {"suite": suite}, moment)], "seconds")
    counts = Counter((str(row["verdict"]), str(row["level"])) for row in source.run_set.table("verdicts").to_dict("records"))
    verdicts = [
        ("", {"suite": suite, "verdict": name, "level": level}, float(count)) for (name, level), count in sorted(counts.items())
    ]
    if verdicts:
        yield from _family(f"{PREFIX}_verdicts", "gauge", "How many of each verdict the gate gave.", verdicts)


def _family(name: str, kind: str, text: str, samples: Iterable[Sample], unit: str = "") -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {_escaped(text)}"
    for end, labels, value in samples:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{end}{{{shown}}} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


EXPORTER = Exporter(reads="Prometheus and other readers of OpenMetrics", text=_text)
