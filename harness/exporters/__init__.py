"""Exporters, one foreign format a file: `x.py` defines `EXPORTER`. What comes in from another tool is read here too."""

from harness.exporters._base import Exporter as Exporter
from harness.exporters._base import Number as Number
from harness.exporters._base import Source as Source
from harness.exporters._base import Training as Training
from harness.exporters._base import read_source as read_source
from harness.exporters._convert import exporter as exporter
from harness.exporters._convert import exporters as exporters
from harness.exporters._convert import write as write
from harness.exporters._from_pytest_benchmark import FROM as FROM
from harness.exporters._from_pytest_benchmark import import_files as import_files
