"""The checks that models make of what the data set gives, before they are built."""

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


FORMS = {
    "image": "images (channels, height, width)",
    "video": "videos (frames, channels, height, width)",
    "sequence": "sequences (steps, features) of numbers",
    "vector": "flat observations (features) of numbers",
    "text": "texts (steps) of ids from one vocabulary",
    "pair": "texts (steps) of ids with a target text of another vocabulary",
    "rating": "users and items, single ids of a vocabulary each",
}
"""Form of a data set's samples -> how people are told of it."""


def form_of(spec: DataSpec) -> str:
    """Return the form of a data set's samples, a key of FORMS, or '' for none of them."""
    if not spec.shape:
        return "rating" if len(spec.vocabularies) == 2 else ""
    if len(spec.shape) == 1:
        return {0: "vector", 1: "text", 2: "pair"}.get(len(spec.vocabularies), "")
    return {2: "sequence", 3: "image", 4: "video"}.get(len(spec.shape), "")


def require_form(module: str, spec: DataSpec, *forms: str) -> None:
    """Do nothing when the data set gives samples of a form that a model takes, of whatever size.

    Args:
        module: `__name__` of the model's file; its last part is the model's name.
        spec: what the data set gives.
        forms: keys of FORMS.

    Raises:
        UsageError: the data set gives another form; names all.
    """
    found = form_of(spec)
    if found not in forms:
        given = FORMS.get(found, f"inputs of shape {_show(spec.shape)}")
        raise UsageError(
            f"model {module.rpartition('.')[2]!r}: the data set gives {given}, the model takes "
            f"{' or '.join(FORMS[form] for form in forms)} only; choose another data set, or another model "
            "(`harness list models` shows all)"
        )


def _show(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"
