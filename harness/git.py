"""The state of the git checkout that a run came from."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

PLAIN_DIFF = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--no-relative",
    "--binary",
    "--full-index",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=myers",
    "--no-indent-heuristic",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
"""Options that override what a user's git configuration may say of a diff, so that equal changes give equal bytes."""


def git_state(folder: Path) -> tuple[str, bool]:
    """Return (commit, whether tracked files differ from it); ('', False) outside a git checkout."""
    try:
        commit = _git(folder, "rev-parse", "HEAD").decode().strip()
        return commit, bool(_git(folder, "status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError):
        return "", False


def diff_digest(folder: Path) -> str:
    """Return the SHA-256 of how tracked files differ from the commit (`git diff HEAD`); '' where none does, or outside git.

    Two checkouts of one commit with the same changes give the same digest, wherever they are and whatever git is set to show.
    """
    try:
        diff = _git(folder, "diff", "HEAD", *PLAIN_DIFF)
    except (OSError, subprocess.SubprocessError):
        return ""
    return hashlib.sha256(diff).hexdigest() if diff else ""


def _git(folder: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True, timeout=20)
    return done.stdout
