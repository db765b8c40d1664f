"""`harness gate`: judges a real run set against baselines on disk, says what did not pass, and exits accordingly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.baseline import promote, propose, write_proposals
from harness.cli import main
from harness.project import find_project
from harness.results import RunSet
from harness.suite import Overrides, Suite, load_suite, narrow
from tests.support import MACHINE, NUMERIC, Trained, Value, record

SUITE = """
version = 1
why = "Tests the gate."

[defaults]
model = "a000_lenet_gray"
data = "digits"
seeds = [1, 2, 3]
recipe = { epochs = 1 }
passes = []

[gates]
accuracy = { margin = 0.05 }
parameters = {}
step_time_median = { margin = 0.1 }

[[case]]
name = "lenet"
"""

ACCURACY = {1: 0.90, 2: 0.91, 3: 0.92}
Runs = Callable[..., RunSet]


@pytest.fixture
def demo(project_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one suite of one case, which no CI tells of a base."""
    for name in ("HARNESS_BASE_REF", "GITHUB_BASE_REF"):
        monkeypatch.delenv(name, raising=False)
    (project_folder / "suites" / "demo.toml").write_text(SUITE)
    return project_folder


def declared() -> Suite:
    """Return the suite as its file declares it now."""
    project = find_project()
    return load_suite(project.suite_file("demo"), project.catalog())


def measure(
    change: Mapping[str, Value] | None = None,
    seeds: tuple[int, ...] | None = None,
    overrides: Overrides | None = None,
    **run: object,
) -> RunSet:
    """Store a run set of the suite: usual values but for `change`, with a run for each seed."""
    suite, left_out = narrow(declared(), overrides or Overrides())
    runs = [
        Trained(case, seed, _values(seed) | dict(change or {}), **run)  # type: ignore[arg-type]
        for case in suite.cases
        for seed in seeds or case.seeds
    ]
    return record(find_project().results, suite, runs, left_out)


def _values(seed: int) -> dict[str, Value]:
    return {"accuracy": ACCURACY.get(seed, 0.91), "parameters": 61706.0, "step_time_median": 0.0100 + seed * 1e-5}


def accept(run_set: RunSet, reason: str = "test") -> Path:
    """Make a run set the suite's baseline; return the folder."""
    folder = find_project().baselines / "demo"
    promote(write_proposals(run_set, propose([run_set], reason).baselines), folder)
    return folder


