"""Quality and machine metrics: a t prediction bound and a margin, both of which a change must pass.

The base's samples predict where the mean of the head's may lie if nothing has changed (`harness.stats.contrast`).

- worse: significant (one-sided, α = .01, Holm over the hard metrics of the class), and no smaller than the margin
- better: the mirror image
- same: the one-sided 95 % bound of the change for the worse lies within the margin
- inconclusive: neither; or the base has fewer than three samples

A case that may draw seeds until it is decided is looked at up to three times. Each look has an equal share of both
errors: the chance that any look calls an unchanged metric worse, or one that is worse by the margin the same, stays what
it is for one look (Bonferroni over looks; Pocock, Biometrika 64, 1977, is the sharper bound for normal samples).

Quality: one sample a seed. Machine: one sample a run, on a logarithmic scale. Seeds that miss their target have no
value: more of them than on the base (Fisher's exact test) is worse, else inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.results import Sample, Series
from harness.stats import (
    Contrast,
    Summary,
    contrast,
    detectable_effect,
    difference_interval,
    fisher_p,
    holm,
    lower_bound,
    p_below,
    summarise,
)
from harness.verdicts._question import Question, listed
from harness.verdicts._scale import Scale, choose_scale
from harness.verdicts._verdict import FISHER, T_BOUND, Verdict, VerdictName

ALPHA = 0.01
"""Largest chance that a comparison without any change calls a hard metric of one class worse."""
CONFIDENCE = 0.95
POWER = 0.93
"""For which the detectable effect is computed; at least 0.9 is what it says: bounded or skewed noise costs up to three points
(`tests/verdicts/test_error_rates.py`)."""
MIN_BASE = 3
"""Samples below which a base's spread is a guess: with 3 a drop must be 8 standard deviations to count."""


@dataclass(frozen=True)
class Trial:
    """One metric's samples on their scale, ready to be tested."""

    question: Question
    scale: Scale
    base: Summary
    head: Summary
    test: Contrast
    """Oriented: a positive difference is a change for the better."""

    @property
    def sign(self) -> int:
        """1 where higher is better, −1 where lower is."""
        return _sign(self.question)

    @property
    def spread(self) -> float:
        """The standard deviation that intervals work with."""
        return self.test.reach / math.sqrt(1 / self.base.n + 1 / self.head.n)

    @property
    def p_worse(self) -> float:
        """One-sided p-value of a change for the worse."""
        return p_below(self.test)

    @property
    def p_better(self) -> float:
        """One-sided p-value of a change for the better."""
        return p_below(self.test._replace(difference=-self.test.difference))


@dataclass(frozen=True)
class Censored:
    """A metric of which some head seeds have no value, because they missed their target."""

    question: Question
    note: str
    n_base: int
    n_head: int
    p_worse: float
    p_better: float = 1.0


def judge_sampled(questions: Sequence[Question]) -> list[Verdict]:
    """Judge metrics of the classes quality and machine together: the hard ones of a class share its error rate."""
    verdicts: list[Verdict] = []
    for family in _families(questions):
        prepared = [_prepare(question) for question in family]
        verdicts += [entry for entry in prepared if isinstance(entry, Verdict)]
        trials = [entry for entry in prepared if not isinstance(entry, Verdict)]
        worse, better = (
            holm([min(1.0, trial.question.looks * p) for trial, p in zip(trials, found, strict=True)])
            for found in ([trial.p_worse for trial in trials], [trial.p_better for trial in trials])
        )
        verdicts += [_decide(*entry, len(trials)) for entry in zip(trials, worse, better, strict=True)]
    return verdicts


def _families(questions: Sequence[Question]) -> Iterator[list[Question]]:
    """Yield the questions that share an error rate: the hard ones of each class; the others stand alone."""
    for name in ("quality", "machine"):
        yield [question for question in questions if question.metric_class == name and question.gate.level == "hard"]
    yield from ([question] for question in questions if question.gate.level != "hard")


def _prepare(question: Question) -> Verdict | Trial | Censored:
    here, there = question.here, question.there
    if here is None or there is None:
        raise ValueError("comparability comes first")
    if question.direction == "none":
        return question.answer("incomparable", T_BOUND, "no direction is better: reported, not judged", "info")
    if here.nulls:
        return _censored(question, there, here)
    old, new = _samples(question, there), _samples(question, here)
    if len(old) < MIN_BASE:
        return _too_few(question, old, new)
    scale = choose_scale(question, old, new)
    base, head = [scale.forward(value) for value in old], [scale.forward(value) for value in new]
    test = contrast(base, head)
    oriented = test._replace(difference=_sign(question) * test.difference)
    return Trial(question, scale, summarise(base), summarise(head), oriented)


def _sign(question: Question) -> int:
    return 1 if question.direction == "higher" else -1


