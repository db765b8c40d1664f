"""Claims in suite files: complete claims out, or every problem with its line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.catalog import Catalog
from harness.cli.schema import suite_schema
from harness.suite import Claim, Difference, Fact, SeriesRef, Slope, Suite, Trend, claim_doubts
from harness.suite._claims import QUESTIONS, Kind, Question

Load = Callable[..., Suite]
Problems = Callable[..., list[str]]

HEAD = """
version = 1
why = "To test."
[defaults]
data = "dots"
recipe.epochs = 1
passes = []
[[case]]
name = "a"
model = "tinynet"
matrix = { "model.hidden" = [1, 2, 4] }
[[case]]
name = "b"
model = "plainnet"
"""

CLAIM = """
[[claim]]
id = "C1"
block = "scale"
statement = "Wider is better."
source = ["000 §6", "004 §1"]
refuted_by = "an end-to-end gain below the margin"
need = "any"
note = "contradicts C2"
[[claim.test]]
kind = "trend"
levels = [
  { case = "a[hidden=1]", metric = "hits" },
  { case = "a[hidden=2]", metric = "hits" },
  { case = "a[hidden=4]", metric = "hits" },
]
margin = 0.01
why = "width alone"
[[claim.test]]
kind = "slope"
levels = [
  { case = "a[hidden=1]", metric = "hits" },
  { case = "a[hidden=2]", metric = "hits" },
  { case = "a[hidden=4]", metric = "hits" },
]
x = [1, 2, 4]
above = 0
[[claim.test]]
kind = "fact"
value = { case = "b", metric = "parameters" }
is = ">="
bound = 1e6
[[claim]]
id = "C2"
statement = "Nobody can know."
untestable = "It speaks of the future."
"""

FIRST = """
[[claim]]
id = "C1"
statement = "a is better than b."
refuted_by = "an interval below the margin"
[[claim.test]]
"""


def test_a_claim_has_all_that_it_is_judged_by(load: Load) -> None:
    """What is written is there, what is left out has its default; cases of a matrix go by their full names."""
    first, second = load(HEAD + CLAIM).claims

    trend, slope, fact = first.tests
    assert (first.id, first.block, first.need, first.note) == ("C1", "scale", "any", "contradicts C2")
    assert (first.statement, first.source) == ("Wider is better.", ("000 §6", "004 §1"))
    assert isinstance(trend, Trend)
    assert (trend.margin, trend.better, trend.why) == (0.01, "higher", "width alone")
    assert trend.series[1] == SeriesRef(case="a[hidden=2]", metric="hits")
    assert isinstance(slope, Slope)
    assert (slope.x, slope.log, slope.limits) == ((1.0, 2.0, 4.0), True, (0.0, None))
    assert isinstance(fact, Fact)
    assert (fact.relation, fact.bound, fact.against) == (">=", 1e6, None)
    assert (second.untestable, second.tests, second.block) == ("It speaks of the future.", (), "other")


def test_an_x_that_is_a_metric_is_one_more_series_a_level(load: Load) -> None:
    """The levels come first, then where they stand."""
    text = CLAIM.replace("x = [1, 2, 4]", 'x_metric = "parameters"')

    slope = load(HEAD + text).claims[0].tests[1]

    assert [series.metric for series in slope.series] == ["hits"] * 3 + ["parameters"] * 3


def test_claims_of_fragments_come_first_and_a_run_set_holds_them_all(load: Load) -> None:
    """Fragments add their claims, as they add their cases; plain data gives the same suite back."""
    text = 'include = ["_more.toml"]\n' + HEAD + CLAIM.replace('"C1"', '"C3"')
    fragment = '[[claim]]\nid = "C1"\nstatement = "x"\nuntestable = "y"\n'

    suite = load(text, _more=fragment)

    assert [claim.id for claim in suite.claims] == ["C1", "C3", "C2"]
    assert Suite.model_validate_json(json.dumps(suite.model_dump(mode="json", by_alias=True))) == suite


def test_claims_are_no_part_of_what_a_run_is_known_by(load: Load) -> None:
    """A case's digest is the same with and without claims; the suite's is another only where there are some."""
    with_claims, without = load(HEAD + CLAIM), load(HEAD)

    assert [case.digest for case in with_claims.cases] == [case.digest for case in without.cases]
    assert with_claims.digest != without.digest
    plain = json.dumps(without.model_dump(mode="json", exclude={"claims"}), sort_keys=True, separators=(",", ":"))
    assert without.digest == hashlib.sha256(plain.encode()).hexdigest()


def test_every_problem_of_every_claim_is_told_at_once(problems: Problems) -> None:
    """Unknown cases, metrics, blocks and kinds, what a kind lacks or does not take, ids that are taken: each with its line."""
    text = """
