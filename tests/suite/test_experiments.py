"""Cases that run an experiment: what they say, what they may not say, and what they leave as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.errors import UsageError
from harness.suite import Case, Overrides, PartRef, Suite, load_suite, narrow, trainings

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]

ROOT = Path(__file__).parents[2]
HEAD = 'version = 1\nwhy = "To test."\n'
CASE = HEAD + "[[case]]\n"

EXPERIMENT = '''"""Tosses coins."""
def run(setting, *, coins=3, fair=True):
    return {"heads": 1.0}
EXPERIMENT = Experiment(run=run, title="Coins", outcomes={"heads": "1"}%s)
'''
TRAINING = 'model = "tinynet"\ndata = "dots"\nrecipe.epochs = 2\n'


@pytest.fixture(autouse=True)
def toss(project_folder: Path, catalog: Catalog) -> Path:
    """An experiment of the project's own, with two options and one outcome."""
    file = project_folder / "bench" / "experiments" / "toss.py"
    file.parent.mkdir()
    file.write_text(EXPERIMENT % "")
    return file


def test_an_experiment_takes_the_place_of_model_data_task_recipe_and_passes(load: Load) -> None:
    """Nothing of a training is asked for; each seed and repeat is one run of the experiment and nothing else."""
    [case] = load(CASE + 'experiment = { name = "toss", coins = 5 }\nseeds = 2\nrepeats = 2\ntags = ["quick"]\n').cases

    assert case.experiment == PartRef(name="toss", options={"coins": 5})
    assert (case.model.name, case.data.name, case.task.name, case.passes) == ("", "", "", ())
    assert list(case.runs()) == [("experiment", 1, 1), ("experiment", 2, 1), ("experiment", 1, 2), ("experiment", 2, 2)]
    assert case.name == "toss"
    assert case.specification.keys() == {"experiment", "execution"}


def test_options_and_settings_decide_an_experiment_and_nothing_else_does(load: Load) -> None:
    """Two cases may be compared if experiment, options, device, threads and lane are the same."""
    text = CASE + 'name = "c"\nexperiment = %s\n%s\n'
    [plain] = load(text % ('"toss"', "")).cases
    [other] = load(text % ('"toss"', "seeds = 7\ntimeout_seconds = 5.0\nwhy = 'again'")).cases
    changed = [
        load(text % lines).cases[0]
        for lines in (
            ('{ name = "toss", coins = 4 }', ""),
            ('"toss"', "execution.threads = 2"),
            ('"toss"', 'execution.lane = "deterministic"'),
        )
    ]

    assert plain.digest == other.digest
    assert len({plain.digest, *(case.digest for case in changed)}) == 4


def test_a_matrix_varies_an_experiments_options(load: Load) -> None:
    """Its cases are named as any matrix names them."""
    cases = load(CASE + 'experiment = "toss"\nmatrix = { "experiment.coins" = [1, 2], "experiment.fair" = [true] }\n').cases

    assert [case.name for case in cases] == ["toss[coins=1,fair=true]", "toss[coins=2,fair=true]"]
    assert [case.experiment and case.experiment.options for case in cases] == [
        {"coins": 1, "fair": True},
        {"coins": 2, "fair": True},
    ]


def test_defaults_and_gates_of_trainings_do_not_reach_an_experiment(load: Load) -> None:
    """One suite holds both kinds: what [defaults] says of trainings is of trainings, what it says of both is of both."""
    head = HEAD + '[defaults]\nmodel = "tinynet"\ndata = "dots"\nrecipe.epochs = 2\npasses = ["memory"]\nseeds = 4\n'
    gates = "targets.accuracy = 0.5\n[gates]\nhits = { margin = 0.1 }\n"

    trained, tossed = load(head + gates + '[[case]]\nname = "a"\n[[case]]\nexperiment = "toss"\n').cases

    assert (trained.model.name, trained.passes, dict(trained.targets)) == ("tinynet", ("memory",), {"accuracy": 0.5})
    assert (tossed.model.name, tossed.recipe.epochs, tossed.gates, tossed.targets) == ("", None, {}, {})
    assert trained.seeds == tossed.seeds == (1, 2, 3, 4)


