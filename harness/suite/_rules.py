"""What a case must hold beyond its form: names that exist, and settings that fit together.

A rule yields the path of the value it minds and what is wrong with it. It says nothing about values that are
reported already.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.catalog import FACTORIES, Catalog, Part
from harness.errors import CatalogError, Problem, among, nearest
from harness.observations import Analysis
from harness.suite._experiment import flaws_of, its_execution, only_its_own
from harness.suite._node import KeyPath, Node
from harness.suite._schema import Case, Gate, PartRef
from harness.suite._words import show_path, show_value

Broken = Iterator[tuple[KeyPath, str]]

FOLDERS = {"model": "models", "data": "data", "task": "tasks", "experiment": "experiments"}
"""Key of a case -> kind of the part that it names."""

TAKEN_BY = {
    "momentum": ("sgd", "rmsprop"),
    "nesterov": ("sgd",),
    "betas": ("adam", "adamw"),
    "eps": ("adam", "adamw", "rmsprop"),
}
"""Setting of an optimiser -> the optimisers that take it."""

STEP_ONLY = ("step_epochs", "gamma")

ANALYSED_TASK = "classification"
"""The task whose models can be analysed."""
OF_IMAGES: set[Analysis] = {"generalisation", "interpretability"}
"""Analyses that only classifiers of images have."""
IMAGE_AXES = 3
"""Channels, height and width."""


class Parts:
    """The catalogue's parts by kind, looked up once for a suite."""

    def __init__(self, catalog: Catalog) -> None:
        self.by_kind = {kind: catalog.parts(kind) for kind in (*FOLDERS.values(), "metrics")}

    def named(self, key: str, case: Case) -> Part | None:
        """Return the part that a case names under `key`, if there is one."""
        ref: PartRef | None = getattr(case, key)
        return self.by_kind[FOLDERS[key]].get(ref.name) if ref else None


def broken_rules(case: Case, node: Node, parts: Parts) -> Iterator[Problem]:
    """Yield every rule that a case breaks; `node` is its table, with the lines."""
    for rule in OF_EXPERIMENTS if "experiment" in node.table else OF_TRAININGS:
        try:
            for path, message in rule(case, node, parts):
                yield _problem(node, path, f"{_written(path)}: {message}")
        except CatalogError as error:
            yield _problem(node, (), f"a part of this case cannot be used: {error}")


def _problem(node: Node, path: KeyPath, message: str) -> Problem:
    place = node.follow(path)[1].place
    return Problem(place.file, place.line, message)


def _written(path: KeyPath) -> str:
    """Return a path as the file writes it: a part's name as the part, its options beside the name."""
    return show_path(path).removesuffix(".name").replace(".options.", ".")


def _part(name: str, kind: str, parts: Parts) -> str:
    return f"found {show_value(name)}{among(name, parts.by_kind[kind], f'harness list {kind}')}"


def _names(case: Case, node: Node, parts: Parts) -> Broken:
    for key in ("model", "data", "task"):
        if key == "task" or node.child(key):
            yield from _unknown(key, case, node, parts)


def _unknown(key: str, case: Case, node: Node, parts: Parts) -> Broken:
    ref: PartRef | None = getattr(case, key)
    if ref and node.sound(key, "name") and not parts.named(key, case):
        yield (key, "name"), _part(ref.name, FOLDERS[key], parts)


def _experiment(case: Case, node: Node, parts: Parts) -> Broken:
    yield from _unknown("experiment", case, node, parts)
    part = parts.named("experiment", case)
    if part:
        yield from ((("experiment",), f"{part.path}: {flaw}") for flaw in flaws_of(part.fields))


def _options(case: Case, node: Node, parts: Parts) -> Broken:
    for key in FOLDERS:
        part = parts.named(key, case)
        ref: PartRef | None = getattr(case, key)
        known = _known_options(part) if part else None
        for option in ref.options if ref else ():
            if part and known is not None and option not in known:
                takes = f"allowed: {', '.join(known)}" if known else f"{part.name!r} takes no options"
                yield (key, "options", option), f"unknown option{nearest(option, known)}; {takes}"


