"""The record of one run's raw signals, and the values that metrics draw from it.

Everything here is plain numbers and NumPy arrays: the judging half reads it without torch. A signal that could
not be taken is None, and `nulls` says why, under the field's name.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import IntFlag
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Phase = Literal["build", "warmup", "train", "eval", "infer"]
Pass = Literal["train", "memory", "counters", "calibrated", "profile", "experiment"]
"""What a process measures; passes that would disturb one another have a process each."""
MainPass = Literal["train", "experiment"]
"""What a case is about: the training of a model, or an experiment; each of its seeds and repeats has one."""
MAIN_PASSES: tuple[MainPass, ...] = get_args(MainPass)
Analysis = Literal["generalisation", "interpretability", "attention"]
"""What a case may ask of the trained model beyond its scores."""
Direction = Literal["higher", "lower", "none"]
MetricClass = Literal["exact", "quality", "machine"]
Array = npt.NDArray[Any]

NULL_REASONS: dict[str, str] = {
    "no_gpu": "the run used no GPU",
    "no_driver": "the NVIDIA driver library could not be loaded",
    "unsupported": "the driver or platform does not offer this reading",
    "too_short": "the run was too short for a trustworthy reading",
    "not_applicable": "the metric does not apply to this case",
    "not_reached": "the target was not reached (censored)",
    "not_measured": "the run ended before this was measured",
}

QUALITY_FLAGS: dict[str, str] = {
    "resumed": "the run was taken up from a checkpoint, so that its times are of several processes",
    "few_steps": "drawn from too few steps, or from warm-up steps for lack of others",
    "not_steady": "the steps after the warm-up did not keep one pace",
    "contended": "other processes, or other machines on the same host, took CPU time that the run wanted",
    "incomplete": "the readings of the GPU ended before the run did",
    "energy_disagrees": "the energy counter and the integral of power differ by more than a tenth",
    "energy_unchecked": "the energy counter could not be checked against power",
    "not_finite": "the value is no finite number",
}
"""What to beware of in a value that was measured; of several, the one that stands first here is told."""


@dataclass(frozen=True)
class Value:
    """One metric's value for one run: a number, a text (digests), or null with a reason."""

    value: float | None = None
    text: str | None = None
    n: int = 1
    quality_flag: str | None = None
    null_reason: str | None = None


def number(value: float, n: int = 1, quality_flag: str | None = None) -> Value:
    """Return a measured number, drawn from `n` readings; a flag is a key of QUALITY_FLAGS."""
    if quality_flag not in (None, *QUALITY_FLAGS):
        raise ValueError(f"unknown quality flag {quality_flag!r}; allowed: {', '.join(QUALITY_FLAGS)}")
    return Value(value=float(value), n=n, quality_flag=quality_flag)


def text(value: str) -> Value:
    """Return a measured text, such as a digest."""
    return Value(text=value)


def null(reason: str) -> Value:
    """Return a null with its reason: a key of NULL_REASONS, or 'key: detail'."""
    if reason.split(":")[0] not in NULL_REASONS:
        raise ValueError(f"unknown null reason {reason!r}; allowed: {', '.join(NULL_REASONS)}")
    return Value(n=0, null_reason=reason)


@dataclass(frozen=True)
class Evaluation:
    """Scores of the model at one point of training; its own time is off the training clock."""

    epoch: int
    step: int
    train_seconds: float
    """Seconds of training up to here, evaluations excluded."""
    split: Literal["validation", "test"]
    scores: dict[str, float]


class Throttle(IntFlag):
    """Reasons for clocks below what was asked for that slow a training (NVML API reference: nvmlClocksEventReasons); idling
    and chosen clocks are none of them."""

    POWER_CAP = 0x04
    HARDWARE = 0x08
    THERMAL = 0x20
    HARDWARE_THERMAL = 0x40
    POWER_BRAKE = 0x80


