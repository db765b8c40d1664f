"""Tasks, one file each. A file named `x.py` defines `TASK`."""

from harness.tasks._base import Scores as Scores
from harness.tasks._base import Task as Task
