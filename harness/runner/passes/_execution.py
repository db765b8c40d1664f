"""Execution settings put into force: memory format, compilation, CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from harness.data import Split
from harness.errors import MeasuringError
from harness.probes.compiler import cpp_compiler
from harness.suite import Execution

COMPILED = {"compile": "default", "cuda_graphs": "reduce-overhead"}
"""Mode of a run -> mode of torch.compile; the second records CUDA graphs."""
UNCOMPILED = "unsupported: a compiled model runs uncompiled while its operations are watched"


def place_model(model: nn.Module, device: torch.device, execution: Execution) -> nn.Module:
    """Return the model on its device, its 4-D weights in the memory format asked for."""
    model = model.to(device)
    return model.to(memory_format=torch.channels_last) if execution.channels_last else model  # type: ignore[call-overload]


def place_split(split: Split, device: torch.device, execution: Execution) -> Split:
    """Return the samples on their device, images in the memory format asked for.

    Raises:
        MeasuringError: channels_last is asked for and the samples are no images.
    """
    split = split.to(device)
    if not execution.channels_last:
        return split
    if split.inputs.ndim != 4:
        shape = "×".join(map(str, split.inputs.shape[1:])) or "one number"
        raise MeasuringError(
            f"execution.channels_last: samples are {shape}, and only images (channels × height × width) have any; leave it out"
        )
    return replace(split, inputs=split.inputs.contiguous(memory_format=torch.channels_last))


def compile_parts(model: nn.Module, parts: Iterable[str], device: torch.device, mode: str) -> None:
    """Compile the model, and those of its parts that learn in turns, where the mode says so; weights keep their names.

    Raises:
        MeasuringError: the device has no CUDA graphs, or there is no compiler for its code.
    """
    if mode not in COMPILED:
        return
    check_compilable(device, mode)
    for part in {"", *parts}:
        module = model.get_submodule(part)
        # a function of ours, because the compiler passes over the forward methods of torch's own modules
        module.forward = torch.compile(_calling(module.forward), mode=COMPILED[mode])


def check_compilable(device: torch.device, mode: str) -> None:
    """Refuse a mode that the machine cannot do, before torch does so in the midst of a step, or takes another mode silently.

    Raises:
        MeasuringError: the device has no CUDA graphs, or there is no compiler for its code.
    """
    if mode == "cuda_graphs" and device.type != "cuda":
        raise MeasuringError(f'execution.mode = "{mode}": the device {device.type!r} has no CUDA graphs; use --device cuda')
    compiler, there = cpp_compiler()
    if device.type == "cpu" and not there:
        raise MeasuringError(
            f'execution.mode = "{mode}": torch.compile needs a C++ compiler, and {compiler!r} is not on PATH; '
            "install one (Debian, Ubuntu: apt install g++), or name yours in CXX"
        )


def _calling(forward: Callable[..., Any]) -> Callable[..., Any]:
    def compiled(*arguments: Any, **named: Any) -> Any:
        return forward(*arguments, **named)

    return compiled


def compile_seconds(mode: str) -> float | None:
    """Return the wall time that this process has spent compiling; None for a mode that compiles nothing.

    Raises:
        MeasuringError: nothing was compiled, so that the run would pass for what it is not.
    """
    if mode not in COMPILED:
        return None
    from torch._dynamo.utils import calculate_time_spent, counters

    if not counters["stats"].get("unique_graphs"):
        raise MeasuringError(
            f'execution.mode = "{mode}": nothing was compiled, for the task calls the model\'s insides; leave it out'
        )
    return float(calculate_time_spent()["total_wall_time"])
