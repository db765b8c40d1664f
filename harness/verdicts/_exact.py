"""Exact metrics: equal, or different; no statistics. Across numeric fingerprints the loss curve's head has a tolerance."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from harness.observations import Direction
from harness.results import agree
from harness.verdicts._comparable import numeric_change
from harness.verdicts._question import Question, listed
from harness.verdicts._verdict import (
    DEVICE,
    EQUALITY,
    FINGERPRINT,
    LOSS_CURVE,
    PRESENCE,
    TOLERANCE,
    VERSIONS,
    Verdict,
    VerdictName,
)

LOSS_RTOL = 1e-3
"""Largest relative difference of a step's loss that another numeric fingerprint may cause.

Rounding differs by about 1e-7 in fp32 and grows as the weights move apart. Measured over the first 10 steps of the
articles' ten recipes, two seeds each, between AVX-512, AVX2 and SSE kernels and between one and two threads: at most
3.2e-4 (article 003's recipe, at step 10), 1.3e-6 up to step 7. Over 20 steps it was 1.7e-3, too near what a real change does.
"""

Value = float | str


def judge_exact(question: Question) -> Verdict:
    """Judge a metric of class exact by its scope; the sides have been found comparable."""
    head, base = question.head, question.base
    if head is None or base is None:
        raise ValueError("comparability comes first")
    if question.scope in ("versions", "device") and not agree(base.version_key, head.version_key):
        return question.answer("incomparable", VERSIONS, f"versions {base.version_key} → {head.version_key}")
    if question.scope == "device" and not agree(*(side.numeric.get("device_type", "") for side in (base, head))):
        return question.answer("incomparable", DEVICE, numeric_change(base, head))
    if question.scope == "fingerprint" and not agree(base.numeric_fingerprint, head.numeric_fingerprint):
        why = numeric_change(base, head)
        if question.metric == LOSS_CURVE:
            return _judge_seeds(question, tolerant=True, note=why)
        instead = (
            "is judged by tolerance instead" if question.stand_in else "would be judged by tolerance instead, if it were gated"
        )
        return question.answer("incomparable", FINGERPRINT, f"{why}; {LOSS_CURVE} {instead}")
    return _judge_seeds(question, tolerant=False)


def _judge_seeds(question: Question, tolerant: bool, note: str = "") -> Verdict:
    method = f"{TOLERANCE} rtol={LOSS_RTOL:g}" if tolerant else EQUALITY
    new, old = _by_seed(question, head=True), _by_seed(question, head=False)
    if unsteady := list(_not_repeated(question.metric, new)):
        return question.answer("missing", PRESENCE, f"not reproducible: {listed(unsteady)}")
    if unsteady := list(_not_repeated(question.metric, old)):
        return question.answer("incomparable", method, f"the base is not reproducible: {listed(unsteady)}")
    common = [seed for seed in new if seed in old]
    if not common:
        return question.answer("inconclusive", method, f"no seed in common: base {_names(old)}, head {_names(new)}")
    differ = {seed: why for seed in common if (why := _difference(question.metric, old[seed][0], new[seed][0], tolerant))}
    shown = next(iter(differ), common[0])
    skipped = [str(seed) for seed in new if seed not in old]
    notes = [
        *(f"seed {seed}: {why}" for seed, why in differ.items()),
        *([f"seed {', '.join(skipped)} not in the base, not compared"] if skipped else []),
        *([note] if note else []),
    ]
    return question.answer(
        _verdict([(old[seed][0], new[seed][0]) for seed in differ], question.direction),
        method,
        listed(notes),
        figures={
            "n_base": sum(len(old[seed]) for seed in common),
            "n_head": sum(len(new[seed]) for seed in common),
            **_figures(old[shown][0], new[shown][0]),
        },
    )


def _verdict(changes: list[tuple[Value, Value]], direction: Direction) -> VerdictName:
    """Return *better* where every change is one for the better, as fewer operations a step are; *worse* for any other."""
    if not changes:
        return "same"
    return "better" if all(_improves(old, new, direction) for old, new in changes) else "worse"


def _improves(old: Value, new: Value, direction: Direction) -> bool:
    if isinstance(old, str) or isinstance(new, str) or direction == "none":
        return False
    return new < old if direction == "lower" else new > old


def _by_seed(question: Question, head: bool) -> dict[int, list[Value]]:
    series = question.here if head else question.there
    return dict(sorted(series.by_seed.items())) if series else {}


def _not_repeated(metric: str, by_seed: dict[int, list[Value]]) -> Iterator[str]:
    """Yield each seed whose own runs differ."""
    for seed, (first, *others) in by_seed.items():
        if why := next((why for value in others if (why := _difference(metric, first, value, tolerant=False))), ""):
            yield f"two runs of seed {seed}: {why}"


def _names(by_seed: dict[int, list[Value]]) -> str:
    return ", ".join(map(str, by_seed))


def _figures(old: Value, new: Value) -> dict[str, float | None]:
    if isinstance(old, str) or isinstance(new, str):
        return {}
    return {"base": old, "head": new, "estimate": new - old}


def _difference(metric: str, old: Value, new: Value, tolerant: bool) -> str:
    """Return how two values of one seed differ, '' when they pass for equal."""
    if metric == LOSS_CURVE and isinstance(old, str) and isinstance(new, str):
        return _curve_difference(old, new, LOSS_RTOL if tolerant else 0.0)
    return "" if old == new else f"{shorten(old)} → {shorten(new)}"


def _curve_difference(old: str, new: str, rtol: float) -> str:
    """Return the first step whose losses differ by more than rtol · |old|; '' when none does."""
    before, after = _losses(old), _losses(new)
    if before is None or after is None:
        return "" if old == new else f"no list of losses: {shorten(old)} → {shorten(new)}"
    for step, (was, now) in enumerate(zip(before, after, strict=False)):
        if was != now and not abs(now - was) <= rtol * abs(was):
            return f"loss differs first at step {step}: {was!r} → {now!r}"
    return "" if len(before) == len(after) else f"{len(before)} losses → {len(after)}"


def _losses(text: str) -> list[float] | None:
    try:
        losses = json.loads(text)
    except ValueError:
        return None
    numeric = isinstance(losses, list) and all(isinstance(loss, int | float) for loss in losses)
    return [float(loss) for loss in losses] if numeric else None


def shorten(value: Value) -> str:
    """Return a value for a note: a text's first 12 characters, an integer without its '.0'."""
    if isinstance(value, str):
        return value if len(value) <= 12 else f"{value[:12]}…"
    return str(int(value)) if math.isfinite(value) and value.is_integer() and abs(value) < 1e15 else repr(value)
