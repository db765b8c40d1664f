"""Tasks, one file each. A file named `x.py` defines `TASK` and a function `start(splits, *, options)`."""

from harness.tasks._base import Learning as Learning
from harness.tasks._base import Played as Played
from harness.tasks._base import Scores as Scores
from harness.tasks._base import Task as Task
from harness.tasks._base import Turn as Turn
from harness.tasks._base import evaluation_mode as evaluation_mode
