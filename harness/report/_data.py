"""What the report is made from: the tables of one run set, read once, and the questions that sections ask of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.audits import Audit, read_audit
from harness.catalog import Catalog, Part
from harness.observations import MAIN_PASSES
from harness.report._sample import Reading, Sample, explain, text_of
from harness.results import RunSet, run_sets, to_records
from harness.stats import summarise
from harness.suite import Case
from harness.verdicts import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from harness.results import Manifest

    Frame: TypeAlias = pd.DataFrame

ORDER = ["case", "arm", "seed", "repeat", "block", "restart", "pass", "run_id"]
"""The order in which runs are shown, after the suite's order of cases."""


@dataclass(frozen=True)
class ReportData:
    """The tables of one run set. Frames are shared: a section that changes one works on a copy."""

    name: str
    """`<suite>/<run set>`."""
    manifest: Manifest
    catalog: Catalog
    runs: Frame
    measurements: Frame
    steps: Frame
    evaluations: Frame
    images: Frame
    samples: Frame
    host_samples: Frame
    confusions: Frame
    environments: Frame
    verdicts: Frame
    claims: Frame
    """The ledger of the suite's claims, one row a test, as `harness claims` stored it; empty where it has not."""
    audit: Audit | None
    """The suite's stored audit, which may be of other code or of another machine."""
    path: Path
    """The run set's folder."""
    earlier: tuple[RunSet, ...] = ()
    """The suite's run sets that were made before this one, oldest first: a report never changes by what came after it."""

    @classmethod
    def read(cls, run_set: RunSet, catalog: Catalog) -> ReportData:
        """Read a run set.

        Raises:
            ResultsError: a table, the manifest or the suite's audit cannot be read.
        """
        manifest = run_set.manifest
        return cls(
            name=run_set.name,
            manifest=manifest,
            catalog=catalog,
            runs=_ordered(run_set.table("runs"), [case.name for case in manifest.suite.cases]),
            measurements=run_set.table("measurements"),
            steps=run_set.table("steps", ["run_id", "step", "loss", "seconds", "loader_seconds"]),
            evaluations=run_set.table("evaluations"),
            images=run_set.table("images"),
            samples=run_set.table("samples"),
            host_samples=run_set.table("host_samples"),
            confusions=run_set.table("confusions"),
            environments=run_set.table("environments").sort_values(["environment_digest", "key"], ignore_index=True),
            verdicts=run_set.table("verdicts"),
            claims=run_set.table("claims"),
            audit=read_audit(run_set.path.parent.parent, manifest.suite.name),
            path=run_set.path,
            earlier=_made_before(run_set),
        )

    @property
    def cases(self) -> tuple[Case, ...]:
        """The suite's cases, as run."""
        return self.manifest.suite.cases

    @cached_property
    def trainings(self) -> tuple[Case, ...]:
        """The cases that train a model, in their order; the others are experiments."""
        return tuple(case for case in self.cases if case.experiment is None)

    @cached_property
    def ok(self) -> Frame:
        """Runs that succeeded, those of a comparison's base left out."""
        return self.runs[(self.runs["status"] == "ok") & (self.runs["arm"] != "base")]

    @cached_property
    def records(self) -> tuple[dict[str, Any], ...]:
        """Every run as a dict, with None for nulls, in the order shown."""
        return tuple(to_records(self.runs))

    @cached_property
    def train_runs(self) -> Frame:
        """Runs of the passes that train or experiment, whatever became of them, those of a comparison's base left out."""
        return self.runs[self.runs["pass"].isin(MAIN_PASSES) & (self.runs["arm"] != "base")]

    @property
    def judged(self) -> bool:
        """Whether verdicts are stored."""
        return len(self.verdicts) > 0

    @cached_property
    def judgements(self) -> tuple[Verdict, ...]:
        """The stored verdicts, in their order."""
        rows = to_records(self.verdicts.rename(columns={"class": "metric_class"}))
        return tuple(Verdict(**(row | _verdict_types(row))) for row in rows)

    def runs_of(self, case: str, seed: int | None = None) -> list[dict[str, Any]]:
        """Return the training runs of a case (and a seed), in the order shown."""
        rows = self._runs_by_case.get(case, [])
        return rows if seed is None else [row for row in rows if row["seed"] == seed]

    @cached_property
    def _runs_by_case(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in to_records(self.train_runs):
            found.setdefault(row["case"], []).append(row)
        return found

    def seeds_ok(self, case: Case) -> int:
        """Return how many declared seeds have all their runs, all of them ok."""
        return sum(self._seed_ok(case, seed) for seed in case.seeds)

    def _seed_ok(self, case: Case, seed: int) -> bool:
        statuses = [row["status"] for row in self.runs_of(case.name, seed)]
        return set(statuses) == {"ok"} and len(statuses) >= case.repeats

    def absent_runs(self, case: Case) -> int:
        """Return how many of a case's declared runs, of whatever pass, are not stored."""
        names = (self.runs[name][self.runs["case"] == case.name] for name in ("pass", "seed", "repeat"))
        return len(set(case.runs()) - set(zip(*names, strict=True)))

    def primary(self, case: Case) -> str:
        """Return the metric that decides first for the case's task; of a script's, the first score that it gave, and of an
        experiment's the first outcome.
        """
        if case.experiment is not None:
            return next(iter(self.outcomes_of(case.name)), "outcome")
        declared = self._fields("tasks", case.task.name).get("primary")
        return str(declared or next(iter(self._scores_of(case.name)), "accuracy"))

    def outcomes_of(self, case: str) -> list[str]:
        """Return the metrics that the runs of a case that succeeded have, in the order stored."""
        return self._metrics_by_case.get(case, [])

    @cached_property
    def _metrics_by_case(self) -> dict[str, list[str]]:
        cases = dict(zip(self.ok["run_id"], self.ok["case"], strict=True))
        found: dict[str, dict[str, None]] = {}
        for run_id, metric in zip(self.measurements["run_id"].tolist(), self.measurements["metric"].tolist(), strict=True):
            if case := cases.get(run_id):
                found.setdefault(case, {})[metric] = None
        return {case: list(metrics) for case, metrics in found.items()}

    def _scores_of(self, case: str) -> list[str]:
        """Return the scores that the runs of a case have, in the order stored."""
        rows = self.measurements[self.measurements["run_id"].isin(self.ok["run_id"][self.ok["case"] == case])]
        scores = rows[(rows["class"] == "quality") & (rows["phase"] == "eval") & rows["value"].notna()]
        return list(dict.fromkeys(scores["metric"]))

    def origin(self, case: Case) -> str:
        """Return a label for the case's data that a reader must see: 'synthetic', 'not in the catalogue' or ''."""
        if not case.data.name:  # a script need not name it
            return ""
        if case.data.name not in self._parts["data"]:
            return "not in the catalogue"
        return "synthetic" if self._fields("data", case.data.name).get("synthetic") else ""

    def title(self, metric: str) -> str:
        """Return a metric's title, or its name where the catalogue does not know it."""
        return str(self._fields("metrics", metric).get("title", metric))

    def unit(self, metric: str) -> str:
        """Return a metric's unit, as stored, else as the catalogue says, else '1'."""
        return self._units.get(metric) or str(self._fields("metrics", metric).get("unit", "1"))

    def direction(self, metric: str) -> str:
        """Return which way a metric is better, as stored, else as the catalogue says."""
        return self._directions.get(metric) or str(self._fields("metrics", metric).get("direction", "none"))

    def sample(self, case: str, metric: str) -> Sample:
        """Return a metric of a case: one value per seed that succeeded."""
        if (case, metric) not in self._sampled:
            self._sampled[case, metric] = self._sample(case, metric)
        return self._sampled[case, metric]

    @cached_property
    def _sampled(self) -> dict[tuple[str, str], Sample]:
        """What has been asked for; several sections ask for the same."""
        return {}

    def _sample(self, case: str, metric: str) -> Sample:
        readings = self._readings.get((case, metric), [])
        seeds: dict[int, list[float]] = {}
        for seed, reading in readings:
            if math.isfinite(reading.value):
                seeds.setdefault(seed, []).append(reading.value)
        values = {seed: summarise(found).mean for seed, found in sorted(seeds.items())}
        lacking = [explain(reading.null_reason) for _, reading in readings if not math.isfinite(reading.value)]
        flags = {reading.flag for _, reading in readings if reading.flag}
        return Sample(self.unit(metric), values, tuple(lacking or self._why_none(case, metric)), tuple(sorted(flags)))

    def value(self, run_id: str, metric: str) -> tuple[float | None, str]:
        """Return one run's value of a metric, or None and the reason in words."""
        found = self._by_run.get((run_id, metric))
        if found is None:
            return None, "not measured in this run"
        return (None, explain(found.null_reason)) if math.isnan(found.value) else (found.value, "")

    def steps_of(self, run_id: str) -> Frame | None:
        """Return a run's steps in order; None when it stored none."""
        return self._steps.get(run_id)

    def samples_of(self, run_id: str) -> Frame | None:
        """Return a run's GPU samples in order; None when it stored none."""
        return self._samples.get(run_id)

    def images_of(self, run_id: str) -> list[tuple[str, bytes]]:
        """Return a run's pictures by title, as PNG files."""
        return self._images.get(run_id, [])

    @cached_property
    def _images(self) -> dict[str, list[tuple[str, bytes]]]:
        found: dict[str, list[tuple[str, bytes]]] = {}
        rows = self.images.sort_values("title")
        for run_id, title, png in zip(rows["run_id"], rows["title"], rows["png"], strict=True):
            found.setdefault(run_id, []).append((title, png))
        return found

    def confusion_of(self, case: str) -> dict[tuple[int, int], int]:
        """Return (class, what it was taken for) -> how often, over all of a case's runs that succeeded."""
        ids = set(self.ok["run_id"][self.ok["case"] == case])
        rows = self.confusions[self.confusions["run_id"].isin(ids)]
        found = Counter[tuple[int, int]]()
        for label, predicted, count in zip(rows["label"], rows["predicted"], rows["count"], strict=True):
            found[int(label), int(predicted)] += int(count)
        return dict(found)

    def progress(self, case: str, metric: str) -> tuple[str, dict[int, list[float]]]:
        """Return where a case was evaluated while training, and epoch -> the finite values of its runs.

        The split is the one with more evaluations: validation where the case holds one out, else test.
        """
        ids = {row["run_id"] for row in self.runs_of(case)}
        rows = self.evaluations[(self.evaluations["metric"] == metric) & self.evaluations["run_id"].isin(ids)]
        counts = Counter(rows["split"])
        split = max(sorted(counts, reverse=True), key=lambda name: counts[name], default="")
        points: dict[int, list[float]] = {}
        for epoch, value in zip(rows["epoch"][rows["split"] == split], rows["value"][rows["split"] == split], strict=True):
            if math.isfinite(value):
                points.setdefault(int(epoch), []).append(float(value))
        return split, points

    @cached_property
    def _steps(self) -> dict[str, Frame]:
        return {str(run_id): rows for run_id, rows in self.steps.groupby("run_id", sort=False)}

    @cached_property
    def _samples(self) -> dict[str, Frame]:
        return {str(run_id): rows for run_id, rows in self.samples.groupby("run_id", sort=False)}

    def _why_none(self, case: str, metric: str) -> list[str]:
        if (case, metric) in self._readings:
            return []
        measures = self._fields("metrics", metric).get("measured_in", "train")
        statuses = self._statuses.get((case, measures), set())
        kind = "run" if measures == "train" else f"{measures} pass"
        if "ok" in statuses:
            return ["not measured"]
        return [f"no {kind} of this case {'succeeded' if statuses else 'is stored'}"]

    @cached_property
    def _statuses(self) -> dict[tuple[str, str], set[str]]:
        """(case, pass) -> how its runs ended."""
        found: dict[tuple[str, str], set[str]] = {}
        for case, measures, status in zip(*(self.runs[name].tolist() for name in ("case", "pass", "status")), strict=True):
            found.setdefault((case, measures), set()).add(status)
        return found

    def _fields(self, kind: str, name: str) -> dict[str, Any]:
        part = self._parts[kind].get(name)
        return part.fields if part else {}

    @cached_property
    def _parts(self) -> dict[str, dict[str, Part]]:
        return {kind: self.catalog.parts(kind) for kind in ("data", "tasks", "metrics")}

    @cached_property
    def _units(self) -> dict[str, str]:
        return dict(zip(self.measurements["metric"], self.measurements["unit"], strict=True))

    @cached_property
    def _directions(self) -> dict[str, str]:
        return dict(zip(self.measurements["metric"], self.measurements["direction"], strict=True))

    @cached_property
    def _by_run(self) -> dict[tuple[str, str], Reading]:
        """(run, metric) -> the number stored; texts, such as digests, are none."""
        rows = self.measurements[self.measurements["value_text"].isna()]
        columns = (rows[name].tolist() for name in ("run_id", "metric", "value", "null_reason", "quality_flag"))
        return {
            (run_id, metric): Reading(float(value), text_of(reason), text_of(flag))
            for run_id, metric, value, reason, flag in zip(*columns, strict=True)
        }

    @cached_property
    def _readings(self) -> dict[tuple[str, str], list[tuple[int, Reading]]]:
        """(case, metric) -> the seed and the number of every run that succeeded."""
        runs = {row["run_id"]: row for row in self.ok[["run_id", "case", "seed"]].to_dict("records")}
        found: dict[tuple[str, str], list[tuple[int, Reading]]] = {}
        for (run_id, metric), reading in self._by_run.items():
            if run := runs.get(run_id):
                found.setdefault((run["case"], metric), []).append((int(run["seed"]), reading))
        return found


def _made_before(run_set: RunSet) -> tuple[RunSet, ...]:
    """Return the run sets of the same suite that are older."""
    siblings = run_sets(run_set.path.parent.parent, run_set.path.parent.name)
    names = [sibling.path.name for sibling in siblings]
    return tuple(siblings[: names.index(run_set.path.name)]) if run_set.path.name in names else ()


def _verdict_types(row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that a frame with nulls changes the type of: whole numbers and texts."""
    whole = {name: None if row[name] is None else int(row[name]) for name in ("n_base", "n_head")}
    return {**whole, "unit": row["unit"] or "", "note": row["note"] or ""}


def _ordered(runs: Frame, cases: list[str]) -> Frame:
    place = {name: number for number, name in enumerate(cases)}
    keyed = runs.assign(_place=[place.get(case, len(place)) for case in runs["case"]])
    return keyed.sort_values(["_place", *ORDER], ignore_index=True).drop(columns="_place")