[[claim]]
id = "C1"
block = "sc ael"
statement = "a"
refuted_by = "b"
[[claim.test]]
kind = "above"
value = { case = "bb", metric = "hits" }
bound = 0
margin = 1
[[claim.test]]
kind = "difference"
value = { case = "b", metric = "hit" }
against = { case = "b", metric = "hits" }
[[claim.test]]
kind = "trend"
levels = [{ case = "b", metric = "hits" }, { case = "b", metric = "hits" }]
margin = -1
[[claim]]
id = "C1"
statement = "again"
[[claim]]
refuted_by = "x"
untestable = "y"
[[claim.test]]
kind = "abvoe"
"""
    start = HEAD.count("\n")
    found = problems(HEAD + text)

    told = [(int(line.split(":")[1]) - start, line.split(": ", 1)[1]) for line in found]
    assert [(line, message.split(";")[0].split("[{")[0]) for line, message in told] == [
        (4, 'claim[0].block: found "sc ael"'),
        (9, "value.case: no such case: found \"bb\", did you mean 'b'?"),
        (11, "margin: a test of kind 'above' takes none"),
        (12, "margin is missing"),
        (14, "value.metric: no such metric: found \"hit\", did you mean 'hits'?"),
        (18, "claim[0].test[2].levels: found "),
        (19, "claim[0].test[2].margin: found -1"),
        (20, "neither a test nor a reason for none"),
        (21, f"the claim id 'C1' is taken at suites/mine.toml:{start + 3}"),
        (23, "id is missing"),
        (23, "statement is missing"),
        (25, "untestable: found beside tests"),
        (27, "claim[2].test[0].kind: found \"abvoe\", did you mean 'above'?"),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('kind = "slope"\nx = [1, 2]\nabove = 0', "x: found 2 numbers; allowed: one a level, 3"),
        ('kind = "slope"\nabove = 0', "found none; allowed: exactly one of x, x_metric"),
        (
            'kind = "slope"\nx = [1, 2, 4]\nx_metric = "hits"\nabove = 0',
            "found x and x_metric; allowed: exactly one of x, x_metric",
        ),
        ('kind = "slope"\nx = [1, 2, 4]', "found none; allowed: exactly one of above, below, between"),
        ('kind = "slope"\nx = [1, 2, 4]\nabove = 0\nbelow = 1', "found above and below; allowed: exactly one of above, below"),
        ('kind = "slope"\nx = [0, 2, 4]\nabove = 0', "x: found 0; allowed with log: numbers above 0 (or write log = false)"),
        ('kind = "slope"\nx = [2, 2, 2]\nabove = 0', "x: found one place for all levels"),
        ('kind = "slope"\nx = [1, 2, 4]\nbetween = [2, 1]', "between: found [2.0, 1.0]; allowed: the lower end first"),
        ('kind = "slope"\nx_metric = "hitz"\nabove = 0', "x_metric: no such metric"),
    ],
)
def test_a_slope_says_where_its_levels_stand_and_where_it_should_lie(problems: Problems, lines: str, message: str) -> None:
    """One way to say each, one number a level, places that differ."""
    levels = ", ".join(f'{{ case = "a[hidden={width}]", metric = "hits" }}' for width in (1, 2, 4))

    (found,) = {line.split(": ", 1)[1] for line in problems(f"{HEAD}{FIRST}{lines}\nlevels = [{levels}]\n")}

    assert message in found


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('is = "=="', "found none; allowed: exactly one of bound, against"),
        ("bound = 1", "is is missing"),
        ('is = "=>"\nbound = 1', 'found "=>", did you mean'),
        (
            'is = "=="\nbound = 1\nlevels = []',
            "levels: a test of kind 'fact' takes none; it takes why, value, is, bound, against",
        ),
    ],
)
def test_a_fact_says_what_it_is_held_to(problems: Problems, lines: str, message: str) -> None:
    """A relation, and a number or another series."""
    found = problems(f'{HEAD}{FIRST}kind = "fact"\nvalue = {{ case = "b", metric = "hits" }}\n{lines}\n')

    assert any(message in line for line in found)


def pair(kind: str, value: str, against: str, more: str = "margin = 0") -> str:
    """Return a test of two metrics, each written `metric of case`."""
    ends = [f'{{ case = "{each.split(" of ")[1]}", metric = "{each.split(" of ")[0]}" }}' for each in (value, against)]
    return f'{HEAD}{FIRST}kind = "{kind}"\nvalue = {ends[0]}\nagainst = {ends[1]}\n{more}\n'


@pytest.mark.parametrize(("metric", "better"), [("hits", "higher"), ("laziness", "lower")])
def test_which_way_is_better_is_as_the_metric_declares(load: Load, metric: str, better: str) -> None:
    """A test that does not say takes the metric's own direction; one that says may ask for the other way."""
    text = pair("difference", f"{metric} of a[hidden=1]", f"{metric} of b")

    (default,) = load(text).claims[0].tests
    (turned,) = load(text + f'better = "{"lower" if better == "higher" else "higher"}"\n').claims[0].tests

    assert isinstance(default, Difference)
    assert isinstance(turned, Difference)
    assert (default.better, turned.better == better) == (better, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (pair("difference", "heat of b", "heat of a[hidden=1]"), 'declares no direction; write better = "higher" or "lower"'),
        (pair("equivalent", "hits of b", "hits of b", "margin = 0.1"), "against: found hits of b, which is value too"),
        (
            pair("difference", "hits of b", "laziness of b"),
            'against: found "s" beside "1" of value; allowed: series in one unit',
        ),
        (pair("fact", "hits_digest of b", "hits of b", 'is = "=="'), "against: found a number beside a text"),
        (pair("fact", "hits_digest of b", "hits_digest of a[hidden=1]", 'is = "<"'), "value: hits_digest of b is a text"),
        (
            f'{HEAD}{FIRST}kind = "fact"\nvalue = {{ case = "b", metric = "hits_digest" }}\nis = "=="\nbound = 1\n',
            "value: hits_digest of b is a text",
        ),
        (
            f'{HEAD}{FIRST}kind = "above"\nvalue = {{ case = "b", metric = "hits_digest" }}\nbound = 1\n',
            'hits_digest of b is a text; allowed of texts: a fact, is "==" or "!=", against another',
        ),
    ],
)
def test_series_that_cannot_be_compared_are_told(problems: Problems, text: str, message: str) -> None:
    """A series with itself, unlike units, texts where numbers are asked for, and differences that no side of is better."""
    found = problems(text)

    assert any(message in line for line in found), found


