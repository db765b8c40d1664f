"""Judges a head against a base: integrity, comparability, exact, quality, machine, in this order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from harness.results import Side
from harness.stats import summarise
from harness.suite import Suite
from harness.verdicts._comparable import check_comparable
from harness.verdicts._exact import judge_exact
from harness.verdicts._integrity import check_rows, check_runs, check_undeclared
from harness.verdicts._question import Question
from harness.verdicts._sampled import judge_sampled
from harness.verdicts._verdict import FLOOR, LOSS_CURVE, RUNS, Verdict

CLASS_ORDER = ("exact", "quality", "machine", None)
VOIDABLE = ("same", "better", "worse", "inconclusive")


def judge(suite: Suite, head: Mapping[str, Side], base: Mapping[str, Side], left_out: Collection[str] = ()) -> list[Verdict]:
    """Return a verdict for each gated metric of the suite's cases, and for runs that are not as declared.

    Equal input gives equal verdicts in equal order: by the suite's order of cases, then class, then metric.

    Args:
        suite: what is declared: cases, seeds, repeats, gates.
        head: case -> what is judged.
        base: case -> what it is judged against.
        left_out: cases that the suite's narrowing left out on purpose; they are neither judged nor missed.
    """
    questions = [
        Question(
            case.name,
            metric,
            gate,
            head.get(case.name),
            base.get(case.name),
            LOSS_CURVE in case.gates,
            case.look,
            len(case.looks),
        )
        for case in suite.cases
        for metric, gate in case.gates.items()
    ]
    runs = [check_runs(case, head.get(case.name), suite.version) for case in suite.cases]
    verdicts = [
        *(verdict for verdict in runs if verdict),
        *check_undeclared(suite, head, base, left_out),
        *_judge_metrics(questions),
    ]
    return _in_order(_void(verdicts), suite)


def _judge_metrics(questions: Sequence[Question]) -> Iterator[Verdict]:
    alone = [(question, _decide_alone(question)) for question in questions]
    together = judge_sampled([question for question, verdict in alone if verdict is None])
    by_name = {(question.case, question.metric): question for question in questions}
    for verdict in [*(verdict for _, verdict in alone if verdict), *together]:
        yield _floor(verdict, by_name[verdict.case, verdict.metric])


def _decide_alone(question: Question) -> Verdict | None:
    """Return the verdict on a metric that needs no other's; None for one to be tested together with others."""
    verdict = check_rows(question) or check_comparable(question)
    if verdict is None and question.metric_class == "exact":
        return judge_exact(question)
    return verdict


def _floor(verdict: Verdict, question: Question) -> Verdict:
    """Return *worse* where the head's mean over seeds is worse than the gate's floor, whatever the base says."""
    floor, series = question.gate.floor, question.here
    if floor is None or series is None or verdict.verdict == "missing" or not series.seed_means:
        return verdict
    mean = summarise(series.seed_means).mean
    if not (mean < floor if question.direction == "higher" else mean > floor and question.direction == "lower"):
        return verdict
    note = f"the mean {mean:.6g} is worse than the floor {floor:.6g}" + (f"; {verdict.note}" if verdict.note else "")
    shown = mean if verdict.head is None else verdict.head
    return replace(verdict, verdict="worse", level=question.gate.level, method=FLOOR, note=note, head=shown)


def _void(verdicts: list[Verdict]) -> list[Verdict]:
    """Return verdicts with those on speed void where the case's results are worse: a faster wrong answer is no gain."""
    wrong = {
        verdict.case
        for verdict in verdicts
        if verdict.verdict == "worse" and verdict.level == "hard" and verdict.metric_class in ("exact", "quality")
    }
    return [
        replace(verdict, verdict="void", note=_joined(f"was {verdict.verdict}; the case's results are worse", verdict.note))
        if verdict.case in wrong and verdict.metric_class == "machine" and verdict.verdict in VOIDABLE
        else verdict
        for verdict in verdicts
    ]


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _in_order(verdicts: list[Verdict], suite: Suite) -> list[Verdict]:
    place = {case.name: number for number, case in enumerate(suite.cases)}

    def key(verdict: Verdict) -> tuple[int, str, bool, int, str]:
        order = CLASS_ORDER.index(verdict.metric_class)
        return place.get(verdict.case, len(place)), verdict.case, verdict.metric != RUNS, order, verdict.metric

    return sorted(verdicts, key=key)
