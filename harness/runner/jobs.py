"""What the parent asks of a worker process, and what comes back; plain JSON in the run's own folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.observations import Pass
from harness.project import Project
from harness.results import write_atomically
from harness.suite import Case

Status = Literal["ok", "failed", "timeout", "oom", "killed", "diverged", "skipped", "tainted"]

JOB, OUTCOME, PROGRESS, LOG = "job.json", "outcome.json", "progress.jsonl", "log.txt"
TRACE, OPERATIONS = "trace.json.gz", "operations.json"
"""What a run of the profile pass leaves: a Chrome trace, and its operations, the costliest first."""


LATER = ("experiment", "analyses")
"""Keys of a case that the harness of an older base commit, which `harness ab` runs too, does not know."""


@dataclass(frozen=True)
class Profiling:
    """What the profile pass looks at."""

    steps: int = 5
    stacks: bool = False
    """Whether the trace tells from which lines of Python an operation was called."""


@dataclass(frozen=True)
class Job:
    """One request: `identify` a case (fetch its data, say what decides its bits), measure the machine's `peak` with the case's
    execution settings, see whether its batch `fits` in memory, or `run` it with a seed."""

    kind: Literal["identify", "peak", "fits", "run"]
    case: Case
    folder: Path
    """The job's own folder, for everything it writes."""
    project: Project
    seed: int = 0
    measures: Pass = "train"
    """The pass of a `run`."""
    checkpoint: Path | None = None
    """File that a run is saved to while it trains, and goes on from if it is there."""
    profiling: Profiling = Profiling()
    cut_at: int = 0
    """Step after which a training saves itself and is killed; 0: none."""
    times: int = 1
    """How often the process does the pass, from the beginning each time; what is recorded is the last."""

    def write(self) -> None:
        """Write the request to its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        project = {name: str(getattr(self.project, name)) for name in ("root", "suites", "results")}
        content = {
            "kind": self.kind,
            "case": self.case.model_dump(mode="json", by_alias=True, exclude=_unsaid(self.case)),
            "seed": self.seed,
            "measures": self.measures,
            "checkpoint": str(self.checkpoint) if self.checkpoint else None,
            "profiling": asdict(self.profiling),
            "cut_at": self.cut_at,
            "times": self.times,
            "project": project | {"catalogues": [str(path) for path in self.project.catalogues]},
        }
        write_atomically(self.folder / JOB, json.dumps(content))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Read the request in `folder`."""
        content = json.loads((folder / JOB).read_text())
        paths = content["project"]
        project = Project(
            Path(paths["root"]),
            Path(paths["suites"]),
            Path(paths["results"]),
            tuple(Path(path) for path in paths["catalogues"]),
        )
        checkpoint = Path(content["checkpoint"]) if content["checkpoint"] else None
        case = Case.model_validate(content["case"])
        profiling = Profiling(**content["profiling"])
        run = content["seed"], content["measures"], checkpoint, profiling, content["cut_at"], content["times"]
        return cls(content["kind"], case, folder, project, *run)


def _unsaid(case: Case) -> set[str]:
    """Return the keys of LATER of which a case says nothing."""
    fields = Case.model_fields
    return {name for name in LATER if name in fields and getattr(case, name) == fields[name].default}


@dataclass(frozen=True)
class Outcome:
    """How a job ended, as the worker itself saw it."""

    status: Status
    reason: str = ""
    work_seconds: float = 0.0
    """Seconds spent on the case itself: data, training, evaluation, measuring."""
    environment: dict[str, str] = field(default_factory=dict)
    version_key: str = ""
    identity: str = ""
    """Digest of data files that no source code pins."""
    numbers: dict[str, float] = field(default_factory=dict)
    """What a `peak` or `fits` job found."""

    def write(self, folder: Path) -> None:
        """Write to the job's folder; the last thing a worker does."""
        write_atomically(folder / OUTCOME, json.dumps(self.__dict__))

    @classmethod
    def read(cls, folder: Path) -> Outcome | None:
        """Return the worker's outcome, None when it never got so far."""
        try:
            content: dict[str, Any] = json.loads((folder / OUTCOME).read_text())
        except FileNotFoundError:
            return None
        return cls(**content)
