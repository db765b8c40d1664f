"""Claims as written in, claims out: what a test of each kind takes, and the series that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import CatalogError, Problem, nearest
from harness.suite._claims import QUESTIONS, Claim, Fact, Question, SeriesRef, Slope
from harness.suite._node import KeyPath, Node, Place
from harness.suite._rules import Parts
from harness.suite._schema import Case
from harness.suite._words import show_path, show_value, validate

Broken = Iterator[tuple[KeyPath, str]]


def read_claims(
    written: Sequence[Node], cases: Iterable[Case], named: Mapping[str, Place] | None, parts: Parts
) -> tuple[tuple[Claim, ...], list[Problem]]:
    """Return a suite's claims, and everything that is wrong in them.

    Args:
        written: the [[claim]] tables, their forms checked already.
        cases: the suite's, as far as they could be read.
        named: the names of all its cases; None where not all are known, so that none can be called unknown.
        parts: the catalogue's.
    """
    reader = _Reader({case.name: case for case in cases}, named, parts)
    claims = [claim for node in written if (claim := reader.claim(node))]
    return tuple(claims), reader.problems


@dataclass
class _Reader:
    cases: Mapping[str, Case]
    named: Mapping[str, Place] | None
    parts: Parts
    problems: list[Problem] = field(default_factory=list)
    taken: dict[str, Place] = field(default_factory=dict)
    """Id of a claim -> where it stands."""

    def report(self, place: Place, message: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(place.file, place.line, message))

    def claim(self, node: Node) -> Claim | None:
        """Return a claim; None where its own values are wrong. What is wrong in its tests is reported beside."""
        own = Node({key: child for key, child in node.table.items() if key != "test"}, node.place)
        claim, problems = validate(Claim, own)
        self.problems += problems
        self._check_id(own)
        self._check_whole(node)
        tests = node.table.get("test")
        questions = [question for each in (tests.items if tests else ()) if (question := self._question(each))]
        return claim.model_copy(update={"tests": tuple(questions)}) if claim else None

    def _check_id(self, node: Node) -> None:
        name = node.table.get("id")
        if name is None or name.bad:
            return
        if name.value in self.taken:
            self.report(name.place, f"the claim id {name.value!r} is taken at {self.taken[name.value]}; give one another id")
        self.taken.setdefault(name.value, name.place)

    def _check_whole(self, node: Node) -> None:
        given = {key for key in ("test", "untestable", "refuted_by") if key in node.table}
        if not given & {"test", "untestable"}:
            self.report(node.place, 'neither a test nor a reason for none; write [[claim.test]], or untestable = "..."')
        elif given >= {"test", "untestable"}:
            place = node.table["untestable"].place
            self.report(place, "untestable: found beside tests; allowed: one of them (say in `note` what they leave out)")
        elif given == {"test"}:
            self.report(node.place, "refuted_by is missing; say in words what would refute the claim")

    def _question(self, node: Node) -> Question | None:
        kind = node.table.get("kind")
        if kind is None:
            self.report(node.place, f"kind is missing; allowed: {', '.join(QUESTIONS)}")
        if kind is None or kind.bad:
            return None
        model = QUESTIONS[kind.value]
        takes = [info.alias or name for name, info in model.model_fields.items() if name != "kind"]
        for key, child in node.table.items():
            if key not in ("kind", *takes):
                self.report(child.place, f"{key}: a test of kind {kind.value!r} takes none; it takes {', '.join(takes)}")
        kept = {key: child for key, child in node.table.items() if key in ("kind", *takes)}
        own = Node(kept, node.place)
        question, problems = validate(model, own)
        self.problems += problems
        for path, message in self._broken(question, own):
            self.report(own.follow(path)[1].place, f"{show_path(path)}: {message}" if path else message)
        return question

    def _broken(self, question: Question | None, node: Node) -> Broken:
        """Yield what a test's values do not fit; what it names is looked at even where it is not whole."""
        if isinstance(question, Slope):
            yield from _slope(question, node)
        if isinstance(question, Fact):
            yield from _one(node, ("bound", "against"))
        for path, series in _series(node):
            yield from self._unknown(path, series)

    def _unknown(self, path: KeyPath, series: SeriesRef) -> Broken:
        """Yield what the suite lacks of a series."""
        of_levels = path == ("x_metric",)  # whose cases are looked at as those of the levels
        if self.named is not None and series.case not in self.named and not of_levels:
            found = f"found {show_value(series.case)}{nearest(series.case, self.named)}"
            yield (*path, "case"), f"no such case: {found}; allowed: a case of the suite, `harness show suite` lists them"
        elif series.case in self.cases and (message := _lacks(self.cases[series.case], series.metric, self.parts)):
            yield path if of_levels else (*path, "metric"), message


