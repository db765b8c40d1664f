"""Largest sum of the bytes of the tensors alive at one time that training steps use, the whole training split among them.

On whatever device. Looked at between operations: what a kernel takes and gives back within one does not count.
"""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that peak."""
    return scalar(observations, "tensor_peak_bytes")


METRIC = Metric(
    measure=measure,
    title="Tensor memory, peak",
    unit="By",
    direction="lower",
    metric_class="exact",
    phase="train",
    measured_in="memory",
    scope="device",
    source="torch's dispatcher (TorchDispatchMode)",
    null_when="an agent's episodes, whose length varies; a mode that compiles",
)
