"""Narrowing a suite and overriding what the command line may override."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.suite import Case, Overrides, PartRef, Recipe, Suite, narrow, parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("10", (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
        ("1", (1,)),
        ("7,", (7,)),
        ("3,5,7", (3, 5, 7)),
        ("4-6", (4, 5, 6)),
        ("6-6", (6,)),
        ("1,4-6", (1, 4, 5, 6)),
        (" 9 , 0 - 2 ", (9, 0, 1, 2)),
        ("0,", (0,)),
    ],
)
def test_seeds_are_a_count_a_list_or_ranges(text: str, seeds: tuple[int, ...]) -> None:
    """A lone number counts from 1; with a comma it is that seed; ranges include both ends."""
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", ",", "0", "x", "3-1", "1,,2", "-1", "1-", "1.5", "1,1", "1-3,2", "99999999", "²", "1-10001"]
)
def test_what_names_no_seeds_is_refused_with_examples(text: str) -> None:
    """Anything else, repeated seeds and counts beyond reason included, is a usage error that shows how to write it."""
    with pytest.raises(
        UsageError, match=r"--seeds: found .*; examples: --seeds 10 \(seeds 1 to 10\), 3,5,7, 4-6, 1,4-6, or 7,"
    ):
        parse_seeds(text)


def case(name: str, *tags: str) -> Case:
    """Return a small case."""
    return Case(name=name, model=PartRef(name="m"), data=PartRef(name="d"), recipe=Recipe(epochs=1), tags=tags)


SUITE = Suite(
    name="mine", version=1, why="To test.", tags=("all",), cases=(case("lenet", "a"), case("LeNet[lr=1]", "b"), case("cnn"))
)


@pytest.mark.parametrize(
    ("overrides", "kept"),
    [
        (Overrides(), ["lenet", "LeNet[lr=1]", "cnn"]),
        (Overrides(keyword="lenet"), ["lenet", "LeNet[lr=1]"]),
        (Overrides(keyword="[lr"), ["LeNet[lr=1]"]),
        (Overrides(tags=("a",)), ["lenet"]),
        (Overrides(tags=("a", "b")), ["lenet", "LeNet[lr=1]"]),
        (Overrides(tags=("all",)), ["lenet", "LeNet[lr=1]", "cnn"]),
        (Overrides(keyword="net", tags=("b",)), ["LeNet[lr=1]"]),
    ],
)
def test_keyword_and_tags_choose_cases(overrides: Overrides, kept: list[str]) -> None:
    """A keyword is part of a name; of several tags one is enough, the suite's count for all its cases."""
    narrowed, left_out = narrow(SUITE, overrides)

    assert [case.name for case in narrowed.cases] == kept
    assert sorted([*kept, *left_out]) == sorted(case.name for case in SUITE.cases)


def test_without_overrides_the_suite_stays_as_it_is() -> None:
    """Nothing asked for, nothing changed."""
    assert narrow(SUITE, Overrides()) == (SUITE, ())


def test_overrides_reach_every_case_and_nothing_else() -> None:
    """Seeds, device and threads replace the declared ones."""
    narrowed, _ = narrow(SUITE, Overrides(seeds=(7, 9), device="cuda:1", threads=4))

    execution = SUITE.cases[0].execution.model_copy(update={"device": "cuda:1", "threads": 4})
    expected = [case.model_copy(update={"seeds": (7, 9), "execution": execution}) for case in SUITE.cases]
    assert list(narrowed.cases) == expected
    assert narrowed.digest != SUITE.digest


def test_nothing_selected_lists_what_there_is() -> None:
    """A filter that matches no case is refused, with the names and tags to choose from."""
    with pytest.raises(UsageError) as caught:
        narrow(SUITE, Overrides(keyword="resnet", tags=("a", "c")))

    assert str(caught.value) == (
        "no case of suite 'mine' matches -k resnet --tag a --tag c; cases: lenet, LeNet[lr=1], cnn; tags: a, all, b"
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (Overrides(device="gpu"), "--device: found 'gpu'; allowed: cpu, cuda, cuda:1"),
        (Overrides(threads=0), "--threads: found 0; allowed: 1 or more"),
        (Overrides(seeds=()), "--seeds: found none"),
        (Overrides(seeds=(1, 1)), "--seeds: found seed 1 twice"),
        (Overrides(seeds=(-1,)), "--seeds: found seed -1"),
    ],
)
def test_an_override_that_no_suite_may_hold_is_refused(overrides: Overrides, message: str) -> None:
    """Overrides obey the rules of the suite file."""
    with pytest.raises(UsageError, match=message):
        narrow(SUITE, overrides)
