"""List what there is: models, data sets, tasks, experiments, metrics or suites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli._base import Catalogues, Command
from harness.errors import ExitCode, SuiteError, UsageError, nearest

if TYPE_CHECKING:
    from harness.catalog import Catalog, Part
    from harness.project import Project

Row = tuple[object, ...]
NONE = "-"
TASK = "classification"
"""The task of a model that names none."""


@dataclass(frozen=True)
class Listing:
    """How the parts of one kind are listed."""

    columns: tuple[str, ...]
    row: Callable[[Part], Row]
    right: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Columns that may break, beside the last."""


def list_parts(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="models, data, tasks, experiments, metrics or suites.")],
    catalogue: Catalogues = None,
) -> ExitCode:
    """List models, data, tasks, experiments, metrics or suites; nothing is imported. On a pipe: tab-separated.

    Example: harness list models
    """
    from harness.cli._table import print_table
    from harness.project import find_project

    project = find_project(catalogues=catalogue or ())
    if kind == "suites":
        print_table(("name", "version", "cases", "why"), _suites(project), right=("version", "cases"))
    elif kind in LISTINGS:
        listing = LISTINGS[kind]
        rows = [listing.row(part) for part in project.catalog().parts(kind).values()]
        print_table(listing.columns, rows, listing.right, words=listing.words)
    else:
        kinds = (*LISTINGS, "suites")
        raise UsageError(f"found {kind!r}{nearest(kind, kinds)}; allowed: {', '.join(kinds)}")
    return ExitCode.PASS


def _suites(project: Project) -> list[Row]:
    catalog = project.catalog()
    return [_suite_row(name, project, catalog) for name in project.suite_files()]


def _suite_row(name: str, project: Project, catalog: Catalog) -> Row:
    from harness.suite import load_suite

    try:
        suite = load_suite(project.suite_file(name), catalog)
    except SuiteError as error:
        return (name, NONE, NONE, f"cannot be used: `harness check {name}` lists its problems ({len(error.problems)})")
    return (name, suite.version, len(suite.cases), suite.why)


def _model_row(part: Part) -> Row:
    known = part.fields
    article = " §".join(filter(None, (known.get("article"), known.get("section")))) or NONE
    counted = (known.get("parameters", NONE), len(known.get("repairs", ())))
    return (part.name, article, known.get("task", TASK), _taken(known), *counted, _marked(part, part.summary))


def _taken(known: dict[str, Any]) -> str:
    """Return the shape of input that a model takes, or one that it takes among others."""
    shape, example = known.get("input_shape"), known.get("example")
    return f"like {_shape(example[0])}" if example and not shape else _shape(shape)


def _data_row(part: Part) -> Row:
    known = part.fields
    sizes = known.get("sizes") or (NONE, NONE)
    made = "synthetic" if known.get("synthetic") else "real"
    download = "yes" if known.get("download") else "no"
    form = (_shape(known.get("shape")), known.get("classes") or NONE)
    return (part.name, *form, *sizes, made, download, known.get("licence") or NONE, _marked(part, part.summary))


def _task_row(part: Part) -> Row:
    known = part.fields
    primary, scores = known.get("primary", NONE), known.get("scores", {})
    return (part.name, primary, scores.get(primary, NONE), ", ".join(scores) or NONE, _marked(part, part.summary))


def _experiment_row(part: Part) -> Row:
    known = part.fields
    outcomes = known.get("outcomes")  # their names are long: `harness show experiment` has them, with their units
    counted = len(outcomes) if isinstance(outcomes, dict) else NONE
    return (part.name, known.get("metric_class", "quality"), counted, _marked(part, part.summary))


def _metric_row(part: Part) -> Row:
    known = part.fields
    cells = [known.get(key, NONE) for key in ("unit", "direction", "metric_class", "phase", "source", "null_when")]
    return (part.name, *cells, _marked(part, known.get("title", NONE)))


def _shape(shape: Any) -> str:
    """Return (1, 28, 28) as 1x28x28; 'any' for none, which takes or depends on what it is given."""
    return "x".join(map(str, shape)) or "1" if isinstance(shape, Sequence) else "any"


def _marked(part: Part, words: str) -> str:
    """Return a part's summary, which for a user's part says from which catalogue it is."""
    return words if part.built_in else f"{words} (yours, in {part.root.name})"


LISTINGS: dict[str, Listing] = {
    "models": Listing(
        ("name", "article", "task", "input", "parameters", "repairs", "summary"),
        _model_row,
        ("parameters", "repairs"),
    ),
    "data": Listing(
        ("name", "shape", "classes", "train", "test", "samples", "download", "licence", "summary"),
        _data_row,
        ("classes", "train", "test"),
    ),
    "tasks": Listing(("name", "primary", "direction", "scores", "summary"), _task_row),
    "experiments": Listing(("name", "class", "outcomes", "summary"), _experiment_row, ("outcomes",)),
    "metrics": Listing(
        ("name", "unit", "direction", "class", "phase", "source", "null when", "title"),
        _metric_row,
        words=("source", "null when"),
    ),
}

COMMAND = Command(run=list_parts, order=50)