def test_a_case_with_a_model_takes_no_experiment_from_the_defaults(load: Load) -> None:
    """The other way about: an experiment that most cases run leaves the few that train alone."""
    tossed, trained = load(
        HEAD + '[defaults]\nexperiment = "toss"\n[[case]]\nname = "a"\n[[case]]\nname = "b"\n' + TRAINING
    ).cases

    assert tossed.experiment is not None
    assert trained.experiment is None


ALLOWED = "allowed: name, why, experiment, execution, seeds, repeats, retries, tags, timeout_seconds, memory_limit_bytes"
BROKEN = {
    'experiment = "tos"': "experiment: found \"tos\", did you mean 'toss'?; allowed: ",
    "experiment = 3": "experiment: found 3; allowed: ",
    'experiment = { name = "toss", coin = 1 }': "experiment.coin: unknown option, did you mean 'coins'?; allowed: coins, fair",
    "experiment = { coins = 1 }": 'experiment.name is missing; write experiment = { name = "...", ... }',
    'model = "tinynet"': f"model: found beside experiment, which takes its place; {ALLOWED}",
    'data = "dots"': f"data: found beside experiment, which takes its place; {ALLOWED}",
    'task = "sorting"': f"task: found beside experiment, which takes its place; {ALLOWED}",
    "recipe.epochs = 2": f"recipe: found beside experiment, which takes its place; {ALLOWED}",
    'passes = ["memory"]': f"passes: found beside experiment, which takes its place; {ALLOWED}",
    "targets.heads = 0.5": f"targets: found beside experiment, which takes its place; {ALLOWED}",
    "published.heads = 0.5": f"published: found beside experiment, which takes its place; {ALLOWED}",
    "more_seeds = 4": f"more_seeds: found beside experiment, which takes its place; {ALLOWED}",
    "gates.heads = { margin = 0.1 }": "gates.heads: found in a case that runs an experiment; "
    "its outcomes are judged by [[claim]]s: leave it out",
    'execution.precision = "bf16"': 'execution.precision: found "bf16" with an experiment, which decides that itself; '
    'allowed: "fp32"',
    'execution.mode = "compile"': 'execution.mode: found "compile" with an experiment, which decides that itself; '
    'allowed: "eager"',
    "seeds = [1, 1]": "seeds[1]: found seed 1 twice; allowed: each seed once",
}


@pytest.mark.parametrize("line", BROKEN)
def test_what_an_experiment_cannot_have_is_one_problem_on_its_line(problems: Problems, line: str) -> None:
    """Each, alone, is one problem that says what was found and what is allowed."""
    other = "" if line.startswith("experiment") else 'experiment = "toss"\n'

    (problem,) = problems(CASE + line + '\nname = "c"\n' + other)

    assert problem.startswith(f"mine.toml:4: {BROKEN[line]}")


@pytest.mark.parametrize("line", ["passes = []", "gates = {}", 'execution = { device = "cuda", threads = 2 }'])
def test_what_says_nothing_of_a_training_is_let_pass(load: Load, line: str) -> None:
    """An empty list of passes is what an experiment has, and where it runs is for the suite to say."""
    assert load(CASE + f'experiment = "toss"\n{line}\n').cases[0].experiment is not None


FLAWS = {
    "outcomes=dict(heads='1')": "outcomes is no literal table of names and units",
    "outcomes={}": "outcomes is no literal table of names and units",
    "outcomes={'Heads': '1'}": "outcomes: found 'Heads'; allowed: a name in snake_case",
    "outcomes={'heads': 1}": "outcomes: found 'heads' in 1; allowed: s, By, 1, J, W, Hz, Cel, %, a count such as {model}, or",
    "outcomes={'heads': 'furlong'}": "outcomes: found 'heads' in 'furlong'; allowed: s, By, 1",
    "outcomes={'heads': '1'}, metric_class='good'": "metric_class: found 'good'; allowed: exact, quality, machine",
    "outcomes={'heads': '1'}, directions={'tails': 'higher'}": "directions: found 'tails', which is no outcome",
    "outcomes={'heads': '1'}, directions={'heads': 'up'}": "directions: found 'heads': 'up'; allowed: higher, lower, none",
}


