"""The traps that gates of other projects fell into (FIELD_GATING §8): each is laid here, and must neither cry wolf nor pass.

A trap goes the whole way where it can: a suite file, a run set on disk, baselines in git, `harness gate` and its exit code.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as oracle

from harness.baseline import promote, propose, write_proposals
from harness.cli import main
from harness.errors import MeasuringError
from harness.paired._arms import merge_base
from harness.paired._blocks import ARMS, Block, undisturbed
from harness.paired._decide import decide
from harness.project import find_project
from harness.results import RunSet
from harness.suite import load_suite
from tests.support import MACHINE, METRICS, Trained, Value, record

SUITE = """
version = 1
why = "Lays traps."

[defaults]
model = "a000_lenet_gray"
data = "digits"
seeds = [1, 2, 3]
recipe = { epochs = 1 }
passes = []

[gates]
accuracy = { margin = 0.05 }
final_weights_digest = {}
step_time_median = { margin = 0.1 }

[[case]]
name = "lenet"
"""

ACCURACY = {1: 0.90, 2: 0.91, 3: 0.92}
USUAL: dict[str, Value] = {"final_weights_digest": "ab" * 32, "step_time_median": 0.01}


@pytest.fixture(autouse=True)
def project(project_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one suite of one case, which no CI tells of a base."""
    for name in ("HARNESS_BASE_REF", "GITHUB_BASE_REF"):
        monkeypatch.delenv(name, raising=False)
    (project_folder / "suites" / "demo.toml").write_text(SUITE)
    return project_folder


def measure(
    accuracy: Mapping[int, Value] | None = None,
    change: Mapping[str, Value | list[Value]] | None = None,
    lost: Mapping[int, str] | None = None,
    **run: Any,
) -> RunSet:
    """Store a run set of the suite as its file is now, with usual values but for these; of a list, one value a repeat.

    `lost` is seed -> status of the runs that did not end well.
    """
    found = find_project()
    suite = load_suite(found.suite_file("demo"), found.catalog())
    runs = [
        Trained(case, seed, _values(repeat, {"accuracy": value, **(change or {})}), repeat, **_status(lost, seed), **run)
        for case in suite.cases
        for seed, value in (accuracy or ACCURACY).items()
        for repeat in range(1, case.repeats + 1)
    ]
    return record(found.results, suite, runs)


def _values(repeat: int, change: Mapping[str, Value | list[Value]]) -> dict[str, Value]:
    return USUAL | {name: value[repeat - 1] if isinstance(value, list) else value for name, value in change.items()}


def _status(lost: Mapping[int, str] | None, seed: int) -> dict[str, str]:
    return {"status": lost[seed]} if lost and seed in lost else {}


def accept(run_set: RunSet, reason: str = "a trap") -> Path:
    """Make a run set the suite's baseline; return the file of its one case."""
    folder = find_project().baselines / "demo"
    promote(write_proposals(run_set, propose([run_set], reason).baselines), folder)
    return folder / "lenet.json"


def declare(old: str, new: str) -> None:
    """Have the suite file say something else in one place."""
    assert old in SUITE
    (find_project().suites / "demo.toml").write_text(SUITE.replace(old, new))


def gate(policy: str = "strict", *options: str) -> tuple[int, pd.DataFrame]:
    """Judge the last run set with the command; return its exit code, and the verdicts stored with it by metric."""
    code = main(["gate", "demo", "--policy", policy, *options])
    [*_, last] = sorted((find_project().results / "demo").glob("2*"))
    return code, pd.read_parquet(last / "verdicts.parquet").set_index("metric")


def git(folder: Path, *arguments: str) -> str:
    """Run git as a user who exists nowhere else."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    """Commit everything but run sets; return the commit."""
    (folder / ".gitignore").write_text("results/*\n!results/baselines/\n")
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "state")
    return git(folder, "rev-parse", "HEAD")


def test_new_case_without_baseline() -> None:
    """New case without baseline: never a pass, under either policy (pytest-benchmark exits with 0)."""
    measure()

    for policy in ("pr", "strict"):
        code, verdicts = gate(policy)
        assert (code, set(verdicts["verdict"])) == (4, {"new"})


def test_deleted_case() -> None:
    """Deleted case: its baseline remembers it, and the gate fails."""
    declare('name = "lenet"', 'name = "lenet"\n[[case]]\nname = "slow-one"')
    accept(measure())
    declare("", "")
    measure()

    code, verdicts = gate("pr")

    assert (code, verdicts.loc["runs", "case"], verdicts.loc["runs", "verdict"]) == (5, "slow-one", "missing")


def test_renamed_case() -> None:
    """Renamed case: missing under the old name and new under the new."""
    accept(measure())
    declare('"lenet"', '"renamed"')
    measure()

    code, verdicts = gate("pr")

    assert (code, set(verdicts["verdict"])) == (5, {"missing", "new"})


@pytest.mark.parametrize("key", ["case", "suite"])
def test_key_mismatch(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Key mismatch: a baseline that was copied from another case or suite is not read under this one's name."""
    file = accept(measure())
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: "other"}))

    assert main(["gate", "demo"]) == 5
    assert f"lenet.json: holds {key} 'other'" in capsys.readouterr().err


