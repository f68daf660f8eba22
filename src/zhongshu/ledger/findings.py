"""What a verification can find, as rows in both languages, and its report."""

from __future__ import annotations

import msgspec

_SENTENCES: dict[str, tuple[str, str]] = {
    "edited": (
        "frame {frame} was changed, or the one before it was removed",
        "第 {frame} 帧被修改，或其前一帧被删除",
    ),
    "reordered": ("frame {frame} stands in the wrong place", "第 {frame} 帧的位置不对"),
    "unreadable": ("it cannot be read on after frame {frame}: {why}", "第 {frame} 帧之后无法读取：{why}"),
    "header": ("its header does not fit: {why}", "段首不符：{why}"),
    "unlinked": (
        "its header does not follow from the segment before, which was changed, removed or exchanged",
        "段首与前一段不相接，前一段被修改、删除或替换",
    ),
    "count": (
        "{expected} records were here and {found} are left",
        "此处应有 {expected} 条记录，现有 {found} 条",
    ),
    "missing_segment": ("this segment was removed", "该段文件被删除"),
    "missing_stream": ("the whole stream was removed", "整个流被删除"),
    "truncated": (
        "checkpoint {seq} saw {expected} records here and {found} are left: the end was cut off",
        "检查点 {seq} 时此处有 {expected} 条记录，现有 {found} 条：尾部被截断",
    ),
    "rewritten": (
        "at frame {frame} the chain is not the one that checkpoint {seq} signed: it was written anew",
        "第 {frame} 帧处的链与检查点 {seq} 签名的不同：内容被重写",
    ),
    "clock": (
        "frame {frame} was written {seconds:.0f} s before the one in front of it: the clock was turned back",
        "第 {frame} 帧的写入时间比前一帧早 {seconds:.0f} 秒：时钟被回拨",
    ),
    "clock_checkpoint": (
        "frame {frame} claims a time that checkpoint {seq} contradicts by {seconds:.0f} s: the clock was changed",
        "第 {frame} 帧的时间与检查点 {seq} 相差 {seconds:.0f} 秒：时钟被更改",
    ),
    "checkpoint": ("checkpoint line {line} is not to be believed: {why}", "检查点第 {line} 行不可信：{why}"),
    "checkpoint_order": (
        "checkpoint line {line} does not follow from the one before: a line was changed, removed or moved",
        "检查点第 {line} 行与前一行不相接：有行被修改、删除或移动",
    ),
    "checkpoint_clock": (
        "checkpoint line {line} is {seconds:.0f} s older than the one before: the clock was turned back",
        "检查点第 {line} 行比前一行早 {seconds:.0f} 秒：时钟被回拨",
    ),
    "anchor_more": (
        "the anchor holds checkpoint {seq}, which is no longer here: the end was cut off",
        "锚点中有检查点 {seq}，本地已不存在：尾部被截断",
    ),
    "anchor_differs": (
        "checkpoint {seq} differs from the anchor's copy: the history was written anew",
        "检查点 {seq} 与锚点副本不同：历史被重写",
    ),
    "torn": (
        "the end after frame {frame} is torn, as a crash leaves it; it was never acknowledged",
        "第 {frame} 帧之后残缺，为崩溃所致，从未确认",
    ),
    "pruned": ("segments up to {segment} were pruned by retention", "第 {segment} 段及之前已按保存期限清理"),
    "no_checkpoint": (
        "there is no checkpoint yet: a cut-off end or a rewritten chain would not be seen",
        "尚无检查点：尾部截断或整链重写将无法发现",
    ),
    "uncovered": (
        "{records} records are newer than the last checkpoint and protected by their chain only",
        "{records} 条记录晚于最后的检查点，仅由哈希链保护",
    ),
}


class Finding(msgspec.Struct, frozen=True):
    """One thing found. file: relative to home; frame: -1 when it concerns the whole file."""

    kind: str
    file: str
    frame: int
    en: str
    zh: str


class Report(msgspec.Struct, frozen=True):
    """The outcome. `findings` are signs of tampering or damage; `notes` are not."""

    ok: bool
    streams: int
    segments: int
    records: int
    checkpoints: int
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]


def finding(kind: str, file: str, frame: int = -1, **facts: object) -> Finding:
    """Make a finding from its row."""
    en, zh = _SENTENCES[kind]
    facts["frame"] = frame
    return Finding(kind, file, frame, f"{file}: {en.format(**facts)}", f"{file}：{zh.format(**facts)}")
