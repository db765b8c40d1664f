"""Writes the tables of results/README.md and README.md from the baselines in git: `python tests/tools/write_results.py`.

A test holds the files equal to what this writes, so that no figure in them is typed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from _readme import CATALOG, README, ROOT, filled, row

from harness.stats import t_interval
from harness.suite import Case, Suite, load_suite

BASELINES, PAGE = ROOT / "results" / "baselines", ROOT / "results" / "README.md"

HEAD = """# Recorded results

What the baselines in `baselines/` hold, suite by suite: the mean over seeds of each case's score on its test split, the 95 % t
interval of that mean, and the floor that the gate holds it to. Written by `tests/tools/write_results.py`, checked by a test.
"""
BESIDE = {"adversarial": ("frechet_distance", "frechet_floor", "frechet_noise")}
"""Task -> scores that say what the others mean."""
GOALS = ("mnist", "text", "speech", "translation", "gan", "rl")
"""Suites on real data (and a simulator), whose cases README shows seed by seed."""


def suites() -> list[Suite]:
    """Return the shipped suites that have baselines, in the order of their names."""
    return [
        load_suite(path, CATALOG) for path in sorted((ROOT / "suites").glob("[!_]*.toml")) if (BASELINES / path.stem).is_dir()
    ]


def recorded(suite: Suite, case: Case) -> Any:
    """Return the content of a case's baseline, None where there is none."""
    file = BASELINES / suite.name / f"{case.name}.json"
    return json.loads(file.read_text()) if file.exists() else None


def seed_means(baseline: Any, metric: str) -> list[float]:
    """Return a metric's mean of each seed, in the order of the seeds."""
    samples = baseline["metrics"][metric]["samples"]
    return [sum(samples[seed]) / len(samples[seed]) for seed in sorted(samples, key=int)]


def shown(case: Case) -> list[str]:
    """Return the scores that the gate holds to a floor, or else the task's primary one, and those that explain them."""
    held = [metric for metric, gate in case.gates.items() if gate.floor is not None and gate.level == "hard"]
    first = held or [str(CATALOG.part("tasks", case.task.name).fields["primary"])]
    return [*first, *(metric for metric in BESIDE.get(case.task.name, ()) if metric not in first)]


def figure(value: float) -> str:
    """Return a score with four significant digits, at most four decimals unless it is small."""
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"


def interval(values: list[float]) -> str:
    """Return the 95 % t interval of a mean; a dash for one seed."""
    return " to ".join(map(figure, t_interval(values))) if len(values) > 1 else "–"


def data(case: Case) -> str:
    """Return the data set's name, marked where it is generated."""
    made = " *(synthetic)*" if CATALOG.part("data", case.data.name).fields.get("synthetic") else ""
    return f"{case.data.name}{made}"


def page_rows(suite: Suite) -> Iterator[str]:
    """Yield the rows of one suite's table on the results page."""
    for case in suite.cases:
        baseline = recorded(suite, case)
        for metric in shown(case) if baseline else ():
            values, parameters = seed_means(baseline, metric), seed_means(baseline, "parameters")[0]
            floor = case.gates[metric].floor if metric in case.gates else None
            cells = (f"`{case.name}`", f"`{case.model.name}`", data(case), f"{parameters:,.0f}", metric.replace("_", " "))
            figures = (
                figure(sum(values) / len(values)),
                interval(values),
                str(len(values)),
                "–" if floor is None else figure(floor),
            )
            yield row(*cells, *figures)


def page() -> str:
    """Return the results page."""
    titles = ("case", "model", "data", "parameters", "score", "mean", "95 % interval", "seeds", "floor")
    lines = row(*titles) + "\n|---|---|---|--:|---|--:|--:|--:|--:|\n"
    tables = [f"\n## {suite.name}\n\n{suite.why}\n\n{lines}" + "\n".join(page_rows(suite)) + "\n" for suite in suites()]
    return HEAD + "".join(tables)


def readme_rows() -> Iterator[str]:
    """Yield the rows of README's table: each seed of each case on real data."""
    for suite in suites():
        for case in suite.cases:
            baseline = recorded(suite, case) if suite.name in GOALS else None
            for metric in shown(case) if baseline else ():
                values = seed_means(baseline, metric)
                cells = (suite.name, f"`{case.name}`", f"`{case.model.name}`", metric.replace("_", " "))
                yield row(*cells, figure(sum(values) / len(values)), " ".join(map(figure, values)))


def signatures() -> list[str]:
    """Return how BLEU was computed, in sacrebleu's own words, by the baselines of real translations."""
    held = [recorded(suite, case) for suite in suites() if suite.name == "translation" for case in suite.cases]
    stored = [baseline["metrics"]["bleu_signature"]["samples"] for baseline in held if baseline]
    return sorted({text for samples in stored for texts in samples.values() for text in texts})


def readme() -> str:
    """Return README with its table of results written anew."""
    titles = "| suite | case | model | score | mean | each seed |\n|---|---|---|---|--:|---|\n"
    notes = "".join(f"\nBLEU's signature: `{signature}`.\n" for signature in signatures())
    return filled("results", titles + "\n".join(readme_rows()) + f"\n{notes}")


if __name__ == "__main__":
    PAGE.write_text(page())
    README.write_text(readme())
