"""Loading: defaults, gates, parts and seeds in, complete cases or every problem out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.errors import ExitCode, SuiteError
from harness.suite import Gate, Optimizer, PartRef, Schedule, Suite, load_suite

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]

HEAD = 'version = 1\nwhy = "To test."\n'
CASE = '[[case]]\nmodel = "tinynet"\ndata = "dots"\nrecipe.epochs = 2\n'


def test_smallest_suite_takes_every_default(load: Load) -> None:
    """A model, a data set and a length make a case; it is named after its model and has seeds 1, 2, 3."""
    suite = load(HEAD + CASE)

    assert (suite.name, suite.version, suite.why, suite.tags) == ("mine", 1, "To test.", ())
    (case,) = suite.cases
    assert (case.name, case.model, case.data) == ("tinynet", PartRef(name="tinynet"), PartRef(name="dots"))
    assert (case.task.name, case.seeds, case.recipe.epochs, case.recipe.steps) == ("classification", (1, 2, 3), 2, None)


def test_defaults_lie_under_every_case_and_tables_merge(load: Load) -> None:
    """A case's own values win one by one; those it does not give come from [defaults]."""
    suite = load(
        HEAD
        + """
        [defaults]
        data = { name = "dots", scale = "unit" }
        seeds = [5, 6]
        tags = ["a"]
        [defaults.recipe]
        epochs = 8
        batch_size = 32
        optimizer = { name = "sgd", lr = 0.1, momentum = 0.9 }
        [[case]]
        name = "same"
        model = "tinynet"
        [[case]]
        name = "other"
        model = { name = "tinynet", hidden = 4 }
        data = { limit = 10 }
        seeds = [7]
        tags = ["b"]
        recipe = { epochs = 3, optimizer.lr = 0.01 }
        """
    )
    same, other = suite.cases

    assert (same.seeds, same.tags, same.recipe.epochs) == ((5, 6), ("a",), 8)
    assert same.data == PartRef(name="dots", options={"scale": "unit"})
    assert (other.seeds, other.tags, other.recipe.epochs, other.recipe.batch_size) == ((7,), ("b",), 3, 32)
    assert other.recipe.optimizer == Optimizer(name="sgd", lr=0.01, momentum=0.9)
    assert other.model == PartRef(name="tinynet", options={"hidden": 4})
    assert other.data == PartRef(name="dots", options={"scale": "unit", "limit": 10})


def test_another_part_or_optimizer_replaces_the_default_whole(load: Load) -> None:
    """Settings of one optimiser, schedule or part are not carried over to another."""
    suite = load(
        HEAD
        + """
        [defaults]
        model = { name = "tinynet", hidden = 4 }
        data = "dots"
        recipe.epochs = 1
        recipe.optimizer = { name = "sgd", momentum = 0.9 }
        recipe.schedule = { name = "step", gamma = 0.5 }
        [[case]]
        model = "plainnet"
        recipe.optimizer = { name = "adam" }
        recipe.schedule.name = "cosine"
        """
    )
    (case,) = suite.cases

    assert case.model == PartRef(name="plainnet")
    assert case.recipe.optimizer == Optimizer(name="adam")
    assert case.recipe.schedule == Schedule(name="cosine")


@pytest.mark.parametrize(("default", "own"), [("epochs", "steps"), ("steps", "epochs")])
def test_steps_and_epochs_replace_each_other(load: Load, default: str, own: str) -> None:
    """A case's steps remove the default epochs, and the other way round."""
    (case,) = load(HEAD + f"[defaults]\nrecipe.{default} = 9\n" + CASE.replace("recipe.epochs", f"recipe.{own}")).cases

    assert (getattr(case.recipe, own), getattr(case.recipe, default)) == (2, None)


