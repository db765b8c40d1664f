"""Running suites: repeatable bits, taking up again, editing, locking, interruption, unwritable folders."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest

from harness.errors import UsageError
from harness.results import run_sets
from harness.runner.execute import Ran

HARNESS = [sys.executable, "-P", "-m", "harness"]


def exact(ran: Ran) -> pd.DataFrame:
    """Return the exact metrics of a run set by case, seed and metric."""
    runs, measurements = ran.run_set.table("runs"), ran.run_set.table("measurements")
    rows = measurements[measurements["class"] == "exact"].merge(runs[["run_id", "case", "seed"]], on="run_id")
    return rows.sort_values(["case", "seed", "metric"])[["case", "seed", "metric", "value", "value_text"]].reset_index(
        drop=True
    )


def test_running_twice_gives_the_same_bits_per_seed_and_other_bits_for_other_seeds(
    write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """Batch order, loss curve and weights repeat in fresh processes; another seed moves them."""
    write_project({"good": ""})

    first, second = exact(run_mine()), exact(run_mine())

    pd.testing.assert_frame_equal(first, second)
    by_seed = first[first["metric"].isin(["batch_order_digest", "initial_weights_digest", "loss_curve_digest"])]
    assert (by_seed.groupby("metric")["value_text"].nunique() == 2).all()


def test_a_complete_run_set_is_followed_by_a_new_one(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """Two complete runs are two run sets, never a cache hit."""
    write_project({"good": ""})

    first, second = run_mine(), run_mine()

    assert first.run_set.path != second.run_set.path
    assert not second.continued


def test_an_unfinished_run_set_is_taken_up_and_an_edited_case_runs_again(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """Of a half-finished set, held runs stay, missing ones are run, and those of an edited case are replaced."""
    write_project({"good": "", "nan": ""})
    first = run_mine().run_set
    held = first.table("runs").set_index(["case", "seed"])["run_id"]
    first.drop([held["good", 2]])
    first.update(complete=False)
    write_project({"good": "", "nan": "recipe.batch_size = 32"})

    again = run_mine()

    now = again.run_set.table("runs").set_index(["case", "seed"])["run_id"]
    assert again.continued
    assert again.run_set.path == first.path
    assert len(now) == 4
    assert now["good", 1] == held["good", 1]
    assert now["good", 2] != held["good", 2]
    assert now["nan", 1] != held["nan", 1]


def test_edited_code_runs_again(project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """A run whose model's source has changed is not the same run."""
    write_project({"good": ""})
    first = run_mine().run_set
    held = set(first.run_ids())
    first.update(complete=False)
    model = project_folder / "bench" / "models" / "good.py"
    model.write_text(model.read_text() + "\n# edited\n")

    again = run_mine().run_set

    assert again.path == first.path
    assert held.isdisjoint(again.run_ids())
    assert len(again.run_ids()) == 2