def _series(node: Node) -> Iterator[tuple[KeyPath, SeriesRef]]:
    """Yield every series that a test names, and where."""
    written: list[tuple[KeyPath, Node]] = [((key,), node.table[key]) for key in ("value", "against") if key in node.table]
    levels = node.table["levels"].items if "levels" in node.table else []
    written += [(("levels", at), level) for at, level in enumerate(levels)]
    for path, series in written:
        if all(key in series.table and not series.table[key].bad for key in ("case", "metric")):
            yield path, SeriesRef(**series.plain())
    place = node.table.get("x_metric")
    for level in levels if place and not place.bad else ():
        case = level.table.get("case")
        if case and place and not case.bad:
            yield ("x_metric",), SeriesRef(case=case.value, metric=place.value)


def _slope(question: Slope, node: Node) -> Broken:
    yield from _one(node, ("x", "x_metric"))
    yield from _one(node, ("above", "below", "between"))
    if question.x is not None:
        if len(question.x) != len(question.levels):
            yield ("x",), f"found {len(question.x)} numbers; allowed: one a level, {len(question.levels)}"
        if len(set(question.x)) < 2:
            yield ("x",), "found one place for all levels; allowed: places that differ"
        if question.log and min(question.x, default=1.0) <= 0:
            yield ("x",), f"found {min(question.x):g}; allowed with log: numbers above 0 (or write log = false)"
    if question.between and question.between[0] >= question.between[1]:
        yield ("between",), f"found {list(question.between)}; allowed: the lower end first"


def _one(node: Node, keys: tuple[str, ...]) -> Broken:
    """Yield where other than one of some keys is given."""
    given = [key for key in keys if key in node.table]
    if len(given) != 1:
        yield tuple(given[-1:]), f"found {' and '.join(given) or 'none'}; allowed: exactly one of {', '.join(keys)}"


def _lacks(case: Case, metric: str, parts: Parts) -> str:
    """Return why a case has no such metric; '' where it has."""
    try:
        return _of_experiment(case, metric, parts) if case.experiment else _of_training(case, metric, parts)
    except CatalogError as error:
        return f"cannot be used: {error}"


def _of_experiment(case: Case, metric: str, parts: Parts) -> str:
    part = parts.named("experiment", case)
    outcomes = part.fields.get("outcomes") if part else None
    if outcomes is None or metric in outcomes:
        return ""  # an experiment that is not there is reported with its case
    return f"no outcome of the experiment of {case.name!r}: {_one_of(metric, outcomes)}"


def _of_training(case: Case, metric: str, parts: Parts) -> str:
    metrics = parts.by_kind["metrics"]
    if metric not in metrics:
        return f"no such metric: {_one_of(metric, metrics)}"
    fields, task = metrics[metric].fields, parts.named("task", case)
    scores = task.fields.get("scores") if task else None
    if scores is not None and fields.get("score", "") not in ("", *scores):
        return f"the task {case.task.name!r} of {case.name!r} has no score {fields['score']!r}; it has {', '.join(scores)}"
    if (analysis := fields.get("analysis", "")) not in ("", *case.analyses):
        return f"drawn from the analysis {analysis!r}, which {case.name!r} does not ask for; allowed: with it in `analyses`"
    measured_in = fields.get("measured_in", "train")
    if measured_in not in ("train", *case.passes):
        return f"measured in the pass {measured_in!r}, which {case.name!r} leaves out; allowed: with it in `passes`"
    return ""


def _one_of(found: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    return f"found {show_value(found)}{nearest(found, names)}; allowed: {', '.join(names)}"