def test_gates_merge_from_suite_to_defaults_to_case(load: Load) -> None:
    """Suite-wide gates hold in every case; [defaults] and then the case change single values of them."""
    suite = load(
        HEAD
        + """
        [defaults.gates.hits]
        level = "warn"
        [gates]
        hits = { level = "hard", margin = 0.02 }
        laziness = { level = "info", margin = 0.1, class = "machine" }
        """
        + CASE
        + "gates.hits = { margin = 0.05, floor = 0.5 }\n"
        + CASE
        + 'name = "b"\n'
    )
    first, second = suite.cases

    assert first.gates["hits"] == Gate(level="warn", margin=0.05, floor=0.5)
    assert second.gates["hits"] == Gate(level="warn", margin=0.02)
    assert second.gates["laziness"] == Gate(level="info", margin=0.1, metric_class="machine")


@pytest.mark.parametrize(("seeds", "expected"), [("3", (1, 2, 3)), ("1", (1,)), ("[7]", (7,)), ("[0, 4, 2]", (0, 4, 2))])
def test_seeds_are_a_count_or_a_list(load: Load, seeds: str, expected: tuple[int, ...]) -> None:
    """A number means so many seeds from 1 on; a list names them in order."""
    assert load(HEAD + CASE + f"seeds = {seeds}\n").cases[0].seeds == expected


def test_options_of_every_plain_kind_arrive_unchanged(load: Load) -> None:
    """true stays a boolean, 1 an integer, 1.0 a float; lists become tuples."""
    (case,) = load(
        HEAD
        + '[[case]]\nmodel = { name = "borrowed", a = true, b = 1, c = 1.0, d = "x", e = [1, 2] }\n'
        + 'data = "dots"\nrecipe.epochs = 1\n'
    ).cases

    assert json.dumps(case.model.options) == '{"a": true, "b": 1, "c": 1.0, "d": "x", "e": [1, 2]}'


