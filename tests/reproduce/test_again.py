"""A recorded run trained again: the same, or named exactly where and why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.errors import ComparisonError, MeasuringError, UsageError
from harness.project import Project
from harness.reproduce import Evidence, Reproduction, reproduce

Again = Callable[[str], Reproduction]


def test_a_clean_run_is_identical(recorded: Evidence, reproduce_with: Again) -> None:
    """Trained again by the same code it gives every bit again, and nothing is left to localise."""
    made = reproduce_with("")

    assert ("identical", None, "") == (made.comparison.outcome, made.localised, made.environment)
    assert (False, True) == (made.code_changed, made.same_key)
    assert recorded.run_id != made.new.run_id


def test_chance_in_one_tensor_is_found_at_its_step(reproduce_with: Again) -> None:
    """A gradient that is disturbed by chance at step 7: the record shows the next loss, two more trainings the step itself."""
    made = reproduce_with("noise:7")

    assert made.comparison.first is not None
    assert ("loss", 8) == (made.comparison.first.what, made.comparison.first.step)
    assert made.localised is not None
    assert (2, 3, 4, 5, 6, 7, 8) == made.localised.steps
    assert "two trainings by the same code differ first at step 7, tensor second.bias" == str(made.localised)


def test_weights_that_nobody_initialised_are_named(reproduce_with: Again) -> None:
    """They differ before the first step, in every training."""
    made = reproduce_with("uninitialised")

    assert made.comparison.first is not None
    assert ("initial weights", "second.weight") == (made.comparison.first.what, made.comparison.first.name)
    assert "two trainings by the same code differ first before the first step, tensor second.weight" == str(made.localised)


def test_another_learning_rate_is_named_with_its_size(reproduce_with: Again) -> None:
    """One per cent more, from the first step on; two more trainings agree with the re-run."""
    made = reproduce_with("rate")

    first = made.comparison.first
    assert first is not None
    assert ("learning rate", 1) == (first.what, first.step)
    assert first.by == pytest.approx(0.01)
    assert made.localised is not None
    assert (None, "re-run") == (made.localised.difference, made.localised.like)


def test_one_changed_sample_is_named(reproduce_with: Again) -> None:
    """The sample's number, not only that the data differ."""
    made = reproduce_with("sample:17")

    first = made.comparison.first
    assert first is not None
    assert ("data", "train sample 17") == (first.what, first.name)
    assert 1 == sum(difference.what == "data" for difference in made.comparison.differences)


def test_an_update_that_was_skipped_is_named(reproduce_with: Again) -> None:
    """The loss after it differs, and the step that left every tensor as it was is told."""
    made = reproduce_with("skip:5")

    assert made.comparison.first is not None
    assert ("loss", 6) == (made.comparison.first.what, made.comparison.first.step)
    assert made.localised is not None
    assert (5,) == made.localised.still
    assert "step 5 changes no tensor" in str(made.localised)


def test_a_step_fewer_is_named(reproduce_with: Again) -> None:
    """Fifteen steps are no sixteen."""
    made = reproduce_with("fewer")

    [difference] = [each for each in made.comparison.differences if each.what == "steps"]
    assert ("16", "15") == (difference.old, difference.new)


def test_code_that_changed_is_said_and_not_localised(faulty: Project, recorded: Evidence) -> None:
    """Other code may give other numbers: that is no lack of reproducibility, and the comparison says where it shows."""
    model = faulty.root / "bench" / "models" / "good.py"
    model.write_text(model.read_text().replace(".tanh()", ".relu()"))

    made = reproduce(faulty, recorded)

    assert made.code_changed
    assert made.localised is None
    assert made.comparison.first is not None
    assert ("loss", 1) == (made.comparison.first.what, made.comparison.first.step)


def test_a_comment_changes_the_code_and_no_number(faulty: Project, recorded: Evidence) -> None:
    """Code that is written otherwise and does the same gives the same."""
    model = faulty.root / "bench" / "models" / "good.py"
    model.write_text(model.read_text() + "\n# a remark\n")

    made = reproduce(faulty, recorded)

    assert (True, "identical") == (made.code_changed, made.comparison.outcome)


def test_a_record_that_was_edited_is_not_taken_for_chance(faulty: Project, recorded: Evidence) -> None:
    """Two more trainings agree with the re-run."""
    losses = recorded.losses.copy()
    losses[11] *= 1.5

    made = reproduce(faulty, replace(recorded, losses=losses))

    assert ["loss"] == [difference.what for difference in made.comparison.differences]
    assert made.localised is not None
    assert "re-run" == made.localised.like


@pytest.mark.parametrize(
    ("field", "value"), [("numeric.flag_threads", "7"), ("numeric.instruction_set", "AVX9"), ("numeric.torch", "0.4.1")]
)
def test_an_environment_that_gives_other_bits_is_refused(field: str, value: str, faulty: Project, recorded: Evidence) -> None:
    """The field is named with what was recorded, before anything is trained; tolerance trains, and says it all the same."""
    elsewhere = replace(recorded, environment={**recorded.environment, field: value})

    with pytest.raises(ComparisonError, match=f"{field.removeprefix('numeric.')} {value} →"):
        reproduce(faulty, elsewhere)

    made = reproduce(faulty, elsewhere, tolerant=True)
    assert value in made.environment
    assert "identical" == made.comparison.outcome


def test_instructions_that_are_forbidden_are_refused(
    faulty: Project, recorded: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATEN_CPU_CAPABILITY changes what torch computes with."""
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")

    with pytest.raises(ComparisonError, match=r"instruction_set \w+ → (DEFAULT|NO AVX|default)"):
        reproduce(faulty, recorded)


def test_a_re_run_that_fails_says_why(reproduce_with: Again) -> None:
    """With the end of what it printed, as nothing of it is kept."""
    with pytest.raises(MeasuringError, match=r"(?s)the re-run ended as failed: ValueError: boom.*good.py"):
        reproduce_with("dies")


def test_a_run_that_did_not_end_by_itself_is_refused(faulty: Project, recorded: Evidence) -> None:
    """There is nothing to compare with."""
    with pytest.raises(UsageError, match="it ended as timeout: too slow; only a training that came to its end"):
        reproduce(faulty, replace(recorded, status="timeout", reason="too slow"))


def test_a_divergence_is_no_failure(reproduce_with: Again) -> None:
    """A training that diverges now and did not then is another outcome, and told as that."""
    made = reproduce_with("nan")

    assert "different" == made.comparison.outcome
    assert "status" in {difference.what for difference in made.comparison.differences}
