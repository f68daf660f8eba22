"""What is said and done about a model file that no process can be started with. Knows no process."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from zhongshu.core.problems import Problem
from zhongshu.engine.messages import unavailable
from zhongshu.engine.models import store
from zhongshu.engine.settings import EngineSpec

_log = logging.getLogger(__name__)


def unusable_file(spec: EngineSpec) -> Problem:
    """Of a file that is no whole GGUF, or not ours to read. Where it lies is for the log: a caller may be anybody. A
    damaged one does not count as verified any more, so that the next start fetches it again."""
    path = Path(spec.path)
    if not os.access(path, os.R_OK):
        _log.error("the file of %s cannot be read: %s", spec.model, path)
        return unavailable(
            spec.model,
            "its file cannot be read by the server; see `zhongshu doctor`",
            "服务无权读取模型文件；请运行 `zhongshu doctor` 查看",
        )
    _log.error("the file of %s is damaged: %s", spec.model, path)
    store.distrust(path)
    return unavailable(
        spec.model,
        f"its file is damaged; fetch it again with `zhongshu models pull {spec.model}`",
        f"模型文件已损坏；请用 `zhongshu models pull {spec.model}` 重新获取",
    )
