"""`harness list`: parts and suites, without importing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.cli import main

PARTS = {
    "models/mine.py": '"""My net."""\nraise RuntimeError\ndef build(spec): ...\n'
    'MODEL = Model(build=build, input_shape=(1, 8, 8), parameters=12, article="009", section="2", repairs=("a", "b"))\n',
    "models/bare.py": "def build(spec): ...\nMODEL = Model(build=build)\n",
    "data/dots.py": '"""Dots."""\ndef load(context): ...\n'
    "DATASET = Dataset(load=load, shape=(3, 4, 4), classes=2, sizes=(80, 20), synthetic=True, download=True, "
    'licence="CC0")\n',
    "tasks/sorting.py": '"""Sorting."""\nTASK = Task(primary="hits", scores={"hits": "higher", "loss": "lower"})\n',
    "metrics/hits.py": '"""Hits."""\nMETRIC = Metric(measure=m, title="Share of hits", unit="1", direction="higher", '
    'metric_class="quality", phase="eval", source="a clock", null_when="never")\n',
    "metrics/plain.py": '"""Plain."""\nMETRIC = Metric(measure=m, title="Plain", unit="s", direction="lower", '
    'metric_class="machine", phase="train")\n',
}
SUITE = 'version = 3\nwhy = "To test."\n[[case]]\nmodel = "mine"\ndata = "dots"\nrecipe.epochs = 1\n'

ROWS = {
    "models": [
        "name\tarticle\ttask\tinput\tparameters\trepairs\tsummary",
        "bare\t-\tclassification\tany\t-\t0\t(yours, in bench)",
        "mine\t009 §2\tclassification\t1x8x8\t12\t2\tMy net. (yours, in bench)",
    ],
    "data": [
        "name\tshape\tclasses\ttrain\ttest\tsamples\tdownload\tlicence\tsummary",
        "dots\t3x4x4\t2\t80\t20\tsynthetic\tyes\tCC0\tDots. (yours, in bench)",
    ],
    "tasks": [
        "name\tprimary\tdirection\tscores\tsummary",
        "sorting\thits\thigher\thits, loss\tSorting. (yours, in bench)",
    ],
    "metrics": [
        "name\tunit\tdirection\tclass\tphase\tsource\tnull when\ttitle",
        "hits\t1\thigher\tquality\teval\ta clock\tnever\tShare of hits (yours, in bench)",
        "plain\ts\tlower\tmachine\ttrain\t-\t-\tPlain (yours, in bench)",
    ],
}


@pytest.fixture
def bench(project_folder: Path) -> Path:
    """A project whose catalogue is declared in its pyproject.toml."""
    for name, text in PARTS.items():
        path = project_folder / "bench" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (project_folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
    return project_folder


@pytest.mark.parametrize("kind", ROWS)
def test_parts_are_listed_from_their_source(bench: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """One tab-separated row a part, built-in and own ones together; own ones say from where. Nothing is imported."""
    assert main(["list", kind]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], *(line for line in lines[1:] if "(yours, in bench)" in line)] == ROWS[kind]
    assert [line.split("\t")[0] for line in lines[1:]] == list(Catalog([bench / "bench"]).parts(kind))
    assert {line.count("\t") for line in lines} == {lines[0].count("\t")}


def test_suites_are_listed_with_what_they_are_for(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A suite with problems is listed too, with the command that shows them."""
    (bench / "suites" / "good.toml").write_text(SUITE)
    (bench / "suites" / "bad.toml").write_text(SUITE.replace("epochs", "epoch"))
    (bench / "suites" / "_part.toml").write_text("")

    assert main(["list", "suites"]) == 0

    assert capsys.readouterr().out == (
        "name\tversion\tcases\twhy\n"
        "bad\t-\t-\tcannot be used: `harness check bad` lists its problems (1)\n"
        "good\t3\t1\tTo test.\n"
    )


def test_an_unknown_kind_is_refused_with_the_nearest(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt kind is a usage error."""
    assert main(["list", "model"]) == 2

    assert capsys.readouterr().err == (
        "error: found 'model', did you mean 'models'?; allowed: models, data, tasks, experiments, metrics, suites\n"
    )
