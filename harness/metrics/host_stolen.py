"""Mean share of the usable CPUs' time while training that the hypervisor gave to other machines."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._host import host_mean
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean of the readings taken while training; too short without any."""
    return host_mean(observations, "stolen", scale=100)


METRIC = Metric(
    measure=measure,
    title="Stolen CPU time, mean",
    unit="%",
    direction="none",
    metric_class="machine",
    phase="train",
    source="/proc/stat, every second",
    null_when="no reading while training (about a second is needed); the kernel does not tell",
)
