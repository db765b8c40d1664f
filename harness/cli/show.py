"""Show everything about one model, data set, task, metric or suite."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.catalog import FACTORIES
from harness.cli._base import Catalogues, Command, SuiteArgument
from harness.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from harness.catalog import Catalog, Part

Name = Annotated[str, typer.Argument(metavar="NAME", help="The part's name; `harness list KIND` shows all.")]
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
            form = parameter.annotation if isinstance(parameter.annotation, str) else parameter.annotation.__name__
            default = "" if parameter.default is inspect.Parameter.empty else f" = {parameter.default!r}"
            yield f"{parameter.name}: {form}{default}"


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
    group={"model": show_model, "data": show_data, "task": show_task, "metric": show_metric, "suite": show_suite},
    order=60,
)
