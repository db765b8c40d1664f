"""A paired comparison: exact counts of both arms, then restarts of each case until its times can be judged."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from harness.paired._arm import Arm
from harness.paired._blocks import ARMS, MANY_FAULTS, ArmName, Restart
from harness.paired._decide import Decision, decide, signed_rank_p
from harness.paired._restart import Pair, started, usable_cores
from harness.suite import Level
from harness.verdicts import Verdict

METRICS = {"cpu": "cpu_time_per_step", "wall": "step_time_median", "device": "step_time_median"}
COUNTERS = ("aten_operations_per_step", "python_calls_per_step", "bytecodes_per_step", "allocated_bytes_per_step")
PAIRED = "paired signed rank"
COUNTED = "equality"
MUCH_WAITING = 1.2
"""Wall time over CPU time of the base above which wall time tells of other processes more than of the code."""
SENTINEL_P, SENTINEL_CHANGE = 0.01, 0.01
"""Chance and size beyond which kernels that no arm can change say that something else does."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Question:
    """What is asked of one case."""

    case: str
    seed: int
    seconds: float
    """Time for its restarts."""
    margins: Mapping[str, float]
    family: int
    """Times that are judged in the whole comparison, this case's included."""


@dataclass(frozen=True)
class Answer:
    """What came of one case."""

    case: str
    restarts: tuple[Restart, ...]
    verdicts: tuple[Verdict, ...]
    seconds: float


def clocks_of(arm: Arm, case: str) -> tuple[str, ...]:
    """Return the clocks that a case is judged by; of device auto, the more that it may be."""
    return ("cpu", "wall") if arm.cases[case].execution.device in ("cpu", "auto") else ("device",)


def clocks_told(restart: Restart) -> tuple[str, ...]:
    """Return the clocks that a restart has times of."""
    return ("device",) if math.isfinite(restart.blocks[0].device_seconds) else ("cpu", "wall")


def answer(question: Question, arms: Mapping[ArmName, Arm], tell: Tell, restarts: list[Restart]) -> Answer:
    """Count what a step of either arm does, and time both until the data can tell or the time is over.

    `restarts`, which is empty, is filled as they end: what an interrupt leaves.

    Raises:
        MeasuringError: an arm cannot run the case.
    """
    counted = list(judge_counts(question, arms))
    began = monotonic()
    with closing(measured(arms, question)) as fresh:
        while True:
            started_at = monotonic()
            restarts.append(next(fresh))
            now = monotonic()
            over = now - began + (now - started_at) > question.seconds  # the next one would end too late
            decisions = {clock: decision(restarts, clock, question, over) for clock in clocks_told(restarts[0])}
            tell(progress(question.case, restarts, decisions))
            if all(found.verdict for found in decisions.values()):
                break
    timed = [verdict_of(question, clock, found, restarts) for clock, found in decisions.items()]
    return Answer(question.case, tuple(restarts), (*counted, *timed), monotonic() - began)


def measured(arms: Mapping[ArmName, Arm], question: Question) -> Generator[Restart]:
    """Yield restarts without end; while one is measured, the next one's processes start on the other cores.

    Starting takes longer than measuring. What it takes from the measured core's neighbours, it takes from both arms alike.
    """
    case, alone = (question.case, question.seed), len(usable_cores()) < 2
    with ExitStack() as stack:
        pair = stack.enter_context(Pair(0, arms, *case))
        while True:
            if alone:
                restart = pair.measure()
                pair.close()
                following = stack.enter_context(Pair(pair.number + 1, arms, *case))
            else:
                pair.ready()
                following = stack.enter_context(Pair(pair.number + 1, arms, *case, away=pair.core))
                restart = pair.measure()
                pair.close()
            pair = following
            yield restart


def decision(restarts: Sequence[Restart], clock: str, question: Question, over: bool) -> Decision:
    """Return what the restarts so far say of one clock."""
    return decide([restart.change(clock) for restart in restarts], question.margins[clock], question.family, over)


def progress(case: str, restarts: Sequence[Restart], decisions: Mapping[str, Decision]) -> str:
    """Return how far a case has come, in one line."""
    found = ", ".join(
        f"{clock} {100 * each.estimate:+.2f} %{f' {each.verdict}' if each.verdict else ''}" for clock, each in decisions.items()
    )
    return f"{case}: restart {len(restarts)}: {found}"


