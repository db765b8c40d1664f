"""Energy that the GPU drew while training, evaluations left out, by the driver's cumulative counter."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._energy import training_energy
from harness.observations import Observations, Value, null


def measure(observations: Observations) -> Value:
    """Return the joules of the whole training; null for one taken up from a checkpoint, and as in `training_energy`."""
    if observations.resumed_at_step:
        return null("not_measured: the training was taken up from a checkpoint")
    return training_energy(observations)


METRIC = Metric(
    measure=measure,
    title="Training energy",
    unit="J",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="NVML: nvmlDeviceGetTotalEnergyConsumption",
    null_when="no GPU; no counter, or one that falls; readings that miss a part; too few updates to be good to 5 %; resumed",
)
