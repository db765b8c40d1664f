"""Baselines: every sample kept, the same bytes every time, refused where they would mislead, read with suspicion."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.baseline import changes, contents, find_proposals, promote, propose, read_baselines, to_text, write_proposals
from harness.baseline._model import Baseline
from harness.digests import digest_of
from harness.errors import MeasuringError, ResultsError, UsageError
from harness.results import RunSet, sides
from harness.suite import Case
from tests.support import MACHINE, METRICS, NUMERIC, Trained, Value, make_case, make_suite, record

CASE = make_case()
SUITE = make_suite(CASE)
VALUES: dict[str, Value] = {
    "accuracy": 0.9,
    "parameters": 61706.0,
    "final_weights_digest": "ab" * 32,
    "cuda_peak_allocated": None,
}


def trained(results: Path, by_seed: Mapping[int, Mapping[str, Value]] | None = None, **changed: Any) -> RunSet:
    """Store a run set of one case."""
    found = by_seed or {1: VALUES, 2: VALUES | {"accuracy": 0.92}, 3: VALUES | {"accuracy": 0.91}}
    case = changed.pop("case", CASE)
    return record(
        results,
        changed.pop("suite", make_suite(case)),
        [Trained(case, seed, values, **changed) for seed, values in found.items()],
    )


def baseline_of(results: Path) -> Baseline:
    """Return the baseline of a usual run set."""
    [baseline] = propose([trained(results)], "first").baselines
    return baseline


def refusal(run_sets: Sequence[RunSet]) -> str:
    """Return why a proposal is refused."""
    with pytest.raises(MeasuringError) as refused:
        propose(run_sets, "again")
    return str(refused.value)


def test_a_baseline_is_this_text(tmp_path: Path) -> None:
    """The file is sorted, one key a line, lists on one line; what was measured can be read in a diff."""
    baseline = baseline_of(tmp_path)

    text = to_text(baseline)

    name = baseline.run_sets[0].name
    shown = text[text.index(' "metrics"') : text.index(' "specification"')].replace(name, "NAME")
    assert shown == (
        ' "metrics": {\n'
        '  "accuracy": {\n'
        '   "class": "quality",\n'
        '   "direction": "higher",\n'
        '   "n": 3,\n'
        '   "samples": {\n'
        '    "1": [0.9],\n'
        '    "2": [0.92],\n'
        '    "3": [0.91]\n'
        "   },\n"
        '   "scope": "any",\n'
        '   "unit": "1"\n'
        "  },\n"
        '  "cuda_peak_allocated": {\n'
        '   "class": "machine",\n'
        '   "direction": "lower",\n'
        '   "n": 3,\n'
        '   "samples": {\n'
        '    "1": [{"null": "no_gpu"}],\n'
        '    "2": [{"null": "no_gpu"}],\n'
        '    "3": [{"null": "no_gpu"}]\n'
        "   },\n"
        '   "scope": "any",\n'
        '   "unit": "By"\n'
        "  },\n"
        '  "final_weights_digest": {\n'
        '   "class": "exact",\n'
        '   "direction": "none",\n'
        '   "n": 3,\n'
        '   "samples": {\n'
        f'    "1": ["{"ab" * 32}"],\n'
        f'    "2": ["{"ab" * 32}"],\n'
        f'    "3": ["{"ab" * 32}"]\n'
        "   },\n"
        '   "scope": "fingerprint",\n'
        '   "unit": "1"\n'
        "  },\n"
        '  "parameters": {\n'
        '   "class": "exact",\n'
        '   "direction": "none",\n'
        '   "n": 3,\n'
        '   "samples": {\n'
        '    "1": [61706],\n'
        '    "2": [61706],\n'
        '    "3": [61706]\n'
        "   },\n"
        '   "scope": "any",\n'
        '   "unit": "{parameter}"\n'
        "  }\n"
        " },\n"
        ' "numeric": {\n'
        '  "device": "H200",\n'
        '  "torch": "2.13.0"\n'
        " },\n"
        f' "numeric_fingerprint": "{baseline.numeric_fingerprint}",\n'
        ' "reason": "first",\n'
        ' "run_sets": [{"commits": ["0123456789abcdef0123456789abcdef01234567"], "dirty": false, "name": "NAME", '
        '"recorded_on": "2026-01-02"}],\n'
        ' "schema_version": 1,\n'
    )
    assert json.loads(text)["specification"] == CASE.specification


def test_a_baseline_reads_back_as_the_same_bytes(tmp_path: Path) -> None:
    """Writing what was read changes nothing, and holds no path or name of this machine."""
    text = to_text(baseline_of(tmp_path))

    again = to_text(Baseline.model_validate_json(text))

    assert again == text
    assert text.endswith("}\n")
    assert str(tmp_path) not in text


def test_a_baseline_is_judged_like_the_runs_it_came_from(tmp_path: Path) -> None:
    """As one side of a comparison it holds the run set's samples and surroundings."""
    run_set = trained(tmp_path)
    [baseline] = propose([run_set], "first").baselines

    stored, run = Baseline.model_validate_json(to_text(baseline)).side(), sides(run_set)["lenet"]

    assert stored.metrics == run.metrics
    assert (stored.machine_class, stored.machine, stored.numeric) == (run.machine_class, run.machine, run.numeric)
    assert (stored.case_digest, stored.specification) == (run.case_digest, run.specification)


