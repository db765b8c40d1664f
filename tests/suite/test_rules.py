"""Rules beyond the form: names that exist, settings that fit together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.suite import Suite

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]

HEAD = 'version = 1\nwhy = "To test."\n[[case]]\n'
BASE = {"model": '"tinynet"', "data": '"dots"', "recipe.epochs": "2"}

BROKEN = {
    'model = "tinynett"': "model: found \"tinynett\", did you mean 'tinynet'?; allowed: what `harness list models` shows",
    'data = "dotz"': "data: found \"dotz\", did you mean 'dots'?; allowed: what `harness list data` shows",
    'task = "sortin"': "task: found \"sortin\", did you mean 'sorting'?; allowed: adversarial, ",
    'model = { name = "tinynet", hiden = 1 }': "model.hiden: unknown option, did you mean 'hidden'?; "
    "allowed: hidden, activation",
    'model = { name = "plainnet", hidden = 1 }': "model.hidden: unknown option; 'plainnet' takes no options",
    'data = { name = "dots", scal = "unit" }': "data.scal: unknown option, did you mean 'scale'?; allowed: scale, limit",
    'task = { name = "sorting", way = 1 }': "task.way: unknown option; 'sorting' takes no options",
    "recipe = { epochs = 1, steps = 2 }": "recipe.steps: found both epochs and steps; allowed: exactly one of them",
    "recipe = {}": "recipe: found neither epochs nor steps; allowed: exactly one of them",
    "recipe.optimizer = { name = 'adam', momentum = 0.9 }": "recipe.optimizer.momentum: found with the optimizer 'adam'; "
    "allowed with: sgd, rmsprop",
    "recipe.optimizer.nesterov = true": "recipe.optimizer.nesterov: found with the optimizer 'adam'; allowed with: sgd",
    "recipe.optimizer = { name = 'sgd', nesterov = true }": "recipe.optimizer.nesterov: found without momentum; "
    "allowed with a momentum above 0",
    "recipe.optimizer = { name = 'sgd', betas = [0.9, 0.99] }": "recipe.optimizer.betas: found with the optimizer 'sgd'; "
    "allowed with: adam, adamw",
    "recipe.optimizer = { name = 'sgd', eps = 1e-8 }": "recipe.optimizer.eps: found with the optimizer 'sgd'; "
    "allowed with: adam, adamw, rmsprop",
    "recipe.schedule = { name = 'cosine', gamma = 0.5 }": "recipe.schedule.gamma: found with the schedule 'cosine'; "
    "allowed with: step",
    "recipe.schedule.step_epochs = 2": "recipe.schedule.step_epochs: found with the schedule 'constant'; allowed with: step",
    "recipe = { steps = 5, schedule.warmup_steps = 5 }": "recipe.schedule.warmup_steps: found 5; "
    "allowed: fewer than the recipe's 5 steps",
    "recipe.select = 'best'": 'recipe.select: found "best" without a validation split; allowed with recipe.validation above 0',
    "execution = { device = 'cuda', precision = 'tf32', lane = 'deterministic' }": "execution.precision: "
    'found "tf32" in the lane "deterministic", which switches TensorFloat-32 off; allowed in: speed',
    "execution.precision = 'tf32'": 'execution.precision: found "tf32" on the device "cpu", which has no TensorFloat-32; '
    "allowed on: cuda",
    "seeds = [1, 3, 1]": "seeds[2]: found seed 1 twice; allowed: each seed once (`repeats` runs all of them again)",
    "targets.f1 = 0.9": "targets.f1: no score of the task 'classification': found \"f1\"; allowed: accuracy, loss",
    "published.acuracy = 0.9": "published.acuracy: no score of the task 'classification': found \"acuracy\", "
    "did you mean 'accuracy'?; allowed: accuracy, loss",
    "gates.hitz = { margin = 0.1 }": "gates.hitz: no such metric: found \"hitz\", did you mean 'hits'?; "
    "allowed: what `harness list metrics` shows",
    "gates.hits = { margin = 0.1, class = 'machine' }": "gates.hits.class: found 'machine'; allowed: 'quality', "
    "which the metric declares",
    "gates.hits = { margin = 0.1, direction = 'lower' }": "gates.hits.direction: found 'lower'; allowed: 'higher', "
    "which the metric declares",
    "gates.hits_digest.margin = 0.1": "gates.hits_digest.margin: found 0.1; allowed: 0, "
    "for an exact metric is equal or it is not",
    "gates.hits_digest.floor = 0.1": "gates.hits_digest.floor: found on an exact metric; allowed on: quality metrics",
    "gates.hits.level = 'hard'": "gates.hits.margin: found 0.0; allowed at level hard: a margin above 0 (quality metrics vary)",
    "gates.laziness = {}": "gates.laziness.margin: found 0.0; allowed at level hard: a margin above 0 (machine metrics vary)",
    "gates.laziness = { margin = 0.1, floor = 1.0 }": "gates.laziness.floor: found on a machine metric; "
    "allowed on: quality metrics",
    "gates.heat.margin = 0.1": 'gates.heat.level: found "hard"; allowed: "info", for the metric has no better direction',
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_rule_is_one_problem_on_its_line(problems: Problems, line: str) -> None:
    """Each rule, broken alone, gives one problem that says what was found and what is allowed."""
    key = line.split(" = ")[0]
    others = [f"{name} = {value}" for name, value in BASE.items() if name != key and not name.startswith(f"{key}.")]

    (problem,) = problems(HEAD + line + "\n" + "\n".join(others) + "\n")

    assert problem.startswith(f"mine.toml:4: {BROKEN[line]}")


FITTING = [
    "recipe.optimizer = { name = 'sgd', momentum = 0.9, nesterov = true, weight_decay = 0.1 }",
    "recipe.optimizer = { name = 'rmsprop', momentum = 0.9, eps = 1e-8 }",
    "recipe.optimizer = { name = 'adamw', betas = [0.9, 0.99], eps = 1e-7 }",
    "recipe.schedule = { name = 'step', gamma = 0.5, step_epochs = 2, warmup_steps = 3 }",
    "recipe.schedule = { name = 'cosine', warmup_steps = 3 }",
    "recipe = { epochs = 1, select = 'best', validation = 0.2 }",
    'task = "sorting"\ntargets = { hits = 0.5, loss = 1.0 }',
    'model = { name = "borrowed", anything = 1 }',
    "gates.hits = { margin = 0.1, class = 'quality', direction = 'higher', floor = 0.5 }",
    "gates.hits = { level = 'info', floor = 0.5 }",
    "gates.hits_digest = {}",
    "execution = { device = 'cuda:1', precision = 'tf32' }",
    "execution = { device = 'auto', precision = 'tf32' }",
    "gates.heat.level = 'info'",
    "gates.laziness = { margin = 0.1 }",
]


@pytest.mark.parametrize("line", FITTING)
def test_settings_that_fit_are_let_pass(load: Load, line: str) -> None:
    """What the rules allow is allowed; options are not judged where the source does not tell them."""
    key = line.split(" = ")[0]
    others = [f"{name} = {value}" for name, value in BASE.items() if name != key and not name.startswith(f"{key}.")]

    assert len(load(HEAD + line + "\n" + "\n".join(others) + "\n").cases) == 1


def test_a_part_that_is_no_python_is_a_problem_among_others(problems: Problems, project_folder: Path) -> None:
    """A part that cannot be read does not hide the suite's other problems."""
    broken = project_folder / "bench" / "models" / "broken.py"
    broken.write_text("def build(:\n")

    found = problems(HEAD + 'model = { name = "broken", x = 1 }\ndata = "dotz"\nrecipe.epochs = 1\n')

    assert found[0].startswith(f"mine.toml:3: a part of this case cannot be used: {broken}: cannot be read as Python: ")
    assert found[1].startswith('mine.toml:5: data: found "dotz"')
    assert len(found) == 2
