"""How `zhongshu config reload` hears what became of it, and how it and `config workers` show which settings are run."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zhongshu.cli.output import err, out, print_table
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.app.complaints import Complaint
    from zhongshu.app.running import Running
    from zhongshu.app.standing import Standing, Stands

_LOOK_S = 0.05
# Workers that took what another one refused go back to what they had; that is quick, and said if it is not.
_GO_BACK_S = 2.0


def told_to_reload(server: Running, home: Path, within_s: float) -> tuple[Standing | None, bool]:
    """Have the server read its settings. How its workers stand then, and whether all that was asked is over; None for a
    server of an older version, which does not say."""
    from zhongshu.app import standing

    before = standing.read(home)
    os.kill(server.pid, signal.SIGHUP)
    if before is None:
        return None, False
    until_s, now = time.monotonic() + within_s, before
    with err.status(t("Waiting for the workers…", "正在等待各工作进程……")):
        while now.answered <= before.asked and time.monotonic() < until_s:
            time.sleep(_LOOK_S)
            now = standing.read(home) or now
        until_s = min(until_s, time.monotonic() + _GO_BACK_S)
        while now.apart and time.monotonic() < until_s:
            time.sleep(_LOOK_S)
            now = standing.read(home) or now
    return now, now.answered > before.asked


def plain(now: Standing) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "generation": now.generation,
        "digest": now.digest,
        "refused": [_plain(complaint) for complaint in now.refused],
        "waits_for_restart": list(now.waits),
        "workers": [
            {
                "name": worker.name,
                "generation": worker.generation,
                "in_force": worker.generation == now.generation,
                "refused": [_plain(complaint) for complaint in worker.refused],
            }
            for worker in now.workers
        ],
    }


def _plain(complaint: Complaint) -> dict[str, str]:
    return msgspec.structs.asdict(complaint)


def show_workers(now: Standing) -> None:
    """A row for each worker."""
    print_table(
        [t("worker", "工作进程"), t("settings", "设置代次"), t("state", "状态")],
        [[worker.name, worker.generation or "-", _state(now, worker)] for worker in now.workers],
    )


def _state(now: Standing, worker: Stands) -> str:
    if worker.generation == now.generation:
        return t("in force", "生效中")
    if worker.generation == 0:
        return t("not ready", "未就绪")
    return t("other settings than those in force", "与生效设置不同")


def show_refused(complaints: tuple[Complaint, ...]) -> None:
    """Why, on standard error."""
    for complaint in complaints:
        err.print(complaint.sentence(chinese=chinese()), style="red", markup=False, highlight=False, soft_wrap=True)


def show_waits(now: Standing) -> None:
    """What waits for a restart."""
    if now.waits:
        names = ", ".join(now.waits)
        said = t(f"Only after a restart: {names}", f"重启后才生效：{names}")
        out.print(said, markup=False, highlight=False, soft_wrap=True)