def test_a_setting_that_came_later_leaves_a_baseline_comparable(tmp_path: Path) -> None:
    """A baseline recorded before a recipe could sort by length is one of the same case; a changed setting is another's."""
    run_set = trained(tmp_path)
    [baseline] = propose([run_set], "first").baselines
    run = sides(run_set)["lenet"]

    def recorded(change: Callable[[dict[str, Any]], object]) -> str:
        content = json.loads(to_text(baseline))
        change(content["specification"]["recipe"])
        content["case_digest"] = digest_of(content["specification"])
        return Baseline.model_validate(content).side().case_digest

    assert run.case_digest == recorded(lambda recipe: recipe.pop("bucket"))
    assert run.case_digest != recorded(lambda recipe: recipe.update(bucket=5))


def test_run_sets_are_merged_sample_by_sample(tmp_path: Path) -> None:
    """Every value of every run set is kept, by seed and in order."""
    first = trained(tmp_path, {1: {"accuracy": 0.9}, 2: {"accuracy": 0.91}, 3: {"accuracy": 0.92}})
    second = trained(tmp_path, {1: {"accuracy": 0.8}, 2: {"accuracy": 0.81}, 3: {"accuracy": 0.82}})

    [baseline] = propose([first, second], "two days").baselines

    assert baseline.metrics["accuracy"].samples == {1: (0.9, 0.8), 2: (0.91, 0.81), 3: (0.92, 0.82)}
    assert baseline.metrics["accuracy"].n == 6
    assert [source.name for source in baseline.run_sets] == [first.path.name, second.path.name]


def test_an_incomplete_run_set_is_refused(tmp_path: Path) -> None:
    """An interrupted run set is no baseline."""
    run_set = record(tmp_path, SUITE, [Trained(CASE, 1, VALUES)], complete=False)

    text = refusal([run_set])

    assert f"{run_set.name}: incomplete; go on with `harness run demo`" in text
    assert "lenet: no run of seed 2" in text


def test_failed_runs_are_refused_and_named(tmp_path: Path) -> None:
    """Each run that is not ok is named with its reason."""
    runs = [Trained(CASE, 1, VALUES), Trained(CASE, 2, VALUES, status="oom", reason="22 GiB")]

    assert "lenet: seed 2: oom (22 GiB) in demo/" in refusal([record(tmp_path, SUITE, runs)])


PASSES = make_case(passes=("memory", "counters"))
COUNTED: dict[str, Value] = {"aten_operations_per_step": 300.0}


