"""What a case that runs an experiment may say, and what it may not: it trains no model of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from harness.errors import nearest
from harness.observations import Direction, MetricClass
from harness.suite._node import KeyPath, Node
from harness.suite._schema import Case, Execution
from harness.suite._words import show_value
from harness.units import PLAIN, is_known

if TYPE_CHECKING:
    from harness.suite._rules import Parts

OF_EXPERIMENTS = (
    "name",
    "why",
    "experiment",
    "execution",
    "seeds",
    "repeats",
    "retries",
    "tags",
    "timeout_seconds",
    "memory_limit_bytes",
)
"""Keys of a case that mean something for an experiment."""
INJECTED = {"task": {"name": "", "options": {}}, "passes": [], "gates": {}}
"""What stands in a complete case that says nothing of these; written out, it is let pass."""
OF_ITS_OWN = ("precision", "mode", "channels_last")
"""Settings of the execution that an experiment decides itself."""
SNAKE_CASE = "[a-z][a-z0-9_]*"
_WAYS = ", ".join(get_args(Direction))


def flaws_of(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the literals that an experiment declares."""
    outcomes, metric_class = fields.get("outcomes"), fields.get("metric_class", "quality")
    if isinstance(outcomes, dict) and outcomes:
        yield from _flaws_of_outcomes(outcomes)
    else:
        yield 'outcomes is no literal table of names and units; write outcomes={"name": "1", ...}'
    if metric_class not in get_args(MetricClass):
        yield f"metric_class: found {metric_class!r}; allowed: {', '.join(get_args(MetricClass))}"
    directions = fields.get("directions", {})
    if isinstance(directions, dict):
        yield from _flaws_of_directions(directions, outcomes)
    else:
        yield f"directions: found {directions!r}; allowed: a literal table of outcomes and {_WAYS}"


def _flaws_of_directions(directions: Mapping[Any, Any], outcomes: object) -> Iterator[str]:
    for name, way in directions.items():
        if isinstance(outcomes, dict) and name not in outcomes:
            yield f"directions: found {name!r}, which is no outcome{nearest(str(name), map(str, outcomes))}"
        if way not in get_args(Direction):
            yield f"directions: found {name!r}: {way!r}; allowed: {_WAYS}"


def _flaws_of_outcomes(outcomes: Mapping[Any, Any]) -> Iterator[str]:
    for name, unit in outcomes.items():
        if not re.fullmatch(SNAKE_CASE, str(name)):
            yield f"outcomes: found {name!r}; allowed: a name in snake_case"
        if not isinstance(unit, str) or not is_known(unit):
            allowed = f"{', '.join(PLAIN)}, a count such as {{model}}, or one of them per count, such as s/{{model}}"
            yield f"outcomes: found {name!r} in {unit!r}; allowed: {allowed}"


def only_its_own(case: Case, node: Node, parts: Parts) -> Iterator[tuple[KeyPath, str]]:
    """Yield what stands beside the experiment and is of trainings alone."""
    for key, child in node.table.items():
        if key == "gates":
            for metric in child.table:
                yield (
                    (key, metric),
                    "found in a case that runs an experiment; its outcomes are judged by [[claim]]s: leave it out",
                )
        elif key not in OF_EXPERIMENTS and child.plain() != INJECTED.get(key):
            yield (key,), f"found beside experiment, which takes its place; allowed: {', '.join(OF_EXPERIMENTS)}"


def its_execution(case: Case, node: Node, parts: Parts) -> Iterator[tuple[KeyPath, str]]:
    """Yield the settings that would not reach an experiment."""
    plain = Execution()
    for key in OF_ITS_OWN:
        found, allowed = getattr(case.execution, key), getattr(plain, key)
        if found != allowed and node.sound("execution", key):
            path = ("execution", key)
            yield (
                path,
                f"found {show_value(found)} with an experiment, which decides that itself; allowed: {show_value(allowed)}",
            )
