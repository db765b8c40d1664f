"""`harness baseline`: propose shows what would change, promote puts it where git sees it, show prints what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import main
from harness.results import RunSet
from tests.support import Trained, make_case, make_suite, record

CASE = make_case(seeds=(1, 2))
SUITE = make_suite(CASE)


def measure(project: Path, accuracy: float, complete: bool = True) -> RunSet:
    """Store a run set of two seeds."""
    runs = [Trained(CASE, seed, {"accuracy": accuracy + seed / 100, "parameters": 61706}) for seed in CASE.seeds]
    return record(project / "results", SUITE, runs, complete=complete)


def test_a_baseline_goes_from_proposal_to_place(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """propose, promote, show: each prints what it did, and nothing is in place before it is promoted."""
    run_set = measure(project_folder, 0.9)
    file = project_folder / "results" / "baselines" / "demo" / "lenet.json"

    assert main(["baseline", "propose", "demo", "--reason", "first"]) == 0
    assert not file.exists()
    proposed = capsys.readouterr().out.splitlines()
    assert main(["baseline", "promote", "demo"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert main(["baseline", "show", "demo"]) == 0
    shown = capsys.readouterr().out.splitlines()

    assert proposed[:3] == [
        "case\tmetric\tn\tbefore: mean ± sd\tafter: mean ± sd",
        "lenet\tparameters\t0 → 2\tnone\t61,706",
        "lenet\taccuracy\t0 → 2\tnone\t0.9150 ± 0.0071",
    ]
    assert proposed[3].startswith("warning: few seeds (lenet 2)")
    assert proposed[-1] == (
        f"1 baseline proposed in {run_set.path / 'proposed-baselines'}; accept with `harness baseline promote demo`"
    )
    assert shown[0] == "lenet: first"
    assert shown[1] == (
        f"recorded 2026-01-02 from {run_set.path.name} (2026-01-02), commit 0123456789ab, python 3.11 torch 2.13.0"
    )
    assert shown[2].endswith(": cpu Example CPU, gpu H200")
    assert shown[3:] == [
        "metric\tclass\tn\tmean ± sd",
        "parameters\texact\t2\t61,706",
        "accuracy\tquality\t2\t0.9150 ± 0.0071",
    ]


def test_the_last_complete_run_set_is_taken(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unfinished run set after it is passed over; the table shows before and after."""
    measure(project_folder, 0.9)
    main(["baseline", "propose", "demo", "--reason", "first"])
    main(["baseline", "promote", "demo"])
    complete = measure(project_folder, 0.8)
    measure(project_folder, 0.1, complete=False)
    capsys.readouterr()

    assert main(["baseline", "propose", "demo", "--reason", "second"]) == 0

    out = capsys.readouterr().out
    assert "lenet\taccuracy\t2 → 2\t0.9150 ± 0.0071\t0.8150 ± 0.0071\n" in out
    assert (complete.path / "proposed-baselines" / "lenet.json").exists()


def test_named_run_sets_are_merged_once_each(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--from may be given several times; the same run set twice adds its samples once."""
    first, second = measure(project_folder, 0.9), measure(project_folder, 0.8)
    names = [first.name, second.path.name, str(first.path)]

    code = main(["baseline", "propose", "demo", "--reason", "both", *[word for name in names for word in ("--from", name)]])

    assert code == 0
    assert "lenet\taccuracy\t0 → 4\t" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["propose", "demo", "--reason", "x"], 2, "no complete run set of suite 'demo'"),
        (["propose", "demo", "--reason", " "], 2, "--reason: a baseline needs one"),
        (["propose", "demo", "--reason", "x", "--from", "demo"], 5, "incomplete; go on with `harness run demo`"),
        (["promote", "demo"], 2, "no proposed baselines of suite 'demo'"),
        (["show", "demo"], 2, "no baselines in"),
    ],
)
def test_what_cannot_be_done_is_refused(
    project_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    """Refusals say why and what to do, and exit by the table."""
    measure(project_folder, 0.9, complete=" " in arguments)

    assert main(["baseline", *arguments]) == code
    assert message in capsys.readouterr().err


def test_an_unknown_case_is_refused_with_the_nearest(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """show names the case that was probably meant."""
    measure(project_folder, 0.9)
    main(["baseline", "propose", "demo", "--reason", "first"])
    main(["baseline", "promote", "demo", "lenet"])

    assert main(["baseline", "show", "demo", "lenett"]) == 2
    assert "did you mean 'lenet'?" in capsys.readouterr().err
