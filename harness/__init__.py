"""A benchmark and reproducibility harness for PyTorch training.

Words: a *suite* holds *cases* (one model, data set, recipe and execution setting). A *run* trains one case with one
seed in a fresh process. Its raw signals are *observations*; one metric's value for one run is a *measurement*; one
metric of one case, judged, is a *verdict*. A *part* is a model, data set, task, metric, report section or command:
one file of a *catalogue*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import compare as compare
    from harness.api import load as load
    from harness.api import run as run
    from harness.script import measure as measure

__all__ = ["compare", "load", "measure", "run"]


def __getattr__(name: str) -> Any:
    # Imported on first use: `harness --help` must not pay for pandas, nor for torch.
    if name == "measure":
        from harness.script import measure

        return measure
    if name in __all__:
        from harness import api

        return getattr(api, name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
