"""The experiment pass: an experiment's outcomes for one seed, each a number or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.errors import MeasuringError
from harness.observations import Observations
from harness.runner.jobs import Job
from harness.runner.passes._setup import say

if TYPE_CHECKING:
    from harness.experiments import Experiment


def measure(job: Job, device: torch.device, seen: Observations) -> None:
    """Run the case's experiment and note what came of it.

    Raises:
        MeasuringError: the case runs none, or an outcome is lacking, undeclared or no finite number.
        DivergedError: a training of it diverged, and it did not catch that.
    """
    ref = job.case.experiment
    if ref is None:
        raise MeasuringError(f"{job.case.name}: the case runs no experiment")
    experiment: Experiment = job.project.catalog().load("experiments", ref.name)

    def report(done: int, total: int) -> None:
        say(job.folder, {"progress": {"step": done, "steps": total}})

    seen.threads = job.case.execution.threads
    seen.outcomes = experiment.perform(ref.options, seed=job.seed, device=device, project=job.project, report=report)
