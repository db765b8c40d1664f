"""Claims as written in, claims out: what a test of each kind takes, and the series that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import CatalogError, Problem, nearest
from harness.suite._claim_series import Meant, lacks, meant
from harness.suite._claims import QUESTIONS, Better, Claim, Fact, Question, SeriesRef, Slope
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
        stand_ins = {"better": self._better(own)} if "better" in takes and "better" not in kept else {}
        question, problems = validate(model, own, stand_ins)
        self.problems += problems
        for path, message in self._broken(question, own):
            self.report(own.follow(path)[1].place, f"{show_path(path)}: {message}" if path else message)
        return question

    def _better(self, node: Node) -> Better:
        """Return which way is better where the test does not say: as the metric declares it."""
        series = next((series for _, series in _series(node)), None)
        found = self._meant(series) if series else None
        if found is None:
            return "higher"  # what it names cannot be read, which is reported
        if found.direction == "none":
            said = f'{series} declares no direction; write better = "higher" or "lower"'
            self.report(node.place, f"better is missing: {said}")
            return "higher"
        return found.direction

    def _meant(self, series: SeriesRef) -> Meant | None:
        try:
            return meant(series, self.cases[series.case], self.parts) if series.case in self.cases else None
        except CatalogError:
            return None  # reported where the series is looked at

    def _broken(self, question: Question | None, node: Node) -> Broken:
        """Yield what a test's values do not fit; what it names is looked at even where it is not whole."""
        if isinstance(question, Slope):
            yield from _slope(question, node)
        if isinstance(question, Fact):
            yield from _one(node, ("bound", "against"))
        named = dict(_series(node))
        for path, series in named.items():
            yield from self._unknown(path, series)
        compared = {path: series for path, series in named.items() if path != ("x_metric",)}
        yield from _twice(compared)
        held = {path: found for path, series in compared.items() if (found := self._meant(series))}
        yield from _unlike(held)
        if not (isinstance(question, Fact) and question.against and question.relation in ("==", "!=")):
            for path, found in held.items():
                if found.text:
                    yield path, f'{named[path]} is a text; allowed of texts: a fact, is "==" or "!=", against another'

    def _unknown(self, path: KeyPath, series: SeriesRef) -> Broken:
        """Yield what the suite lacks of a series."""
        of_levels = path == ("x_metric",)  # whose cases are looked at as those of the levels
        if self.named is not None and series.case not in self.named and not of_levels:
            found = f"found {show_value(series.case)}{nearest(series.case, self.named)}"
            yield (*path, "case"), f"no such case: {found}; allowed: a case of the suite, `harness show suite` lists them"
        elif series.case in self.cases and (message := lacks(self.cases[series.case], series.metric, self.parts)):
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


def _twice(named: Mapping[KeyPath, SeriesRef]) -> Broken:
    """Yield series that a test holds against themselves."""
    first: dict[SeriesRef, KeyPath] = {}
    for path, series in named.items():
        if series in first:
            yield path, f"found {series}, which is {show_path(first[series])} too; allowed: another series"
        first.setdefault(series, path)


def _unlike(held: Mapping[KeyPath, Meant]) -> Broken:
    """Yield series that are in another unit than the first, or a text beside numbers."""
    first, *others = [*held] or [()]
    for path in others:
        if held[path].unit != held[first].unit:
            units = f"found {show_value(held[path].unit)} beside {show_value(held[first].unit)} of {show_path(first)}"
            yield path, f"{units}; allowed: series in one unit"
        elif held[path].text != held[first].text:
            yield path, f"found a {_sort(held[path])} beside a {_sort(held[first])}; allowed: two texts, or two numbers"


def _sort(held: Meant) -> str:
    return "text" if held.text else "number"


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