def verdict_of(question: Question, clock: str, found: Decision, restarts: Sequence[Restart]) -> Verdict:
    """Return the verdict on one clock, with what speaks against trusting it."""
    word, notes = found.verdict or "inconclusive", list(_notes(restarts))
    if clock == "wall" and word in ("worse", "better") and median(restart.waiting for restart in restarts) > MUCH_WAITING:
        word = "inconclusive"
        notes.append("other processes had the core for much of the time: wall time tells of them")
    if word in ("worse", "better") and (moved := explained(found.estimate, question.margins[clock], restarts)):
        word = "inconclusive"
        notes.append(moved)
    base, head = (_typical(restarts, arm, clock) for arm in ARMS)
    return Verdict(
        case=question.case,
        metric=METRICS[clock],
        base=base,
        head=head,
        n_base=found.restarts,
        n_head=found.restarts,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        p=found.p,
        p_adjusted=min(1.0, found.p * question.family),
        margin=question.margins[clock],
        mde=found.mde,
        verdict=word,
        level="hard",
        method=PAIRED,
        metric_class="machine",
        unit="s",
        direction="lower",
        note="; ".join(notes),
    )


def _typical(restarts: Sequence[Restart], arm: ArmName, clock: str) -> float:
    blocks = [block for restart in restarts for block in restart.blocks if block.arm == arm]
    return float(median(getattr(block, f"{clock}_seconds") for block in blocks))


def _notes(restarts: Sequence[Restart]) -> Iterable[str]:
    apart = sum(restart.faults_apart > MANY_FAULTS for restart in restarts)
    if apart:
        yield f"the arms' page faults differ in {apart} of {len(restarts)} restarts: the allocator has a part in it"
    if disturbed := sum(block.disturbed for restart in restarts for block in restart.blocks):
        yield f"{disturbed} disturbed blocks had to be used"


def explained(estimate: float, margin: float, restarts: Sequence[Restart]) -> str:
    """Return what explains a change without the arms' code, '' where nothing does.

    Kernels that no arm can change tell what the machine did to either arm: where they moved too, and the estimate less their
    change is within the margin, it may have been the machine. One that they speak against stands.
    """
    values = [restart.sentinel for restart in restarts if not math.isnan(restart.sentinel)]
    if not values:
        return ""
    p, change = 2 * min(signed_rank_p(values), signed_rank_p([-value for value in values])), median(values)
    if p > SENTINEL_P or abs(change) < SENTINEL_CHANGE:
        return ""
    sign = math.copysign(1.0, estimate)
    if sign * (math.log1p(estimate) - change) > math.log1p(margin):
        return ""
    return f"kernels that are the same in both arms differ by {100 * math.expm1(change):+.1f} %: something else differs"


def judge_counts(question: Question, arms: Mapping[ArmName, Arm]) -> Iterable[Verdict]:
    """Yield a verdict on each exact counter: equal, better where all is less, worse otherwise."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-ab-", ignore_cleanup_errors=True)))
        workers = {
            arm: stack.enter_context(started(arms[arm], question.case, question.seed, folder / arm, arm)) for arm in ARMS
        }
        for worker in workers.values():
            worker.ready()
        told = {arm: worker.ask(ask="count") for arm, worker in workers.items()}
    for metric in COUNTERS:
        yield _counted(question.case, metric, told, arms["head"])


def _counted(case: str, metric: str, told: Mapping[ArmName, Mapping[str, Any]], arm: Arm) -> Verdict:
    gate = arm.cases[case].gates.get(metric)
    level: Level = gate.level if gate else "info"
    old, new = told["base"][metric], told["head"][metric]
    fields: dict[str, Any] = {
        "case": case,
        "metric": metric,
        "level": level,
        "method": COUNTED,
        "metric_class": "exact",
        "unit": told["head"]["units"][metric],
        "direction": "lower",
    }
    if old["value"] is None or new["value"] is None:
        return Verdict(verdict="incomparable", note=f"{old['null'] or new['null']}", **fields | {"level": "info"})
    change = new["value"] - old["value"]
    word: Any = "same" if not change else "worse" if change > 0 else "better"
    numbers = {"base": old["value"], "head": new["value"], "estimate": change, "n_base": 1, "n_head": 1}
    return Verdict(verdict=word, **fields, **numbers)