def test_constant_history() -> None:
    """Constant history (σ = 0): the gate is not switched off; a drop beyond the margin is worse, one within it is not."""
    accept(measure(dict.fromkeys((1, 2, 3), 0.9)))
    for accuracy, expected in ((0.9, "same"), (0.86, "same"), (0.84, "worse"), (0.96, "better")):
        measure(dict.fromkeys((1, 2, 3), accuracy))
        assert gate()[1].loc["accuracy", "verdict"] == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity(value: float, capsys: pytest.CaptureFixture[str]) -> None:
    """NaN or infinity: missing on the head, no baseline as a proposal, and no base of a comparison that leaves them out."""
    good = measure()
    accept(good)
    bad = measure(ACCURACY | {2: value})

    code, verdicts = gate("pr")

    assert (code, verdicts.loc["accuracy", "verdict"]) == (5, "missing")
    with pytest.raises(MeasuringError, match="not finite"):
        propose([bad], "bad")
    capsys.readouterr()
    assert main(["compare", bad.name, good.name]) == 4
    assert f"seed 2: not finite ({value})" in capsys.readouterr().out


def test_unequal_n() -> None:
    """Unequal n: 12 seeds against 1 or 2, with the p of a prediction bound from each (pyperf calls unequal n significant)."""
    base = {seed: 0.90 + 0.001 * ((5 * seed) % 7) for seed in range(1, 13)}
    declare("seeds = [1, 2, 3]", "seeds = 12")
    accept(measure(base))
    for head in ({1: 0.9}, {1: 0.9, 2: 0.89}):
        declare("seeds = [1, 2, 3]", f"seeds = {len(head)}")
        measure(head)
        row = gate()[1].loc["accuracy"]
        old, new = list(base.values()), list(head.values())
        t = (np.mean(new) - np.mean(old)) / (np.std(old, ddof=1) * math.sqrt(1 / len(new) + 1 / 12))
        assert (row["n_base"], row["n_head"]) == (12, len(head))
        assert row["p"] == pytest.approx(min(oracle.t.cdf(t, 11), oracle.t.sf(t, 11)))


def test_zero_baseline() -> None:
    """Zero baseline: no division, no pass; any rise is worse, and no ratio is made up."""
    declare("step_time_median", "cuda_peak_allocated = { margin = 0.05 }\nstep_time_median")
    accept(measure(change={"cuda_peak_allocated": 0.0}))
    for peak, expected in ((0.0, "same"), (4096.0, "worse")):
        measure(change={"cuda_peak_allocated": peak})
        row = gate()[1].loc["cuda_peak_allocated"]
        assert (row["verdict"], row["base"]) == (expected, 0.0)
        assert pd.isna(row["estimate"])


