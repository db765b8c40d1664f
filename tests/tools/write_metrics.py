"""Writes README's tables of what is measured, from the metrics' own words: `python tests/tools/write_metrics.py`.

A test holds README equal to what this writes, so that a metric's file is the one place where it is described.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from _readme import CATALOG, README, filled, row

from harness.catalog import Part
from harness.observations import NULL_REASONS, QUALITY_FLAGS, Phase

UNITS = {
    "s": "seconds",
    "By": "bytes",
    "1": "number",
    "{sample}/s": "samples a second",
    "{flop}/{sample}": "FLOPs a sample",
    "{flop}/s": "FLOPs a second",
    "{sample}/{kernel}": "samples in the kernels' time",
    "{operation}/{step}": "operations a step",
    "{call}/{step}": "calls a step",
    "{instruction}/{step}": "instructions a step",
    "By/{step}": "bytes a step",
    "{parameter}": "parameters",
    "{step}": "steps",
    "{sample}": "samples",
    "J": "joules",
    "J/{sample}": "joules a sample",
    "W": "watts",
    "Hz": "hertz",
    "Cel": "°C",
    "{cpu}": "CPUs",
    "{switch}/{step}": "switches a step",
    "%": "percent",
    "1/{flop}": "per FLOP",
    "1/By": "per byte",
}
"""UCUM code -> what people call it."""
TITLES = ("number", "definition", "unit", "class", "source", "null when")
ALIGNED = ("---",) * len(TITLES)


def measured_in(part: Part) -> str:
    """Return the pass that measures a metric; 'score' for what a task's scores give, 'analysis' for what a case asks for."""
    if part.fields.get("analysis"):
        return "analysis"
    return "score" if part.fields.get("score") else str(part.fields.get("measured_in", "train"))


GROUPS = {
    "train": "**Training**, the pass *train*, each seed: from the first step to the last, then the trained model's inference, "
    "its file and its FLOPs. *While training* is within the epochs: warm-up included, evaluations not.",
    "memory": "**Memory**, a pass of its own, the first seed: a few steps in a process that gives back at once what is freed.",
    "counters": "**Counters**, a pass of its own, the first seed: a few steps, counted.",
    "calibrated": "**Calibrated**, a pass of its own, each seed of the cases that ask for it: chunks of steps between kernels "
    "of known work.",
    "score": "**Scores of tasks**, in the pass *train*: of the weights that the recipe selects, on the test split.",
    "analysis": "**Analyses**, in the pass *train* of the cases that ask for them "
    '(`analyses = ["generalisation", "interpretability"]` of images, `["attention"]` of any model that attends): of the same '
    "weights, when everything that is timed is over.",
}
"""Group of metrics -> what stands above its table."""
BEFORE = "*In a script*: in a training under `harness.measure`. A pass that a case leaves out has no rows, rather than nulls."
FLAGS = "**Quality flags**: what to beware of in a value that was measured."
REASONS = "**Null reasons**; what follows after a colon are the driver's words, or the error's."


def unit(part: Part) -> str:
    """Return a metric's unit in words; an exact one without unit or better side is a text, such as a digest."""
    fields = part.fields
    text = (fields["metric_class"], fields["unit"], fields["direction"]) == ("exact", "1", "none")
    return "text" if text else UNITS[fields["unit"]]


def cells(name: str, part: Part) -> Iterator[str]:
    """Yield the cells of a metric's row."""
    fields = part.fields
    for text in (
        f"{fields['title']}<br>`{name}`",
        part.summary,
        unit(part),
        fields["metric_class"],
        fields["source"],
        fields["null_when"],
    ):
        yield text.replace("|", "\\|")


def of_phase(item: tuple[str, Part]) -> int:
    """Return where a metric's phase stands in a run."""
    return get_args(Phase).index(item[1].fields["phase"])


def table(group: str) -> str:
    """Return a group's line and its table, in the order of phases and then of names."""
    parts = {name: part for name, part in CATALOG.parts("metrics").items() if measured_in(part) == group}
    rows = [row(*cells(name, part)) for name, part in sorted(parts.items(), key=of_phase)]
    return f"{GROUPS[group]}\n\n" + "\n".join([row(*TITLES), row(*ALIGNED), *rows]) + "\n\n"


def meanings(words: Mapping[str, str]) -> str:
    """Return a list of keys and what they mean."""
    return "".join(f"- `{key}`: {meaning}\n" for key, meaning in words.items()) + "\n"


def readme() -> str:
    """Return README with its tables of metrics written anew."""
    count = len(CATALOG.parts("metrics"))
    head = f"<details>\n<summary>All {count} numbers: definition, unit, source, when null</summary>\n\n{BEFORE}\n\n"
    flags, reasons = f"{FLAGS}\n\n{meanings(QUALITY_FLAGS)}", f"{REASONS}\n\n{meanings(NULL_REASONS)}"
    return filled("metrics", "".join([head, *map(table, GROUPS), flags, reasons, "</details>\n"]))


if __name__ == "__main__":
    README.write_text(readme())
