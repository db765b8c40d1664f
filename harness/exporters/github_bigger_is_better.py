"""JSON for github-action-benchmark, `tool: customBiggerIsBetter`: the metrics of which more is better."""

from __future__ import annotations

from harness.exporters._base import Exporter
from harness.exporters._github import to_entries

EXPORTER = Exporter(reads="github-action-benchmark, tool: customBiggerIsBetter", text=to_entries, directions=("higher",))