def with_passes(results: Path, case: Case = PASSES, **passes: Mapping[str, Any]) -> RunSet:
    """Store the trainings of the case, and runs of its first seed in these passes; pass -> what differs of the run."""
    others = [
        Trained(case, 1, COUNTED if measures == "counters" else {}, columns={"pass": measures, **columns})
        for measures, columns in passes.items()
    ]
    return record(results, make_suite(case), [*(Trained(case, seed, VALUES) for seed in case.seeds), *others])


def test_a_declared_pass_that_is_absent_or_failed_is_refused_and_named(tmp_path: Path) -> None:
    """A baseline without the exact counters that its suite gates would let anything pass."""
    run_set = with_passes(tmp_path, counters={"status": "oom", "reason": "22 GiB"})

    text = refusal([run_set])

    assert f"lenet: no memory pass of seed 1 in {run_set.name}" in text
    assert f"lenet: seed 1, counters pass: oom (22 GiB) in {run_set.name}" in text


def test_passes_are_merged_with_trainings_alone(tmp_path: Path) -> None:
    """A run set that declares fewer passes adds its trainings; each is held to what it declares itself."""
    whole, plain = with_passes(tmp_path, memory={}, counters={}), trained(tmp_path)

    [baseline] = propose([whole, plain], "both").baselines

    assert {1: (300,)} == baseline.metrics["aten_operations_per_step"].samples
    assert 6 == baseline.metrics["accuracy"].n


def test_counters_that_do_not_repeat_are_refused(tmp_path: Path) -> None:
    """Also where one run set was measured by a pass that the other did not have."""
    case = make_case(seeds=(1, 2), passes=("counters",))
    first = with_passes(tmp_path, case, counters={})
    second = record(
        tmp_path, make_suite(case), [Trained(case, seed, VALUES | {"aten_operations_per_step": 301.0}) for seed in (1, 2)]
    )

    text = refusal([first, second])

    assert "aten_operations_per_step: seed 1: not reproducible: 300.0 and 301.0" in text
    assert "no counters pass of seed 1" in text


