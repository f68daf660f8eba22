"""How much memory a model will take, and how much there is. Knows sizes only, no processes."""

from __future__ import annotations

from pathlib import Path

from zhongshu.engine.settings import EngineSettings, EngineSpec, child_spec

_MIB = 1024 * 1024
# Python, llama.cpp's compute buffers and HTTP threads; measured 2026-11 on the three default models: 130-330 MiB.
_OVERHEAD = 256 * _MIB
# KV bytes per token for each byte of the file, where the spec does not say: between the 1.5B's 1/39,000 and a small
# model's 1/4,300, on the cautious side.
_FILE_BYTES_PER_KV_BYTE = 8_000
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_CGROUP_USED = Path("/sys/fs/cgroup/memory.current")


def estimate_bytes(spec: EngineSpec, settings: EngineSettings) -> int:
    """Weights + KV cache of all slots + prompt cache + overhead. Raises FileNotFoundError when the file is not there."""
    weights = Path(spec.path).stat().st_size
    if spec.kind == "embedding":
        return weights + _OVERHEAD
    per_token = spec.kv_bytes_per_token or max(1024, weights // _FILE_BYTES_PER_KV_BYTE)
    child = child_spec(spec, settings, key="")
    return weights + per_token * child.context_tokens * child.slots + settings.prompt_cache_bytes + _OVERHEAD


def budget_bytes(settings: EngineSettings) -> int:
    """What all models may take together: as set, or the share of what is free now (the container's limit counts)."""
    if settings.memory_bytes is not None:
        return settings.memory_bytes
    return int(_available_bytes() * settings.memory_share)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in fields if line.startswith("VmRSS:")), 0)


def _available_bytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    machine = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    try:
        limit = int(_CGROUP_LIMIT.read_text())
        used = int(_CGROUP_USED.read_text())
    except (OSError, ValueError):  # no cgroup, or "max"
        return machine
    return min(machine, max(0, limit - used))