def _known_options(part: Part) -> list[str] | None:
    """Return the options that a part takes; None where its source does not tell, because the factory is made elsewhere."""
    factory = FACTORIES.get(part.kind)
    here = [node for node in part.tree.body if isinstance(node, ast.FunctionDef) and node.name == factory]
    return None if factory and (not here or here[0].args.kwarg) else list(part.options)


def _length(case: Case, node: Node, parts: Parts) -> Broken:
    recipe = node.table.get("recipe")
    given = [key for key in ("epochs", "steps") if recipe and recipe.child(key)]
    if node.sound("recipe") and len(given) != 1:
        found = "both epochs and steps" if given else "neither epochs nor steps"
        yield ("recipe", *given[-1:]), f"found {found}; allowed: exactly one of them"


def _optimizer(case: Case, node: Node, parts: Parts) -> Broken:
    settings = case.recipe.optimizer
    path = ("recipe", "optimizer")
    if not node.sound(*path, "name"):
        return
    for key, takers in TAKEN_BY.items():
        if getattr(settings, key) is not None and settings.name not in takers:
            yield (*path, key), f"found with the optimizer {settings.name!r}; allowed with: {', '.join(takers)}"
    if settings.name == "sgd" and settings.nesterov and not settings.momentum and node.sound(*path, "momentum"):
        yield (*path, "nesterov"), "found without momentum; allowed with a momentum above 0"


def _schedule(case: Case, node: Node, parts: Parts) -> Broken:
    schedule = case.recipe.schedule
    path = ("recipe", "schedule")
    for key in STEP_ONLY:
        if key in schedule.model_fields_set and schedule.name != "step" and node.sound(*path, "name"):
            yield (*path, key), f"found with the schedule {schedule.name!r}; allowed with: step"
    steps = case.recipe.steps
    if steps and schedule.warmup_steps >= steps and node.sound(*path):
        yield (*path, "warmup_steps"), f"found {schedule.warmup_steps}; allowed: fewer than the recipe's {steps} steps"


def _selection(case: Case, node: Node, parts: Parts) -> Broken:
    data = parts.named("data", case)
    if data and data.fields.get("validation"):
        if case.recipe.validation and node.sound("recipe", "validation"):
            found = show_value(case.recipe.validation)
            yield ("recipe", "validation"), f"found {found}; allowed: none, for {data.name!r} has a validation split of its own"
    elif case.recipe.select == "best" and case.recipe.validation == 0 and node.sound("recipe", "validation"):
        yield ("recipe", "select"), 'found "best" without a validation split; allowed with recipe.validation above 0'


def _precision(case: Case, node: Node, parts: Parts) -> Broken:
    execution, path = case.execution, ("execution", "precision")
    if execution.precision != "tf32" or not node.sound("execution"):
        return
    if execution.lane == "deterministic":
        yield path, 'found "tf32" in the lane "deterministic", which switches TensorFloat-32 off; allowed in: speed'
    elif execution.device == "cpu":
        yield path, 'found "tf32" on the device "cpu", which has no TensorFloat-32; allowed on: cuda'


def _mode(case: Case, node: Node, parts: Parts) -> Broken:
    if case.execution.mode == "cuda_graphs" and case.execution.device == "cpu" and node.sound("execution"):
        yield ("execution", "mode"), 'found "cuda_graphs" on the device "cpu", which has none; allowed on: cuda'


def _seeds(case: Case, node: Node, parts: Parts) -> Broken:
    for index, seed in enumerate(case.seeds):
        if seed in case.seeds[:index]:
            yield ("seeds", index), f"found seed {seed} twice; allowed: each seed once (`repeats` runs all of them again)"


def _passes(case: Case, node: Node, parts: Parts) -> Broken:
    for index, measures in enumerate(case.passes):
        if measures in case.passes[:index]:
            yield ("passes", index), f"found {show_value(measures)} twice; allowed: each pass once"


