"""`harness baseline`: propose shows what would change, promote puts it where git sees it, show prints what is stored."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.cli import main
from harness.results import RunSet
from harness.suite import Case
from tests.support import Trained, make_case, make_suite, record

CASE = make_case()


def measure(project: Path, accuracy: float, complete: bool = True, case: Case = CASE) -> RunSet:
    """Store a run set of three seeds."""
    runs = [Trained(case, seed, {"accuracy": accuracy + seed / 100, "parameters": 61706}) for seed in case.seeds]
    return record(project / "results", make_suite(case), runs, complete=complete)


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
        "lenet\tparameters\t0 → 3\tnone\t61,706",
        "lenet\taccuracy\t0 → 3\tnone\t0.9200 ± 0.0100",
    ]
    assert proposed[3].startswith("warning: few seeds (lenet 3)")
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
        "parameters\texact\t3\t61,706",
        "accuracy\tquality\t3\t0.9200 ± 0.0100",
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
    assert "lenet\taccuracy\t3 → 3\t0.9200 ± 0.0100\t0.8200 ± 0.0100\n" in out
    assert (complete.path / "proposed-baselines" / "lenet.json").exists()


def test_named_run_sets_are_merged_once_each(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--from may be given several times; the same run set twice adds its samples once."""
    first, second = measure(project_folder, 0.9), measure(project_folder, 0.8)
    names = [first.name, second.path.name, str(first.path)]

    code = main(["baseline", "propose", "demo", "--reason", "both", *[word for name in names for word in ("--from", name)]])

    assert code == 0
    assert "lenet\taccuracy\t0 → 6\t" in capsys.readouterr().out


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


def git(folder: Path, *arguments: str) -> None:
    """Run git as a user who exists nowhere else."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, check=True)


def test_a_diff_shows_what_was_edited_and_why(
    project_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against a commit: edited, added and removed baselines of every suite, and of an edited one the metrics that moved."""
    for name in ("HARNESS_BASE_REF", "GITHUB_BASE_REF"):
        monkeypatch.delenv(name, raising=False)
    measure(project_folder, 0.9)
    main(["baseline", "propose", "demo", "--reason", "first"])
    main(["baseline", "promote", "demo"])
    folder = project_folder / "results" / "baselines"
    text = (folder / "demo" / "lenet.json").read_text()
    (folder / "gone").mkdir()
    (folder / "gone" / "lenet.json").write_text(text.replace('"suite": "demo"', '"suite": "gone"'))
    git(project_folder, "init", "--quiet", "--initial-branch=main")
    git(project_folder, "add", "--all")
    git(project_folder, "commit", "--quiet", "--message", "state")
    capsys.readouterr()
    assert main(["baseline", "diff"]) == 0
    assert capsys.readouterr().out.startswith("every baseline holds what it does in ")

    (folder / "gone" / "lenet.json").unlink()
    measure(project_folder, 0.8, case=make_case(recipe={"epochs": 2}))
    main(["baseline", "propose", "demo", "--reason", "more epochs"])
    main(["baseline", "promote", "demo"])
    capsys.readouterr()

    assert main(["baseline", "diff", "main"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "demo: lenet (renewed: more epochs); specification.recipe.epochs 1 → 2",
        "gone: lenet (removed)",
        "suite\tcase\tmetric\tn\tbefore: mean ± sd\tafter: mean ± sd",
        "demo\tlenet\taccuracy\t3 → 3\t0.9200 ± 0.0100\t0.8200 ± 0.0100",
        "gone\tlenet\tparameters\t3 → 0\t61,706\tgone",
        "gone\tlenet\taccuracy\t3 → 0\t0.9200 ± 0.0100\tgone",
    ]
    assert main(["baseline", "diff", "nowhere"]) == 2
    assert "'nowhere' is no commit" in capsys.readouterr().err
