"""The project: room for results, data, and the state of its code."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.git import git_state
from harness.probes.readiness._finding import Finding, Status, Surroundings
from harness.units import show

LITTLE_ROOM, LEAST_ROOM = 2 * 2**30, 2**27


def look_at_disk(here: Surroundings) -> Iterator[Finding]:
    """See whether results can be written, and how much room there is for them."""
    topic, why = "disk", "results and checkpoints are written there; a run that cannot store its rows is lost"
    folder = next(path for path in (here.results, *here.results.parents) if os.path.exists(path))  # False of what is hidden
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = "make it writable, or name another folder: results = … under [tool.harness] in pyproject.toml"
        yield Finding("bad", topic, f"{folder} cannot be written", why, advice, stops=True)
        return
    room = shutil.disk_usage(folder).free
    status: Status = "bad" if room < LEAST_ROOM else "warn" if room < LITTLE_ROOM else "ok"
    advice = "" if status == "ok" else "harness results gc removes what old run sets hold"
    yield Finding(status, topic, f"{show(room, 'By')} free for results", why, advice)


def look_at_data(here: Surroundings) -> Iterator[Finding]:
    """See which of the data sets that have to be fetched are there."""
    topic, why = "data", "what is not there is fetched before the first run that needs it, which takes a network"
    missing = sorted(name for name, folder in here.downloads.items() if not _filled(folder))
    there = len(here.downloads) - len(missing)
    found = f"{there} of {len(here.downloads)} data sets are in {here.data}"
    if not missing:
        yield Finding("ok", topic, found, why)
    else:
        advice = "run a suite that uses them while there is a network; HARNESS_DATA_DIR chooses another folder"
        yield Finding("warn", topic, f"{found}; not there: {', '.join(missing)}", why, advice)


def _filled(folder: Path) -> bool:
    """Return whether a folder is there, may be read, and holds anything."""
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def look_at_git(here: Surroundings) -> Iterator[Finding]:
    """See whether results can be told to belong to a commit."""
    topic, why = "git", "each run is stored with its commit, and comparing two commits needs both"
    commit, dirty = git_state(here.project)
    if not commit:
        advice = "keep the project in git, and git installed"
        yield Finding("warn", topic, "no commit: not a git checkout, or git is not there", why, advice)
    elif dirty:
        found = f"{commit[:12]} with changes that are not committed"
        yield Finding("warn", topic, found, why, "commit before you measure what is to be compared")
    else:
        yield Finding("ok", topic, commit[:12], why)