def test_cases_alike_in_all_but_their_names_are_each_run(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """An A/A pair is two cases; a case that is renamed is run under its new name."""
    write_project({"good": 'name = "a"'})
    suite = project_folder / "suites" / "mine.toml"
    suite.write_text(suite.read_text() + '[[case]]\nname = "b"\nmodel = "good"\n')

    ran = run_mine(seeds=(1,))

    assert ran.run_set.table("runs")["case"].tolist() == ["a", "b"]
    ran.run_set.update(complete=False)
    suite.write_text(suite.read_text().replace('"b"', '"c"'))
    assert set(run_mine(seeds=(1,)).run_set.table("runs")["case"]) == {"a", "c"}


def test_an_unfinished_set_is_not_taken_up_by_other_options(
    write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """Narrowing or overriding starts a run set of its own and leaves the unfinished one whole."""
    write_project({"good": "", "nan": ""})
    first = run_mine().run_set
    first.update(complete=False)

    narrowed = run_mine(keyword="good", seeds=(1,))

    assert not narrowed.continued
    assert narrowed.run_set.path != first.path
    assert len(first.run_ids()) == 4


def test_data_that_is_away_for_a_while_costs_no_run(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """A case that cannot be looked at when its set is taken up keeps the runs it has."""
    write_project({"good": ""})
    data = project_folder / "bench" / "data" / "clouds.py"
    identity = "identity=lambda context, **options: open('points.txt').read()"
    data.write_text(data.read_text().replace("synthetic=True", f"synthetic=True, {identity}"))
    (project_folder / "points.txt").write_text("1 2 3")
    first = run_mine().run_set
    held = first.run_ids()
    first.update(complete=False)
    (project_folder / "points.txt").rename(project_folder / "away.txt")

    assert run_mine().statuses == {"ok": 2}
    assert sorted(first.run_ids()) == sorted(held)


def test_runs_that_failed_are_run_again(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """Taking up an unfinished set gives failed runs another try, whose log takes the place of theirs, and leaves good ones."""
    write_project({"good": "", "exception": ""})
    first = run_mine(seeds=(1,)).run_set
    held = first.table("runs").set_index("case")["run_id"]
    first.update(complete=False)

    again = run_mine(seeds=(1,)).run_set.table("runs").set_index("case")["run_id"]

    assert again["good"] == held["good"]
    assert again["exception"] != held["exception"]
    assert [path.name for path in (first.path / "logs").iterdir()] == [f"{again['exception']}.txt"]


def test_fresh_starts_anew(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """--fresh leaves an unfinished set alone."""
    write_project({"good": ""})
    first = run_mine().run_set
    first.update(complete=False)

    assert run_mine(fresh=True).run_set.path != first.path


def test_two_harnesses_are_kept_apart(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """While one process holds the unfinished set, another is refused with what to do."""
    write_project({"good": ""})
    run_set = run_mine().run_set
    run_set.update(complete=False)
    code = (
        "import sys; from pathlib import Path; from harness.results import RunSet\n"
        "with RunSet(Path(sys.argv[1])).lock(): print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code, str(run_set.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UsageError, match=r"in use by another harness; wait for it, or start .*--fresh"):
            run_mine()
        holder.communicate(b"\n")


def start_until_first_run(project_folder: Path) -> subprocess.Popen[str]:
    """Start `harness run mine` and return it once its first run has been stored."""
    process = subprocess.Popen(
        [*HARNESS, "run", "mine"],
        cwd=project_folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job would ignore it
    )
    assert process.stderr is not None
    assert "[1/" in process.stderr.readline()
    return process


def runs_held(project_folder: Path) -> int:
    """Return how many runs the suite's only run set holds."""
    [run_set] = run_sets(project_folder / "results", "mine")
    assert not run_set.manifest.complete
    return len(run_set.run_ids())


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the fork server and the run of a harness process."""
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGKILL, -9)]
)
def test_a_stopped_harness_keeps_its_runs_and_leaves_no_process(
    number: signal.Signals, code: int, project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """Ctrl-C, a cancelled job and kill -9 lose at most the run in flight; the next start goes on from there."""
    write_project({"good": "", "nursery": "timeout_seconds = 600"})
    process = start_until_first_run(project_folder)
    while not any("600.125" in child.cmdline() for child in descendants(process)):
        assert process.poll() is None
    family = descendants(process)

    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == code
    assert runs_held(project_folder) == 1
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    write_project({"good": ""})
    again = run_mine()
    assert again.continued
    assert again.statuses == {"ok": 2}


def test_a_run_cut_short_goes_on_from_its_checkpoint(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """After kill -9 in the third of four epochs, the next start takes the training up there and ends at the same bits."""
    lines = "timeout_seconds = 600\nseeds = [1]\ncheckpoint_seconds = 0\nrecipe = { epochs = 4 }"
    write_project({"waits": lines})
    process = subprocess.Popen([*HARNESS, "run", "mine"], cwd=project_folder, stderr=subprocess.PIPE, text=True)
    while not (project_folder / "waiting").exists():
        assert process.poll() is None
    process.kill()
    process.communicate(timeout=60)
    [checkpoint] = project_folder.glob("results/mine/.checkpoints/*.pt")
    (project_folder / "go_on").touch()

    resumed, straight = run_mine(), run_mine(fresh=True)

    assert resumed.continued
    assert [16] == resumed.run_set.table("runs")["resumed"].tolist()
    assert [0] == straight.run_set.table("runs")["resumed"].tolist()
    assert not checkpoint.exists()
    texts = [
        ran.run_set.table("measurements").set_index("metric")["value_text"].dropna().to_dict() for ran in (resumed, straight)
    ]
    assert {"final_weights_digest", "loss_curve_digest", "batch_order_digest"} <= texts[0].keys()
    assert texts[0] == texts[1]


def test_a_run_out_of_time_goes_on_in_the_next_run_set(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """What a timeout cut short is taken up by the next run of the same definition, unless a fresh start is asked for."""
    lines = "seeds = [1]\ncheckpoint_seconds = 0\nrecipe = { epochs = 4 }\ntimeout_seconds = "
    write_project({"waits": lines + "12"})
    late = run_mine()
    (project_folder / "go_on").touch()
    write_project({"waits": lines + "600"})
    resumed = run_mine()

    assert late.statuses == {"timeout": 1}
    assert resumed.statuses == {"ok": 1}
    assert not resumed.continued
    runs, measured = resumed.run_set.table("runs"), resumed.run_set.table("measurements").set_index("metric")
    assert [16] == runs["resumed"].tolist()
    assert measured.loc["step_time_median", "quality_flag"] == "resumed"
    assert list(project_folder.glob("results/mine/.checkpoints/*.pt")) == []


def test_a_killed_fork_server_costs_one_run(project_folder: Path, write_project: Callable[..., None]) -> None:
    """The run in flight is stored as killed, and a new server serves the rest."""
    write_project({"hang": "timeout_seconds = 600\nseeds = [1]", "good": ""})
    process = subprocess.Popen(
        [*HARNESS, "run", "mine"], cwd=project_folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    work = project_folder / "results" / "mine"
    while not _running(work):  # a job whose process has not begun is given to the new server
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1)  # the harness has heard of it too
    os.kill(psutil.Process(process.pid).children()[0].pid, signal.SIGKILL)
    process.communicate(timeout=120)

    [run_set] = run_sets(project_folder / "results", "mine")
    statuses = run_set.table("runs").set_index(["case", "seed"])["status"].to_dict()
    assert process.returncode == 5
    assert {("hang", 1): "killed", ("good", 1): "ok", ("good", 2): "ok"} == statuses


def _running(work: Path) -> bool:
    """Whether the process of a job of kind `run` has begun."""
    jobs = work.glob("*/.work-*/*/job.json")
    return any('"kind": "run"' in job.read_text() and (job.parent / "log.txt").exists() for job in jobs)


def test_an_unwritable_results_folder_is_told_at_once(project_folder: Path, write_project: Callable[..., None]) -> None:
    """A results folder that is a file, or cannot be made, ends with code 5 and the folder's name."""
    write_project({"good": ""})
    (project_folder / "results").write_text("in the way")

    done = subprocess.run([*HARNESS, "run", "mine"], cwd=project_folder, capture_output=True, text=True, check=False)

    assert done.returncode == 5
    assert f"{project_folder / 'results' / 'mine'}: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_that_fills_up_ends_the_suite_and_keeps_it_resumable(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """When a run's rows cannot be stored, the harness says so and ends with 5; with space again, it goes on."""
    write_project({"good": ""})
    small = 6000  # bytes: room for the manifest, none for a run's tables

    done = subprocess.run(
        [*HARNESS, "run", "mine"],
        cwd=project_folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (small, small)),
    )

    assert done.returncode == 5, done.stderr
    assert "cannot be written: " in done.stderr
    assert "Traceback" not in done.stderr
    assert runs_held(project_folder) == 0
    again = run_mine()
    assert again.continued
    assert again.statuses == {"ok": 2}


def test_a_runs_fixed_cost_is_stored(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """What a run costs beyond its work is measured for every run."""
    write_project({"good": ""})

    runs = run_mine().run_set.table("runs")

    assert (runs["overhead_seconds"] > 0).all()
    assert (runs["overhead_seconds"] < runs["seconds"]).all()
