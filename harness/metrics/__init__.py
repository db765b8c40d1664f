"""Metrics, one file each. A file named `x.py` defines `METRIC`, a pure function of Observations with its unit."""

from harness.metrics._base import Metric as Metric
from harness.metrics._base import Scope as Scope
from harness.metrics._energy import energy_until as energy_until
from harness.metrics._gpu import training_samples as training_samples
from harness.metrics._readings import of_score as of_score
from harness.metrics._readings import reaches as reaches
