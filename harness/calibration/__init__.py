"""Calibration: what comparing a state of the project with itself shows, on this machine, and what margins may be told by it."""

from harness.calibration._files import FOLDER as FOLDER
from harness.calibration._files import read_calibrations as read_calibrations
from harness.calibration._findings import Finding as Finding
from harness.calibration._findings import margin_findings as margin_findings
from harness.calibration._measure import calibrate_suite as calibrate_suite
from harness.calibration._model import CalibratedCase as CalibratedCase
from harness.calibration._model import CalibratedClock as CalibratedClock
from harness.calibration._model import Calibration as Calibration
from harness.calibration._relabel import false_alarms as false_alarms