THROTTLES = {
    Throttle.POWER_CAP: "power cap",
    Throttle.HARDWARE: "hardware slowdown",
    Throttle.THERMAL: "heat",
    Throttle.HARDWARE_THERMAL: "heat, by hardware",
    Throttle.POWER_BRAKE: "power brake",
}
"""How people are told of them."""


@dataclass(frozen=True)
class GpuSample:
    """One reading of one GPU by NVML; a reading the driver refuses is None."""

    seconds: float
    """Since the run's start, monotonic."""
    device_uuid: str
    utilization: float | None
    """Share of the driver's sample period in which a kernel ran, percent."""
    memory_used_bytes: float | None
    process_memory_bytes: float | None
    power_watts: float | None
    monotonic: float
    """Reading of `time.monotonic` at which it was taken; the clock is the same in every process of a machine."""
    sm_clock_hertz: float | None = None
    memory_clock_hertz: float | None = None
    temperature_celsius: float | None = None
    throttle_reasons: int | None = None
    """The driver's bit mask of why the clocks are below what was asked for; `Throttle` has those that slow a training."""
    energy_joules: float | None = None
    """The driver's cumulative counter."""
    foreign_processes: int | None = None
    """Processes that compute on the GPU and are not of the run; None where the driver's process ids are not this system's."""


@dataclass(frozen=True)
class HostSample:
    """One reading of the machine, by the supervisor.

    The first of a run is taken at its start. Shares are of the time since the reading before, of which the first has none,
    and of the CPUs that the run may use.
    """

    monotonic: float
    load: float | None
    """Processes that run or want to, the system's mean over the last minute."""
    stolen: float | None
    """Share of the CPUs' time that the hypervisor gave to others, 0 to 1."""
    foreign_cpus: float | None
    """CPUs kept busy by processes that are not of the run."""
    frequency_hertz: float | None
    """Mean over the CPUs."""


@dataclass(frozen=True)
class TensorMark:
    """What is kept of one tensor of the model's state dict after a step; step 0 is before the first."""

    step: int
    tensor: str
    sha256: str
    norm: float | None
    """2-norm of its values in float64: tells how far apart two tensors are at least; None for whole numbers."""


MUCH_STOLEN = 0.05
"""Share of the CPUs' time given to other machines above which a run is contended."""
CROWDED = 1.05
"""CPUs that a run wants and that others take, over those there are, above which it is contended."""


def contended(stolen: float | None, foreign_cpus: float | None, threads: int | None, usable_cpus: int | None) -> bool:
    """Return whether others take CPU time that a run with so many threads wants; what is not known speaks for nothing.

    An idle thread counts like a busy one: what the others take is what the run could not have. Threads beyond the CPUs take
    time from one another, which is no doing of others.
    """
    if stolen is not None and stolen > MUCH_STOLEN:
        return True
    if foreign_cpus is None or threads is None or usable_cpus is None:
        return False
    return foreign_cpus + min(threads, usable_cpus) > CROWDED * usable_cpus


def _empty(dtype: str = "float64") -> Array:
    return np.empty(0, dtype=dtype)


