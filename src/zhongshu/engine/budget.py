"""How much memory a model will take, and how much there is. Knows sizes only, no processes."""

from __future__ import annotations

from pathlib import Path

from zhongshu.engine.models import gguf_header
from zhongshu.engine.models.fit import fit, of_header
from zhongshu.engine.settings import EngineSettings, EngineSpec, child_spec

# What `fit` does not count: HTTP threads and what the heap keeps between requests.
_MARGIN = 64 * 1024 * 1024
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_CGROUP_USED = Path("/sys/fs/cgroup/memory.current")


def estimate_bytes(spec: EngineSpec, settings: EngineSettings) -> int:
    """Everything that `zhongshu models fit` counts, and the prompt cache. Reads the file's header.

    Raises FileNotFoundError, and Fault("model_file_unreadable") for a file that is no whole GGUF.
    """
    path = Path(spec.path)
    path.stat()
    child = child_spec(spec, settings, key="")
    need = fit(of_header(gguf_header.read(path)), child.context_tokens, child.slots)
    cache = 0 if spec.kind == "embedding" else settings.prompt_cache_bytes
    return need.total + cache + _MARGIN


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