def test_digest_covers_what_decides_a_run(load: Load) -> None:
    """A case's digest moves with its recipe, not with its name, gates or seeds."""
    plain = load(HEAD + CASE).cases[0].digest

    assert load(HEAD + CASE + 'name = "x"\nseeds = 9\ngates.hits.margin = 0.1\n').cases[0].digest == plain
    assert load(HEAD + CASE.replace("epochs = 2", "epochs = 3")).cases[0].digest != plain
    specification = load(HEAD + CASE).cases[0].specification
    canonical = json.dumps(specification, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == plain


BAD = """\
version = 0
whyy = "To test."
tags = ["quick", 3]
[defaults]
seeds = [1, 2, 2]
data = "dotz"
[defaults.recipe]
epoch = 8
optimizer = { name = "adm", lr = -1e-3, momentum = 0.9 }
[gates.hitz]
margin = 0.02
[gates.hits]
margin = "x"
levl = "hard"
[[case]]
name = "has space"
model = "tiny"
execution.device = "gpu"
execution.threads = "2"
recipe = { batch_size = "ful", select = "best" }
targets = { acuracy = 0.1, accuracy = "x" }
timeout_seconds = inf
memory_limit_bytes = 1979-05-27
[[case]]
model = { name = "tinynet", hiden = 3, shape = { a = 1 } }
recipe.validation = 1.0
recipe.optimizer = { name = "adam", betas = [0.1] }
repeats = true
"""


FOUND = """\
1: version: found 0
2: unknown key 'whyy', did you mean 'why'?
3: tags[1]: found 3
5: seeds[2]: found seed 2 twice
6: data: found "dotz", did you mean 'dots'?
8: unknown key 'epoch' in defaults.recipe, did you mean 'epochs'?
9: defaults.recipe.optimizer.lr: found -0.001
9: defaults.recipe.optimizer.name: found "adm", did you mean 'adam'?
10: gates.hitz: no such metric: found "hitz", did you mean 'hits'?
13: gates.hits.margin: found "x"
14: unknown key 'levl' in gates.hits, did you mean 'level'?
16: name: found "has space"
17: model: found "tiny", did you mean 'tinynet'?
18: execution.device: found "gpu", did you mean 'cpu'?
19: execution.threads: found "2"
20: recipe.batch_size: found "ful", did you mean 'full'?
20: recipe.select: found "best" without a validation split
21: targets.accuracy: found "x"
21: targets.acuracy: no score of the task 'classification': found "acuracy", did you mean 'accuracy'?
22: timeout_seconds: found inf
23: memory_limit_bytes: found 1979-05-27
25: model.hiden: unknown option, did you mean 'hidden'?
25: model.shape: found a table
26: recipe.validation: found 1.0
27: recipe.optimizer.betas[1]: found [0.1]
28: repeats: found true
"""


def test_every_problem_of_a_file_comes_at_once_with_its_line(problems: Problems) -> None:
    """One error lists all problems, those of [defaults] on their own lines and once only."""
    assert [problem.removeprefix("mine.toml:").split("; allowed")[0] for problem in problems(BAD)] == FOUND.splitlines()


ALLOWED = {
    "recipe.epochs = 0": "recipe.epochs: found 0; allowed: a number above 0",
    "recipe.epochs = 1.0": "recipe.epochs: found 1.0; allowed: a whole number",
    "repeats = false": "repeats: found false; allowed: a whole number",
    'why = ["x"]': 'why: found ["x"]; allowed: text in quotes',
    "model = 3": "model: found 3; allowed: text in quotes or a table",
    "model = { name = 3 }": "model.name: found 3; allowed: text in quotes",
    'tags = "x"': 'tags: found "x"; allowed: a list',
    "recipe = 3": "recipe: found 3; allowed: a table",
    "targets = 3": "targets: found 3; allowed: a table",
    "seeds = 0": "seeds: found 0; allowed: a number not below 1 or a list",
    "seeds = 10001": "seeds: found 10001; allowed: a number not above 10000 or a list",
    "seeds = []": "seeds: found []; allowed: a whole number or a list of 1 or more",
    "seeds = [1, -1]": "seeds[1]: found -1; allowed: a number not below 0",
    "execution.lane = 'fast'": "execution.lane: found \"fast\"; allowed: 'speed' or 'deterministic'",
    "execution.device = 'gpu'": "execution.device: found \"gpu\", did you mean 'cpu'?; allowed: "
    "'cpu', 'cuda', 'cuda:1' or 'auto'",
    "recipe.batch_size = 'all'": "recipe.batch_size: found \"all\", did you mean 'full'?; allowed: a whole number or 'full'",
    "recipe.drop_last = 1": "recipe.drop_last: found 1; allowed: true or false",
    "recipe.clip_norm = nan": "recipe.clip_norm: found nan; allowed: a finite number",
    "recipe.validation = 1": "recipe.validation: found 1; allowed: a number below 1",
    "recipe.schedule = { name = 'step', gamma = 2 }": "recipe.schedule.gamma: found 2; allowed: a number not above 1",
    "recipe.optimizer.betas = [0.9, 0.99, 1]": "recipe.optimizer.betas: found [0.9, 0.99, 1]; allowed: a list of at most 2",
    "model = { name = 'tinynet', hidden = {} }": "model.hidden: found a table; allowed: "
    "true or false, a whole number, a number, text in quotes or a list",
    "name = '-x'": 'name: found "-x"; allowed: a letter or digit, then letters, digits and _ . = , + - [ ]',
}


@pytest.mark.parametrize("line", ALLOWED)
def test_a_wrong_value_is_named_in_plain_words(problems: Problems, line: str) -> None:
    """A value of the wrong kind or size gives one problem on its line: what was found, what is allowed."""
    key = line.split(" = ")[0]
    others = [f"{name} = {value}" for name, value in BASE.items() if name != key and not name.startswith(f"{key}.")]

    assert problems(HEAD + "[[case]]\n" + line + "\n" + "\n".join(others) + "\n") == [f"mine.toml:4: {ALLOWED[line]}"]


BASE = {"model": '"tinynet"', "data": '"dots"', "recipe.epochs": "2"}


def test_a_wrong_value_does_not_hide_or_cause_others(problems: Problems) -> None:
    """A wrong model, length or optimiser is reported once, without claims that it is missing or does not fit."""
    found = problems(
        HEAD
        + """
        [[case]]
        model = 3
        data = "dots"
        recipe = { epochs = "x", optimizer = { name = "sdg", momentum = 0.9 }, validation = 2, select = "best" }
        gates.hits = { margin = "x" }
        """
    )

    assert [problem.split(": ")[1] for problem in found] == [
        "model",
        "recipe.epochs",
        "recipe.optimizer.name",
        "recipe.validation",
        "gates.hits.margin",
    ]


def test_missing_keys_are_named_once(problems: Problems) -> None:
    """What a suite or case must have is asked for, on the line where its table begins."""
    assert problems("tags = []\n[[case]]\nwhy = 'x'\n[[case]]\nname = 'b'\nmodel = { hidden = 3 }\ndata = 'dots'\n") == [
        "mine.toml:1: version is missing",
        "mine.toml:1: why is missing",
        'mine.toml:2: data is missing, here and in [defaults]; write data = "..."',
        'mine.toml:2: model is missing, here and in [defaults]; write model = "..."',
        "mine.toml:2: recipe: found neither epochs nor steps; allowed: exactly one of them",
        "mine.toml:4: recipe: found neither epochs nor steps; allowed: exactly one of them",
        'mine.toml:6: model.name is missing; write model = { name = "...", ... }',
    ]


def test_a_value_of_defaults_is_checked_though_every_case_overrides_it(problems: Problems) -> None:
    """A wrong default is a problem even where no case uses it."""
    assert problems(HEAD + "[defaults]\nrepeats = 0\n" + CASE + "repeats = 2\n") == [
        "mine.toml:4: repeats: found 0; allowed: a number above 0".replace("repeats:", "defaults.repeats:")
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('model = { name = "tinynet", options = { str = "x" } }', "model.options: found a table"),
        ('model = { name = "tinynet", PartTable = {} }', "model.PartTable: found a table"),
        ("execution = 1979-05-27", "execution: found 1979-05-27"),
        ("gates = 07:32:00", "gates: found 07:32:00"),
        ("options = 1979-05-27", "unknown key 'options', did you mean 'execution'?"),
        ('model = { name = "tinynet", hidden = [1, [2]] }', "model.hidden[1]: found [2]"),
    ],
)
def test_odd_keys_and_values_are_problems_of_their_line(problems: Problems, line: str, found: str) -> None:
    """Keys named like types, dates and nested lists neither confuse nor stall the search for problems."""
    others = [f"{name} = {value}" for name, value in BASE.items() if name != line.split(" = ")[0]]

    text = HEAD + "[[case]]\n" + line + "\n" + "\n".join(others) + "\n"

    assert f"mine.toml:4: {found}" in [problem.split(";")[0] for problem in problems(text)]