def test_two_digests_may_be_equal(load: Load) -> None:
    """A fact about texts is one text against another."""
    (claim,) = load(pair("fact", "hits_digest of b", "hits_digest of a[hidden=1]", 'is = "=="')).claims

    assert claim.tests[0].kind == "fact"


def test_tests_that_the_declared_seeds_cannot_decide_are_told(load: Load, project_folder: Path) -> None:
    """Before hours are spent: how many seeds are declared and needed; exact values need one. Blocks that look misspelt, too."""
    text = (HEAD + CLAIM).replace('block = "scale"', 'block = "scalle"')
    catalog = Catalog([project_folder / "bench"])

    few = list(claim_doubts(load(text), catalog))
    enough = list(claim_doubts(load(text.replace("[defaults]", "[defaults]\nseeds = 6").replace("scalle", "scale")), catalog))

    assert few == [
        "claim C1: a block 'scalle' of its own, did you mean 'scale'?",
        "claim C1, test 1: 3 common seeds are declared, where 6 are needed to decide",
    ]
    assert enough == []


def test_a_claim_with_tests_says_what_would_refute_it(problems: Problems) -> None:
    """A claim that nothing could refute is none; one without tests says why it has none."""
    tests = '[[claim.test]]\nkind = "above"\nvalue = { case = "b", metric = "hits" }\nbound = 0\n'

    (found,) = problems(f'{HEAD}[[claim]]\nid = "C1"\nstatement = "x"\n{tests}')

    assert "refuted_by is missing; say in words what would refute the claim" in found


