"""Seeds drawn until the verdicts are in: within the budget, in one run set, and the same bytes when judged again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.baseline import promote, propose, write_proposals
from harness.cli import main
from harness.project import find_project
from harness.results import RunSet, run_sets
from harness.runner.execute import execute
from harness.suite import Overrides, load_suite, narrow
from tests.support import Trained, make_case, record

GATES = "[gates]\ntest_loss = {{ margin = {margin} }}"
CASE = "passes = []\nseeds = [11, 12, 13]\nmore_seeds = {more}\nrecipe.epochs = 1"


@pytest.mark.parametrize(("budget", "looks"), [(0, (0,)), (1, (0, 1)), (2, (0, 1, 2)), (4, (0, 2, 4)), (7, (0, 4, 7))])
def test_a_budget_is_drawn_in_at_most_two_halves(budget: int, looks: tuple[int, ...]) -> None:
    """Look 1 is at the seeds declared, look 2 at half of the budget, look 3 at all; the seeds go on after the largest."""
    case = make_case(seeds=(7, 3), more_seeds=budget)

    held = [case]
    while held[-1] != (later := held[-1].at_next_look()):
        held.append(later)

    assert case.looks == looks
    assert [each.drawn_seeds for each in held] == list(looks)
    assert [each.look for each in held] == list(range(1, len(looks) + 1))
    assert held[-1].seeds == (7, 3, *range(8, 8 + budget))


@pytest.fixture
def baseline(project_folder: Path, write_project: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that writes the project, with a baseline of eight seeds that are far apart."""
    for name in ("HARNESS_BASE_REF", "GITHUB_BASE_REF"):
        monkeypatch.delenv(name, raising=False)

    def write(margin: float, more: int = 4) -> None:
        write_project({"good": CASE.format(more=more)}, GATES.format(margin=margin))
        project = find_project()
        suite, _ = narrow(load_suite(project.suite_file("mine"), project.catalog()), Overrides(seeds=tuple(range(1, 9))))
        [case] = suite.cases
        run_set = record(project_folder / "old", suite, [Trained(case, seed, {"test_loss": seed / 4}) for seed in case.seeds])
        promote(write_proposals(run_set, propose([run_set], "first").baselines), project.baselines / "mine")

    return write


def last() -> RunSet:
    """Return the suite's last run set."""
    return run_sets(find_project().results, "mine")[-1]


def seeds(run_set: RunSet) -> list[int]:
    """Return the seeds that a run set holds runs of."""
    return sorted(run_set.table("runs")["seed"])


def test_an_undecided_case_draws_its_whole_budget_and_stays_judged(
    baseline: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    """With a margin that no number of seeds can tell, both further looks are made in the one run set; judging is repeatable."""
    baseline(1e-9)

    assert main(["bench", "mine"]) == 0

    out, err = capfd.readouterr()
    assert seeds(last()) == list(range(11, 18))
    assert last().manifest.complete
    assert f"going on with {last().name}, undecided: good (look 2 of 3): 2 of 5 runs to do" in err
    assert "2 of 7 runs to do" in err
    assert "look 3 of 3" in out
    stored = (last().path / "verdicts.parquet").read_bytes()
    assert main(["gate", "mine"]) == 0
    assert (last().path / "verdicts.parquet").read_bytes() == stored


def test_a_decided_case_draws_none(baseline: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    """Where the first look tells, the budget is left alone."""
    baseline(10.0)

    assert main(["run", "mine", "--until-decided"]) == 0
    assert main(["gate", "mine", "--verbose"]) == 0

    assert seeds(last()) == [11, 12, 13]
    assert "look 1 of 3" in capfd.readouterr().out


def test_without_the_option_none_are_drawn(baseline: Callable[..., None]) -> None:
    """`harness run` measures what is declared."""
    baseline(1e-9)

    assert main(["run", "mine"]) == 0
    assert seeds(last()) == [11, 12, 13]


def test_without_a_baseline_none_are_drawn(write_project: Callable[..., None]) -> None:
    """What is new has nothing to be undecided against."""
    write_project({"good": CASE.format(more=4)}, GATES.format(margin=1e-9))

    assert main(["bench", "mine"]) == 4
    assert seeds(last()) == [11, 12, 13]


def test_an_interrupted_look_is_taken_up(baseline: Callable[..., None], project_folder: Path) -> None:
    """What was drawn before the harness was stopped is kept, and the next call goes on from that look."""
    baseline(1e-9)
    project = find_project()
    suite = load_suite(project.suite_file("mine"), project.catalog())
    asked: list[list[int]] = []

    def undecided(run_set: RunSet) -> set[str]:
        asked.append(seeds(run_set))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return {"good"}

    with pytest.raises(KeyboardInterrupt):
        execute(project, suite, undecided=undecided)
    stopped = last()
    kept = set(stopped.run_ids())
    ran = execute(project, suite, undecided=undecided)

    assert asked == [[11, 12, 13], [11, 12, 13, 14, 15], [11, 12, 13, 14, 15]]
    assert ran.run_set.path == stopped.path
    assert seeds(ran.run_set) == list(range(11, 18))
    assert kept < set(ran.run_set.run_ids())


def test_the_budget_counts_as_it_was_before_the_first_look(
    baseline: Callable[..., None], project_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Who drops the budget after the looks does not get their error back."""
    baseline(1e-9)
    main(["bench", "mine"])
    file = project_folder / "suites" / "mine.toml"
    file.write_text(file.read_text().replace("more_seeds = 4", "more_seeds = 0"))
    capfd.readouterr()

    main(["gate", "mine"])

    assert "look 3 of 3" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["bench", "mine"], "HARNESS_BASE_REF: no commit 'nowhere'"),
        (["run", "mine", "--until-decided"], "HARNESS_BASE_REF: no commit 'nowhere'"),
        (["run", "mine", "--accept-renewed"], "--accept-renewed is about verdicts"),
    ],
)
def test_what_cannot_be_judged_is_not_measured(
    baseline: Callable[..., None],
    command: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A base that is not here, and an option without what it is of, are told before hours of training."""
    baseline(1e-9)
    monkeypatch.setenv("HARNESS_BASE_REF", "nowhere")

    assert main(command) == 2
    assert run_sets(find_project().results, "mine") == []
    assert message in capsys.readouterr().err


def test_a_file_cannot_claim_drawn_seeds(write_project: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """How many seeds were drawn is told by run sets alone."""
    write_project({"good": "drawn_seeds = 2"})

    assert main(["check"]) == 2
    assert "drawn_seeds" in capsys.readouterr().err
