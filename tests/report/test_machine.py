"""Memory and the GPU over time, or why there is none."""

from __future__ import annotations

from pathlib import Path

from harness.report import Block, Paragraph
from tests.report.support import (
    Trained,
    column,
    figures,
    make_case,
    make_suite,
    read,
    section,
    stored,
    tables,
    texts,
    usual,
    values,
)


def sentences(blocks: list[Block]) -> list[str]:
    """Return the paragraphs' texts."""
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def test_no_gpu_is_one_sentence(tmp_path: Path) -> None:
    """Without GPU samples there is the null's own reason, once, and no empty column."""
    blocks = list(section("machine").build(read(usual(tmp_path))))

    assert sentences(blocks) == ["No GPU timeline: the run used no GPU (2 of 2 cases)."]
    assert [entry.title for entry in tables(blocks)[0].columns] == ["Case", "Host memory, peak", "Model size"]


def test_failed_runs_have_another_reason(tmp_path: Path) -> None:
    """Where nothing succeeded, the reason is that and not a missing GPU."""
    run_set = stored(tmp_path, make_suite(), [Trained(make_case(), 1, status="failed")])

    assert sentences(list(section("machine").build(read(run_set)))) == [
        "No GPU timeline: no run of this case succeeded (1 of 1 cases)."
    ]


def test_peaks_name_the_hungriest(tmp_path: Path) -> None:
    """The bars' numbers stand in their table, and in words which case needs most."""
    cases = [make_case("small", seeds=[1]), make_case("big", seeds=[1])]
    runs = [
        Trained(case, 1, values(0.9, host_peak_memory=size * 2.0**20)) for case, size in zip(cases, (400, 800), strict=True)
    ]

    (figure,) = figures(section("machine").build(read(stored(tmp_path, make_suite(*cases), runs))))

    assert figure.alt == "Largest resident memory of a run's processes. Most: big with 800 MiB."
    assert texts(figure.table) == [["small", "400 MiB"], ["big", "800 MiB"]]


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
    assert sentences(blocks) == []
    assert "GPU utilisation, mean" in [entry.title for entry in tables(blocks)[0].columns]
