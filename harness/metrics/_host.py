"""How the machine was while a run trained, and whether that disturbed it."""

from __future__ import annotations

from harness.metrics._samples import present, within
from harness.observations import Observations, Value, contended, null, number


def host_mean(observations: Observations, reading: str, scale: float = 1.0) -> Value:
    """Return the mean of one reading, a field of HostSample, times `scale`, over the samples taken while training."""
    if not observations.host_samples:
        return observations.missing("host_samples")
    if reason := observations.nulls.get(f"host.{reading}"):
        return null(reason)
    readings = present(within(observations.host_samples, observations.train_windows), reading)
    return number(readings.mean() * scale, len(readings)) if len(readings) else null("too_short")


def disturbed(observations: Observations) -> str | None:
    """Return 'contended' if others took CPU time that the run wanted while it trained; None if not, or if nobody looked."""
    stolen, foreign = host_mean(observations, "stolen").value, host_mean(observations, "foreign_cpus").value
    return "contended" if contended(stolen, foreign, observations.threads, observations.usable_cpus) else None
