"""Memory and the GPU over time, or why there is none."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.report import Block, Paragraph, Table
from tests.report.support import (
    Trained,
    alt,
    captioned,
    column,
    figures,
    make_case,
    make_suite,
    plots,
    read,
    section,
    stored,
    texts,
    usual,
    values,
)


def sentences(blocks: list[Block]) -> list[str]:
    """Return the paragraphs' texts."""
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def means(blocks: list[Block]) -> Table:
    """Return the table of means over runs."""
    return captioned(blocks, "Mean over runs")


def test_no_gpu_is_one_sentence(tmp_path: Path) -> None:
    """Without GPU samples there is the null's own reason, once, and no empty column."""
    blocks = list(section("machine").build(read(usual(tmp_path))))

    assert sentences(blocks)[1:] == ["No GPU timeline: the run used no GPU (2 of 2 cases)."]
    assert [entry.title for entry in means(blocks).columns] == ["Case", "Host memory, peak", "Model size"]


def test_failed_runs_have_another_reason(tmp_path: Path) -> None:
    """Where nothing succeeded, the reason is that and not a missing GPU."""
    run_set = stored(tmp_path, make_suite(), [Trained(make_case(), 1, status="failed")])

    assert sentences(list(section("machine").build(read(run_set)))) == [
        "No GPU timeline: no run of this case succeeded (1 of 1 cases)."
    ]


def test_memory_by_phase_is_one_axis(tmp_path: Path) -> None:
    """Weights, tensors, process and run of each case are drawn in one row, said in words, with their numbers beside them."""
    case = make_case(seeds=[1])
    mib = 2.0**20
    given = {"model_bytes": mib, "tensor_peak_memory": 8 * mib, "process_memory_before": 200 * mib}
    run = Trained(case, 1, values(0.9, **given, process_peak_memory=300 * mib, host_peak_memory=500 * mib))

    table = captioned(section("machine").build(read(stored(tmp_path, make_suite(case), [run]))), "Memory by phase")

    assert [alt(plot) for plot in plots(table)] == [
        "Memory of keras: weights 1.00 MiB, all tensors at their peak 8.00 MiB, process at its peak 300 MiB, "
        "whole run at its peak 500 MiB."
    ]
    assert texts(table)[0][2:] == ["1.00 MiB", "8.00 MiB", "200 MiB", "300 MiB", "500 MiB"]
    assert plots(table)[0].count('class="d"') == plots(table)[0].count('class="o"') == plots(table)[0].count('class="w"') == 1


def test_memory_axis_is_logarithmic(tmp_path: Path) -> None:
    """Each doubling is as far as the one before: tensors of 1, 2 and 4 MiB stand evenly."""
    cases = [make_case(name, seeds=[1]) for name in ("one", "two", "four")]
    runs = [Trained(case, 1, {"tensor_peak_memory": size * 2.0**20}) for case, size in zip(cases, (1, 2, 4), strict=True)]

    table = captioned(section("machine").build(read(stored(tmp_path, make_suite(*cases), runs))), "Memory by phase")

    one, two, four = (int(next(ElementTree.fromstring(plot).iter("circle")).attrib["cx"]) for plot in plots(table))
    assert two - one == pytest.approx(four - two, abs=1)
    assert two > one


def test_readings_of_the_machine_are_timelines(tmp_path: Path) -> None:
    """What went on beside the runs is drawn over the whole run set; a reading that nobody gave is none."""
    case = make_case(seeds=[1, 2])
    started = {1: "2026-01-02T03:04:05+00:00", 2: "2026-01-02T03:05:05+00:00"}
    runs = [
        Trained(case, seed, values(0.9), host=((0.0, 1.0 * seed, None), (10.0, 2.0 * seed, None)), columns={"started_utc": at})
        for seed, at in started.items()
    ]

    (load,) = figures(section("machine").build(read(stored(tmp_path, make_suite(case), runs))))

    assert load.alt == "Load of the machine, 4 readings: 1.0000 to 4.0000."
    assert column(load.table, "Until") == ["0 s", "10.0 s", "60.0 s", "70.0 s"]
    assert column(load.table, "Mean") == ["1.0000", "2.0000", "2.0000", "4.0000"]


def test_gpu_samples_are_timelines(tmp_path: Path) -> None:
    """Each reading that the driver gave is a plot; one that it refused (power here) is none."""
    case = make_case(seeds=[1])
    samples = [(0.0, 10.0, 2.0**30), (1.0, 90.0, 2.0**31), (2.0, 50.0, 2.0**31)]
    run = Trained(case, 1, values(0.9, gpu_utilization=50.0), samples=samples)

    blocks = list(section("machine").build(read(stored(tmp_path, make_suite(case), [run]))))

    utilisation, memory = figures(blocks)
    assert utilisation.alt == "GPU utilisation of keras, seed 1: 10.0 % to 90.0 %."
    assert memory.alt == "GPU memory in use of keras, seed 1: 1.00 GiB to 2.00 GiB."
    assert column(utilisation.table, "Mean") == ["10.0 %", "90.0 %", "50.0 %"]
    assert "No GPU" not in " ".join(sentences(blocks))
    assert "GPU utilisation, mean" in [entry.title for entry in means(blocks).columns]
