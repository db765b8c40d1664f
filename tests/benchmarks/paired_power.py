"""How often `harness ab` finds a planted slow-down, and cries wolf at none: real extra work, real processes, on this machine.

    python tests/benchmarks/paired_power.py --repeats 20 --seconds 60 --out power.jsonl

Makes a repository with one network and plants matrix products in its working tree that cost 0, 3 and 5 % of a step's CPU
time, taken in turn so that the machine's changes fall on all alike. What one costs is measured first, by comparisons of many.
Every comparison's times and verdicts are kept: one line each in `--out`, the blocks in a folder beside it. Prints the
rates with exact 95 % intervals (Clopper and Pearson).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

import pandas as pd
from scipy import stats

from harness.models.a000_lenet_gray import MODEL

SIZE = 48
EFFECTS = (0.0, 0.03, 0.05)
TRIAL, TRIALS = 400, 3
"""Products by which the cost of one is measured, and in how many comparisons."""
SOURCE = '''"""LeNet, with PLANTED products of matrices in each forward pass."""
import torch
from harness.models import Model
from harness.models.a000_lenet_gray import MODEL as LENET

A = torch.linspace(0.5, 1.0, {size} * {size}).reshape({size}, {size})

def build(spec):
    model = LENET.build(spec)
    model.register_forward_pre_hook(work)
    return model

def work(module, inputs):
    for _ in range(PLANTED):
        A @ A

PLANTED = 0
MODEL = Model(build=build, input_shape={shape})
'''
SUITE = """
version = 1
why = "Is a planted slow-down found?"
[[case]]
name = "lenet"
model = "planted"
data = "digits"
passes = []
seeds = [1]
recipe = { epochs = 3, batch_size = 64, optimizer = { name = "adam", lr = 1e-3 } }
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("paired_power.jsonl"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = make_repository(Path(folder))
        cost = product_cost(root, asked.seconds)
        for repeat in range(asked.repeats):
            for effect in EFFECTS if repeat % 2 == 0 else EFFECTS[::-1]:
                found = compare(root, round(effect / cost), asked.seconds) | {"planted": effect, "repeat": repeat, "cost": cost}
                with asked.out.open("a") as out:
                    out.write(json.dumps(found) + "\n")
                print(f"{repeat + 1}/{asked.repeats}, planted {effect:.0%}: {told(found)}", flush=True)
        shutil.copytree(root / "results" / "ab", asked.out.with_suffix(".blocks"), dirs_exist_ok=True)
    print_rates([json.loads(line) for line in asked.out.read_text().splitlines()])


def make_repository(root: Path) -> Path:
    """Make a project under git; return its folder."""
    (root / "bench" / "models").mkdir(parents=True)
    (root / "suites").mkdir()
    (root / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
    (root / "suites" / "one.toml").write_text(SUITE)
    (root / ".gitignore").write_text("results/\n__pycache__/\n")
    model_file(root).write_text(SOURCE.format(size=SIZE, shape=MODEL.input_shape))
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "base"]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    return root


def model_file(root: Path) -> Path:
    """Return the model's file."""
    return root / "bench" / "models" / "planted.py"


def product_cost(root: Path, seconds: float) -> float:
    """Return the share of a step that one product costs, from comparisons of so many that noise plays little part."""
    found = [compare(root, TRIAL, seconds) for _ in range(TRIALS)]
    for each in found:
        print(f"{TRIAL} products: {told(each)}", flush=True)
    return sum(float(str(each["cpu_estimate"])) for each in found) / TRIALS / TRIAL


def compare(root: Path, count: int, seconds: float) -> dict[str, object]:
    """Plant so many products in the working tree and have `harness ab` judge it against the commit."""
    text = re.sub(r"^PLANTED = \d+$", f"PLANTED = {count}", model_file(root).read_text(), flags=re.MULTILINE)
    model_file(root).write_text(text)
    started = monotonic()
    command = [sys.executable, "-m", "harness", "ab", "HEAD", "--suite", "one", "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    took = monotonic() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    folder = root / "results" / "ab" / done.stdout.strip().splitlines()[-1].rsplit("/", 1)[-1]
    rows = pd.read_parquet(folder / "verdicts.parquet").set_index("metric")
    cpu, wall = (rows.loc[name] for name in ("cpu_time_per_step", "step_time_median"))
    record = json.loads((folder / "record.json").read_text())
    return {
        "products": count,
        "took_seconds": took,
        "restarts": record["restarts"]["lenet"],
        "folder": folder.name,
        "exit_code": done.returncode,
        **{f"cpu_{name}": cpu[name] for name in ("verdict", "estimate", "low", "high", "p", "mde", "note")},
        **{f"wall_{name}": wall[name] for name in ("verdict", "estimate", "note")},
    }


def told(found: dict[str, object]) -> str:
    """Return one comparison in words."""
    return (
        f"cpu {found['cpu_verdict']} {100 * float(str(found['cpu_estimate'])):+.2f} %, wall {found['wall_verdict']}, "
        f"{found['restarts']} restarts, {float(str(found['took_seconds'])):.0f} s"
    )


def print_rates(rows: list[dict[str, object]]) -> None:
    """Print how often each effect was called what."""
    for effect in EFFECTS:
        verdicts = Counter(str(row["cpu_verdict"]) for row in rows if row["planted"] == effect)
        trials = sum(verdicts.values())
        interval = stats.binomtest(verdicts["worse"], trials).proportion_ci(0.95)
        others = ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items()) if name != "worse") or "no other"
        bounds = f"[{interval.low:.2f}, {interval.high:.2f}]"
        print(f"planted {effect:.0%}: {verdicts['worse']} of {trials} worse {bounds}; {others}")
    rest = Counter(str(row["wall_verdict"]) for row in rows if not row["planted"])
    print(f"wall time without a plant: {dict(rest)}")


if __name__ == "__main__":
    main()
