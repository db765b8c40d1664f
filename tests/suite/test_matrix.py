"""A matrix makes one case for each combination of its values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.suite import Execution, Suite

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]

HEAD = 'version = 1\nwhy = "To test."\n'
CASE = '[[case]]\nname = "net"\nmodel = "tinynet"\ndata = "dots"\nrecipe.epochs = 2\n'


def test_every_combination_becomes_a_case_named_after_its_values(load: Load) -> None:
    """The cartesian product, the last key fastest; a name shows the last word of each key."""
    suite = load(HEAD + CASE + 'matrix = { "recipe.optimizer.lr" = [0.1, 1e-3], "execution.threads" = [1, 2] }\n')

    assert [(case.name, case.recipe.optimizer.lr, case.execution.threads) for case in suite.cases] == [
        ("net[lr=0.1,threads=1]", 0.1, 1),
        ("net[lr=0.1,threads=2]", 0.1, 2),
        ("net[lr=0.001,threads=1]", 0.001, 1),
        ("net[lr=0.001,threads=2]", 0.001, 2),
    ]


@pytest.mark.parametrize(
    "matrix",
    ["matrix = { recipe.epochs = [3] }\n", '[case.matrix]\n"recipe.epochs" = [3]\n', "matrix.recipe.epochs = [3]\n"],
)
def test_dots_may_stand_in_or_out_of_quotes(load: Load, matrix: str) -> None:
    """However the dotted key is written, it means the same."""
    (case,) = load(HEAD + CASE + matrix).cases

    assert (case.name, case.recipe.epochs) == ("net[epochs=3]", 3)


def test_a_matrix_goes_over_parts_options_and_lists(load: Load) -> None:
    """Parts by name or by option, booleans, lists and rival keys can be values."""
    suite = load(
        HEAD
        + '[[case]]\nname = "net"\ndata = "dots"\nrecipe.epochs = 1\nmodel = { name = "borrowed", bias = false }\n'
        + 'matrix = { "model.bias" = [true], "data" = ["dots", { name = "dots", scale = "unit" }], '
        + '"recipe.optimizer.betas" = [[0.5, 0.9]], "recipe.steps" = [3], "seeds" = [2, [7]] }\n'
    )

    assert [(case.name, case.data.options, case.seeds) for case in suite.cases] == [
        ("net[bias=true,data=dots,betas=0.5+0.9,steps=3,seeds=2]", {}, (1, 2)),
        ("net[bias=true,data=dots,betas=0.5+0.9,steps=3,seeds=7]", {}, (7,)),
        ("net[bias=true,data=dots+unit,betas=0.5+0.9,steps=3,seeds=2]", {"scale": "unit"}, (1, 2)),
        ("net[bias=true,data=dots+unit,betas=0.5+0.9,steps=3,seeds=7]", {"scale": "unit"}, (7,)),
    ]
    assert {(case.model.options["bias"], case.recipe.steps, case.recipe.epochs) for case in suite.cases} == {(True, 3, None)}


def test_execution_settings_are_axes(load: Load) -> None:
    """Precision, mode, memory format, threads and the batch size multiply; each is in the case's name and specification."""
    axes = {
        "execution.precision": '["fp32", "bf16"]',
        "execution.mode": '["eager", "compile"]',
        "execution.channels_last": "[false, true]",
        "execution.threads": "[1, 2]",
        "recipe.batch_size": '[8, "full"]',
    }
    matrix = "".join(f"{key} = {values}\n" for key, values in axes.items())

    cases = load(HEAD + CASE + f"[case.matrix]\n{matrix}").cases

    settings = [(each.execution, each.recipe.batch_size) for each in cases]
    assert 32 == len(cases) == len({each.digest for each in cases})
    assert "net[precision=bf16,mode=compile,channels_last=true,threads=2,batch_size=full]" == cases[-1].name
    assert (Execution(precision="bf16", mode="compile", channels_last=True, threads=2), "full") == settings[-1]


def test_a_device_without_the_mode_is_reported_where_the_mode_stands(problems: Problems) -> None:
    """CUDA graphs multiply with devices that have them, and with no other."""
    found = problems(HEAD + CASE + 'matrix = { "execution.device" = ["cuda", "cpu"], "execution.mode" = ["cuda_graphs"] }\n')

    assert ['mine.toml:8: execution.mode: found "cuda_graphs" on the device "cpu", which has none; allowed on: cuda'] == found


def test_keys_that_end_alike_are_written_out(load: Load) -> None:
    """Two keys with the same last word show all of their words."""
    (case,) = load(HEAD + CASE + 'matrix = { "recipe.optimizer.name" = ["sgd"], "recipe.schedule.name" = ["cosine"] }\n').cases

    assert case.name == "net[recipe.optimizer.name=sgd,recipe.schedule.name=cosine]"


def test_a_case_without_a_name_is_named_after_its_model(load: Load) -> None:
    """Also where the matrix chooses the model."""
    suite = load(
        HEAD + '[[case]]\ndata = "dots"\nrecipe.epochs = 1\nmatrix = { model = ["tinynet", "plainnet"] }\n',
    )

    assert [case.name for case in suite.cases] == ["tinynet[model=tinynet]", "plainnet[model=plainnet]"]


WRONG = {
    '{ "recipe.epochs" = 3 }': "matrix.recipe.epochs: found 3; allowed: a list of at least 1 value",
    '{ "recipe.epochs" = [] }': "matrix.recipe.epochs: found []; allowed: a list of at least 1 value",
    '{ "name" = ["x"] }': "matrix: found 'name'; allowed: any key of a case but name and matrix",
    '{ "recipe.epochs" = [1, 0] }': "recipe.epochs: found 0; allowed: a number above 0",
    '{ "recipe.epochs" = [1, 1] }': "the case name 'net[epochs=1]' is taken at suites/mine.toml:4; give one another name",
    '{ "model" = ["tinyet"] }': "model: found \"tinyet\", did you mean 'tinynet'?",
    '{ "model.hiden" = [1] }': "model.hiden: unknown option, did you mean 'hidden'?",
    '{ "gates.hits.levle" = ["info"] }': "unknown key 'levle' in gates.hits, did you mean 'level'?",
    '{ "recipe.select" = ["a b"] }': "recipe.select: found \"a b\"; allowed: 'last' or 'best'",
    "3": "matrix: found 3; allowed: a table",
}


@pytest.mark.parametrize("matrix", WRONG)
def test_a_wrong_value_is_reported_on_the_matrix_line(problems: Problems, matrix: str) -> None:
    """Values of a matrix are checked like any other; the problem stands where the value stands."""
    case = CASE.replace('model = "tinynet"', 'model = { name = "tinynet" }').replace(
        "recipe.epochs = 2\n", "recipe.epochs = 2\n"
    )
    line = 4 if "is taken" in WRONG[matrix] else 8

    found = problems(HEAD + case + f"matrix = {matrix}\n")

    assert f"mine.toml:{line}: {WRONG[matrix]}" in [problem.split("; allowed")[0] for problem in found] + found
