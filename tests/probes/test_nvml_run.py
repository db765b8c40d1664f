"""A whole run that says it is on a GPU: sampled beside it, in its tables and its metrics. The GPU is the stand-in driver's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.runner.execute import Ran

UUID = "GPU-11111111-2222-3333-4444-555555555555"
MODEL = '''"""A linear classifier that takes a tenth of a second a step, and announces a GPU as a run on CUDA does."""
import json, os, time
from pathlib import Path
from torch import nn
from harness.models import Model

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        time.sleep(0.1 * self.training)
        return self.linear(x)

def build(spec):
    with open(os.environ["NVML_STUB_SCRIPT"], "a") as script:
        script.write(f"proc UUID {os.getpid()} 4096\\n")
    folder = Path(os.readlink("/proc/self/fd/1")).parent
    with (folder / "progress.jsonl").open("a") as progress:
        progress.write(json.dumps({"gpu": "UUID"}) + "\\n")
    samples = folder / "gpu_samples.jsonl"
    while not (samples.exists() and "sample" in samples.read_text()):
        time.sleep(0.01)
    return Net()

MODEL = Model(build=build)
'''


def test_a_run_is_sampled_from_outside(
    write_project: Callable[..., None], run_mine: Callable[..., Ran], scripted: Callable[[str], None], project_folder: Path
) -> None:
    """What the driver says of the announced GPU and of the run's own process is what the run's tables and metrics hold."""
    write_project({"good": ""})
    (project_folder / "bench" / "models" / "good.py").write_text(MODEL.replace("UUID", UUID))
    scripted(f"gpu H200 {UUID} 1000000\nat {UUID} 0 util=87 used=5000 power=300 sm=1.98e9 throttle=4\n")

    ran = run_mine(seeds=(1,))

    assert ran.statuses == {"ok": 1}
    samples = ran.run_set.table("samples")
    assert {UUID} == set(samples["device_uuid"])
    first = samples.iloc[0]
    readings = {"utilization": 87, "memory_used_bytes": 5000, "process_memory_bytes": 4096, "power_watts": 300}
    assert readings | {"throttle_reasons": 4} == {name: first[name] for name in (*readings, "throttle_reasons")}
    measured = ran.run_set.table("measurements").set_index("metric")
    values = {"gpu_utilization": 87.0, "gpu_power": 300.0, "gpu_memory_process": 4096.0, "gpu_sm_clock": 1.98e9}
    assert values | {"gpu_throttled": 100.0} == {name: measured["value"][name] for name in (*values, "gpu_throttled")}
    assert measured["n"]["gpu_utilization"] >= 3
    assert "unsupported: Not Supported" == measured["null_reason"]["gpu_temperature"]
