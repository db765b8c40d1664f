"""Which steps are looked at more closely, and how short a training may be for it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.project import Project
from harness.reproduce import Evidence, Rerunner
from harness.reproduce._localise import MOST_STEPS, shortened, steps_between
from harness.suite import Schedule


def test_the_steps_between_are_the_last_ones_where_they_are_too_many() -> None:
    """The step at which the loss differs is near the one that made it differ."""
    assert (3, 4, 5) == steps_between(2, 5)
    assert MOST_STEPS == len(steps_between(0, 5000))
    assert 5000 == steps_between(0, 5000)[-1]


def test_a_shortened_training_begins_as_the_whole_one(faulty: Project, recorded: Evidence) -> None:
    """It ends with the epoch of the step that matters, and its losses are those of the record, bit for bit."""
    case = shortened(recorded.case, recorded, 3)

    with Rerunner(faulty, "mine") as rerunner:
        found = rerunner.run(case, recorded.seed)

    assert 16 == len(recorded.losses)
    assert 8 == case.recipe.steps == len(found.losses)
    assert np.array_equal(recorded.losses[:8], found.losses)
    assert recorded.tensors[1] == found.tensors[1]


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_schedule_over_the_whole_training_is_left_whole(schedule: str, recorded: Evidence) -> None:
    """Its rates depend on how many steps there are."""
    recipe = recorded.case.recipe.model_copy(update={"schedule": Schedule.model_validate({"name": schedule})})
    case = recorded.case.model_copy(update={"recipe": recipe})

    assert case is shortened(case, recorded, 3)


def test_the_last_epoch_leaves_nothing_to_cut(recorded: Evidence) -> None:
    """A difference in it takes a whole training."""
    assert recorded.case is shortened(recorded.case, recorded, 9)
