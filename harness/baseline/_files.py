"""Baselines on disk: reading them all or saying everything that is wrong, and the way from proposal to baseline."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.baseline._model import SCHEMA_VERSION, Baseline, to_text
from harness.errors import ResultsError, UsageError, nearest
from harness.results import RunSet, run_sets, write_atomically

PROPOSED = "proposed-baselines"
"""Folder of a run set that holds proposals; not in git."""


def read_baselines(folder: Path, suite: str = "") -> dict[str, Baseline]:
    """Return the baselines in a folder by case, all of them `suite`'s if it is given; none for a folder that does not exist.

    Raises:
        ResultsError: files are malformed, of an unknown schema version, or edited by hand; lists every problem.
    """
    return parse_baselines({path: path.read_bytes for path in sorted(folder.glob("*.json"))}, suite)


def parse_baselines(files: Mapping[Path, Callable[[], bytes]], suite: str = "") -> dict[str, Baseline]:
    """Return the baselines that files hold, by case; a file's path is for its name and for messages.

    Raises:
        ResultsError: as `read_baselines`.
    """
    found: dict[str, Baseline] = {}
    problems: list[str] = []
    for path, read in files.items():
        try:
            found[path.stem] = _parse(read(), {"case": path.stem, **({"suite": suite} if suite else {})})
        except ValidationError as error:
            problems += [f"{path}: {_where(detail['loc'])}{detail['msg']}" for detail in error.errors(include_url=False)]
        except (OSError, ValueError) as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise ResultsError(
            "\n  ".join(["baselines that cannot be read:", *problems])
            + "\nrestore the files from git, or make new ones with `harness baseline propose`"
        )
    return found


def _parse(content: bytes, belongs_to: Mapping[str, str]) -> Baseline:
    read = json.loads(content, object_pairs_hook=_once_each)
    if not isinstance(read, dict):
        raise ValueError("not a JSON object")
    version = read.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema version {version!r}; this harness reads {SCHEMA_VERSION}")
    baseline = Baseline.model_validate(read)
    for key, wanted in belongs_to.items():
        if (found := getattr(baseline, key)) != wanted:
            raise ValueError(f"holds {key} {found!r}; the file's place and name are of {key} {wanted!r}")
    return baseline


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a dict; a key that is there twice, as after a merge line by line, is an error: which one is meant?"""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} twice")
        found[key] = value
    return found


def _where(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def write_proposals(run_set: RunSet, baselines: Iterable[Baseline]) -> Path:
    """Write proposals into a run set, in place of those there, and return their folder.

    Raises:
        ResultsError: the folder cannot be written.
    """
    folder = run_set.path / PROPOSED
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for baseline in baselines:
            write_atomically(folder / f"{baseline.case}.json", to_text(baseline))
    except OSError as error:
        raise ResultsError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return folder


def find_proposals(results: Path, suite: str) -> Path:
    """Return the folder of a suite's newest proposals.

    Raises:
        UsageError: there are none.
    """
    folders = [run_set.path / PROPOSED for run_set in run_sets(results, suite)]
    filled = [folder for folder in folders if any(folder.glob("*.json"))]
    if not filled:
        raise UsageError(f"no proposed baselines of suite {suite!r}; make them with `harness baseline propose {suite}`")
    return filled[-1]


def promote(proposals: Path, baselines: Path, cases: Sequence[str] = ()) -> list[Path]:
    """Move proposals (of `cases`, or all) into the folder of baselines; return the files written.

    All are read before the first is moved, and each is renamed into its place, so that no file is ever half there.

    Raises:
        UsageError: there is no proposal for a case.
        ResultsError: a proposal is damaged, or the folder cannot be written.
    """
    held = read_baselines(proposals)
    if unknown := [case for case in cases if case not in held]:
        raise UsageError(f"no proposal for case {unknown[0]!r}{nearest(unknown[0], held)}; proposed: {', '.join(held)}")
    try:
        baselines.mkdir(parents=True, exist_ok=True)
        return [_move(proposals / f"{case}.json", baselines) for case in sorted(set(cases) or held)]
    except OSError as error:
        raise ResultsError(f"{baselines}: cannot be written: {error.strerror or error}") from error


def _move(proposal: Path, folder: Path) -> Path:
    target = folder / proposal.name
    write_atomically(target, proposal.read_text(encoding="utf-8"))
    proposal.unlink()
    return target