@pytest.mark.parametrize("declared", FLAWS)
def test_an_experiment_that_does_not_say_what_it_gives_is_refused(problems: Problems, toss: Path, declared: str) -> None:
    """What its outcomes mean is read without running it, so that it has to stand there as literals."""
    toss.write_text(f'"""Tosses."""\ndef run(setting): ...\nEXPERIMENT = Experiment(run=run, title="T", {declared})\n')

    (problem,) = problems(CASE + 'experiment = "toss"\n')

    assert problem.startswith(f"mine.toml:4: experiment: {toss}: {FLAWS[declared]}")


def test_all_flaws_of_an_experiment_are_listed_at_once(problems: Problems, toss: Path) -> None:
    """Whoever mends one finds no next one."""
    declared = "outcomes={'Heads': '1', 'tails': 'furlong'}, metric_class='good', directions={'tail': 'up'}"
    toss.write_text(f'"""Tosses."""\ndef run(setting): ...\nEXPERIMENT = Experiment(run=run, title="T", {declared})\n')

    found = [line.split(f"{toss}: ")[1] for line in problems(CASE + 'experiment = "toss"\n')]

    assert [line.split(";")[0] for line in found] == [
        "directions: found 'tail', which is no outcome, did you mean 'tails'?",
        "directions: found 'tail': 'up'",
        "metric_class: found 'good'",
        "outcomes: found 'Heads'",
        "outcomes: found 'tails' in 'furlong'",
    ]


def test_a_broken_experiment_is_a_problem_among_others(problems: Problems, toss: Path) -> None:
    """A part that is no Python does not hide what else is wrong with the suite."""
    toss.write_text("def run(:\n")

    found = problems(CASE + 'experiment = { name = "toss", x = 1 }\nseeds = [1, 1]\n')

    assert found[0].startswith(f"mine.toml:3: a part of this case cannot be used: {toss}: cannot be read as Python")
    assert found[-1].startswith("mine.toml:5: seeds[1]: found seed 1 twice")


def test_seeds_and_devices_of_experiments_can_be_overridden(load: Load) -> None:
    """A command line narrows and overrides experiments as it does trainings."""
    suite = load(CASE + 'experiment = "toss"\ntags = ["quick"]\n[[case]]\nname = "long"\n' + TRAINING)

    narrowed, left_out = narrow(suite, Overrides(tags=("quick",), seeds=(5, 6), threads=2))

    assert [(case.name, case.seeds, case.execution.threads) for case in narrowed.cases] == [("toss", (5, 6), 2)]
    assert left_out == ("long",)
    assert narrowed.cases[0].experiment == suite.cases[0].experiment


def test_commands_that_look_at_steps_get_the_trainings_alone(load: Load) -> None:
    """Experiments are left out by name; where nothing else is left, that is an error."""
    mixed = load(CASE + 'experiment = "toss"\n[[case]]\nname = "net"\n' + TRAINING)
    alone = load(CASE + 'experiment = "toss"\n')

    kept, left_out = trainings(mixed, "harness fit")

    assert ([case.name for case in kept.cases], left_out) == (["net"], ("toss",))
    with pytest.raises(UsageError, match="harness fit: toss: experiments, and it takes steps of a training"):
        trainings(alone, "harness fit")


@pytest.mark.parametrize("suite", ["articles", "smoke"])
def test_trainings_keep_the_digests_that_are_stored(suite: str) -> None:
    """The digest of each case is the one that its baseline was recorded with, before there were experiments: runs and
    baselines of before stay comparable."""
    stored = {path.stem: json.loads(path.read_text()) for path in (ROOT / "results" / "baselines" / suite).glob("*.json")}
    declared = {case.name: case for case in load_suite(ROOT / "suites" / f"{suite}.toml", Catalog()).cases}

    assert stored
    assert {name: declared[name].digest for name in stored} == {name: held["case_digest"] for name, held in stored.items()}
    assert all(
        set(held["specification"]) == {"model", "data", "task", "recipe", "execution", "targets"} for held in stored.values()
    )


def test_a_case_of_before_is_read_as_a_training() -> None:
    """Manifests and baselines of before know no experiment."""
    case = Case.model_validate({"name": "old", "model": {"name": "m"}, "data": {"name": "d"}})

    assert case.experiment is None
    assert case.main_pass == "train"
