"""The machine: Python, processor, memory, disk, clock."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from zhongshu.app.checkup.finding import Finding, fail, ok, warn
from zhongshu.app.preparing import engine_specs
from zhongshu.app.settings import Settings
from zhongshu.core.problems import Fault
from zhongshu.engine.budget import budget_bytes, estimate_bytes

_MB = 1_000_000
_NEEDED_PYTHON = (3, 11)
_CPUINFO = Path("/proc/cpuinfo")
# The wheel of llama.cpp is built for these; without them a model's process dies on its first instruction.
_INSTRUCTIONS = ("avx", "avx2", "fma", "f16c")
_LITTLE_DISK_BYTES = 1_000 * _MB
# When this check was written: a clock before it is wrong.
_WRITTEN = datetime(2026, 11, 21, tzinfo=UTC)


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Every check of this part."""
    yield _python()
    yield _processor()
    yield from _memory(settings)
    yield _disk("disk of the home", "状态目录所在磁盘", settings.home, settings.ledger.min_free_bytes)
    yield _disk("disk of the models", "模型所在磁盘", settings.model_sources.folder(), 0)
    yield _clock()


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < _NEEDED_PYTHON:
        return fail("python", version, version, "Install Python 3.11 or newer.", "请安装 Python 3.11 或更新版本。")
    return ok("python", version, version)


def _processor() -> Finding:
    cores = len(os.sched_getaffinity(0))
    en, zh = f"{cores} cores, {platform.machine()}", f"{cores} 核，{platform.machine()}"
    if platform.machine() != "x86_64" or not _CPUINFO.exists():
        return ok("processor", en, zh)
    flags = next((line for line in _CPUINFO.read_text().splitlines() if line.startswith("flags")), "").split()
    missing = ", ".join(name for name in _INSTRUCTIONS if name not in flags)
    if missing:
        return fail(
            "processor",
            f"{en}; without {missing}",
            f"{zh}；缺少 {missing}",
            'Local models need these instructions; set profile = "none" and use upstreams, or another machine.',
            "本地模型需要这些指令；请设 profile = “none” 并使用上游，或换一台机器。",
        )
    return ok("processor", f"{en}, AVX2", f"{zh}，AVX2")


def _memory(settings: Settings) -> Iterator[Finding]:
    needs: list[int] = []
    for spec in engine_specs(settings):
        try:
            needs.append(estimate_bytes(spec, settings.engine))
        except Fault as damaged:
            mend = f"zhongshu models verify {spec.model}; zhongshu models pull {spec.model}"
            yield fail("models", damaged.problem.message, damaged.problem.message_zh, mend, mend)
        except OSError:  # the check of the models says which, and why
            continue
    yield _room(settings, needs)


def _room(settings: Settings, needs: list[int]) -> Finding:
    budget = budget_bytes(settings.engine)
    en = f"{budget // _MB} MB for local models, which need {sum(needs) // _MB} MB when all are loaded"
    zh = f"本地模型可用 {budget // _MB} MB；全部加载需 {sum(needs) // _MB} MB"
    if needs and max(needs) > budget:
        return fail(
            "memory",
            en,
            zh,
            'Free memory, lower engine.slots or engine.context_tokens, or use profile = "tiny".',
            "请释放内存、调低 engine.slots 或 engine.context_tokens，或使用 profile = “tiny”。",
        )
    if sum(needs) > budget:
        return warn(
            "memory",
            en,
            zh,
            "Models will be unloaded and loaded in turns, which takes seconds; more memory avoids it.",
            "模型将轮流装卸，每次需数秒；增加内存可避免。",
        )
    return ok("memory", en, zh)


def _disk(name: str, name_zh: str, place: Path, least: int) -> Finding:
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    en, zh = f"{name}: {free // _MB} MB free ({there})", f"{name_zh}：剩余 {free // _MB} MB（{there}）"
    mend = (
        "Free some space, or move it (ZHONGSHU_HOME, ZHONGSHU_MODELS).",
        "请释放空间，或改放他处（ZHONGSHU_HOME、ZHONGSHU_MODELS）。",
    )
    if free <= least:
        return fail("disk", f"{en}; new turns are refused below {least // _MB} MB", zh, *mend)
    return warn("disk", en, zh, *mend) if free < least + _LITTLE_DISK_BYTES else ok("disk", en, zh)


def _clock() -> Finding:
    now = datetime.fromtimestamp(time.time(), UTC)
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < _WRITTEN:
        return fail(
            "clock",
            f"{text}: before this program was written",
            f"{text}：早于本程序的编写时间",
            "Set the clock and keep it right (chrony, systemd-timesyncd); records carry its time.",
            "请校准时钟并保持同步（chrony、systemd-timesyncd）；记录使用该时间。",
        )
    return ok("clock", text, text)
