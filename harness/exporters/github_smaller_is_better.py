"""JSON for github-action-benchmark, `tool: customSmallerIsBetter`: the metrics of which less is better."""

from __future__ import annotations

from harness.exporters._base import Exporter
from harness.exporters._github import to_entries

EXPORTER = Exporter(reads="github-action-benchmark, tool: customSmallerIsBetter", text=to_entries, directions=("lower",))
