"""Exact intervals of a share."""

from __future__ import annotations

import pytest
from scipy import stats

from harness.selftest import clopper_pearson


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (1, 1), (0, 20), (20, 20), (3, 20), (199, 200)])
def test_the_interval_is_the_exact_one_of_scipy(hits: int, trials: int, confidence: float) -> None:
    """Also where nothing or everything was hit."""
    exact = stats.binomtest(hits, trials).proportion_ci(confidence, method="exact")

    assert clopper_pearson(hits, trials, confidence) == pytest.approx((exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (2, 1), (-1, 3)])
def test_what_is_no_share_is_refused(hits: int, trials: int) -> None:
    """Without trials there is no rate."""
    with pytest.raises(ValueError, match=f"found {hits} of {trials}"):
        clopper_pearson(hits, trials)
