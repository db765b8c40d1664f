"""The harness put to the test: faults planted in a project of its own, one after the other, and whether each is caught."""

from harness.selftest._faults import FAULTS as FAULTS
from harness.selftest._faults import Fault as Fault
from harness.selftest._project import TEMPLATE as TEMPLATE
from harness.selftest._rates import clopper_pearson as clopper_pearson
from harness.selftest._run import Finding as Finding
from harness.selftest._run import Outcome as Outcome
from harness.selftest._run import run_selftest as run_selftest
