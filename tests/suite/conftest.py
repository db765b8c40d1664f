"""A project with a small catalogue of its own, and a way to load a suite's text in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.errors import SuiteError
from harness.suite import Suite, load_suite

PARTS = {
    "models/tinynet.py": '''
        """A tiny network."""
        def build(spec, *, hidden=16, activation="relu"):
            return None
        MODEL = Model(build=build)
    ''',
    "models/plainnet.py": '''
        """A network without options."""
        def build(spec):
            return None
        MODEL = Model(build=build)
    ''',
    "models/borrowed.py": '''
        """A network whose factory is made elsewhere."""
        from .tinynet import build
        MODEL = Model(build=build)
    ''',
    "data/dots.py": '''
        """Dots."""
        def load(context, *, scale="standard", limit=None):
            return None
        DATASET = Dataset(load=load)
    ''',
    "tasks/sorting.py": '''
        """Sorting."""
        def start(splits): ...
        TASK = Task(primary="hits", scores={"hits": "higher", "loss": "lower"}, start=start)
    ''',
    "metrics/hits.py": '''
        """Hits."""
        METRIC = Metric(measure=None, title="Hits", unit="1", direction="higher", metric_class="quality", phase="eval")
    ''',
    "metrics/hits_digest.py": '''
        """Digest of hits."""
        METRIC = Metric(measure=None, title="Digest", unit="1", direction="none", metric_class="exact", phase="eval", text=True)
    ''',
    "metrics/laziness.py": '''
        """Seconds."""
        METRIC = Metric(measure=None, title="Time", unit="s", direction="lower", metric_class="machine", phase="train")
    ''',
    "metrics/heat.py": '''
        """Heat."""
        METRIC = Metric(measure=None, title="Heat", unit="W", direction="none", metric_class="machine", phase="train")
    ''',
}

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]


@pytest.fixture
def catalog(project_folder: Path) -> Catalog:
    """The built-in parts and some of our own, in the folder `bench`."""
    for name, source in PARTS.items():
        path = project_folder / "bench" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line[8:] for line in source.strip("\n").splitlines()))
    return Catalog([project_folder / "bench"])


@pytest.fixture
def load(project_folder: Path, catalog: Catalog) -> Load:
    """Load a text as suites/mine.toml; keywords name further files beside it: _common='...'."""

    def write_and_load(text: str, **files: str) -> Suite:
        for name, content in {"mine": text, **files}.items():
            (project_folder / "suites" / f"{name}.toml").write_text(content)
        return load_suite(Path("suites/mine.toml"), catalog)

    return write_and_load


@pytest.fixture
def problems(load: Load) -> Problems:
    """Load a text that has problems and return them, each as 'mine.toml:line: message'."""

    def problems_of(text: str, **files: str) -> list[str]:
        with pytest.raises(SuiteError) as caught:
            load(text, **files)
        return [str(problem).removeprefix("suites/") for problem in caught.value.problems]

    return problems_of
