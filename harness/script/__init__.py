"""Measuring a training script as it is: the tables of a suite's runs, without porting it to a suite."""

from harness.script._measure import measure as measure
from harness.script._run import Run as Run
