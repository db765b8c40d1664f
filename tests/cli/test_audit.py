"""`harness audit` as a user types it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.audits import read_audit
from harness.cli import main
from tests.audit.conftest import FAULTS, write_models

BLOCKING = {
    "build": (
        "LAST.with_name('built.txt').open('a').write('x'); "
        "len(LAST.with_name('built.txt').read_text()) == 2 and not LAST.with_name('go_on').exists() "
        "and (LAST.with_name('waiting').touch(), __import__('signal').pause())"
    )
}
"""A model whose second training waits until it is told to go on."""


def test_the_table_goes_to_stdout_and_the_exit_code_says_whether_all_repeat(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One row a case, what differs in words on stderr, the file last; a case without a declared cause ends with code 1."""
    write_models(project_folder, {name: FAULTS[name] for name in ("declared", "process")})

    assert 1 == main(["audit", "mine", "--steps", "3"])

    out, err = capsys.readouterr()
    head, *rows, path = out.splitlines()
    found = {row.split("\t")[0]: dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows}
    assert "F" == found["declared"]["grade"] == found["process"]["grade"]
    assert found["process"]["process"] in ("within tolerance", "different at step 1")  # as far as the two ids are apart
    assert ("adds its process id", "") == (found["declared"]["nondeterminism"], found["process"]["nondeterminism"])
    assert project_folder / "results" / "audits" / "mine.json" == Path(path)
    assert re.search(r"^process, process: (loss|weights .*) at step 1: ", err, re.MULTILINE)
    assert "2 F: does not repeat on the same machine with the same settings" in err

    assert 0 == main(["audit", "mine", "--steps", "3", "-k", "declared"])  # trains nothing: it is unchanged
    assert "declared, process: ok" not in capsys.readouterr().err


def test_an_interrupted_audit_goes_on_with_the_cases_that_are_left(
    project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C loses the case in hand alone: what was found of the others is stored, and not trained again."""
    project = write_models(project_folder, {"blocking": BLOCKING, "sound": FAULTS["sound"]})
    command = [sys.executable, "-P", "-m", "harness", "audit", "mine", "--steps", "3"]
    process = subprocess.Popen(
        command,
        cwd=project_folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job would ignore it
    )
    while not (project_folder / "bench" / "models" / "waiting").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert 130 == process.returncode
    assert "the same command goes on with the others" in err
    stored = read_audit(project.results, "mine")
    assert stored is not None
    assert ["sound"] == list(stored.cases)

    (project_folder / "bench" / "models" / "go_on").touch()
    assert 0 == main(["audit", "mine", "--steps", "3"])

    found = read_audit(project.results, "mine")
    assert found is not None
    assert ["blocking", "sound"] == list(found.cases)
    assert stored.cases["sound"] == found.cases["sound"]
    assert "sound, process: ok" not in capsys.readouterr().err


def test_what_cannot_be_audited_is_a_usage_error(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown suite, a keyword that no case has and a length that cannot be cut end with code 2, and store nothing."""
    write_models(project_folder, {"sound": FAULTS["sound"]})

    assert 2 == main(["audit", "mime"])
    assert "no suite 'mime'" in capsys.readouterr().err
    assert 2 == main(["audit", "mine", "-k", "lstm"])
    assert "no case of suite 'mine' matches -k lstm" in capsys.readouterr().err
    assert 2 == main(["audit", "mine", "--steps", "1"])
    assert not (project_folder / "results" / "audits").exists()
