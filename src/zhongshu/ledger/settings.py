"""Settings of the ledger: what is kept, how long, and where its checkpoints are anchored."""

from __future__ import annotations

from typing import Literal

import msgspec

TextPolicy = Literal["encrypted", "digest", "none"]

LOCK_DAYS = 183
"""Nothing younger is ever deleted: 网络安全法 (amended 2026) asks for logs of at least six months."""


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How turns are kept.

    text: what becomes of prompts and answers - "encrypted" (AES-256-GCM, a key for each tenant and month), "digest"
    (a keyed HMAC that proves a text but does not hold it) or "none". retention_days: older segments are pruned; never
    under 183. segment_bytes: a journal file is closed at this size (and at midnight UTC). min_free_bytes: with less
    free space new turns are refused, so that those in flight can still be recorded. checkpoint_interval_s: how often
    the keeper signs the state of every stream. anchors: files, best on another machine's disk, that get a copy of
    each checkpoint. anchor_command: a program that gets each checkpoint line on its standard input.
    index_poll_s: how often the keeper looks for new records. clock_tolerance_s: a clock may step back this far
    before verification calls it turned back. keeper_nice: how far the keeper stands behind turns for the processor.
    """

    text: TextPolicy = "encrypted"
    retention_days: int = 366
    segment_bytes: int = 64 * 1024 * 1024
    min_free_bytes: int = 256 * 1024 * 1024
    checkpoint_interval_s: float = 60.0
    anchors: tuple[str, ...] = ()
    anchor_command: tuple[str, ...] = ()
    anchor_timeout_s: float = 10.0
    index_poll_s: float = 0.2
    clock_tolerance_s: float = 5.0
    keeper_nice: int = 19

    def __post_init__(self) -> None:
        if self.retention_days < LOCK_DAYS:
            raise ValueError(
                f"retention_days: records must be kept at least {LOCK_DAYS} days by law; give {LOCK_DAYS} or more",
                f"retention_days: 依法须至少保存 {LOCK_DAYS} 天；请填写 {LOCK_DAYS} 或以上",
            )
        if not 4096 <= self.segment_bytes <= 1 << 32:
            raise ValueError(
                "segment_bytes: give a size from 4096 to 4294967296",
                "segment_bytes: 请填写 4096 到 4294967296 之间的字节数",
            )
        if self.min_free_bytes < 0:
            raise ValueError("min_free_bytes: give 0 or more", "min_free_bytes: 请填写 0 或以上")
        for field in ("checkpoint_interval_s", "anchor_timeout_s", "index_poll_s"):
            if not getattr(self, field) > 0:
                raise ValueError(f"{field}: give seconds, more than 0", f"{field}: 请填写大于 0 的秒数")
        if not self.clock_tolerance_s >= 0:  # what is no number is not
            raise ValueError("clock_tolerance_s: give seconds, 0 or more", "clock_tolerance_s: 请填写 0 或以上的秒数")
        if not 0 <= self.keeper_nice <= 19:
            raise ValueError("keeper_nice: give a number from 0 to 19", "keeper_nice: 请填写 0 到 19 之间的数")
        if any(not path.startswith(("/", "~")) for path in self.anchors):
            raise ValueError(
                "anchors: give whole paths, starting with / or ~", "anchors: 请填写以 / 或 ~ 开头的完整路径"
            )
