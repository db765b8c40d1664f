"""What happens inside a run's process: one job, from making the process ready to what it leaves behind."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import torch

from harness import digests, environment
from harness.catalog import Catalog
from harness.data import Dataset
from harness.errors import HarnessError
from harness.observations import Observations, Pass
from harness.probes.memory import peak_rss_bytes
from harness.probes.peak_flops import measure_peak
from harness.runner.code import parts_of
from harness.runner.jobs import Job, Outcome
from harness.runner.passes import calibrated, counters, experiment, memory, profile, train
from harness.runner.passes._setup import case_context, out_of_memory, prepare, prepare_process, say
from harness.runner.passes._stepper import Stepper
from harness.suite import Case
from harness.train import DivergedError, context_of

PASSES: dict[Pass, Callable[[Job, torch.device, Observations], None]] = {
    "train": train.measure,
    "memory": memory.measure,
    "counters": counters.measure,
    "calibrated": calibrated.measure,
    "profile": profile.measure,
    "experiment": experiment.measure,
}

FIT_STEPS = 2
"""Steps that a batch has to fit in: the optimiser makes its state in the first."""


def work(folder: Path) -> None:
    """Do the job in `folder` and write its outcome there. Never raises: whatever goes wrong becomes a status."""
    started = perf_counter()
    try:
        job = Job.read(folder)
        outcome = KINDS[job.kind](job)
    except DivergedError as error:
        outcome = Outcome("diverged", str(error))
    except HarnessError as error:
        outcome = Outcome("failed", str(error))
    except (Exception, SystemExit) as error:
        traceback.print_exc()  # into the run's log
        outcome = Outcome("oom" if out_of_memory(error) else "failed", f"{type(error).__name__}: {error}".strip(": "))
    replace(outcome, work_seconds=perf_counter() - started).write(folder)


def identify(job: Job) -> Outcome:
    """Fetch the case's data if it has to be, and say what decides the bits of its runs."""
    device = prepare_process(job.case)
    catalog = job.project.catalog()
    if job.case.experiment is not None:
        identity = digests.digest_of(dict(_taken_identities(job, catalog)))
        return Outcome("ok", environment=_describe(job.case, device), version_key=environment.version_key(), identity=identity)
    dataset: Dataset = catalog.load("data", job.case.data.name)
    context = case_context(job, catalog)
    if dataset.download:
        dataset.load(context, **job.case.data.options)
    identity = dataset.identity(context, **job.case.data.options) if dataset.identity else ""
    return Outcome("ok", environment=_describe(job.case, device), version_key=environment.version_key(), identity=identity)


def _taken_identities(job: Job, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield the identity, with default options, of each data set that an experiment takes; what the source pins has none.

    A data set that is nothing without options has none either: a folder of the user's, say, which an experiment's own source
    names.
    """
    for part in parts_of(job.case, catalog):
        found = ""
        with suppress(HarnessError):
            dataset: Dataset | None = part.load() if part.kind == "data" else None
            if dataset and dataset.identity:
                found = dataset.identity(context_of(job.project, catalog, part.name, None))
        if found:
            yield part.name, found


def run(job: Job) -> Outcome:
    """Do one pass of a case with one seed; observations are saved in the job's folder."""
    device = prepare_process(job.case)
    if device.type == "cuda":
        say(job.folder, {"gpu": environment.gpu_uuid(device)})  # which GPU the supervisor is to watch
    for _ in range(job.times):
        seen = Observations()
        PASSES[job.measures](job, device, seen)
    seen.save(job.folder)
    return Outcome("ok", environment=_describe(job.case, device), version_key=environment.version_key())


def _describe(case: Case, device: torch.device) -> dict[str, str]:
    return environment.describe(device, case.execution.precision, case.execution.lane, case.execution.mode)


def peak(job: Job) -> Outcome:
    """Measure how many operations a second the machine can do with a case's device, threads and precision."""
    execution = job.case.execution
    found = measure_peak(prepare_process(job.case), execution.precision)
    return Outcome("ok", numbers={"flops_per_second": found})


def fits(job: Job) -> Outcome:
    """Take a few steps with the case's batch; memory that runs out ends the job, here or by the supervisor."""
    seen, device = Observations(), prepare_process(job.case)
    stepper = Stepper(prepare(job, device, seen))
    samples = stepper.take(FIT_STEPS) / FIT_STEPS
    resident = peak_rss_bytes() or 0
    bytes_used = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else resident
    return Outcome("ok", numbers={"samples": samples, "bytes": bytes_used, "resident_bytes": resident})


KINDS = {"identify": identify, "peak": peak, "fits": fits, "run": run}
