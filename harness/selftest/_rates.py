"""How sure a share is that was seen in a few trials."""

from __future__ import annotations


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a probability of which `hits` in `trials` were seen.

    Example: nothing in one trial leaves anything below 97.5 %.
        >>> clopper_pearson(0, 1)
        (0.0, 0.975)

    Raises:
        ValueError: no trials, or not between 0 and all of them hit.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934); the limits are quantiles of beta distributions.
    """
    if not 0 <= hits <= trials or trials < 1:
        raise ValueError(f"found {hits} of {trials}; allowed: 0 to all of one trial or more")
    from scipy import special

    tail = (1 - confidence) / 2
    low = float(special.betaincinv(hits, trials - hits + 1, tail)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials else 1.0
    return low, high