def _analyses(case: Case, node: Node, parts: Parts) -> Broken:
    for index, analysis in enumerate(case.analyses):
        if analysis in case.analyses[:index]:
            yield ("analyses", index), f"found {show_value(analysis)} twice; allowed: each analysis once"
    if not OF_IMAGES & set(case.analyses):
        return
    path, (model, data) = ("analyses",), (parts.named(key, case) for key in ("model", "data"))
    if case.task.name != ANALYSED_TASK:
        if node.sound("task", "name"):
            yield path, f"found with the task {show_value(case.task.name)}; allowed with: {ANALYSED_TASK}, of images"
        return
    shape = (model.fields.get("input_shape") if model else None) or (data.fields.get("shape") if data else None)
    if shape is not None and len(shape) != IMAGE_AXES:
        words = " x ".join(map(str, shape)) or "one number"
        yield path, f"found with inputs of {words}; allowed: images, which are channels x height x width"


def _scores(case: Case, node: Node, parts: Parts) -> Broken:
    task = parts.named("task", case)
    scores = task.fields.get("scores") if task else None
    if scores is None:
        return
    for key in ("targets", "published"):
        for name in getattr(case, key):
            if name not in scores:
                found = f"found {show_value(name)}{among(name, scores, f'harness show task {case.task.name}')}"
                yield (key, name), f"no score of the task {case.task.name!r}: {found}"


def _task(case: Case, node: Node, parts: Parts) -> Broken:
    model = parts.named("model", case)
    wanted = model.fields.get("task") if model else None
    if wanted and wanted != case.task.name and node.sound("task", "name"):
        yield (
            ("task", "name"),
            f"found {show_value(case.task.name)}; allowed: {show_value(wanted)}, which {case.model.name!r} is made for",
        )


def _gates(case: Case, node: Node, parts: Parts) -> Broken:
    metrics = parts.by_kind["metrics"]
    task = parts.named("task", case)
    scores = task.fields.get("scores") if task else None
    for name, gate in case.gates.items():
        path = ("gates", name)
        if name not in metrics:
            yield path, f"no such metric: {_part(name, 'metrics', parts)}"
            continue
        fields = metrics[name].fields
        if scores is not None and fields.get("score", "") not in ("", *scores):
            yield path, f"the task {case.task.name!r} has no score {fields['score']!r}; allowed: metrics of {', '.join(scores)}"
        measured_in = fields.get("measured_in", "train")
        if measured_in not in ("train", *case.passes) and gate.level == "hard":
            yield (
                path,
                f"measured in the pass {show_value(measured_in)}, which the case leaves out; allowed: with it in `passes`",
            )
        analysis = fields.get("analysis", "")
        if analysis and analysis not in case.analyses and gate.level == "hard":
            yield (
                path,
                f"drawn from the analysis {show_value(analysis)}, which the case leaves out; allowed: with it in `analyses`",
            )
        for key, given, field in (("class", gate.metric_class, "metric_class"), ("direction", gate.direction, "direction")):
            if given and field in fields and given != fields[field]:
                yield (*path, key), f"found {given!r}; allowed: {fields[field]!r}, which the metric declares"
        if node.sound(*path, "margin") and node.sound(*path, "level"):
            yield from gate_values(gate, path, fields.get("metric_class"), fields.get("direction"))


def gate_values(gate: Gate, path: KeyPath, metric_class: str | None, direction: str | None) -> Broken:
    """Yield what in a gate does not fit a metric of this class and direction."""
    hard = gate.level == "hard"
    if metric_class == "exact" and gate.margin:
        yield (*path, "margin"), f"found {show_value(gate.margin)}; allowed: 0, for an exact metric is equal or it is not"
    if metric_class in ("quality", "machine") and hard and not gate.margin:
        yield (
            (*path, "margin"),
            f"found {show_value(gate.margin)}; allowed at level hard: a margin above 0 ({metric_class} metrics vary)",
        )
    if metric_class in ("exact", "machine") and gate.floor is not None:
        yield (*path, "floor"), f"found on {_article(metric_class)} metric; allowed on: quality metrics"
    if metric_class in ("quality", "machine") and direction == "none" and hard:
        yield (*path, "level"), 'found "hard"; allowed: "info", for the metric has no better direction'


OF_TRAININGS = (
    _names,
    _task,
    _options,
    _length,
    _optimizer,
    _schedule,
    _selection,
    _precision,
    _mode,
    _seeds,
    _passes,
    _analyses,
    _scores,
    _gates,
)
OF_EXPERIMENTS = (_experiment, _options, _seeds, only_its_own, its_execution)


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
