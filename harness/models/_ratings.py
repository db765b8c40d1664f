"""The check that models of users and items make of what the data set gives."""

from __future__ import annotations

from harness.errors import UsageError
from harness.models._base import DataSpec


def require_users_and_items(module: str, spec: DataSpec) -> tuple[int, int]:
    """Return the number of users and the number of items.

    Args:
        module: `__name__` of the model's file; its last part is the model's name.
        spec: what the data set gives: an id of a user as input, and two vocabularies.

    Raises:
        UsageError: the data set gives something else.
    """
    if spec.shape or len(spec.vocabularies) != 2:
        raise UsageError(
            f"model {module.rpartition('.')[2]!r}: the data set gives inputs of shape {'x'.join(map(str, spec.shape)) or '()'} "
            f"and {len(spec.vocabularies)} vocabularies, the model takes users and items, single ids of a vocabulary each; "
            "choose a data set of ratings, or another model (`harness list models` shows all)"
        )
    users, items = spec.vocabularies
    return users, items