def test_a_metric_whose_meaning_differs_between_run_sets_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs between the rows of two run sets is told of the samples merged."""
    run_set = trained(tmp_path)
    monkeypatch.setitem(METRICS, "accuracy", ("%", *METRICS["accuracy"][1:]))

    assert "lenet: accuracy: unit 1 → %" in refusal([run_set, trained(tmp_path)])


def test_a_narrowed_run_set_gives_only_its_cases(tmp_path: Path) -> None:
    """What was left out on purpose gets no proposal and no complaint."""
    run_set = record(tmp_path, SUITE, [Trained(CASE, seed, VALUES) for seed in CASE.seeds], left_out=["other"])

    assert [baseline.case for baseline in propose([run_set], "narrowed").baselines] == ["lenet"]


@pytest.mark.parametrize(
    ("metric", "values"),
    [("parameters", (5.0, 6.0)), ("final_weights_digest", ("a" * 64, "b" * 64)), ("loss_curve_head", ("[2.0]", "[2.5]"))],
)
def test_what_does_not_repeat_is_refused(tmp_path: Path, metric: str, values: tuple[Value, Value]) -> None:
    """An exact metric that differs between run sets names case, seed, metric and both values."""
    run_sets = [trained(tmp_path, {1: {metric: value}, 2: {metric: values[0]}}) for value in values]

    shown = " and ".join(str(value) for value in values)
    assert f"lenet: {metric}: seed 1: not reproducible: {shown}" in refusal(run_sets)


def test_long_texts_that_do_not_repeat_are_cut_to_where_they_part(tmp_path: Path) -> None:
    """Of two long loss curves the part around the first difference is shown."""
    curves = [json.dumps([2.5] * 40 + [last] + [1.0] * 40) for last in (1.25, 1.75)]

    text = refusal([trained(tmp_path, {1: {"loss_curve_head": curve}, 2: {"loss_curve_head": curves[0]}}) for curve in curves])

    assert "2.5, 2.5, 1.25, 1.0" in text
    assert "2.5, 2.5, 1.75, 1.0" in text


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"machine": MACHINE | {"gpu": "H100"}}, "machine class: gpu H200 → H100"),
        ({"numeric": NUMERIC | {"torch": "2.14.0"}}, "numeric fingerprint: torch 2.13.0 → 2.14.0"),
        (
            {"columns": {"version_key": "python 3.12 torch 2.13.0"}},
            "versions: python 3.11 torch 2.13.0 → python 3.12 torch 2.13.0",
        ),
        ({"case": make_case(recipe={"epochs": 2})}, "definition: recipe.epochs 1 → 2"),
        ({"suite": make_suite(CASE, version=2)}, "suite version: 1 → 2"),
    ],
)
def test_run_sets_that_differ_are_not_merged(tmp_path: Path, changed: dict[str, Any], complaint: str) -> None:
    """Samples of two machines, versions or definitions are never averaged; the fields are named."""
    assert complaint in refusal([trained(tmp_path), trained(tmp_path, **changed)])


def test_runs_of_one_set_on_two_machines_are_refused(tmp_path: Path) -> None:
    """A run set that moved to another machine halfway is no baseline."""
    runs = [Trained(CASE, 1, VALUES), Trained(CASE, 2, VALUES, machine=MACHINE | {"gpu": "H100"})]

    assert "lenet: runs disagree on machine class" in refusal([record(tmp_path, SUITE, runs)])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    """NaN and infinity never get into a baseline."""
    run_set = trained(tmp_path, {1: {"accuracy": value}, 2: {"accuracy": 0.9}})

    assert f"lenet: accuracy: seed 1: not finite ({value})" in refusal([run_set])


def test_fewer_than_three_seeds_are_refused(tmp_path: Path) -> None:
    """A single seed has no spread to judge by, and two have hardly any."""
    for seeds, count in ((1,), "1 seed"), ((1, 2), "2 seeds"):
        run_set = trained(tmp_path, dict.fromkeys(seeds, VALUES), case=make_case(seeds=seeds))

        text = refusal([run_set])

        assert f"lenet: {count}, and a baseline of quality metrics needs 3: run it with --seeds 10" in text


def test_one_seed_is_enough_where_nothing_depends_on_it(tmp_path: Path) -> None:
    """An operator has nothing to learn: its counts and times need no spread over seeds."""
    run_set = trained(tmp_path, {1: {"parameters": 5, "step_time_median": 0.01, "accuracy": None}}, case=make_case(seeds=(1,)))

    proposal = propose([run_set], "an operator")

    assert [baseline.case for baseline in proposal.baselines] == ["lenet"]
    assert not any("few seeds" in warning for warning in proposal.warnings)


def test_runs_of_uncommitted_code_are_refused_unless_allowed(tmp_path: Path) -> None:
    """No commit holds what they measured; who insists gets a baseline that says so, and a warning."""
    run_set = trained(tmp_path, columns={"dirty": True})

    assert f"{run_set.name}: measured with uncommitted changes, so that no commit holds the code" in refusal([run_set])
    proposal = propose([run_set], "first", allow_dirty=True)
    assert "runs were made with uncommitted changes: no commit holds the code that they measured" in proposal.warnings
    assert proposal.baselines[0].run_sets[0].dirty


def test_what_weakens_a_baseline_is_warned_of(tmp_path: Path) -> None:
    """Few seeds, exact numbers that were seen once, runs of one day: said, not refused."""
    assert propose([trained(tmp_path)], "first").warnings == (
        "few seeds (lenet 3): the gate wants at least 10 seeds; run with --seeds 10",
        "no seed ran twice (lenet): nothing shows that exact numbers repeat; run the suite again with --seeds 1 and name both "
        "run sets with --from",
        "all runs are of one day: speed drifts between days; merge run sets of several with --from",
    )


def test_disturbed_numbers_are_warned_of(tmp_path: Path) -> None:
    """Machine numbers that were flagged as they were measured, such as those of a run that was taken up again, are counted."""
    run_set = trained(tmp_path, {seed: {"accuracy": 0.9, "step_time_median": 0.01} for seed in (1, 2, 3)})
    rows = run_set.table("measurements").astype(object)
    rows["quality_flag"] = ["resumed", "resumed", "contended", "contended", "contended", "contended"]
    run_set.put("measurements", rows.where(rows.notna(), None).to_dict("records"))

    [*_, warning] = propose([run_set], "disturbed").warnings

    assert warning.startswith("3 machine numbers are flagged (contended 2, resumed 1): ")


def test_a_sound_baseline_is_not_warned_of(tmp_path: Path) -> None:
    """Ten seeds, the first of them again on another day, of a clean commit, draw no warning."""
    days = []
    for day, seeds in ("2026-01-02T03:04:05+00:00", range(1, 11)), ("2026-01-05T03:04:05+00:00", [1]):
        case = make_case(seeds=seeds)
        runs = [Trained(case, seed, VALUES, columns={"started_utc": day}) for seed in case.seeds]
        days.append(record(tmp_path, make_suite(case), runs))

    proposal = propose(days, "sound")

    assert proposal.warnings == ()
    assert proposal.baselines[0].recorded_on == "2026-01-05"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_baseline_needs_a_reason(tmp_path: Path, reason: str) -> None:
    """Nobody sets a baseline without saying why."""
    with pytest.raises(UsageError, match="reason"):
        propose([trained(tmp_path)], reason)


def test_run_sets_of_two_suites_are_refused(tmp_path: Path) -> None:
    """A baseline belongs to one suite."""
    with pytest.raises(UsageError, match="found demo, other"):
        propose([trained(tmp_path), trained(tmp_path, suite=make_suite(CASE, name="other"))], "both")


def test_proposals_are_promoted_and_gone(tmp_path: Path) -> None:
    """Promoting moves a proposal's bytes into the folder of baselines, in place of what was there."""
    run_set = trained(tmp_path)
    proposal = propose([run_set], "first")
    folder = write_proposals(run_set, proposal.baselines)
    target = tmp_path / "baselines" / "demo"
    target.mkdir(parents=True)
    (target / "lenet.json").write_text("old")

    written = promote(find_proposals(tmp_path, "demo"), target)

    assert written == [target / "lenet.json"]
    assert written[0].read_text() == to_text(proposal.baselines[0])
    assert list(target.iterdir()) == written
    assert list(folder.iterdir()) == []
    with pytest.raises(UsageError, match="harness baseline propose demo"):
        find_proposals(tmp_path, "demo")