@dataclass
class Observations:
    """Raw signals of one run. Times in seconds (monotonic), memory in bytes; arrays hold one entry per optimiser step."""

    parameters: int | None = None
    model_bytes: int | None = None
    """Bytes of all tensors in the state dict."""
    train_flops_per_sample: int | None = None
    """Floating-point operations of forward + backward for one sample, 1 multiply-add = 2."""

    losses: Array = field(default_factory=_empty)
    """Training loss of each step, as the model computed it, [steps]."""
    step_epochs: Array = field(default_factory=lambda: _empty("int64"))
    step_samples: Array = field(default_factory=lambda: _empty("int64"))
    step_seconds: Array = field(default_factory=_empty)
    """Wall time of each step without fetching its batch, [steps]."""
    step_cpu_seconds: Array = field(default_factory=_empty)
    loader_seconds: Array = field(default_factory=_empty)
    """Wall time spent fetching each step's batch, [steps]."""
    learning_rates: Array = field(default_factory=_empty)
    """Learning rate of each step's first update, NaN where nothing learns, [steps]."""
    resumed_at_step: int = 0
    """Steps taken before the process that ended the run took it up from a checkpoint; 0 when one process did all."""
    warmup_steps: int = 0
    """Leading steps left out of speed metrics."""
    steady: bool = True
    """Whether the steps after the warm-up kept one pace."""

    build_seconds: float | None = None
    first_step_seconds: float | None = None
    """From the start of building the model to the end of the first step."""
    train_seconds: float | None = None
    """Wall time of the training loop, evaluations excluded."""
    compile_seconds: float | None = None
    """Wall time spent compiling the model."""
    evaluation_seconds: float | None = None
    """Wall time of the evaluations during training."""
    checkpoint_seconds: float | None = None
    """Wall time of saving checkpoints."""
    train_windows: list[tuple[float, float]] = field(default_factory=list)
    """Readings of `time.monotonic` around each epoch's training, evaluations excluded: which GPU samples are of training."""

    evaluations: list[Evaluation] = field(default_factory=list)
    targets: dict[str, float] = field(default_factory=dict)
    """The case's declared targets: metric -> threshold."""
    scores: dict[str, float] = field(default_factory=dict)
    """The task's scores of the selected weights on the test split, by name."""
    test_samples: int = 0
    """Samples of the test split."""
    directions: dict[str, Direction] = field(default_factory=dict)
    """Which way each score is better."""
    texts: dict[str, str] = field(default_factory=dict)
    """What explains a score, by metric name."""
    images: dict[str, str] = field(default_factory=dict)
    """PNG files in base64 by title, made when the selected weights were scored."""
    episode_steps: Array = field(default_factory=lambda: _empty("int64"))
    """Step in which each training episode was played, [episodes]."""
    episode_returns: Array = field(default_factory=_empty)
    """Return of each training episode, [episodes]."""
    test_returns: Array = field(default_factory=_empty)
    """Return of each test episode, [N]."""
    predictions: Array = field(default_factory=lambda: _empty("int64"))
    """Predicted class of every test sample, [N]; empty where the task classifies nothing, and so are the labels."""
    labels: Array = field(default_factory=lambda: _empty("int64"))
    """True class of every test sample, [N]."""
    train_scores: dict[str, float] = field(default_factory=dict)
    """The task's scores of the selected weights on the samples trained on, where the case asks for `generalisation`."""
    train_samples: int = 0
    """How many these are."""
    shifted_scores: dict[str, float] = field(default_factory=dict)
    """Likewise on the test split, each image moved and with noise on it."""
    deletion_curve: Array = field(default_factory=_empty)
    """Mean probability of the true class with 0, 1, … 10 tenths of each test image's most important pixels deleted, [11], where
    the case asks for `interpretability`."""
    insertion_curve: Array = field(default_factory=_empty)
    """Likewise with as many of them restored to an image that holds nothing, [11]."""
    explained_samples: int = 0
    """Test images that the two are means over."""
    attention_entropy: float | None = None
    """How evenly the model's attention looks, 0 to 1, where the case asks for `attention`."""
    attended_samples: int = 0
    """Test samples that it is a mean over."""

    infer_latency_seconds: Array = field(default_factory=_empty)
    """Forward passes of one sample."""
    infer_batch_seconds: Array = field(default_factory=_empty)
    """Forward passes of `infer_batch_size` samples."""
    infer_batch_size: int = 0

    model_file_bytes: int | None = None
    """Size of the weights on disk."""
    load_seconds: float | None = None
    """From the weights on disk to the model ready to infer."""
    peak_flops_per_second: float | None = None
    """The most that this machine reached in a matrix product, with the run's device, threads and precision."""

    host_peak_bytes: int | None = None
    """Largest resident memory of the run's process tree while it trained."""
    cuda_allocated_peak_bytes: int | None = None
    cuda_reserved_peak_bytes: int | None = None
    cuda_allocation_retries: int | None = None
    """Times that CUDA's allocator had to free its cache to go on."""
    cuda_out_of_memory: int | None = None
    """Allocations that failed for lack of memory."""
    gpu_samples: list[GpuSample] = field(default_factory=list)
    gpu_period_seconds: float | None = None
    """Declared time between two samples."""
    host_samples: list[HostSample] = field(default_factory=list)
    threads: int | None = None
    """Threads that the run computes with."""
    usable_cpus: int | None = None
    """CPUs that the run may use."""
    involuntary_switches: int | None = None
    """Times that the system took the CPU away from the training process while it trained."""

    counted_steps: int = 0
    """Steps that each counter below was taken over."""
    aten_operations: int | None = None
    python_calls: int | None = None
    bytecodes: int | None = None
    """Python instructions executed outside the harness's own loop."""
    allocated_bytes: int | None = None
    """Bytes of all allocations, freed or not."""

    outcomes: dict[str, float | None] = field(default_factory=dict)
    """What an experiment gave, by name; None for what it could not measure."""

    tensor_peak_bytes: int | None = None
    """Largest sum of the bytes of all tensors alive at one time, on a CPU."""
    process_peak_bytes: int | None = None
    """Largest resident memory of the process in the memory pass."""
    process_before_bytes: int | None = None
    """Resident memory of that process before it had data or a model."""

    chunk_step_seconds: Array = field(default_factory=_empty)
    """Median CPU time of a step in each chunk of steps, [chunks]."""
    chunk_samples: Array = field(default_factory=_empty)
    """Mean samples of a step in each chunk, [chunks]."""
    chunk_kernel_seconds: Array = field(default_factory=lambda: np.empty((0, 0)))
    """CPU time of each calibration kernel, mean of its runs before and after the chunk, [chunks, kernels]."""

    tensor_marks: list[TensorMark] = field(default_factory=list)
    """Digests of the weights before the first step, after the declared ones, and of the selected ones."""
    sample_hashes: Array = field(default_factory=lambda: _empty("uint64"))
    """A hash of each sample with its label, as the data set gives them, split after split, [samples]."""
    split_sizes: dict[str, int] = field(default_factory=dict)
    """Split -> its samples, in that order."""

    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of: data, batch_order, initial_weights, final_weights, loss_curve."""
    nulls: dict[str, str] = field(default_factory=dict)
    """Field name -> null reason, for what could not be measured."""

    def missing(self, name: str) -> Value:
        """Return the null of field `name`, with the reason recorded for it."""
        return null(self.nulls.get(name, "not_measured"))

    @property
    def timed(self) -> slice:
        """The steps that speed metrics use: those after warm-up, or all when the run had no more."""
        return slice(self.warmup_steps if len(self.step_seconds) > self.warmup_steps else 0, None)

    def save(self, folder: Path) -> None:
        """Write to `folder` (JSON for scalars, .npy for arrays); `load` gives it back."""
        scalars = asdict(self)
        for name in [key for key, value in scalars.items() if isinstance(value, np.ndarray)]:
            np.save(folder / f"{name}.npy", scalars.pop(name), allow_pickle=False)
        (folder / "observations.json").write_text(json.dumps(scalars))

    @classmethod
    def load(cls, folder: Path) -> Observations:
        """Read what `save` wrote."""
        scalars = json.loads((folder / "observations.json").read_text())
        scalars["evaluations"] = [Evaluation(**row) for row in scalars["evaluations"]]
        scalars["train_windows"] = [(start, end) for start, end in scalars["train_windows"]]
        scalars["gpu_samples"] = [GpuSample(**row) for row in scalars["gpu_samples"]]
        scalars["host_samples"] = [HostSample(**row) for row in scalars["host_samples"]]
        scalars["tensor_marks"] = [TensorMark(**row) for row in scalars["tensor_marks"]]
        arrays = {path.stem: np.load(path, allow_pickle=False) for path in folder.glob("*.npy")}
        return cls(**scalars, **arrays)
