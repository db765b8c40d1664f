"""Energy that the GPU drew while training, per sample trained on; warm-up included, evaluations left out."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._energy import training_energy
from harness.observations import Observations, Value, number


def measure(observations: Observations) -> Value:
    """Return train energy over samples, warm-up included; after a checkpoint, those of the part since then."""
    energy, samples = training_energy(observations), observations.step_samples[observations.resumed_at_step :].sum()
    if energy.value is None:
        return energy
    return number(energy.value / samples, energy.n, "resumed" if observations.resumed_at_step else energy.quality_flag)


METRIC = Metric(
    measure=measure,
    title="Energy per sample",
    unit="J/{sample}",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="NVML: nvmlDeviceGetTotalEnergyConsumption",
    null_when="no GPU; no counter, or one that falls; readings that miss a part; too few updates to be good to 5 %",
)
