"""`harness doctor`: what is wrong with this machine, as a table and as JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from harness.cli import main
from harness.probes.readiness import Finding

PROGRAM = """
import sys
from harness.cli import main
main(["doctor", "--json"])
heavy = ("torch", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib")
print(*[name for name in heavy if name in sys.modules], file=sys.stderr)
"""


def test_findings_come_as_json_and_decide_the_exit_code(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a finding with all its fields; 2 if any is bad, else 0. How busy this machine is, it says itself."""
    code = main(["doctor", "--json"])

    findings = json.loads(capsys.readouterr().out)
    assert all(list(finding) == [field.name for field in fields(Finding)] for finding in findings)
    assert code == (2 if any(finding["status"] == "bad" for finding in findings) else 0)


def test_threads_beyond_the_cpus_are_bad(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says what was found, why it matters and what to do; what is bad gives exit code 2."""
    usable = len(os.sched_getaffinity(0))

    assert main(["doctor", "--threads", "5000"]) == 2

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split("\t") == ["status", "topic", "finding"]
    [threads] = [row for row in rows if "\tthreads\t" in row]
    assert threads.startswith("bad\tthreads\t5000 threads a run, ")
    assert "why: threads that share a CPU" in threads
    [advised] = re.findall(r"loop's end\. do: use --threads (\d+) or fewer", threads)
    assert 1 <= int(advised) <= usable


def test_a_machine_without_torch_can_measure_nothing(
    project_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is another exit code than of a machine that measures badly."""
    monkeypatch.setattr("harness.probes.readiness._system.find_spec", lambda name: None)

    assert main(["doctor"]) == 5
    assert "bad\ttorch\tnot installed." in capsys.readouterr().out


def test_the_projects_data_sets_are_looked_for(
    project_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that have to be fetched, each in its folder of the data cache."""
    monkeypatch.setenv("HARNESS_DATA_DIR", str(project_folder / "cache"))
    (project_folder / "cache" / "mnist").mkdir(parents=True)
    (project_folder / "cache" / "mnist" / "file").write_text("x")

    main(["doctor", "--json"])

    [found] = [finding["found"] for finding in json.loads(capsys.readouterr().out) if finding["topic"] == "data"]
    missing = found.partition("not there: ")[2].split(", ")
    assert "mnist" not in missing
    assert {"cifar10", "sst2"} <= set(missing)
    assert "digits" not in missing


def test_the_doctor_imports_nothing_heavy(project_folder: Path) -> None:
    """It is there at once: neither torch nor pandas is loaded."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert done.stderr == "\n"


def test_help_has_an_example(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The help shows a call and says what the exit codes mean."""
    assert main(["doctor", "--help"]) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert "Example: harness doctor" in shown
    assert "5: nothing can be measured at all" in shown
