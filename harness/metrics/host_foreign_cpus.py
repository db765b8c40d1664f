"""Mean number of the usable CPUs that processes outside the run kept busy while it trained."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._host import host_mean
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean of the readings taken while training; too short without any."""
    return host_mean(observations, "foreign_cpus")


METRIC = Metric(
    measure=measure,
    title="CPUs busy with others, mean",
    unit="{cpu}",
    direction="none",
    metric_class="machine",
    phase="train",
    source="/proc/stat and each process's, every second",
    null_when="no reading while training (about a second is needed); the kernel does not tell",
)
