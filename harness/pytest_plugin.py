"""pytest collects suites: every verdict is a test outcome, every case's steps are timed by pytest-benchmark.

`pytest suites/smoke.toml` (or `pytest suites`) runs the suite, as `harness run` does, and judges it against its baselines.
Suites are collected only when they are named on the command line: no plain `pytest` starts a training.

Outcomes: a verdict that decides the exit code under the policy fails; one that could not be judged (inconclusive,
incomparable, new at levels warn and info) is skipped with the reason; the others pass, a *worse* at level warn with a
warning.

With `--junitxml`, each carries the verdict's figures as properties: metric, class, base, head, estimate, low, high, margin,
mde, p_adjusted, method and the other columns of the verdicts table, and which run set was judged against what.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.gate import Judged
    from harness.project import Project
    from harness.suite import Case, Suite
    from harness.train import Loop
    from harness.verdicts import Verdict

CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
UNJUDGED = ("inconclusive", "incomparable", "new", "void")


class WorseWarning(UserWarning):
    """A metric gated at level warn is worse."""


class VerdictFailedError(Exception):
    """A verdict that decides the exit code; its text is what the gate would print."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `harness gate`."""
    group = parser.getgroup("harness", "benchmark harness")
    group.addoption("--harness-policy", choices=("pr", "strict"), default="pr", help="what passes with a warning (default: pr)")
    group.addoption("--harness-run-set", metavar="RUN_SET", help="judge this run set instead of running the suite")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """Collect a suite file that was named on the command line, itself or by its folder."""
    if file_path.suffix != ".toml" or file_path.name.startswith(("_", ".")):
        return None
    named = parent.session.isinitpath(file_path) or parent.session.isinitpath(file_path.parent)
    if not named or file_path.parent != _project(file_path).suites:
        return None
    return SuiteFile.from_parent(parent, path=file_path)


def _project(file: Path) -> Project:
    from harness.project import find_project

    return find_project(file.parent)


class SuiteFile(pytest.File):
    """A suite: run and judged once, when its first item needs it."""

    @cached_property
    def project(self) -> Project:
        """The project around the file."""
        return _project(self.path)

    @cached_property
    def suite(self) -> Suite:
        """The suite as declared."""
        from harness.suite import load_suite

        return load_suite(self.path, self.project.catalog())

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each case's runs, each gated metric and each timed step."""
        from harness.verdicts import RUNS

        if hasattr(self.config, "workerinput"):
            raise self.CollectError("run suites without -n: every worker would run the suite, and the runs disturb each other")
        try:
            cases = self.suite.cases
        except HarnessError as error:
            raise self.CollectError(str(error)) from error
        for case in cases:
            for metric in (RUNS, *case.gates):
                yield VerdictItem.from_parent(self, name=f"{case.name}::{metric}", case=case.name, metric=metric)
            for step in (train_step, infer_step) if case.experiment is None else ():
                yield pytest.Function.from_parent(
                    self, name=f"{case.name}::{step.__name__}", callobj=_benchmark_test(self.project, case, step)
                )
        yield UndeclaredItem.from_parent(self, name="baselines without a case")

    @cached_property
    def _outcome(self) -> Judged | Exception:
        from harness.gate import judge_suite
        from harness.runner.execute import execute

        given = self.config.getoption("--harness-run-set")
        try:
            name = given or execute(self.project, self.suite).run_set.name
            return judge_suite(self.project, str(self.path), name)
        except Exception as error:  # kept, and raised for every item: else each would run the suite again
            return error

    @property
    def verdicts(self) -> dict[tuple[str, str], Verdict]:
        """The verdicts by case and metric; runs and judges on first use.

        Raises:
            Exception: running or judging failed, the same for every item.
        """
        return {(verdict.case, verdict.metric): verdict for verdict in self._judged.verdicts}

    @property
    def provenance(self) -> list[tuple[str, object]]:
        """What was judged against what, as properties of an outcome.

        Raises:
            Exception: as for `verdicts`.
        """
        return [("run_set", self._judged.head.name), ("against", self._judged.base)]

    @property
    def _judged(self) -> Judged:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def decides(self, verdict: Verdict) -> bool:
        """Whether a verdict makes the gate fail under the policy."""
        from harness.verdicts import deciding

        return verdict in deciding(self.verdicts.values(), self.config.getoption("--harness-policy"))


class HarnessItem(pytest.Item):
    """An item whose failures need no traceback."""

    suite_file: SuiteFile

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        assert isinstance(self.parent, SuiteFile)  # only SuiteFile.collect makes them
        self.suite_file = self.parent

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the message alone for what is expected to go wrong."""
        if isinstance(excinfo.value, HarnessError | VerdictFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return the suite file and the item's name."""
        return self.path, None, self.name