def test_inverted_direction(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Inverted direction: a suite cannot turn a metric's round, and a metric that turned is not compared with its old self."""
    accept(measure())
    monkeypatch.setitem(METRICS, "accuracy", ("1", "lower", "quality", "any"))
    measure(dict.fromkeys((1, 2, 3), 0.1))

    code, verdicts = gate("pr")

    assert (code, verdicts.loc["accuracy", "verdict"]) == (4, "incomparable")
    assert "direction higher → lower" in verdicts.loc["accuracy", "note"]
    declare("accuracy = { margin = 0.05 }", 'accuracy = { margin = 0.05, direction = "lower" }')
    capsys.readouterr()
    assert main(["gate", "demo"]) == 2
    assert "found 'lower'; allowed: 'higher', which the metric declares" in capsys.readouterr().err


def test_unit_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit change s → ms: named, under either policy, and never a thousandfold slowdown."""
    accept(measure())
    monkeypatch.setitem(METRICS, "step_time_median", ("ms", "lower", "machine", "any"))
    measure(change={"step_time_median": 10.0})

    for policy in ("pr", "strict"):
        code, verdicts = gate(policy)
        assert (code, verdicts.loc["step_time_median", "verdict"]) == (4, "incomparable")
        assert "unit s → ms" in verdicts.loc["step_time_median", "note"]


def test_dirty_tree(capsys: pytest.CaptureFixture[str]) -> None:
    """Dirty tree: no commit holds what was measured; it is no baseline unless somebody insists, and the file then says so."""
    measure(columns={"dirty": True})
    propose_it = ["baseline", "propose", "demo", "--reason", "x"]

    assert main(propose_it) == 5
    assert "uncommitted changes" in capsys.readouterr().err
    assert main([*propose_it, "--allow-dirty"]) == 0
    main(["baseline", "promote", "demo"])
    [source] = json.loads((find_project().baselines / "demo" / "lenet.json").read_text())["run_sets"]
    assert source["dirty"] is True


def test_base_tip_is_not_the_merge_base(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base tip ≠ merge base: a branch is not charged with what came to main since; neither by the gate nor by `harness ab`."""
    accept(measure())
    left = commit(project)
    git(project, "checkout", "--quiet", "-b", "feature")
    commit(project)
    git(project, "checkout", "--quiet", "main")
    accept(measure(dict.fromkeys((1, 2, 3), 0.99)), "a later improvement")
    commit(project)
    git(project, "checkout", "--quiet", "feature")
    measure()
    monkeypatch.setenv("HARNESS_BASE_REF", "main")

    assert gate()[0] == 0
    assert merge_base(project, "main", "HEAD") == left


def test_baseline_edited_in_the_same_change(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Baseline edited in the same change: judged by the one from before, and told of; its author has no way around that."""
    file = accept(measure())
    commit(project)
    git(project, "checkout", "--quiet", "-b", "feature")
    worse = measure(dict.fromkeys((1, 2, 3), 0.5))
    accept(worse, "looks fine")
    commit(project)
    monkeypatch.setenv("GITHUB_BASE_REF", "main")

    code, verdicts = gate("pr")

    assert (code, verdicts.loc["accuracy", "verdict"], verdicts.loc["accuracy", "base"]) == (1, "worse", pytest.approx(0.91))
    assert "edited in this change" in capsys.readouterr().out
    file.unlink()
    assert gate("pr")[0] == 1


def test_two_gpu_skus_under_one_label() -> None:
    """Two GPU SKUs under one label: memory and power limit tell an H100 NVL from an H100 PCIe, and speed is not compared."""
    accept(measure(machine=MACHINE | {"gpu": "H100", "gpu_memory_gib": "94", "gpu_power_limit_watts": "400"}))
    measure(
        change={"step_time_median": 0.02},
        machine=MACHINE | {"gpu": "H100", "gpu_memory_gib": "80", "gpu_power_limit_watts": "350"},
    )

    code, verdicts = gate()

    row = verdicts.loc["step_time_median"]
    assert (code, row["verdict"]) == (4, "incomparable")
    assert row["note"] == "another machine class: gpu_memory_gib 94 → 80, gpu_power_limit_watts 400 → 350"


def test_throttled_block() -> None:
    """Throttled block: a throttled run is neither judged nor recorded; a disturbed pair of blocks goes, whichever arm it is."""
    accept(measure())
    throttled = measure(change={"step_time_median": 0.02}, status="tainted", reason="throttled: hw_thermal")

    code, verdicts = gate("pr")

    assert (code, verdicts.loc["runs", "verdict"]) == (5, "missing")
    assert "throttled: hw_thermal" in verdicts.loc["runs", "note"]
    with pytest.raises(MeasuringError, match="tainted"):
        propose([throttled], "throttled")
    for arm in ARMS:
        blocks = [block(pair, name, 2.0 if (pair, name) == (3, arm) else 1.0) for pair in range(6) for name in ARMS]
        assert {kept.pair for kept in undisturbed(blocks, least=5)} == {0, 1, 2, 4, 5}


def block(pair: int, arm: Any, waiting: float) -> Block:
    """Return a block whose wall time is so many times its CPU time."""
    return Block(pair, arm, 0, 4, waiting, 1.0, math.nan, 0, 0, math.nan)


def test_bimodal_process() -> None:
    """Bimodal process (±6 % by the process, the code unchanged): inconclusive or the same, false alarms within 1 %."""
    rng, trials = np.random.default_rng(5), 300
    found = []
    for _ in range(trials):
        restarts = [float(np.log(1.06) * rng.integers(-1, 2) + rng.normal(0, 0.002)) for _ in range(30)]
        for count in range(3, len(restarts) + 1):
            if verdict := decide(restarts[:count], 0.05, 1, over=count == len(restarts)).verdict:
                found.append(verdict)
                break

    assert len(found) == trials
    assert found.count("worse") <= oracle.binom.ppf(0.999, trials, 0.01)


def test_nondeterministic_op() -> None:
    """Nondeterministic op: one seed with two results is an error of measuring, never a regression, nor a baseline."""
    accept(measure())
    declare("passes = []", "passes = []\nrepeats = 2")
    torn = measure(change={"final_weights_digest": ["ab" * 32, "cd" * 32]})

    code, verdicts = gate("pr")

    row = verdicts.loc["final_weights_digest"]
    assert (code, row["verdict"]) == (5, "missing")
    assert row["note"].startswith("not reproducible: two runs of seed 1")
    with pytest.raises(MeasuringError, match="not reproducible"):
        propose([torn], "nondeterministic")


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_non_converged_seed(status: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Non-converged seed: at chance level it is worse; diverged it is missing, no baseline, and no base that leaves it out."""
    accept(measure())
    measure(ACCURACY | {2: 0.1})
    assert gate()[1].loc["accuracy", "verdict"] == "worse"
    lost = measure(lost={2: status})

    code, verdicts = gate("pr")

    assert (code, verdicts.loc["runs", "verdict"]) == (5, "missing")
    with pytest.raises(MeasuringError, match=f"seed 2: {status}"):
        propose([lost], "lost")
    capsys.readouterr()
    assert main(["compare", lost.name, measure().name]) == 4
    assert f"the base is damaged: seed 2: {status}" in capsys.readouterr().out


def test_improvement_beyond_margin() -> None:
    """Improvement beyond the margin: told of, because the stale baseline would hide the way back; never a silent pass."""
    accept(measure())
    measure(dict.fromkeys((1, 2, 3), 0.99))

    assert gate("strict")[0] == 6
    assert gate("pr")[1].loc["accuracy", "verdict"] == "better"


def test_k_below_minimum() -> None:
    """K below the minimum: two old seeds say nothing of the spread; inconclusive whatever the drop, and no new baseline."""
    file = accept(measure())
    content = json.loads(file.read_text())
    content["metrics"]["accuracy"] |= {"n": 2, "samples": {"1": [0.90], "2": [0.92]}}
    file.write_text(json.dumps(content))
    measure(dict.fromkeys((1, 2, 3), 0.1))

    code, verdicts = gate("strict")

    assert (code, verdicts.loc["accuracy", "verdict"]) == (3, "inconclusive")
    assert verdicts.loc["accuracy", "note"] == "the base holds 2 seeds, the test needs 3"
    declare("seeds = [1, 2, 3]", "seeds = 2")
    with pytest.raises(MeasuringError, match="lenet: 2 seeds, and a baseline of quality metrics needs 3"):
        propose([measure({1: 0.90, 2: 0.92})], "few")


def test_duplicate_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Duplicate rows: two rows of one run are missing, and a baseline in which a merge left a key twice is not read."""
    file = accept(measure())
    run_set = measure()
    rows = run_set.table("measurements").astype(object)
    rows = rows.where(rows.notna(), None)
    run_set.add("twice", {"measurements": rows[rows["metric"] == "accuracy"].to_dict("records")})

    code, verdicts = gate("pr")

    assert (code, verdicts.loc["accuracy", "verdict"]) == (5, "missing")
    assert "2 rows for one run" in verdicts.loc["accuracy", "note"]
    file.write_text(file.read_text().replace('    "1": [0.9],\n', '    "1": [0.99],\n    "1": [0.9],\n'))
    assert main(["gate", "demo"]) == 5
    assert "lenet.json: key '1' twice" in capsys.readouterr().err


def test_margin_below_the_detectable_effect() -> None:
    """Margin below the detectable effect: the verdict is inconclusive and says what could have been seen; never the same."""
    declare("accuracy = { margin = 0.05 }", "accuracy = { margin = 1e-4 }")
    accept(measure())
    measure()

    row = gate("strict")[1].loc["accuracy"]

    assert row["verdict"] == "inconclusive"
    assert row["note"].endswith("the margin is below the minimum detectable effect")
    assert row["mde"] > 1e-4
