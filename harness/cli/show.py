"""Show everything about a stored run set or run, or one model, data set, task, experiment, metric or suite."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.catalog import FACTORIES
from harness.cli._base import Catalogues, Command, SuiteArgument
from harness.errors import ExitCode, UsageError, among, nearest

if TYPE_CHECKING:
    from harness.catalog import Catalog, Part
    from harness.project import Project
    from harness.results import RunSet

Name = Annotated[str, typer.Argument(metavar="NAME", help="The part's name; `harness list KIND` shows all.")]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run set (a path, <suite>/<run set>, or a suite for its last), or a run's id or the head of it."
    ),
]
OneCase = Annotated[str | None, typer.Argument(metavar="[CASE]", help="One run of this case of the run set.")]
OneSeed = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="The case's run of this seed; by default one that went well.")
]
On = Annotated[str | None, typer.Option("--data", metavar="NAME", help="Build the model for this data set.")]

# A model that takes any shape is shown for MNIST's.
ANY_SHAPE = (1, 28, 28)
CLASSES = 10


def show_model(name: Name, data: On = None, catalogue: Catalogues = None) -> ExitCode:
    """Show a model: its source, options, layers and counted parameters.

    Example: harness show model a003_keras_cnn
    """
    catalog = _catalog(catalogue)
    part = catalog.part("models", name)
    _print_part(part)
    for line in _layers(part.load(), catalog, data):
        print(line)
    return ExitCode.PASS


def show_data(name: Name, catalogue: Catalogues = None) -> ExitCode:
    """Show a data set: its source, shape, sizes, licence and options.

    Example: harness show data mnist
    """
    _print_part(_catalog(catalogue).part("data", name))
    return ExitCode.PASS


def show_task(name: Name, catalogue: Catalogues = None) -> ExitCode:
    """Show a task: its scores and what it optimises.

    Example: harness show task classification
    """
    _print_part(_catalog(catalogue).part("tasks", name))
    return ExitCode.PASS


def show_experiment(name: Name, catalogue: Catalogues = None) -> ExitCode:
    """Show an experiment: what it measures, its outcomes with their units, and its options.

    Example: harness show experiment gradients_over_time
    """
    _print_part(_catalog(catalogue).part("experiments", name))
    return ExitCode.PASS


def show_metric(name: Name, catalogue: Catalogues = None) -> ExitCode:
    """Show a metric: its unit, direction, class and phase, what it is read from, and when it is null.

    Example: harness show metric accuracy
    """
    _print_part(_catalog(catalogue).part("metrics", name))
    return ExitCode.PASS


def show_suite(suite: SuiteArgument, catalogue: Catalogues = None) -> ExitCode:
    """Show a suite as JSON with every value resolved: includes, defaults and matrices.

    Example: harness show suite smoke
    """
    from harness.project import find_project
    from harness.suite import load_suite

    project = find_project(catalogues=catalogue or ())
    print(load_suite(project.suite_file(suite), project.catalog()).model_dump_json(indent=2, by_alias=True))
    return ExitCode.PASS


def show_run(run: Run, case: OneCase = None, seed: OneSeed = None, catalogue: Catalogues = None) -> ExitCode:
    """Show a stored run set, or one run: what it is, its numbers, how its losses went, what is null and why, where it failed.

    The word `run` may be left out: what is no kind of part is looked for among the results.

    Examples: harness show smoke · harness show smoke/20260102T030405Z lenet --seed 2 · harness show lenet-s2-20260102
    """
    from harness.cli._stored import print_run, print_run_set
    from harness.project import find_project
    from harness.report import ReportData
    from harness.runner.find import find_run

    if seed is not None and case is None:
        raise UsageError(f"--seed {seed}: which case's? Name it: harness show {run} CASE --seed {seed}")
    project = find_project(catalogues=catalogue or ())
    run_set = _run_set(project, run, needed=case is not None)
    if run_set is None:
        found = find_run(project, run, command="show")
        run_set, run_id = found.run_set, found.run_id
    else:
        run_id = "" if case is None else _run_of(run_set, case, seed)
    data = ReportData.read(run_set, project.catalog())
    if run_id:
        print_run(data, run_id)
    else:
        print_run_set(data)
    return ExitCode.PASS


def _run_set(project: Project, name: str, needed: bool) -> RunSet | None:
    """Return the run set of that name; None where there is none and none is needed."""
    from harness.results import find_run_set

    try:
        return find_run_set(project.results, Path(name).stem if name.endswith(".toml") else name)
    except UsageError as error:
        if needed:
            kind = nearest(name, tuple(COMMAND.group or ()))
            raise UsageError(f"{error}{f'; or is it a kind of part{kind}' if kind else ''}") from error
        return None


def _run_of(run_set: RunSet, case: str, seed: int | None) -> str:
    """Return the run of a case that there is most to see of: of that seed, ok rather than failed, its training first.

    Raises:
        UsageError: there is none.
    """
    from harness.observations import MAIN_PASSES

    held = run_set.table("runs", ["run_id", "case", "seed", "repeat", "pass", "status", "arm"]).to_dict("records")
    cases = sorted({str(row["case"]) for row in held})
    if case not in cases:
        shown = among(case, cases, f"harness show {run_set.name}", word="held")
        raise UsageError(f"{run_set.name}: no case {case!r}{shown}")
    found = [row for row in held if row["case"] == case and seed in (None, row["seed"])]
    if not found:
        seeds = ", ".join(map(str, sorted({row["seed"] for row in held if row["case"] == case})))
        raise UsageError(f"{run_set.name}, case {case!r}: no run of seed {seed}; held: {seeds}")

    def order(row: Mapping[Hashable, Any]) -> tuple[bool, bool, bool, int, int]:
        main = row["pass"] in MAIN_PASSES
        return not main, row["status"] != "ok", row["arm"] == "base", int(row["seed"]), int(row["repeat"])

    return str(min(found, key=order)["run_id"])


def _catalog(catalogue: list[Path] | None) -> Catalog:
    from harness.project import find_project

    return find_project(catalogues=catalogue or ()).catalog()


def _print_part(part: Part) -> None:
    made = part.load()
    print(f"{part.name} ({part.path})\n\n{inspect.getdoc(part.module())}\n")
    for field in fields(made):
        value = getattr(made, field.name)
        if "Callable" not in str(field.type):
            _print_field(field.name, value)
    if part.kind in FACTORIES:
        _print_field("options", tuple(_options(getattr(made, FACTORIES[part.kind]))))


def _print_field(name: str, value: Any) -> None:
    """Print a field on one line, or texts on a line each."""
    if isinstance(value, dict):
        value = tuple(f"{key}: {entry}" for key, entry in value.items())
    if isinstance(value, tuple) and value and all(isinstance(entry, str) for entry in value):
        print(f"{name}:", *value, sep="\n  ")
    else:
        print(f"{name}: {value if value not in (None, '', ()) else 'none'}")


def _options(factory: Callable[..., Any]) -> Iterator[str]:
    for parameter in inspect.signature(factory).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            form, default = parameter.annotation, parameter.default
            told = "" if form is inspect.Parameter.empty else f": {form if isinstance(form, str) else form.__name__}"
            yield f"{parameter.name}{told}{'' if default is inspect.Parameter.empty else f' = {default!r}'}"


def _layers(model: Any, catalog: Catalog, data: str | None) -> Iterator[str]:
    from harness.models import DataSpec

    shape, classes, vocabularies = model.example or (model.input_shape or ANY_SHAPE, CLASSES, ())
    if data:
        held = catalog.load("data", data)
        shape, classes = model.input_shape or held.shape or shape, held.classes or classes
    spec = DataSpec(shape, classes, vocabularies)
    built = model.build(spec)
    count = sum(parameter.numel() for parameter in built.parameters() if parameter.requires_grad)
    ids = f", ids of {' and '.join(map(str, spec.vocabularies))} entries" if spec.vocabularies else ""
    yield f"layers, for inputs of {'x'.join(map(str, spec.shape)) or '1'}{ids} and {spec.classes} classes:\n{built}"
    yield f"trainable parameters, counted: {count}"


COMMAND = Command(
    group={
        "model": show_model,
        "data": show_data,
        "task": show_task,
        "experiment": show_experiment,
        "metric": show_metric,
        "suite": show_suite,
        "run": show_run,
    },
    default="run",
    order=60,
)
