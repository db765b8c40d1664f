"""What README says of the power measured on a real machine is what the record holds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "tests" / "benchmarks" / "paired_power"
SAID = {0.03: "of 3 %\nin {rate}", 0.05: "of 5 % in {rate}", 0.0: "of nothing in {rate}, where {others} was inconclusive"}


@pytest.fixture
def record() -> pd.DataFrame:
    """One row a comparison."""
    return pd.read_json(RECORD.with_suffix(".jsonl"), lines=True)


@pytest.mark.parametrize("planted", list(SAID))
def test_rates_are_those_of_the_record(record: pd.DataFrame, planted: float) -> None:
    """Twenty comparisons of each size; rates of *worse*, with exact intervals, as the README prints them."""
    verdicts = record.loc[record["planted"] == planted, "cpu_verdict"]
    worse = int((verdicts == "worse").sum())
    interval = stats.binomtest(worse, len(verdicts)).proportion_ci(0.95)
    rate = f"{worse} of {len(verdicts)} [{100 * interval.low:.0f} %, {100 * interval.high:.0f} %]"

    assert len(verdicts) == 20
    assert SAID[planted].format(rate=rate, others=int((verdicts == "inconclusive").sum())) in (ROOT / "README.md").read_text()


def test_kept_blocks_give_the_kept_estimates(record: pd.DataFrame) -> None:
    """Per restart the ratio of the arms' CPU time a step, whatever way it is averaged, is near the estimate on record."""
    blocks = pd.read_parquet(RECORD.with_suffix(".parquet"))
    per_step = blocks["cpu_seconds"] / blocks["steps"]
    arms = per_step.groupby([blocks["folder"].astype(str), blocks["restart"], blocks["arm"].astype(str)]).median().unstack()
    ratios = (arms["head"] / arms["base"] - 1).groupby(level=0).median()
    estimates = record.astype({"folder": str}).set_index("folder")["cpu_estimate"]

    assert len(ratios) == 48
    assert (ratios - estimates.loc[ratios.index]).abs().max() < 0.01
