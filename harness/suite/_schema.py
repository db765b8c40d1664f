"""What a suite holds: frozen pydantic models, names and numbers only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from harness.digests import digest_of
from harness.observations import Analysis, Direction, MainPass, MetricClass, Pass

DEVICE_PATTERN = r"^(cpu|cuda(:\d+)?|auto)$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.=,+\[\]-]*$"

Option = bool | int | float | str | tuple[int | float | str, ...]
Level = Literal["hard", "warn", "info"]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
OptionalPass = Literal["memory", "counters", "calibrated"]
PASSES: tuple[OptionalPass, ...] = get_args(OptionalPass)
"""Passes that a case may ask for beside its training, in the order in which they are run."""
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Strict(BaseModel):
    """Unknown keys are errors; values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class PartRef(Strict):
    """A catalogue name and the options given to that part. In TOML: "mnist", or {name = "mnist", scale = "unit"}."""

    name: str
    options: dict[str, Option] = {}


NO_PART = PartRef(name="")
"""Stands where a case names no part: an experiment has neither model nor data set nor task of its own."""


class Optimizer(Strict):
    """An optimiser of torch.optim and its settings; those left out keep torch's defaults."""

    name: Literal["sgd", "adam", "adamw", "rmsprop"] = "adam"
    lr: PositiveFloat = 1e-3
    momentum: Fraction | None = None
    nesterov: bool | None = None
    betas: tuple[Fraction, Fraction] | None = None
    eps: PositiveFloat | None = None
    weight_decay: Annotated[float, Field(ge=0.0)] | None = None


class Schedule(Strict):
    """How the learning rate moves over the run's steps."""

    name: Literal["constant", "cosine", "step", "linear"] = "constant"
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate rises linearly from 0 first."""
    step_epochs: PositiveInt = 1
    """step: epochs between two drops."""
    gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """step: factor at each drop."""


class Recipe(Strict):
    """How a model is trained."""

    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    batch_size: PositiveInt | Literal["full"] = 64
    """Samples in a batch; "full" takes the whole training split as one batch."""
    epochs: PositiveInt | None = None
    steps: PositiveInt | None = None
    """Optimiser steps; exactly one of epochs and steps is given."""
    accumulate: PositiveInt = 1
    """Batches whose gradients are averaged into one optimiser step."""
    clip_norm: PositiveFloat | None = None
    """Largest 2-norm of the whole gradient."""
    drop_last: bool = False
    """Whether an epoch's last, smaller batch is left out."""
    bucket: PositiveInt | None = None
    """Steps whose samples are sorted by length together, so that a batch of texts holds little padding; None: none are."""
    validation: Fraction = 0.0
    """Share of the training split held out for validation, drawn by the run's split stream."""
    select: Literal["last", "best"] = "last"
    """Which weights are scored on the test split: the last, or the best on the validation split."""
    evaluate_epochs: PositiveInt = 1
    """Epochs between two evaluations during training."""


class Execution(Strict):
    """Where and how a run executes."""

    device: Annotated[str, Field(pattern=DEVICE_PATTERN)] = "cpu"
    """cpu, cuda, cuda:1, or auto (cuda where there is one)."""
    threads: PositiveInt = 1
    precision: Literal["fp32", "bf16", "tf32"] = "fp32"
    lane: Literal["speed", "deterministic"] = "speed"
    """speed takes the fastest kernels; deterministic demands deterministic algorithms."""
    mode: Literal["eager", "compile", "cuda_graphs"] = "eager"
    """compile takes torch.compile; cuda_graphs lets it record CUDA graphs too."""
    channels_last: bool = False
    """Whether images and the weights of convolutions lie in memory with their channels last."""


class Gate(Strict):
    """How one metric is judged."""

    level: Level = "hard"
    margin: Annotated[float, Field(ge=0.0)] = 0.0
    """Largest change for the worse that is let pass, absolute (quality) or relative to the base (machine)."""
    metric_class: Annotated[MetricClass | None, Field(alias="class")] = None
    direction: Direction | None = None
    floor: float | None = None
    """The mean over seeds may not be worse than this, whatever the baseline says."""

    model_config = ConfigDict(populate_by_name=True)


class Paired(Strict):
    """Largest changes of a step's time for the worse that `harness ab` lets pass, relative to the base, by clock.

    One below what restarts can tell on a machine is refused by `harness check`, once `harness calibrate` has measured that.
    """

    cpu: PositiveFloat = 0.015
    """CPU time of a case on the CPU."""
    wall: PositiveFloat = 0.05
    """Wall time of a case on the CPU, which other processes have a part in."""
    device: PositiveFloat = 0.03
    """Time on the GPU of a case there."""


