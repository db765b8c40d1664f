"""Whether something disturbed a run's machine numbers while it trained."""

from __future__ import annotations

from harness.metrics import training_samples
from harness.observations import THROTTLES, Observations, Throttle

DISTURBING = {reason: words for reason, words in THROTTLES.items() if reason != Throttle.POWER_CAP}
"""Why the clocks may be held down that is no property of the card at work, as its power cap is."""


def tainted(seen: Observations) -> str:
    """Return what disturbed the run while it trained, '' when nothing is known to have: throttling, or another process's use
    of the GPU. Evaluations and what comes before and after the training do not count."""
    samples = training_samples(seen)
    throttled = [sample.throttle_reasons or 0 for sample in samples if (sample.throttle_reasons or 0) & sum(DISTURBING)]
    shared = [sample for sample in samples if sample.foreign_processes]
    found = []
    if throttled:
        words = [name for reason, name in DISTURBING.items() if any(bits & reason for bits in throttled)]
        found.append(f"the GPU was throttled ({', '.join(words)}) in {len(throttled)} of {len(samples)} samples of training")
    if shared:
        found.append(f"another process was on the GPU in {len(shared)} of {len(samples)} samples of training")
    return "; ".join(found)
