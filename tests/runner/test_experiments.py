"""Experiments as runs: what is stored of them, what makes them fail, and what other commands do with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import harness
from harness import catalog as catalogues
from harness.catalog import Catalog
from harness.cli import main
from harness.errors import MeasuringError, UsageError
from harness.experiments import Experiment, Setting
from harness.observations import Observations
from harness.project import find_project
from harness.results import RunSet
from harness.runner import code
from harness.runner.execute import Ran
from harness.suite import Case, PartRef
from harness.train import DivergedError

TOSS = '''"""Tosses coins."""
import torch
from harness.experiments import Experiment

def run(setting, *, coins=8):
    """Return what came up."""
    setting.report(1, 2)
    drawn = torch.randint(2, (coins,), generator=setting.generator("coins"))
    return {body}

EXPERIMENT = Experiment(
    run=run,
    title="Coins",
    outcomes={{"heads": "1", "seconds_of_flight": "s"}},
    directions={{"heads": "higher"}},
    metric_class="quality",
)
'''
HEADS = '{"heads": drawn.double().mean(), "seconds_of_flight": None}'
SUITE = 'version = 1\nwhy = "test"\n[[case]]\nexperiment = {}\nseeds = 2\n'


@pytest.fixture
def write_toss(project_folder: Path) -> Callable[..., Path]:
    """Return a function that writes a project whose suite tosses coins; `body` is what the experiment returns."""

    def write(body: str = HEADS, named: str = '"toss"', more: str = "") -> Path:
        file = project_folder / "bench" / "experiments" / "toss.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TOSS.format(body=body))
        (project_folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
        (project_folder / "suites" / "mine.toml").write_text(SUITE.format(named) + more)
        return file

    return write


def outcomes(run_set: RunSet) -> dict[tuple[int, str], float]:
    """Return (seed, outcome) -> value."""
    rows = run_set.table("measurements").merge(run_set.table("runs")[["run_id", "seed"]], on="run_id")
    return {(seed, metric): value for seed, metric, value in zip(rows["seed"], rows["metric"], rows["value"], strict=True)}


def test_an_experiments_outcomes_are_rows_of_measurements(
    write_toss: Callable[..., Path], run_mine: Callable[..., Ran]
) -> None:
    """One process a seed; a row for each declared outcome, meaning what the file says, and a null where it gave none."""
    write_toss(named='{ name = "toss", coins = 4 }')

    ran = run_mine()

    runs, rows = ran.run_set.table("runs"), ran.run_set.table("measurements")
    assert ran.statuses == {"ok": 2}
    assert runs[["case", "seed", "pass", "model", "data", "task"]].to_numpy().tolist() == [
        ["toss", 1, "experiment", "", "", ""],
        ["toss", 2, "experiment", "", "", ""],
    ]
    assert not runs["synthetic"].any()
    columns = ["metric", "phase", "unit", "direction", "class", "scope", "n"]
    assert rows[columns].drop_duplicates().to_numpy().tolist() == [
        ["heads", "eval", "1", "higher", "quality", "versions", 1],
        ["seconds_of_flight", "eval", "s", "none", "quality", "versions", 0],
    ]
    assert rows["null_reason"].dropna().unique().tolist() == ["not_measured: the experiment could not measure it"]
    drawn = torch.randint(2, (4,), generator=torch.Generator().manual_seed(_stream(1, "coins")))
    assert outcomes(ran.run_set)[1, "heads"] == drawn.double().mean()


def _stream(seed: int, name: str) -> int:
    import hashlib

    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


WRONG = {
    '{"heads": 1.0}': "'seconds_of_flight' is declared and was not returned",
    '{"heads": 1, "seconds_of_flight": 1, "tails": 1}': "'tails' was returned and is not declared",
    '{"heads": float("nan"), "seconds_of_flight": 1}': "'heads' was nan; allowed: a finite number, or None for what cannot be",
    '{"heads": 1, "seconds_of_flight": -float("inf")}': "'seconds_of_flight' was -inf; allowed: a finite number",
    '{"heads": "half", "seconds_of_flight": [1]}': "cannot be measured; 'seconds_of_flight' was [1] (list); allowed",
    "None": "the experiment returned None; allowed: a table of its outcomes' numbers: 'heads', 'seconds_of_flight'",
    '"heads"': "the experiment returned 'heads' (str); allowed: a table",
    "1 / 0": "ZeroDivisionError: division by zero",
}


def test_what_an_experiment_should_not_do_fails_its_runs_and_says_why(
    write_toss: Callable[..., Path], run_mine: Callable[..., Ran]
) -> None:
    """No number is stored of a run whose numbers are not those declared; a file that cannot be imported fails alone."""
    reasons = {f"wrong_{place}": reason for place, reason in enumerate(WRONG.values())}
    reasons["absent"] = "absent.py: importing failed: ModuleNotFoundError: No module named 'no_such_module'"
    file = write_toss(more="".join(f'[[case]]\nexperiment = "{name}"\n' for name in reasons))
    for place, body in enumerate(WRONG):
        file.with_name(f"wrong_{place}.py").write_text(TOSS.format(body=body))
    file.with_name("absent.py").write_text("import no_such_module\n" + TOSS.format(body=HEADS))

    ran = run_mine(seeds=(1,))

    runs = {row["case"]: row for row in ran.run_set.table("runs").to_dict("records")}
    assert {case: run["status"] for case, run in runs.items()} == {"toss": "ok"} | dict.fromkeys(reasons, "failed")
    for case, reason in reasons.items():
        assert reason in runs[case]["reason"]
    assert set(ran.run_set.table("measurements")["run_id"]) == {runs["toss"]["run_id"]}


def test_finished_seeds_are_kept_and_an_edit_runs_them_again(
    write_toss: Callable[..., Path], run_mine: Callable[..., Ran]
) -> None:
    """An interrupted suite of experiments goes on where it was; what was edited is no longer what was run."""
    write_toss()
    first = run_mine().run_set
    held = dict(zip(first.table("runs")["seed"], first.table("runs")["run_id"], strict=True))
    first.drop([held[2]])
    first.update(complete=False)

    again = run_mine()

    now = dict(zip(again.run_set.table("runs")["seed"], again.run_set.table("runs")["run_id"], strict=True))
    assert again.continued
    assert now[1] == held[1]
    assert now[2] != held[2]
    again.run_set.update(complete=False)
    write_toss('{"heads": 0.25, "seconds_of_flight": 2.0}')
    edited = run_mine().run_set
    assert edited.path == first.path
    assert set(outcomes(edited).values()) == {0.25, 2.0}


def test_experiments_and_trainings_share_a_suite(
    project_folder: Path, write_project: Callable[..., None], write_toss: Callable[..., Path], run_mine: Callable[..., Ran]
) -> None:
    """Seeds of both take turns; the gate asks of each for the runs that it declares."""
    write_project({"good": ""})
    suite = (project_folder / "suites" / "mine.toml").read_text()
    write_toss()
    (project_folder / "suites" / "mine.toml").write_text(
        "\n".join([suite, '[[case]]\nexperiment = "toss"', "[gates]", "accuracy = { margin = 0.5 }"])
    )

    ran = run_mine()

    runs = ran.run_set.table("runs").sort_values("started_utc")
    assert runs["case"].tolist() == ["good", "toss", "good", "toss"]
    from harness.gate import judge_suite

    assert {(verdict.case, verdict.verdict) for verdict in judge_suite(find_project(), "mine").verdicts} == {("good", "new")}
    ran.run_set.drop(runs["run_id"][(runs["case"] == "toss") & (runs["seed"] == 2)].tolist())
    missing = [verdict for verdict in judge_suite(find_project(), "mine").verdicts if verdict.case == "toss"]
    assert [(verdict.verdict, verdict.note) for verdict in missing] == [("missing", "no run of seed 2")]


def test_a_training_in_an_experiment_is_the_harnesss_own(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """Same data, model, recipe and seed: the same losses and scores as the case that trains it, bit for bit."""
    write_project({"good": ""})
    ran = run_mine(seeds=(3,))
    setting = Setting(3, project=find_project())

    splits = setting.data("clouds")
    model = setting.model("good", setting.spec(splits), scale=1.0)
    seen = setting.train(model, splits, epochs=2, batch_size=8, lr=0.05)

    assert seen.losses.tolist() == ran.run_set.table("steps").sort_values("step")["loss"].tolist()
    stored = ran.run_set.table("measurements").set_index("metric")["value"]
    assert setting.score(model, splits.test)["accuracy"] == stored["accuracy"]
    assert setting.score(model, splits.test)["loss"] == stored["test_loss"]
    assert [evaluation.epoch for evaluation in seen.evaluations] == [2]


def cloud_setting(project_folder: Path, write_project: Callable[..., None], seed: int = 1) -> Setting:
    """Return a setting in a project with clouds of points and a linear classifier."""
    write_project({"good": ""})
    return Setting(seed, project=find_project(project_folder))


def test_trainings_of_one_setting_see_the_same_batches(project_folder: Path, write_project: Callable[..., None]) -> None:
    """The order belongs to the seed, not to how often it was drawn from; so do the first weights."""
    setting = cloud_setting(project_folder, write_project)
    splits = setting.data("clouds")

    losses = [
        setting.train(setting.model("good", setting.spec(splits)), splits, epochs=2, batch_size=8).losses.tolist()
        for _ in range(2)
    ]
    other = cloud_setting(project_folder, write_project, seed=2)
    elsewhere = other.train(other.model("good", other.spec(splits)), splits, epochs=2, batch_size=8).losses.tolist()

    assert losses[0] == losses[1]
    assert losses[0] != elsewhere


def test_a_setting_trains_with_the_settings_given(project_folder: Path, write_project: Callable[..., None]) -> None:
    """Plain gradient descent on the whole split is one known update; steps, clipping and selection reach the loop."""
    setting = cloud_setting(project_folder, write_project)
    splits = setting.data("clouds")
    model = setting.model("good", setting.spec(splits))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    loss = nn.functional.cross_entropy(model(splits.train.inputs), splits.train.labels)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()

    seen = setting.train(model, splits, steps=1, batch_size="full", optimizer="sgd", lr=0.5, clip_norm=0.01)

    moved = [old - parameter.detach() for old, parameter in zip(before, model.parameters(), strict=True)]
    for step, gradient in zip(moved, gradients, strict=True):
        torch.testing.assert_close(step, 0.5 * gradient * 0.01 / norm, rtol=1e-3, atol=1e-7)
    assert len(seen.losses) == 1
    chosen = setting.train(model, splits, epochs=3, validation=0.25, select="best")
    assert [(evaluation.epoch, evaluation.split) for evaluation in chosen.evaluations] == [
        (1, "validation"),
        (2, "validation"),
        (3, "validation"),
    ]


@pytest.mark.parametrize("given", [{}, {"epochs": 1, "steps": 1}])
def test_a_setting_wants_a_length(project_folder: Path, write_project: Callable[..., None], given: dict[str, int]) -> None:
    """Epochs or steps, as in a recipe."""
    setting = cloud_setting(project_folder, write_project)
    splits = setting.data("clouds")

    with pytest.raises(UsageError, match="exactly one of epochs and steps"):
        setting.train(setting.model("good", setting.spec(splits)), splits, **given)


def test_a_training_that_diverges_says_so(project_folder: Path, write_project: Callable[..., None]) -> None:
    """An experiment may catch that and make an outcome of it."""
    write_project({"nan": ""})
    setting = Setting(1, project=find_project(project_folder))
    splits = setting.data("clouds")
    model = setting.model("nan", setting.spec(splits))

    with pytest.raises(DivergedError, match="training loss was nan at step 1"):
        setting.train(model, splits, steps=3)


def test_a_training_of_a_setting_costs_little_beyond_its_steps(
    project_folder: Path, write_project: Callable[..., None]
) -> None:
    """Of what a run does besides, such as evaluating every epoch and digesting weights after some steps, nothing is done."""
    setting = cloud_setting(project_folder, write_project)
    splits = setting.data("clouds")
    seen = setting.train(setting.model("good", setting.spec(splits)), splits, epochs=20, batch_size=8)

    assert len(seen.evaluations) == 1
    assert {mark.step for mark in seen.tensor_marks} == {0, 160}


def test_outcomes_are_plain_numbers_in_the_order_declared() -> None:
    """Tensors and NumPy's numbers are let pass; the order of the rows is the file's."""
    experiment = Experiment(run=dict, title="t", outcomes={"b": "1", "a": "s"})

    assert list(experiment.checked({"a": torch.tensor(2.0), "b": None}).items()) == [("b", None), ("a", 2.0)]
    with pytest.raises(MeasuringError, match=r"'b' is declared and was not returned; 'c' was returned and is not declared"):
        experiment.checked({"a": 1.0, "c": 1.0})
    with pytest.raises(MeasuringError, match=r"'c' was returned .*; 'b' was '1' \(str\); .*; 'a' was tensor\(\[1., 2.\]\) \("):
        experiment.checked({"a": torch.tensor([1.0, 2.0]), "b": "1", "c": 1.0})


def test_the_global_stream_is_the_seeds_when_an_experiment_begins() -> None:
    """Layers that an experiment makes itself draw the same weights in every process with this seed."""
    drawn = Experiment(run=lambda setting: {"x": torch.rand(()).item()}, title="t", outcomes={"x": "1"})
    torch.manual_seed(0)
    first = drawn.perform({}, seed=5)
    torch.manual_seed(1)

    assert drawn.perform({}, seed=5) == first
    assert drawn.perform({}, seed=6) != first
    assert first == {"x": torch.rand((), generator=torch.Generator().manual_seed(_stream(5, "init"))).item()}


BUILT_IN = '''"""Asks for digits and a network; "tasks" is no part."""
from harness.experiments import Experiment, Setting
from harness.experiments._shared import helped

def run(setting):
    return helped(setting.data("digit_rows"))

EXPERIMENT = Experiment(run=run, title="t", outcomes={"x": "1"})
'''
SHARED = '''"""What experiments share."""
from harness import stats
from harness.probes import flops

MODEL = "a001_rnn"
'''


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's source files, in which code is looked for, with an experiment of its own."""
    copy = tmp_path / "harness"
    shutil.copytree(Path(harness.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "experiments" / "planted.py").write_text(BUILT_IN)
    (copy / "experiments" / "_shared.py").write_text(SHARED)
    for module in (catalogues, code):
        monkeypatch.setattr(module, "BUILT_IN", copy)
    return copy


PLANTED = Case(name="one", experiment=PartRef(name="planted"))


@pytest.mark.parametrize(
    "file",
    [
        "experiments/planted.py",
        "experiments/_shared.py",  # which it imports
        "experiments/_setting.py",
        "stats.py",  # which that imports
        "probes/flops.py",
        "data/digit_rows.py",  # which it names
        "data/digits.py",  # which that is made of
        "models/a001_rnn.py",  # which _shared names
        "models/_last_step.py",
        "tasks/classification.py",  # the default of `Setting`
        "train/_loop.py",
        "runner/passes/experiment.py",
    ],
)
def test_an_edit_of_code_that_an_experiment_executes_changes_its_key(copied: Path, file: str) -> None:
    """Its file, what that imports of the harness, and every part whose name stands in it as a text."""
    before = code.code_digest(PLANTED, Catalog())
    with (copied / file).open("a") as edited:
        edited.write("# edited\n")

    assert before != code.code_digest(PLANTED, Catalog())


@pytest.mark.parametrize(
    "file",
    [
        "experiments/gradients_over_time.py",
        "data/mnist.py",
        "models/a004_cnn.py",
        "tasks/translation.py",
        "suite/_rules.py",
        "results/_store.py",
        "report/cases.py",
        "cli/run.py",
    ],
)
def test_an_edit_of_other_code_leaves_an_experiments_key(copied: Path, file: str) -> None:
    """Other experiments, parts that it does not name, and what reads and writes."""
    before = code.code_digest(PLANTED, Catalog())
    with (copied / file).open("a") as edited:
        edited.write("# edited\n")

    assert before == code.code_digest(PLANTED, Catalog())


REFUSED = {
    "profile mine toss": "an experiment, which has no one training to look at",
    "export mine toss": "an experiment, which trains no one model; `harness reproduce` runs it again",
    "reproduce mine times": "an experiment that gives times and memory alone, which no two runs have in common",
    "fit mine": "harness fit: toss, times: experiments, and it takes steps of a training; name other cases",
    "audit mine": "harness audit: toss, times: experiments, and it takes steps of a training; name other cases",
    "calibrate mine": "harness calibrate: toss, times: experiments, and it takes steps of a training; name other cases",
    "ab --suite mine": "harness ab: toss, times: experiments, and it takes steps of a training; name other cases",
}


CLAIM = """
[[claim]]
id = "fair"
statement = "The coin is fair."
refuted_by = "few heads"
[[claim.test]]
kind = "above"
value = { case = "toss", metric = "heads" }
bound = 0.0
"""


def test_commands_know_what_to_do_with_an_experiment(
    write_toss: Callable[..., Path], run_mine: Callable[..., Ran], capsys: pytest.CaptureFixture[str]
) -> None:
    """A stored one is drawn, promoted and run again; a command that has no use for it says so in one sentence."""
    file = write_toss(more='[[case]]\nexperiment = "times"\n')
    file.with_name("times.py").write_text(file.read_text().replace('"quality"', '"machine"'))
    run_mine()
    capsys.readouterr()

    for command, message in REFUSED.items():
        assert main(command.split()) == 2, command
        assert message in capsys.readouterr().err, command
    assert main(["plan", "mine"]) == 0
    assert "unknown" not in capsys.readouterr().out
    assert main(["report", "mine"]) == 0
    assert main(["baseline", "propose", "mine", "--reason", "test", "--allow-dirty"]) == 5
    assert "toss: 2 seeds, and a baseline of quality metrics needs 3" in capsys.readouterr().err
    assert main(["gate", "mine"]) == 4
    alone = "suite 'mine' runs experiments alone, which no gate judges; `harness claims mine` judges "
    assert alone + "[[claim]]s of their outcomes, once it has some" in capsys.readouterr().err
    assert main(["compare", "mine", "mine"]) == 4
    assert alone in capsys.readouterr().err
    with (file.parents[2] / "suites" / "mine.toml").open("a") as suite:
        suite.write(CLAIM)
    assert main(["gate", "mine"]) == 4
    assert alone + "what it claims of them" in capsys.readouterr().err
    assert main(["claims", "mine"]) == 0
    capsys.readouterr()
    assert main(["reproduce", "mine", "toss"]) == 0
    assert "identical" in capsys.readouterr().out
    write_toss('{"heads": 0.125, "seconds_of_flight": None}')
    assert main(["reproduce", "mine", "toss"]) == 1
    out = capsys.readouterr().out
    assert "first difference: metric heads: " in out
    assert "→ 0.125" in out
    assert "code: changed since the record" in out


def test_experiments_are_listed_shown_planned_and_checked(
    write_toss: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each says what the file says, without running it."""
    write_toss(named='{ name = "toss", coins = 4 }')

    assert main(["list", "experiments"]) == 0
    assert "toss\tquality\t2\tTosses coins. (yours, in bench)" in capsys.readouterr().out
    assert main(["show", "experiment", "toss"]) == 0
    shown = capsys.readouterr().out
    assert "outcomes:\n  heads: 1\n  seconds_of_flight: s\n" in shown
    assert "options:\n  coins = 8" in shown
    assert main(["show", "suite", "mine"]) == 0
    [case] = json.loads(capsys.readouterr().out)["cases"]
    assert case["experiment"] == {"name": "toss", "options": {"coins": 4}}
    assert main(["check", "mine"]) == 0
    assert "ok, 1 case, 2 runs" in capsys.readouterr().out
    assert main(["plan", "mine"]) == 0
    assert "toss\ttoss\t\tcpu\t1\t1-2\t\t2\tan experiment\tunknown" in capsys.readouterr().out


def test_outcomes_are_kept_with_the_observations(tmp_path: Path) -> None:
    """What a worker hands over comes back as it was, nulls included."""
    seen = Observations(outcomes={"a": 0.1, "b": None})
    seen.save(tmp_path)

    assert Observations.load(tmp_path).outcomes == {"a": 0.1, "b": None}
