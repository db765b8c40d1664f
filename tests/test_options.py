"""Options of parts: what is allowed passes, what is not is one clear error."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest

from harness.errors import UsageError
from harness.options import check_choice, check_count, check_flag, check_real, check_share, check_text

COUNT, REAL = partial(check_count, low=1, high=9), partial(check_real, low=0.5, high=2)
CHOICE = partial(check_choice, allowed=["left", "right"])
Check = Callable[[str, object], None]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (COUNT, 1),
        (COUNT, 9),
        (REAL, 0.5),
        (REAL, 2),
        (check_share, 0),
        (check_share, 0.999),
        (CHOICE, "left"),
        (check_flag, False),
        (check_text, "x"),
    ],
)
def test_what_is_allowed_passes(check: Check, value: object) -> None:
    """The ends of a range belong to it, but for a share's upper one."""
    check("size", value)


@pytest.mark.parametrize(
    ("check", "value", "why"),
    [
        (COUNT, 0, "not a whole number in reach; allowed: 1 to 9"),
        (COUNT, 10, "not a whole number in reach; allowed: 1 to 9"),
        (COUNT, True, "not a whole number in reach; allowed: 1 to 9"),
        (COUNT, 2.0, "not a whole number in reach; allowed: 1 to 9"),
        (REAL, math.nan, "not a number in reach; allowed: 0.5 to 2"),
        (REAL, math.inf, "not a number in reach; allowed: 0.5 to 2"),
        (REAL, "1", "not a number in reach; allowed: 0.5 to 2"),
        (check_share, 1.0, "not a number in reach; allowed: 0 to below 1"),
        (check_share, None, "not a number in reach; allowed: 0 to below 1"),
        (CHOICE, "lift", "unknown, did you mean 'left'?; allowed: left, right"),
        (CHOICE, ["left"], "unknown, did you mean 'left'?; allowed: left, right"),
        (CHOICE, 3, "unknown; allowed: left, right"),
        (check_flag, 1, "neither true nor false"),
        (check_text, "", "not a text of one character or more"),
    ],
)
def test_what_is_not_allowed_is_named(check: Check, value: object, why: str) -> None:
    """The message says the option, what was found and what is allowed."""
    with pytest.raises(UsageError) as caught:
        check("size", value)

    assert f"option size = {value!r}: {why}" == str(caught.value)


def test_the_owner_of_an_option_is_named() -> None:
    """Where a part says who it is, the message starts with it."""
    with pytest.raises(UsageError, match=r"^model 'm': option size = 0: "):
        check_count("size", 0, 1, 2, "model 'm'")
