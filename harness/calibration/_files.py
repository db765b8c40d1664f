"""Calibrations on disk: results/calibration/<machine class>/<suite>.json, in git."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from harness.calibration._model import CalibratedCase, Calibration, to_text
from harness.digests import short_digest
from harness.errors import ResultsError
from harness.results import write_atomically

FOLDER = "calibration"


def read_calibrations(results: Path, suite: str) -> dict[Path, Calibration]:
    """Return the calibrations of a suite by file, one a machine class.

    Raises:
        ResultsError: files are malformed, misplaced or of another schema version; lists every problem.
    """
    found: dict[Path, Calibration] = {}
    problems: list[str] = []
    for path in sorted((results / FOLDER).glob(f"*/{suite}.json")):
        try:
            found[path] = _read(path, suite)
        except ValidationError as error:
            problems += [
                f"{path}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors(include_url=False)
            ]
        except (OSError, ValueError) as error:
            problems.append(f"{path}: {error}")
    if problems:
        advice = f"restore them from git, or delete them and run `harness calibrate {suite}`"
        raise ResultsError("\n  ".join(["calibrations that cannot be read:", *problems]) + f"\n{advice}")
    return found


def _read(path: Path, suite: str) -> Calibration:
    calibration = Calibration.model_validate_json(path.read_bytes())
    if (calibration.machine_class, calibration.suite) != (path.parent.name, suite):
        held = f"{calibration.machine_class}/{calibration.suite}"
        raise ValueError(f"holds the calibration {held}; the file's place and name are of {path.parent.name}/{suite}")
    return calibration


def store_case(results: Path, suite: str, machine: Mapping[str, str], name: str, case: CalibratedCase) -> Path:
    """Add a case to the suite's calibration on a machine, in place of the one there; return the file.

    Raises:
        ResultsError: the file that is there is damaged, or none can be written.
    """
    machine_class = short_digest(dict(machine))
    path = results / FOLDER / machine_class / f"{suite}.json"
    held = read_calibrations(results, suite).get(path)
    cases = {**(held.cases if held else {}), name: case}
    calibration = Calibration(suite=suite, machine_class=machine_class, machine=dict(machine), cases=cases)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, to_text(calibration))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror or error}; make it writable") from error
    return path
