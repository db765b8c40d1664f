"""Which baselines a suite is judged by: those in the working tree, or those from before the change that is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.baseline._commits import Edit, base_commit, edits, find_commit, read_committed
from harness.baseline._files import read_baselines
from harness.baseline._model import Baseline
from harness.errors import UsageError


@dataclass(frozen=True)
class Standard:
    """The baselines that a suite is judged by."""

    baselines: Mapping[str, Baseline]
    commit: str = ""
    """The commit that they are of; '' for the working tree."""
    edited: tuple[Edit, ...] = ()
    """Those that the working tree has otherwise."""
    accepted: frozenset[str] = frozenset()
    """Cases of `edited` that are judged by the working tree's baseline, because they are an intended change."""

    def __str__(self) -> str:
        """Return in one line what was edited and which of it counts; '' where nothing was."""
        lines = []
        if refused := [str(edit) for edit in self.edited if edit.case not in self.accepted]:
            advice = " (--accept-renewed, if it is intended)" if self._may_be_accepted() else ""
            lines.append(f"edited in this change, judged by those of {self.commit[:12]}{advice}: {', '.join(refused)}")
        if taken := [str(edit) for edit in self.edited if edit.case in self.accepted]:
            lines.append(f"edited in this change and accepted: {', '.join(taken)}")
        return f"baselines {'; '.join(lines)}" if lines else ""

    def _may_be_accepted(self) -> bool:
        return any(edit.decided and edit.case not in self.accepted for edit in self.edited)

    def note(self, case: str, metric: str) -> str:
        """Return what a verdict says of its baseline: that it was renewed in this change, and why; '' otherwise."""
        for edit in self.edited:
            if edit.case == case and case in self.accepted and edit.now and metric in edit.metrics:
                return f"the baseline was renewed in this change: {edit.now.reason}"
        return ""


def find_standard(root: Path, folder: Path, revision: str | None = None, accept_renewed: bool = False) -> Standard:
    """Return the baselines to judge a suite by.

    Args:
        root: the project's folder.
        folder: the suite's folder of baselines.
        revision: the commit whose baselines count; None: the merge base with the branch that CI names, if it does,
            else the working tree.
        accept_renewed: whether baselines that have a new reason in the working tree count, and those that are gone do not.

    Raises:
        UsageError: there is no such commit, or `accept_renewed` without one.
        ResultsError: a baseline cannot be read.
    """
    commit = find_commit(root, revision) if revision is not None else base_commit(root)
    now = read_baselines(folder, folder.name)
    if not commit:
        if accept_renewed:
            raise UsageError("--accept-renewed: renewed since when? give --baselines-from REV, or set HARNESS_BASE_REF")
        return Standard(now)
    before = read_committed(root, commit, folder)
    edited = tuple(edits(before, now))
    accepted = frozenset(edit.case for edit in edited if accept_renewed and edit.decided)
    kept = {case: baseline for case, baseline in before.items() if case not in accepted}
    return Standard(kept | {case: now[case] for case in accepted if case in now}, commit, edited, accepted)
