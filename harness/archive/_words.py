"""What an archive tells people: how to check it, and what was installed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.archive._format import LOCK, RECORD, SUITE, SUMS, Record

NOT_INSTALLED_BY_PIP = ("python", "kernel", "gpu_driver", "benchmark-harness")
"""Versions that are none of a distribution that pip could fetch; the harness itself comes with the checkout."""
TORCH_INDEX = "https://download.pytorch.org/whl"

TEXT = """# {case}, seed {seed}, of suite {suite}

One training and every number that was recorded of it, as plain data. It was run from {checkout},
with Python {python} and torch {torch}.

To train it again and have each number compared, in a checkout of the project that it is of:

```console
unzip -p {file} {LOCK} > {LOCK}
pip install -r {LOCK}        # if you trust where the archive comes from
harness verify {file}
```

Exit code 0: the same bits · 1: other numbers, each of which is named · 4: this environment cannot give the same bits (with
`--tolerant` they are compared within tolerances) · 5: the archive is damaged, or the training failed. Times, memory and
whatever else depends on the machine are not checked.

| member | holds |
|---|---|
| {RECORD} | run, seed, commit, and the digests of code and data |
| {SUITE} | the suite with this case, every value resolved |
| tables/*.parquet | the run's rows of each table |
| {LOCK} | what was installed |
| {SUMS} | the digests of all of these: `sha256sum -c {SUMS}` |
"""


def readme(record: Record, environment: Mapping[str, str]) -> str:
    """Return the archive's README."""
    return TEXT.format(
        case=record.case,
        seed=record.seed,
        suite=record.suite,
        checkout=record.checkout,
        python=environment.get("version.python", "unknown"),
        torch=environment.get("version.torch", "unknown"),
        file=f"{record.run_id}.zip",
        RECORD=RECORD,
        SUITE=SUITE,
        LOCK=LOCK,
        SUMS=SUMS,
    )


def lock(record: Record, environment: Mapping[str, str]) -> str:
    """Return what was installed as requirements that pip takes."""
    versions = {key.removeprefix("version."): value for key, value in environment.items() if key.startswith("version.")}
    harness = versions.get("benchmark-harness", "of no installed version")
    build = re.search(r"\+(cpu|cu\d+|rocm[\d.]+|xpu)$", versions.get("torch", ""))
    return "\n".join(
        [
            f"# Installed under Python {versions.get('python', 'unknown')}, as it was when {record.run_id} ran.",
            f"# The harness itself ({harness}) comes with the checkout: {record.checkout}.",
            *([f"--extra-index-url {TORCH_INDEX}/{build[1]}"] if build else []),
            *(f"{name}=={version}" for name, version in sorted(versions.items()) if name not in NOT_INSTALLED_BY_PIP),
            "",
        ]
    )