TRAINING_KEYS = {"model", "data", "task", "recipe", "execution", "targets"}
"""What decides the outcome of a training, apart from its seed."""
EXPERIMENT_KEYS = {"experiment", "execution"}
"""What decides the outcome of an experiment, likewise."""


class Case(Strict):
    """One model, data set, recipe and execution setting, trained once per seed; or an experiment, run once per seed."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    why: str = ""
    model: PartRef = NO_PART
    data: PartRef = NO_PART
    task: PartRef = PartRef(name="classification")
    experiment: PartRef | None = None
    """Takes the place of model, data, task, recipe and passes; its outcomes are what is measured."""
    recipe: Recipe = Recipe()
    execution: Execution = Execution()
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (1, 2, 3)
    more_seeds: Annotated[int, Field(ge=0, le=1000)] = 0
    """Seeds that may be drawn beyond `seeds`, while these leave a hard quality metric inconclusive: the integers after the
    largest, half of them for a second look at the verdict and the rest for a third. The looks share the chance of error."""
    drawn_seeds: Annotated[int, Field(ge=0)] = 0
    """How many of the last of `seeds` were drawn so; told by run sets, not by suite files."""
    repeats: PositiveInt = 1
    """Times that each seed is run."""
    passes: tuple[OptionalPass, ...] = ("memory", "counters")
    """What is measured in processes of its own: memory and counters of the first seed, calibrated throughput of each."""
    analyses: tuple[Analysis, ...] = ()
    """What is asked of a trained model beyond its scores; no other number changes by it. Of a classifier of images:
    `generalisation` scores the samples trained on and a shifted test set, `interpretability` tells how faithful an explanation
    by gradients is. Of any model that attends: `attention` keeps a picture of where it looks, and how evenly."""
    retries: Annotated[int, Field(ge=0)] = 1
    """Times that a run is repeated which throttling or another process on its GPU has disturbed."""
    tags: tuple[str, ...] = ()
    targets: dict[str, float] = {}
    """Score -> threshold; the time until all hold at one evaluation is measured."""
    published: dict[str, float] = {}
    """Score -> the value an article or paper reports, shown beside ours."""
    gates: dict[str, Gate] = {}
    paired: Paired = Paired()
    timeout_seconds: PositiveFloat = 600.0
    checkpoint_seconds: Annotated[float, Field(ge=0.0)] = 60.0
    """Training time between two checkpoints, written at the end of an epoch; what a kill of the harness loses at most."""
    digest_steps: tuple[PositiveInt, ...] = (1, 10)
    """Steps after which each tensor of the model is digested, beside those before the first and after the last; off the
    training clock. The default's are within the warm-up of a CPU, and disturb no number."""
    memory_limit_bytes: PositiveInt | None = None
    """Resident memory of the run's process tree at which it is stopped; None: nine tenths of what is free at its start."""

    def seeds_of(self, measures: Pass) -> tuple[int, ...]:
        """Return the seeds that a pass is run with: one where chance plays no part, each where it does."""
        return self.seeds[:1] if measures in ("memory", "counters") else self.seeds

    def runs(self) -> Iterator[tuple[Pass, int, int]]:
        """Yield pass, seed and repeat of each run that the case declares: main ones, which alone are repeated, and passes."""
        yield from ((self.main_pass, seed, repeat) for repeat in range(1, self.repeats + 1) for seed in self.seeds)
        if self.experiment is not None:
            return
        yield from ((measures, seed, 1) for measures in self.passes for seed in self.seeds_of(measures))

    @property
    def main_pass(self) -> MainPass:
        """The pass that each seed and repeat has."""
        return "train" if self.experiment is None else "experiment"

    @property
    def looks(self) -> tuple[int, ...]:
        """Seeds drawn by each look that the case may take at its verdict: none, half of them, all."""
        return tuple(sorted({0, (self.more_seeds + 1) // 2, self.more_seeds}))

    @property
    def look(self) -> int:
        """The look that its seeds are enough for, from 1."""
        return sum(drawn <= self.drawn_seeds for drawn in self.looks)

    def at_next_look(self) -> Case:
        """Return the case with the seeds of its next look; itself at the last."""
        wanted = next((drawn for drawn in self.looks if drawn > self.drawn_seeds), self.drawn_seeds)
        after = max(self.seeds) + 1
        more = tuple(range(after, after + wanted - self.drawn_seeds))
        return self.model_copy(update={"seeds": self.seeds + more, "drawn_seeds": wanted})

    @property
    def specification(self) -> dict[str, Any]:
        """What decides a run's outcome, apart from its seed, as plain data."""
        return self.model_dump(mode="json", include=EXPERIMENT_KEYS if self.experiment else TRAINING_KEYS)

    @property
    def digest(self) -> str:
        """SHA-256 of `specification`: equal for cases that may be compared."""
        return digest_of(self.specification)