def test_what_is_as_before_passes(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, no rows, one sentence with the exit code's meaning; the verdicts are stored."""
    run_set = measure()
    accept(run_set)

    code = main(["gate", "demo"])

    assert (code, capsys.readouterr().out) == (
        0,
        f"3 same\n{run_set.name} judged against results/baselines/demo under policy pr: exit code 0, pass: nothing is worse\n",
    )
    assert run_set.table("verdicts")["verdict"].tolist() == ["same"] * 3


def test_a_regression_fails_and_only_it_is_shown(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A drop ends with code 1 and one row: base, head, change, margin, minimum detectable effect and why."""
    accept(measure())
    run_set = measure({"accuracy": 0.5})

    code = main(["gate", "demo"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines == [
        "1 same, 1 worse, 1 void",
        "case\tmetric\tbase → head\tchange\tmargin\tmde\tverdict\twhy",
        "lenet\taccuracy\t0.9100 → 0.5000\t-0.4100\t0.0500\t0.0943\tworse\tt prediction bound, p = 0.0002",
        "lenet\tstep_time_median\t10.0 ms → 10.0 ms\t0 %\t10.0 %\t10.1 %\tvoid\twas same; the case's results are worse",
        f"{run_set.name} judged against results/baselines/demo under policy pr: exit code 1, "
        "a metric gated at level hard is worse",
    ]


def test_verbose_shows_what_passed(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --verbose every verdict has its row."""
    accept(measure())

    main(["gate", "demo", "--verbose"])

    assert "lenet\tparameters\t61,706 → 61,706\t\t\t\tsame\tequality" in capsys.readouterr().out.splitlines()


def test_a_new_case_has_no_baseline(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a baseline the gate fails with code 4, in one row a case when many metrics say the same."""
    (demo / "suites" / "demo.toml").write_text(SUITE.replace("parameters = {}", "parameters = {}\ntrain_flops_per_sample = {}"))
    measure({"train_flops_per_sample": 1000.0})

    code = main(["gate", "demo"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 4
    assert lines[0] == "4 new"
    assert lines[2] == "lenet\tparameters, train_flops_per_sample, accuracy and 1 more\t\t\t\t\tnew\tno baseline for this case"
    assert lines[3] == "what is new has no baseline yet: harness baseline propose demo --reason TEXT"


def test_a_removed_baseline_fails(demo: Path) -> None:
    """Deleting a baseline's file does not make its case pass."""
    folder = accept(measure())
    (folder / "lenet.json").unlink()

    assert main(["gate", "demo"]) == 4


def test_a_row_removed_from_a_baseline_is_noticed(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A baseline edited by hand is an error that names the file."""
    path = accept(measure()) / "lenet.json"
    path.write_text(path.read_text().replace('    "3": [0.92]\n', "").replace('"2": [0.91],', '"2": [0.91]'))

    code = main(["gate", "demo"])

    assert code == 5
    assert "lenet.json: metrics.accuracy: Value error, n is 3, and there are 2 values" in capsys.readouterr().err


def test_an_interrupted_run_set_misses_runs(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Declared seeds that did not run are missing: code 5."""
    accept(measure())
    measure(seeds=(1, 2))

    code = main(["gate", "demo"])

    assert code == 5
    assert "lenet\truns\t\t\t\t\tmissing\tno run of seed 3" in capsys.readouterr().out.splitlines()


def test_a_killed_run_is_missing(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that was killed is named with its reason."""
    accept(measure())
    measure(status="killed", reason="signal 9")

    assert main(["gate", "demo"]) == 5
    assert "seed 1: killed (signal 9); seed 2: killed (signal 9)" in capsys.readouterr().out


def test_a_truncated_table_is_an_error(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged table fails by name, and is never taken for an empty one."""
    accept(measure())
    path = measure().path / "measurements.parquet"
    path.write_bytes(path.read_bytes()[:64])

    assert main(["gate", "demo"]) == 5
    assert "measurements.parquet: truncated or damaged" in capsys.readouterr().err


def test_the_declared_set_is_the_suite_files(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A case added to the file after the run is missing, and a gate added there is judged."""
    accept(measure())
    measure()
    (demo / "suites" / "demo.toml").write_text(
        SUITE.replace("parameters = {}", "parameters = {}\nmacro_f1 = { margin = 0.1 }") + '\n[[case]]\nname = "added"\n'
    )

    code = main(["gate", "demo"])

    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert code == 5
    assert ["lenet", "macro_f1", "missing", "no row in any run"] in [[*row[:2], *row[-2:]] for row in rows]
    assert ["added", "runs", "missing", "no run of seed 1, 2, 3"] in [[*row[:2], *row[-2:]] for row in rows]


def test_a_definition_edited_after_the_run_is_missing(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Results of an earlier definition are not those of the declared one."""
    accept(measure())
    (demo / "suites" / "demo.toml").write_text(SUITE.replace("epochs = 1", "epochs = 2"))

    assert main(["gate", "demo"]) == 5
    assert "the suite has changed since it ran: recipe.epochs 1 → 2; run it again" in capsys.readouterr().out


def test_narrowing_and_overriding_are_followed(demo: Path) -> None:
    """Seeds given on the command line and cases left out by -k are not missed."""
    (demo / "suites" / "demo.toml").write_text(SUITE + '\n[[case]]\nname = "other"\n')
    accept(measure())

    measure(overrides=Overrides(keyword="lenet", seeds=(2,)))

    assert main(["gate", "demo"]) == 0


def test_another_machine_and_fingerprint_pass_with_a_warning(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On another machine speed is incomparable: a warning under pr, code 4 under strict."""
    accept(measure())
    measure(machine=MACHINE | {"gpu": "H100"}, numeric=NUMERIC | {"device": "H100"})

    codes = [main(["gate", "demo", "--policy", policy]) for policy in ("pr", "strict")]

    out = capsys.readouterr().out
    assert codes == [0, 4]
    assert "another machine class: gpu H200 → H100" in out
    assert "warning: 1 incomparable: passes under policy pr; the baseline is of another machine" in out


@pytest.mark.parametrize(("policy", "code"), [("pr", 0), ("strict", 6)])
def test_an_improvement_makes_the_baseline_stale(demo: Path, policy: str, code: int) -> None:
    """Better is a warning under pr and code 6 under strict."""
    accept(measure())
    measure({"accuracy": 0.99})

    assert main(["gate", "demo", "--policy", policy]) == code


def test_an_earlier_run_set_can_be_judged(demo: Path) -> None:
    """--run-set takes a run set's own name, its name with the suite, or its path."""
    good = measure()
    accept(good)
    measure({"accuracy": 0.5})

    assert main(["gate", "demo"]) == 1
    for name in (good.path.name, good.name, str(good.path)):
        assert main(["gate", "demo", "--run-set", name]) == 0


def test_judging_twice_stores_the_same_bytes(demo: Path) -> None:
    """Verdicts depend on the stored samples alone."""
    accept(measure())
    run_set = measure({"accuracy": 0.7})

    main(["gate", "demo"])
    first = (run_set.path / "verdicts.parquet").read_bytes()
    main(["gate", "demo"])

    assert (run_set.path / "verdicts.parquet").read_bytes() == first


def test_a_suite_that_gates_nothing_does_not_pass(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing judged is not the same as nothing wrong."""
    (demo / "suites" / "demo.toml").write_text(SUITE.split("[gates]")[0] + '[[case]]\nname = "lenet"\n')
    measure()

    assert main(["gate", "demo"]) == 4
    assert "gates no metric of these cases: nothing is judged; add [gates] to the suite" in capsys.readouterr().err
    assert main(["compare", "demo", "demo"]) == 4  # by the gates of then, so that adding some now would not help
    shown = "by the gates that it was run with; `harness compare demo demo --metric NAME` shows numbers beside one another"
    assert shown in capsys.readouterr().err
    assert main(["compare", "demo", "demo", "--metric", "accuracy"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gate", "demo"], "no run set 'demo'"),
        (["gate", "dem"], "no suite 'dem' in"),
        (["gate", "demo", "--policy", "strct"], "--policy: found 'strct', did you mean 'strict'?; allowed: pr, strict"),
    ],
)
def test_what_cannot_be_judged_is_a_usage_error(
    demo: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """A suite without results, an unknown suite and an unknown policy end with code 2 and say what there is."""
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_gating_needs_no_torch(demo: Path) -> None:
    """A gate runs where torch and the heavy part of scipy are not loaded."""
    accept(measure())
    program = (
        "import sys; from harness.cli import main; code = main(['gate', 'demo']); "
        "print(code, sorted({'torch', 'scipy.stats', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=demo)

    assert done.stdout.splitlines()[-1] == "0 []"


def git(folder: Path, *arguments: str) -> str:
    """Run git as a user who exists nowhere else."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    """Commit everything; return the commit's first characters, as the gate shows them."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "state")
    return git(folder, "rev-parse", "--short=12", "HEAD")


@pytest.fixture
def changed(demo: Path) -> str:
    """A commit with a baseline, after which results became worse and the baseline was renewed to match; that commit."""
    accept(measure())
    before = commit(demo)
    accept(measure({"accuracy": 0.5}), "fewer epochs: half the cost")
    return before


def test_a_renewed_baseline_does_not_judge_its_own_change(changed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Judged by a commit's baselines, a drop is worse whatever the working tree holds, and the edit is told in one line."""
    assert main(["gate", "demo"]) == 0
    capsys.readouterr()

    code = main(["gate", "demo", "--baselines-from", "HEAD"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    edit = "lenet (renewed: fewer epochs: half the cost)"
    assert lines[0] == (
        f"baselines edited in this change, judged by those of {changed} (--accept-renewed, if it is intended): {edit}"
    )
    assert f"judged against results/baselines/demo of {changed} under policy pr" in lines[-1]


def test_a_renewed_baseline_is_accepted_when_asked(changed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--accept-renewed judges by it, and each metric that it moved says so; what it left alone does not."""
    code = main(["gate", "demo", "--baselines-from", "HEAD", "--accept-renewed", "--verbose"])

    lines = capsys.readouterr().out.splitlines()
    notes = {cells[1]: cells[-1] for line in lines if len(cells := line.split("\t")) > 2}
    assert code == 0
    assert lines[0] == "baselines edited in this change and accepted: lenet (renewed: fewer epochs: half the cost)"
    assert notes["accuracy"] == "the baseline was renewed in this change: fewer epochs: half the cost"
    assert "renewed" not in notes["parameters"]


def test_an_edit_without_a_new_reason_is_not_accepted(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers that moved under the old reason are no decision of anybody's."""
    accept(measure())
    commit(demo)
    accept(measure({"accuracy": 0.5}))

    assert main(["gate", "demo", "--baselines-from", "HEAD", "--accept-renewed"]) == 1
    out = capsys.readouterr().out
    assert "lenet (edited without a new reason)" in out
    assert "--accept-renewed" not in out


@pytest.mark.parametrize(("options", "code"), [([], 4), (["--accept-renewed"], 0)])
def test_an_added_baseline_needs_acceptance_too(demo: Path, options: list[str], code: int) -> None:
    """A new case's first baseline is new to the commit before it, and what it says of itself counts once accepted."""
    commit(demo)
    accept(measure())

    assert main(["gate", "demo", "--baselines-from", "HEAD", *options]) == code


@pytest.mark.parametrize(("options", "code"), [([], 5), (["--accept-renewed"], 0)])
def test_a_removed_case_needs_acceptance_too(demo: Path, options: list[str], code: int) -> None:
    """A case that goes with its baseline is missing, unless that is accepted."""
    (demo / "suites" / "demo.toml").write_text(SUITE + '\n[[case]]\nname = "other"\n')
    folder = accept(measure())
    commit(demo)
    (folder / "other.json").unlink()
    (demo / "suites" / "demo.toml").write_text(SUITE)
    measure()

    assert main(["gate", "demo", "--baselines-from", "HEAD", *options]) == code


@pytest.mark.parametrize("variable", ["HARNESS_BASE_REF", "GITHUB_BASE_REF"])
def test_ci_judges_by_the_merge_base(changed: str, demo: Path, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CI names the branch that a change is for, no option is needed; a remote's branch will do."""
    git(demo, "update-ref", "refs/remotes/origin/release", "HEAD")
    git(demo, "checkout", "--quiet", "-b", "change")
    commit(demo)
    for name in ("main", "release"):
        monkeypatch.setenv(variable, name)
        assert main(["gate", "demo"]) == 1
    monkeypatch.setenv(variable, "")
    assert main(["gate", "demo"]) == 0


@pytest.mark.parametrize(
    ("options", "base", "message"),
    [
        (["--baselines-from", "nowhere"], "", "'nowhere' is no commit of the repository around"),
        (["--baselines-from", "--all"], "", "'--all' is no commit"),
        (["--baselines-from", ""], "", "'' is no commit"),
        (["--accept-renewed"], "", "--accept-renewed: renewed since when?"),
        ([], "gone", "GITHUB_BASE_REF: no commit 'gone', nor 'origin/gone'; fetch the whole history"),
        ([], "unrelated", "GITHUB_BASE_REF: HEAD and 'unrelated' have no commit in common; fetch the whole history"),
    ],
)
def test_a_base_that_cannot_be_had_is_a_usage_error(
    changed: str,
    demo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    base: str,
    message: str,
) -> None:
    """Never judged by the change's own baselines in silence: exit code 2, with what to do."""
    git(demo, "branch", "unrelated", git(demo, "commit-tree", "-m", "root", git(demo, "write-tree")))
    monkeypatch.setenv("GITHUB_BASE_REF", base)

    assert main(["gate", "demo", *options]) == 2
    assert message in capsys.readouterr().err


def test_outside_git_a_base_is_a_usage_error(
    demo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A base that CI names cannot be found where there is no repository."""
    accept(measure())
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(demo.parent))
    monkeypatch.setenv("GITHUB_BASE_REF", "main")

    assert main(["gate", "demo"]) == 2
    told = capsys.readouterr().err
    assert "GITHUB_BASE_REF: no commit 'main'" in told
    assert "not a git repository" in told