class VerdictItem(HarnessItem):
    """One verdict: a case's runs, or one gated metric of a case."""

    def __init__(self, case: str, metric: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.case, self.metric = case, metric

    def runtest(self) -> None:
        """Pass, skip or fail as the verdict says."""
        from harness.verdicts import RUNS

        verdict = self.suite_file.verdicts.get((self.case, self.metric))
        self.user_properties += self.suite_file.provenance
        if verdict is None:
            self.user_properties += [("case", self.case), ("metric", self.metric)]
            if self.metric != RUNS:
                pytest.skip("the suite gates this metric, but its direction is none: it is reported, not judged")
            self.user_properties.append(("verdict", "same"))  # the runs are as declared
            return
        self.user_properties += [(name, value) for name, value in verdict.row().items() if value not in (None, "")]
        line = describe(verdict)
        if self.suite_file.decides(verdict):
            raise VerdictFailedError(line)
        if verdict.verdict in UNJUDGED or (verdict.verdict == "missing" and verdict.level != "hard"):
            pytest.skip(line)
        if verdict.verdict == "worse" and verdict.level == "warn":
            warnings.warn(WorseWarning(line), stacklevel=1)


class UndeclaredItem(HarnessItem):
    """Baselines of cases that the suite no longer declares: something that was measured is not measured any more."""

    def runtest(self) -> None:
        """Fail when there is one."""
        declared = {case.name for case in self.suite_file.suite.cases}
        lost = [verdict for (case, _), verdict in self.suite_file.verdicts.items() if case not in declared]
        if lost:
            raise VerdictFailedError("\n".join(map(describe, lost)))


def describe(verdict: Verdict) -> str:
    """Return a verdict in one line, with the figures behind it."""
    from harness.verdicts import COLUMNS, cells

    shown = zip(COLUMNS, cells(verdict), strict=True)
    return ", ".join(f"{column} {cell}" for column, cell in shown if cell)


def _benchmark_test(project: Project, case: Case, step: Callable[..., Callable[[], object]]) -> Callable[..., None]:
    """Return a test function that times one step of a case with pytest-benchmark."""

    def test(benchmark: Any, tmp_path: Path) -> None:
        with own_settings():
            benchmark.group = step.__name__
            benchmark.extra_info |= {"case": case.name, "model": case.model.name, "data": case.data.name}
            benchmark.pedantic(step(project, case, tmp_path), warmup_rounds=5, rounds=30)

    return test


@contextmanager
def own_settings() -> Iterator[None]:
    """Put threads and torch's switches back afterwards, for the user's other tests in this process."""
    import torch

    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    switches = [(cudnn, "benchmark"), (cudnn, "deterministic"), (cudnn, "allow_tf32"), (matmul, "allow_tf32")]
    before = [getattr(owner, name) for owner, name in switches]
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    threads, workspace = torch.get_num_threads(), os.environ.get(CUBLAS_WORKSPACE)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
        for (owner, name), value in zip(switches, before, strict=True):
            setattr(owner, name, value)
        torch.set_num_threads(threads)
        os.environ.pop(CUBLAS_WORKSPACE, None)
        os.environ |= {CUBLAS_WORKSPACE: workspace} if workspace is not None else {}


def train_step(project: Project, case: Case, folder: Path) -> Callable[[], object]:
    """Return a function that takes one training step of a case, always on its first samples, the device waited for."""
    from harness.observations import Observations
    from harness.probes.clock import wait_for
    from harness.train import Loop

    training = _training(project, case, folder)
    training.model.train()
    loop = Loop(training, Observations())

    def step() -> None:
        take_step(loop)
        wait_for(training.device)

    return step


def take_step(loop: Loop) -> None:
    """Take the step that `Loop.steps` takes, on the first samples."""
    import torch

    first = torch.arange(loop.plan.step_samples)
    loop.step(loop.fetch(first.to(loop.job.device), first), len(first))


def infer_step(project: Project, case: Case, folder: Path) -> Callable[[], object]:
    """Return a function that runs a case's model forward on one training batch, the device waited for."""
    import torch

    from harness.probes.clock import wait_for
    from harness.train import StepPlan, autocast

    training = _training(project, case, folder)
    inputs = training.train.inputs[: StepPlan.of(case.recipe, len(training.train)).batch_size]
    training.model.eval()

    def step() -> None:
        with autocast(training.device, training.precision), torch.inference_mode():
            training.learning.infer(training.model, inputs)
        wait_for(training.device)

    return step


def _training(project: Project, case: Case, folder: Path) -> Any:
    from harness.observations import Observations
    from harness.runner.jobs import Job
    from harness.runner.passes._setup import prepare, prepare_process

    return prepare(Job("run", case, folder, project, case.seeds[0]), prepare_process(case), Observations())