def test_a_suite_without_cases_is_refused(problems: Problems) -> None:
    """An empty suite, which would pass every gate, is a problem."""
    assert problems(HEAD) == ["mine.toml:1: the suite has no cases; write at least one [[case]]"]
    assert problems(HEAD + "case = []\n") == ["mine.toml:1: the suite has no cases; write at least one [[case]]"]


def test_two_cases_of_one_name_are_refused(problems: Problems) -> None:
    """Case names are unique; the message names the line of the other."""
    assert problems(HEAD + CASE + CASE.replace("[[case]]", '[[case]]\nname = "tinynet"')) == [
        "mine.toml:8: the case name 'tinynet' is taken at suites/mine.toml:3; give one another name"
    ]


def test_the_file_name_must_do_as_a_suite_name(project_folder: Path, catalog: Catalog) -> None:
    """A stem that cannot name a folder of results, or names that of the baselines, is refused."""
    for stem in ("my suite", "baselines", "-x"):
        file = project_folder / "suites" / f"{stem}.toml"
        file.write_text(HEAD + CASE)
        with pytest.raises(SuiteError, match="the file's name is the suite's") as caught:
            load_suite(file, catalog)
        assert [problem.line for problem in caught.value.problems] == [1]


def test_a_file_that_is_no_toml_is_one_problem(problems: Problems) -> None:
    """A syntax error is reported with its line, and nothing is guessed from the rest."""
    assert problems("version = 1\nwhy = \n") == ["mine.toml:2: not valid TOML: Invalid value"]