def _samples(question: Question, series: Series) -> list[float]:
    return series.seed_means if question.metric_class == "quality" else series.numbers


def _too_few(question: Question, old: list[float], new: list[float]) -> Verdict:
    unit = "seed" if question.metric_class == "quality" else "run"
    note = f"the base holds {len(old)} {unit}{'s' if len(old) != 1 else ''}, the test needs {MIN_BASE}"
    means = {"base": summarise(old).mean, "head": summarise(new).mean} if old and new else {}
    return question.answer("inconclusive", T_BOUND, note, figures={"n_base": len(old), "n_head": len(new), **means})


def _censored(question: Question, there: Series, here: Series) -> Censored:
    old, new = len(_seeds(there.samples)), len(_seeds(here.samples))
    old_lacking, new_lacking = _seeds(there.nulls), _seeds(here.nulls)
    return Censored(
        question,
        note=f"target not reached by {len(new_lacking)} of {new} seeds ({listed(map(str, sorted(new_lacking)))}), "
        f"on the base by {len(old_lacking)} of {old}",
        n_base=old - len(old_lacking),
        n_head=new - len(new_lacking),
        p_worse=fisher_p(old, len(old_lacking), new, len(new_lacking)),
    )


def _seeds(samples: Iterable[Sample]) -> set[int]:
    return {sample.seed for sample in samples}


def _decide(trial: Trial | Censored, p_worse: float, p_better: float, family: int) -> Verdict:
    """Return the verdict, given the adjusted p-values and how many tests share their error rate."""
    question = trial.question
    if isinstance(trial, Censored):
        return question.answer(
            "worse" if p_worse < ALPHA else "inconclusive",
            FISHER,
            _noted(trial.note, question),
            figures={"n_base": trial.n_base, "n_head": trial.n_head, "p": trial.p_worse, "p_adjusted": p_worse},
        )
    mde = detectable_effect(
        trial.spread, trial.base.n, trial.head.n, ALPHA / family / question.looks, trial.scale.margin, POWER
    )
    verdict = _verdict(trial.test, trial.scale.margin, p_worse, p_better, 1 - (1 - CONFIDENCE) / question.looks)
    improved = trial.test.difference > 0
    return question.answer(
        verdict,
        T_BOUND,
        _noted(_why_open(trial, mde) if verdict == "inconclusive" else "", question),
        figures={
            "base": trial.scale.value(trial.base.mean),
            "head": trial.scale.value(trial.head.mean),
            "n_base": trial.base.n,
            "n_head": trial.head.n,
            "p": trial.p_better if improved else trial.p_worse,
            "p_adjusted": p_better if improved else p_worse,
            "mde": _printed_loss(trial, mde),
            **_interval(trial),
        },
    )


def _noted(note: str, question: Question) -> str:
    """Return a note with the look that judged, where there may be several."""
    look = f"look {question.look} of {question.looks}" if question.looks > 1 else ""
    return "; ".join(part for part in (note, look) if part)


def _verdict(test: Contrast, margin: float, p_worse: float, p_better: float, confidence: float) -> VerdictName:
    """Return the verdict by the rule at the top of this file; the difference is oriented."""
    if p_worse < ALPHA and -test.difference >= margin:
        return "worse"
    if p_better < ALPHA and test.difference >= margin:
        return "better"
    unchanged = test.error == 0 and test.difference == 0  # exactly as always, also where the margin is 0
    return "same" if unchanged or lower_bound(test, confidence) > -margin else "inconclusive"


def _interval(trial: Trial) -> dict[str, float | None]:
    """Return the change and its two-sided interval as printed: not oriented, relative for machine metrics."""
    test = trial.test._replace(difference=trial.sign * trial.test.difference)
    low, high = difference_interval(test, CONFIDENCE)
    change = trial.scale.change
    return {"estimate": change(test.difference), "low": change(low), "high": change(high)}


def _printed_loss(trial: Trial, drop: float) -> float | None:
    """Return the size, as printed, of a change for the worse by `drop` on the scale."""
    change = trial.scale.change(-trial.sign * drop)
    return None if change is None else abs(change)


def _why_open(trial: Trial, mde: float) -> str:
    few = trial.test.difference > -trial.scale.margin
    shown = (
        "no change for the worse beyond the margin is shown, nor its absence"
        if few
        else "beyond the margin, but not significant"
    )
    return f"{shown}; the margin is below the minimum detectable effect" if mde > trial.scale.margin else shown


def more_seeds_may_tell(verdict: Verdict) -> bool:
    """Whether a verdict is open for lack of seeds on the head: of a base that is too small no number of them tells."""
    open_ = verdict.verdict == "inconclusive" and verdict.level == "hard" and verdict.metric_class == "quality"
    return open_ and (verdict.n_base or 0) >= MIN_BASE
