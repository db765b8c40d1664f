"""Calibrations on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.calibration import read_calibrations
from harness.calibration._files import store_case
from harness.calibration._model import to_text
from harness.digests import short_digest
from harness.errors import ResultsError
from tests.calibration.support import MACHINE, make_calibrated, make_clock
from tests.support import make_case

LENET, CNN = make_case("lenet"), make_case("cnn")


def test_each_case_is_added_to_those_there(tmp_path: Path) -> None:
    """A second case joins the first, a case measured again replaces itself, and another machine has a file of its own."""
    file = store_case(tmp_path, "demo", MACHINE, "lenet", make_calibrated(LENET))
    assert file == tmp_path / "calibration" / short_digest(MACHINE) / "demo.json"
    store_case(tmp_path, "demo", MACHINE, "cnn", make_calibrated(CNN))
    store_case(tmp_path, "demo", MACHINE, "lenet", make_calibrated(LENET, cpu=make_clock(0.02)))
    other = store_case(tmp_path, "demo", {"cpu": "Another"}, "lenet", make_calibrated(LENET))

    found = read_calibrations(tmp_path, "demo")
    assert {file, other} == set(found)
    assert {"lenet", "cnn"} == set(found[file].cases)
    assert 0.02 == found[file].cases["lenet"].clocks["cpu"].detectable_effect
    assert {} == read_calibrations(tmp_path, "other")
    assert [] == [path.name for path in file.parent.iterdir() if path != file]  # nothing half written is left


def test_the_file_is_fit_for_review(tmp_path: Path) -> None:
    """Equal content gives equal bytes, keys in order, and a clock's changes stand on one line."""
    file = store_case(tmp_path, "demo", MACHINE, "lenet", make_calibrated(LENET))
    text = file.read_text()

    assert text == to_text(read_calibrations(tmp_path, "demo")[file])
    assert '     "changes": [0.001, -0.002, 0.0005],\n' in text
    assert json.loads(text) == json.loads(json.dumps(json.loads(text), sort_keys=True))
    assert text.index('"cases"') < text.index('"machine"') < text.index('"suite"')


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"cpu": "Example CPU"', '"cpu": "Mine"', "one of them was edited by hand"),
        ('"suite": "demo"', '"suite": "other"', "the file's place and name are of"),
        ('"schema_version": 1', '"schema_version": 2', "schema_version: "),
        ('"false_worse": 0.0', '"false_worse": 2.0', "cases.lenet.clocks.cpu.false_worse: "),
        ('"sd"', '"sde"', "cases.lenet.clocks.cpu.sde: Extra inputs are not permitted"),
        ('   "clocks": {\n    "cpu"', '   "clocks": {\n    "sun"', "cases.lenet.clocks.sun"),
        ("{\n", "", "Invalid JSON"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Reading refuses it, and so does adding a case, which would lose what it held."""
    file = store_case(tmp_path, "demo", MACHINE, "lenet", make_calibrated(LENET))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))

    with pytest.raises(ResultsError) as caught:
        read_calibrations(tmp_path, "demo")
    assert str(file) in str(caught.value)
    assert message in str(caught.value)
    assert "harness calibrate demo" in str(caught.value)
    with pytest.raises(ResultsError):
        store_case(tmp_path, "demo", MACHINE, "cnn", make_calibrated(CNN))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """One line that names the file."""
    (tmp_path / "calibration").write_text("in the way")

    with pytest.raises(ResultsError, match=r"demo\.json: cannot be written"):
        store_case(tmp_path, "demo", MACHINE, "lenet", make_calibrated(LENET))