def test_an_absent_file_is_a_problem(catalog: Catalog) -> None:
    """A path without a file is refused like a bad file, as a usage error."""
    with pytest.raises(SuiteError, match=r"suites/none\.toml:1: cannot be read: No such file") as caught:
        load_suite(Path("suites/none.toml"), catalog)

    assert caught.value.exit_code == ExitCode.USAGE


GOOD = """\
version = 1
why = "To test."
tags = ["quick"]
include = ["_common.toml"]
[defaults]
seeds = [1, 2]
data = { name = "dots", scale = "unit" }
timeout_seconds = 60
[defaults.recipe]
batch_size = 64
steps = 10
select = "best"
validation = 0.1
[defaults.recipe.optimizer]
name = "sgd"
lr = 0.1
momentum = 0.9
nesterov = true
[defaults.recipe.schedule]
name = "step"
gamma = 0.5
step_epochs = 2
[defaults.execution]
device = "cpu"
threads = 2
precision = "fp32"
lane = "deterministic"
[gates.hits]
margin = 0.02
level = "hard"
class = "quality"
direction = "higher"
floor = 0.5
[gates.laziness]
margin = 0.1
[[case]]
name = "first"
why = "One."
task = "sorting"
repeats = 2
targets = { hits = 0.9 }
published = { loss = 0.1 }
memory_limit_bytes = 1000000000
[case.model]
name = "tinynet"
hidden = 3
[case.recipe]
epochs = 3
accumulate = 2
clip_norm = 1.0
drop_last = true
evaluate_epochs = 1
[case.gates.hits_digest]
level = "info"
[case.matrix]
"recipe.optimizer.weight_decay" = [0.1, 0.2]
"execution.lane" = ["speed"]
"""


def mutations() -> list[tuple[int, str]]:
    """Return the line and the name of every key of GOOD; a table stands on its header's line."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(GOOD.splitlines(), 1):
        header = line.strip("[]")
        words = [header] if line.startswith("[") else [piece.split(",")[-1] for piece in line.split(" = ")[:-1]]
        names = [name for word in words for name in word.strip(' {"').split(".")]
        found += [(number, name) for name in names]
    return found


@pytest.mark.parametrize(("line", "name"), mutations(), ids=str)
def test_every_misspelt_key_is_refused_with_its_line_and_nearest_name(problems: Problems, line: int, name: str) -> None:
    """Whichever key is misspelt, there is a problem on that line which names the right key."""
    lines = GOOD.splitlines()
    lines[line - 1] = lines[line - 1].replace(name, f"{name}q", 1)

    found = problems("\n".join(lines), _common="")

    on_line = [problem for problem in found if problem.startswith(f"mine.toml:{line}: ")]
    assert any(f"did you mean '{name}'" in problem for problem in on_line), found


def test_the_suite_that_is_misspelt_is_good(load: Load) -> None:
    """The mutations above start from a suite without problems."""
    assert [case.name for case in load(GOOD, _common="").cases] == [
        "first[weight_decay=0.1,lane=speed]",
        "first[weight_decay=0.2,lane=speed]",
    ]
