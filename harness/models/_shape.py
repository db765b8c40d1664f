"""The check every model with a fixed input shape makes before it is built."""

from __future__ import annotations

from harness.errors import UsageError
from harness.models._base import DataSpec, Model


def require_shape(module: str, spec: DataSpec, model: Model) -> None:
    """Do nothing when the data set gives inputs of the shape that `model` takes.

    Args:
        module: `__name__` of the model's file; its last part is the model's name.
        spec: what the data set gives.
        model: the part with the wanted `input_shape`.

    Raises:
        UsageError: the shapes differ; names both.
    """
    if model.input_shape is None or tuple(spec.shape) == model.input_shape:
        return
    raise UsageError(
        f"model {module.rpartition('.')[2]!r}: the data set gives inputs of shape {_show(spec.shape)}, the model takes "
        f"{_show(model.input_shape)} only; choose a data set that can be brought to that shape, or another model "
        "(`harness list models` shows all)"
    )


def _show(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"
