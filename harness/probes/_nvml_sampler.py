"""Samples one GPU until stdin closes: `python -m harness.probes._nvml_sampler UUID PID PERIOD`.

It writes messages on stdout, one JSON object a line: {"uuid": ...} as the driver spells it, {"sample": readings},
{"refused": {reading: reason}} as new ones come, and {"reason": ...} when sampling ends before it was asked to. Stdin also
closes when the parent dies, however it dies.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator

import pynvml

from harness.probes._nvml_read import REFUSED, Gpu

LAST_SAMPLE_SECONDS = 1.0
"""Time for the sample under way and a last one; a driver call that hangs is left to the system to end."""


def main(arguments: list[str]) -> None:
    """Sample the GPU that the arguments name."""
    uuid, pid, period = arguments
    over = threading.Event()
    threading.Thread(target=_end_with_stdin, args=(over,), daemon=True).start()
    try:
        pynvml.nvmlInit()
    except REFUSED as error:
        return _say(reason=f"no_driver: {error}")
    try:
        _sample(Gpu(uuid, int(pid)), float(period), over)
    except REFUSED as error:
        _say(reason=f"unsupported: {error}")


def _end_with_stdin(over: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    over.set()
    time.sleep(LAST_SAMPLE_SECONDS)
    os._exit(0)


def _sample(gpu: Gpu, period: float, over: threading.Event) -> None:
    """Write a sample in each period, and a last one when it is over, which bounds what was still going on."""
    told = 0
    _say(uuid=gpu.uuid)
    for _ in _ticks(period, over):
        _say(sample=gpu.read())
        if len(gpu.refused) > told:
            told = len(gpu.refused)
            _say(refused=gpu.refused)
    _say(sample=gpu.read())


def _ticks(period: float, over: threading.Event) -> Iterator[None]:
    """Yield at start, start + period, start + 2 periods …; moments that have passed by then are left out, not made up for."""
    start, count = time.monotonic(), 0
    while not over.wait(max(start + count * period - time.monotonic(), 0)):
        yield
        count = max(count, int((time.monotonic() - start) / period)) + 1


def _say(**message: object) -> None:
    # one write a line, past Python's buffers: what was said is there, however the process ends
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