def test_metrics_that_a_case_never_has_are_told(problems: Problems) -> None:
    """A score of another task, and what is measured in a pass that the case leaves out."""
    tests = "".join(
        f'[[claim.test]]\nkind = "above"\nvalue = {{ case = "b", metric = "{metric}" }}\nbound = 0\n'
        for metric in ("bleu", "tensor_peak_memory")
    )
    score, measured = problems(f"{HEAD}{FIRST.replace('[[claim.test]]', '')}{tests}")

    assert "the task 'classification' of 'b' has no score 'bleu'" in score
    assert "measured in the pass 'memory', which 'b' leaves out" in measured


EXPERIMENT = '''"""Counts."""
from harness.experiments import Experiment
def run(setting):
    return {"slope_tanh": -1.0}
EXPERIMENT = Experiment(run=run, title="Slopes", outcomes={"slope_tanh": "1"})
'''


def test_outcomes_of_an_experiment_are_its_metrics(load: Load, problems: Problems, project_folder: Path) -> None:
    """A case that runs an experiment has the outcomes that the experiment declares, and no others."""
    (project_folder / "bench" / "experiments").mkdir(parents=True, exist_ok=True)
    (project_folder / "bench" / "experiments" / "slopes.py").write_text(EXPERIMENT)
    text = 'version = 1\nwhy = "To test."\n[[case]]\nname = "c"\nexperiment = "slopes"\nseeds = 3\n' + FIRST
    test = 'kind = "below"\nvalue = {{ case = "c", metric = "{}" }}\nbound = 0\n'

    (claim,) = load(text + test.format("slope_tanh")).claims
    (found,) = problems(text + test.format("slope_relu"))

    assert str(claim.tests[0].series[0]) == "slope_tanh of c"
    assert "no outcome of the experiment of 'c': found \"slope_relu\", did you mean 'slope_tanh'?" in found


def test_cases_that_cannot_be_read_are_not_called_unknown(problems: Problems) -> None:
    """A problem of a case is told once, at the case; the claims that name it are no second one."""
    text = HEAD.replace('model = "plainnet"', 'model = "plainnett"') + CLAIM

    (found,) = problems(text)

    assert "did you mean 'plainnet'?" in found


def test_every_kind_has_a_form_and_the_schema_offers_all_their_fields() -> None:
    """Kinds, forms and the schema for editors cannot drift apart."""
    entry: dict[str, Any] = suite_schema()["$defs"]["ClaimTestEntry"]["properties"]

    assert list(get_args(Kind)) == list(QUESTIONS)
    assert set(get_args(Question)) == set(QUESTIONS.values())
    for kind, model in QUESTIONS.items():
        assert kind in get_args(model.model_fields["kind"].annotation)
        assert {info.alias or name for name, info in model.model_fields.items()} <= set(entry)
    assert entry["kind"]["enum"] == list(QUESTIONS)
    claim = suite_schema()["$defs"]["ClaimEntry"]["properties"]
    assert set(claim) == ({*Claim.model_fields} - {"tests"}) | {"test"}
    assert entry["margin"]["description"] == Difference.model_fields["margin"].description
