"""Reads suite files: includes, defaults and matrices in, complete cases out, or every problem at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.catalog import Catalog
from harness.errors import Problem, SuiteError, nearest
from harness.suite._claim_rules import read_claims
from harness.suite._file import MAX_SEEDS, Fragment, SuiteFile
from harness.suite._inherit import defaults_for, inherit
from harness.suite._matrix import combinations, read_axes
from harness.suite._node import Node, Place, merge
from harness.suite._rules import Parts, broken_rules
from harness.suite._schema import Case
from harness.suite._suite import Suite
from harness.suite._toml import read
from harness.suite._words import validate

PARTS = ("model", "data", "task", "experiment")
TRAINED = ("model", "data")
"""Parts that a case names unless it runs an experiment."""
RESERVED = ("ab", "audits", "baselines", "calibration", "ledgers")
"""Folders of the results that are of no one suite: paired comparisons, audits, baselines, calibrations, ledgers of claims."""

# Stands in for what a case lacks (which is reported), so that the rest of it can be checked.
STAND_INS = {"name": "unnamed"}


@dataclass
class _Sources:
    """What a suite file and its includes declare together."""

    defaults: Node
    gates: Node
    cases: list[Node] = field(default_factory=list)
    claims: list[Node] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)
    whole: bool = True
    """Whether every file could be read as far as its cases."""

    def report(self, place: Place, message: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(place.file, place.line, message))


def load_suite(path: Path, catalog: Catalog) -> Suite:
    """Return the suite that a TOML file declares, complete and checked.

    Its name is the file's stem; `harness schema` prints the form of the file. Defaults, gates, cases and claims of included
    files come first: own defaults and gates win over them, own cases and claims are added. A later layer's table is merged
    into an earlier one's, except that another part, optimiser or schedule replaces it whole.

    Args:
        path: the file.
        catalog: the parts that the suite may name.

    Raises:
        SuiteError: the file or one that it includes has problems; carries all of them.
        CatalogError: the catalogue itself cannot be used.
    """
    start = Place(_shown(path), 1)
    sources = _Sources(defaults=Node({}, start), gates=Node({}, start))
    _check_name(sources, path.stem, start)
    root = _add(sources, path, SuiteFile, ())
    parts = Parts(catalog)
    named: dict[str, Place] = {}
    cases = list(_cases(sources, parts, named))
    claims, problems = read_claims(sources.claims, cases, named if sources.whole else None, parts)
    sources.problems += problems
    if sources.whole and not cases:
        sources.report(start, "the suite has no cases; write at least one [[case]]")
    if sources.problems:
        raise SuiteError(sources.problems)
    own = root.plain()
    told = {"name": path.stem, "version": own["version"], "why": own["why"], "tags": tuple(own.get("tags", ()))}
    return Suite(**told, cases=tuple(cases), claims=claims)


def _shown(path: Path) -> str:
    """Return the path from the working folder, where it lies in it."""
    here, real = Path.cwd(), path.resolve()
    return str(real.relative_to(here)) if real.is_relative_to(here) else str(path)


def _check_name(sources: _Sources, name: str, place: Place) -> None:
    if name in RESERVED or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        allowed = f"letters, digits and _ . -, but not {', '.join(map(repr, RESERVED))}"
        sources.report(place, f"the file's name is the suite's: found {name!r}; allowed: {allowed}; rename the file")


def _add(sources: _Sources, path: Path, form: type[Fragment], above: tuple[Path, ...]) -> Node:
    """Add a file and, before it, what it includes; return its content."""
    sources.seen.add(_real(path))
    try:
        root = read(path, _shown(path))
    except SuiteError as error:
        sources.problems += error.problems
        sources.whole = False
        return Node({}, Place(_shown(path), 1))
    sources.problems += validate(form, root)[1]
    sources.whole &= root.sound("case")
    empty = Node({}, root.place)
    for entry in root.table.get("include", empty).items:
        _include(sources, entry, path, (*above, _real(path)))
    defaults, cases = root.table.get("defaults", empty), root.table.get("case", empty).items
    for table in (defaults, *cases):
        _name_parts(table)
    sources.defaults = merge(sources.defaults, defaults)
    sources.gates = merge(sources.gates, root.table.get("gates", empty))
    sources.cases += cases
    sources.claims += root.table.get("claim", empty).items
    return root


def _include(sources: _Sources, entry: Node, path: Path, above: tuple[Path, ...]) -> None:
    target = path.parent / entry.value
    real = _real(target)
    if real in above:
        chain = " -> ".join(file.name for file in (*above[above.index(real) :], target))
        sources.report(entry.place, f"include: {entry.value!r} includes itself: {chain}; remove one of them")
    elif not target.is_file():
        sources.report(entry.place, f"include: {_absent(entry.value, target, path)}")
        sources.whole = False
    elif real not in sources.seen:
        _add(sources, target, Fragment, above)


def _real(path: Path) -> Path:
    """Return where a path leads; itself where links go round in a circle."""
    try:
        return path.resolve()
    except (RuntimeError, OSError):
        return path.absolute()


def _absent(name: str, target: Path, path: Path) -> str:
    """Return why what a file includes is no file."""
    if target.is_symlink():
        return f"{name!r} beside {_shown(path)} is a link that leads to no file"
    if target.is_dir():
        return f"{name!r} beside {_shown(path)} is a folder, not a file"
    near = nearest(name, [file.name for file in path.parent.glob("*.toml") if file.is_file()])
    return f"no file {name!r} beside {_shown(path)}{near}"


def _name_parts(table: Node) -> None:
    """Write model = "x" as model = {name = "x"}."""
    for key in PARTS:
        child = table.table.get(key)
        if child and isinstance(child.value, str):
            table.value[key] = Node({"name": child}, child.place)


def _cases(sources: _Sources, parts: Parts, named: dict[str, Place]) -> Iterator[Case]:
    """Yield every case, and report what is wrong in it; a wrong value is then read as left out.

    `named` takes up where the name of each stands, be there a case of it or only problems.
    """
    for written in sources.cases:
        axes, problems = read_axes(written)
        sources.problems += problems
        own = Node({key: child for key, child in written.table.items() if key != "matrix"}, written.place)
        for suffix, layer in combinations(axes, written.place):
            _name_parts(layer)
            written_out = merge(merge(defaults_for(sources.defaults, own, layer), own), layer)
            node = inherit(_complete(written_out, suffix), sources.gates, parts)
            yield from _case(sources, node, parts)
            _check_repeated(sources, node, named)


def _case(sources: _Sources, node: Node, parts: Parts) -> Iterator[Case]:
    _check_parts(sources, node)
    case, problems = validate(Case, node, STAND_INS)
    sources.problems += problems
    if case:
        sources.problems += broken_rules(case, node, parts)
        yield case


def _check_parts(sources: _Sources, node: Node) -> None:
    for key in PARTS:
        part = node.child(key)
        if part is None and key in TRAINED and "experiment" not in node.table:
            sources.report(node.place, f'{key} is missing, here and in [defaults]; write {key} = "..."')
        elif part and part.table and "name" not in part.table:
            # Any key may be an option of a part, so that a misspelt `name` first looks like one.
            near = next((name for name in part.table["options"].table if nearest(name, ["name"])), None)
            place = part.follow(("options", near))[1].place if near else part.place
            found = f"; found {near!r}{nearest(near, ['name'])}" if near else ""
            sources.report(place, f'{key}.name is missing{found}; write {key} = {{ name = "...", ... }}')
            part.bad = True


def _check_repeated(sources: _Sources, node: Node, named: dict[str, Place]) -> None:
    name = node.table.get("name")
    if name is None or name.bad:
        return
    if name.value in named:
        sources.report(name.place, f"the case name {name.value!r} is taken at {named[name.value]}; give one another name")
    named.setdefault(name.value, name.place)


def _complete(merged: Node, suffix: str) -> Node:
    """Return a case's table in the form of `Case`: named, parts with their options, seeds listed."""
    table = dict(merged.table)
    part = "experiment" if "experiment" in table else "model"
    name = merged.follow(("name",))[1] if "name" in table else merged.follow((part, "name"))[1]
    if isinstance(name.value, str):
        table["name"] = Node(name.value + suffix, name.place if "name" in table else merged.place, name.bad)
    for key in PARTS:
        if key in table:
            table[key] = _part(table[key])
    seeds = table.get("seeds")
    if seeds and type(seeds.value) is int and 1 <= seeds.value <= MAX_SEEDS:
        table["seeds"] = Node([Node(seed, seeds.place) for seed in range(1, seeds.value + 1)], seeds.place)
    return Node(table, merged.place)


def _part(node: Node) -> Node:
    if not node.table:
        return node
    name = {key: child for key, child in node.table.items() if key == "name"}
    options = {key: child for key, child in node.table.items() if key != "name"}
    nameless = any(child.bad for child in name.values())
    return Node({**name, "options": Node(options, node.place)}, node.place, nameless)