def test_only_the_named_cases_are_promoted(tmp_path: Path) -> None:
    """The others stay proposals; a name that is none is refused with the nearest."""
    cases = [make_case(name) for name in ("cnn", "lenet")]
    run_set = record(tmp_path, make_suite(*cases), [Trained(case, seed, VALUES) for case in cases for seed in case.seeds])
    folder = write_proposals(run_set, propose([run_set], "first").baselines)

    promote(folder, tmp_path / "kept", ["cnn"])

    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["cnn.json"]
    assert [path.name for path in folder.iterdir()] == ["lenet.json"]
    with pytest.raises(UsageError, match="no proposal for case 'lene', did you mean 'lenet'"):
        promote(folder, tmp_path / "kept", ["lene"])


def test_new_proposals_replace_old_ones(tmp_path: Path) -> None:
    """A second proposal leaves nothing of the first behind."""
    run_set = trained(tmp_path)
    folder = write_proposals(run_set, propose([run_set], "first").baselines)
    (folder / "stale.json").write_text("{}")

    write_proposals(run_set, propose([run_set], "second").baselines)

    assert [path.name for path in folder.iterdir()] == ["lenet.json"]


def test_no_folder_means_no_baselines(tmp_path: Path) -> None:
    """A suite without baselines is no error: its cases are new."""
    assert read_baselines(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda text: text[:50], "Unterminated|Expecting|delimiter"),
        (lambda text: "[]", "not a JSON object"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 7'), "schema version 7; this harness reads 1"),
        (lambda text: text.replace('"reason": "first"', '"reason": "first",\n "note": "by hand"'), "note: Extra inputs"),
        (lambda text: text.replace('    "1": [0.9],\n', ""), "metrics.accuracy: Value error, n is 3, and there are 2 values"),
        (lambda text: text.replace("[0.9]", "[NaN]"), "metrics.accuracy.samples.1.0.*finite"),
        (lambda text: text.replace("[0.9]", "[]"), "metrics.accuracy.samples.1: Tuple should have at least 1 item"),
        (lambda text: text.replace('"epochs": 1', '"epochs": 2'), "case_digest is not that of the specification"),
        (
            lambda text: text.replace('"case": "lenet"', '"case": "cnn"'),
            "holds case 'cnn'; the file's place and name are of case 'lenet'",
        ),
        (lambda text: text.replace('    "1": [0.9],\n', '    "1": [0.8],\n    "1": [0.9],\n'), "key '1' twice"),
        (lambda text: text.replace('"class": "quality"', '"class": "good"'), "metrics.accuracy.class: Input should be"),
    ],
)
def test_a_damaged_baseline_is_an_error_that_names_the_file(tmp_path: Path, edit: Any, complaint: str) -> None:
    """Malformed, of another version or edited by hand: never read as if nothing were wrong."""
    text = to_text(baseline_of(tmp_path))
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "lenet.json").write_text(edit(text))
    assert edit(text) != text

    with pytest.raises(ResultsError, match=complaint) as error:
        read_baselines(folder)

    assert "lenet.json: " in str(error.value)


