"""Experiments, one file each: what is not "train a model, score it". A file named `x.py` defines `EXPERIMENT` and a function
`run(setting, *, options)`."""

from harness.experiments._base import Experiment as Experiment
from harness.experiments._setting import Setting as Setting
