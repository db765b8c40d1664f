"""`analyses`: for which cases it may be asked, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.digests import digest_of
from harness.runner.plan import run_key
from harness.suite import Case, Suite

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]

BASELINES = sorted((Path(__file__).parents[2] / "results" / "baselines" / "articles").glob("*.json"))
HEAD = 'version = 1\nwhy = "To test."\n'
IMAGES = '[[case]]\nmodel = "a004_cnn"\ndata = "digits"\nrecipe.epochs = 1\n'


def recorded(file: Path) -> tuple[Case, str]:
    """A case as its baseline recorded it, and the digest that it had then."""
    content = json.loads(file.read_text())
    return Case.model_validate({"name": content["case"], **content["specification"]}), content["case_digest"]


def test_cases_keep_the_digests_of_their_baselines() -> None:
    """Each case of the articles, read from its baseline, has the digest that stands there, with analyses and without."""
    assert len(BASELINES) > 50
    for file in BASELINES:
        case, digest = recorded(file)
        analysed = case.model_copy(update={"analyses": ("generalisation", "interpretability")})
        assert digest == case.digest == analysed.digest, file.name


def test_only_a_case_that_asks_for_an_analysis_has_another_run_key() -> None:
    """Stored runs keep their keys: those of specification, code, data and fingerprint alone."""
    case, _ = recorded(BASELINES[0])
    keys = {
        names: run_key(case.model_copy(update={"analyses": names}), "code", "data", "numeric")
        for names in ((), ("generalisation",), ("interpretability", "generalisation"), ("generalisation", "interpretability"))
    }

    assert keys[()] == digest_of([case.specification, "code", "data", "numeric"])
    assert keys["interpretability", "generalisation"] == keys["generalisation", "interpretability"]
    assert len(set(keys.values())) == 3


def test_a_classifier_of_images_may_be_analysed(load: Load) -> None:
    """Both analyses, of a model with a shape of its own and of one that takes the data's."""
    text = 'analyses = ["generalisation", "interpretability"]\n'

    (case,) = load(HEAD + IMAGES + text).cases
    assert case.analyses == ("generalisation", "interpretability")
    assert load(HEAD + IMAGES.replace("a004_cnn", "p003_mlp") + text).cases[0].analyses == case.analyses
    assert load(HEAD + IMAGES).cases[0].analyses == ()


def test_data_whose_shape_its_options_decide_is_not_judged_here(load: Load) -> None:
    """Where no file tells the shape of an input, the run will say what does not apply to it."""
    text = '[[case]]\nmodel = "tinynet"\ndata = "dots"\nrecipe.epochs = 1\nanalyses = ["generalisation"]\n'

    assert load(HEAD + text).cases[0].analyses == ("generalisation",)


def test_any_model_may_be_asked_where_it_looks(load: Load) -> None:
    """Attention is no matter of images, nor of classification."""
    text = '[[case]]\nmodel = "p004_rnn_seq2seq"\ndata = "reverse"\nrecipe.epochs = 1\nanalyses = ["attention"]\n'

    assert load(HEAD + text).cases[0].analyses == ("attention",)


BROKEN = {
    'model = "a004_nlp_lstm"\ndata = "markov"': (
        "analyses: found with inputs of 20; allowed: images, which are channels x height x width"
    ),
    'model = "a001_rnn"\ndata = "digit_rows"': (
        "analyses: found with inputs of 28 x 28; allowed: images, which are channels x height x width"
    ),
    'model = "p004_video_c3d"\ndata = "moving_digits"': (
        "analyses: found with inputs of 10 x 1 x 28 x 28; allowed: images, which are channels x height x width"
    ),
    'model = "p003_ncf"\ndata = "ratings"': (
        'analyses: found with the task "recommendation"; allowed with: classification, of images'
    ),
    'model = "a004_gan"\ndata = "digits"': (
        'analyses: found with the task "adversarial"; allowed with: classification, of images'
    ),
}


@pytest.mark.parametrize("parts", BROKEN, ids=lambda parts: parts.split('"')[1])
def test_whatever_is_no_classifier_of_images_is_a_problem_on_its_line(problems: Problems, parts: str) -> None:
    """One problem, on the line of `analyses`, that says what was found and what is allowed."""
    found = problems(f'{HEAD}[[case]]\nanalyses = ["interpretability"]\n{parts}\nrecipe.epochs = 1\n')

    assert found == [f"mine.toml:4: {BROKEN[parts]}"]


def test_an_analysis_is_asked_for_once_and_by_its_name(problems: Problems) -> None:
    """A second one of a name is a problem, and so is one that does not exist."""
    twice = problems(f'{HEAD}{IMAGES}analyses = ["generalisation", "generalisation"]\n')
    (unknown,) = problems(f'{HEAD}{IMAGES}analyses = ["generalization"]\n')

    assert twice == ['mine.toml:7: analyses[1]: found "generalisation" twice; allowed: each analysis once']
    assert unknown.startswith("mine.toml:7: analyses[0]: found \"generalization\", did you mean 'generalisation'?")


def test_a_gate_needs_the_analysis_that_its_metric_is_drawn_from(problems: Problems, load: Load) -> None:
    """A case's own hard gate on what it does not ask for would always miss it; a suite's gate is left out of such a case."""
    gate = "gates.shifted_accuracy = { margin = 0.1 }\n"
    suite = "[gates]\nshifted_accuracy = { margin = 0.1 }\n"

    (found,) = problems(HEAD + IMAGES + gate)
    assert found == (
        'mine.toml:7: gates.shifted_accuracy: drawn from the analysis "generalisation", which the case leaves out; allowed: '
        "with it in `analyses`"
    )
    asked = IMAGES + 'analyses = ["generalisation"]\n'
    assert set(load(HEAD + asked + gate).cases[0].gates) == {"shifted_accuracy"}
    assert [
        set(case.gates) for case in load(HEAD + suite + IMAGES + asked.replace("[[case]]\n", '[[case]]\nname = "two"\n')).cases
    ] == [
        set(),
        {"shifted_accuracy"},
    ]