def test_all_damaged_baselines_are_listed(tmp_path: Path) -> None:
    """One reading names every bad file, and what to do."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text("{")

    with pytest.raises(ResultsError) as error:
        read_baselines(tmp_path)

    assert str(error.value).count(".json: ") == 2
    assert "restore the files from git" in str(error.value)


def test_a_proposal_is_shown_beside_the_baseline_it_replaces(tmp_path: Path) -> None:
    """Each metric has its number of values, mean and spread before and after; what is new or gone is said."""
    old = baseline_of(tmp_path)
    values: dict[str, Value] = {"accuracy": 0.95, "parameters": 61706.0, "step_time_median": 0.0125}
    [new] = propose([trained(tmp_path, dict.fromkeys((1, 2, 3), values))], "second").baselines

    assert [tuple(row) for row in changes(old, new)] == [
        ("lenet", "parameters", "3 → 3", "61,706", "61,706"),
        ("lenet", "accuracy", "3 → 3", "0.9100 ± 0.0100", "0.9500 ± 0.0000"),
        ("lenet", "step_time_median", "0 → 3", "none", "12.5 ms ± 0 s"),
        ("lenet", "final_weights_digest", "3 → 0", "abababababab…", "gone"),
        ("lenet", "cuda_peak_allocated", "3 → 0", "null (no_gpu)", "gone"),
    ]
    assert [row.before for row in changes(None, new)] == ["none"] * 3


def test_digests_that_differ_by_seed_are_counted(tmp_path: Path) -> None:
    """Several texts are shown as how many there are."""
    run_set = trained(tmp_path, {seed: {"final_weights_digest": text} for seed, text in enumerate("aab", start=1)})
    [baseline] = propose([run_set], "first").baselines

    assert [tuple(row) for row in contents(baseline)] == [("final_weights_digest", "exact", "3", "2 texts over 3 seeds")]
