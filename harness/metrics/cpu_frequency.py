"""Mean frequency of the machine's CPUs while training, as the kernel tells it; a virtual machine's is the nominal one."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._host import host_mean
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean of the readings taken while training; too short without any."""
    return host_mean(observations, "frequency_hertz")


METRIC = Metric(
    measure=measure,
    title="CPU frequency, mean",
    unit="Hz",
    direction="none",
    metric_class="machine",
    phase="train",
    source="/proc/cpuinfo (Arm: cpufreq), every second",
    null_when="no reading while training (about a second is needed); the kernel does not tell",
)
