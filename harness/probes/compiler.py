"""The C++ compiler that torch.compile builds a CPU's kernels with."""

from __future__ import annotations

import os
import shutil
import sys


def cpp_compiler() -> tuple[str, bool]:
    """Return (its name, whether it is there): the one that CXX names, else one by platform; torch tries no other."""
    name = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    return name, shutil.which(name) is not None
