"""MLPerf logs, TensorBoard events and W&B files: each training by itself, with its curve."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Export = Callable[..., Path]
LOSSES = (2.3, 1.1, 0.6, 0.4)
PROGRESS = (0.95, 0.98)


def test_mlperfs_own_parser_reads_every_line(export: Export) -> None:
    """No line fails to parse; a run starts and stops once, its evaluations lie between, and its time never goes back."""
    parser = pytest.importorskip("mlperf_logging.compliance_checker.mlp_parser")
    folder = export("mlperf")

    lines, failed = parser.parse_file(str(folder / "keras" / "result_0.txt"), ruleset="5.1.0")

    assert failed == []
    keys = [line.key for line in lines]
    assert [keys.count(key) for key in ("init_start", "init_stop", "run_start", "run_stop", "epoch_start")] == [1, 1, 1, 1, 1]
    assert [line.timestamp for line in lines] == sorted(line.timestamp for line in lines)
    assert next(line for line in lines if line.key == "seed").value["value"] == 1
    assert [line.value["value"] for line in lines if line.key == "eval_accuracy"] == [PROGRESS[0]]
    assert lines[-1].value["metadata"]["status"] == "success"
    assert sorted(path.name for path in (folder / "keras").iterdir()) == [f"result_{number}.txt" for number in range(3)]


def test_a_run_that_failed_is_an_aborted_one(export: Export) -> None:
    """It has a log too, which says so."""
    text = (export("mlperf") / "digits[lr=0.1]" / "result_1.txt").read_text()

    assert json.loads(text.splitlines()[-1].removeprefix(":::MLLOG "))["metadata"]["status"] == "aborted"


def test_tensorboards_own_reader_reads_the_curve(export: Export) -> None:
    """Losses by step, scores by evaluation, results at the end, to float32's precision."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = export("tensorboard")

    events = accumulator.EventAccumulator(str(folder / "keras-seed1"))
    events.Reload()

    def scalars(tag: str) -> list[tuple[int, float]]:
        return [(event.step, float(event.tensor_proto.float_val[0])) for event in events.Tensors(tag)]

    assert scalars("train/loss") == [(step, pytest.approx(loss)) for step, loss in enumerate(LOSSES, start=1)]
    assert scalars("test/accuracy") == [(2, pytest.approx(0.95)), (4, pytest.approx(0.98))]
    assert scalars("result/accuracy") == [(4, pytest.approx(0.99))]


def test_a_history_for_wandb_has_a_line_a_step(export: Export) -> None:
    """Strict JSON with steps that rise, evaluations on the row of their step, the summary's numbers as measured."""
    folder = export("wandb") / "keras-seed1"

    rows = [json.loads(line, parse_constant=pytest.fail) for line in (folder / "history.jsonl").read_text().splitlines()]
    summary, config = (json.loads((folder / name).read_text()) for name in ("wandb-summary.json", "config.json"))

    assert [row["_step"] for row in rows] == [1, 2, 3, 4]
    assert [row["train/loss"] for row in rows] == list(LOSSES)
    assert [row.get("test/accuracy") for row in rows] == [None, 0.95, None, 0.98]
    assert summary["accuracy"] == 0.99
    assert (config["seed"], config["model"]["name"]) == (1, "a003_keras_cnn")
