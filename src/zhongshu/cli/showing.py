"""How an answer looks in a terminal: its text plain, thoughts dimmed, one dim line of facts, and the AI label.

Only the answer's text goes to standard output, so that it can be piped; everything beside it goes to standard error
(the label too, unless standard output is a terminal).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec

from zhongshu.cli.output import err, out
from zhongshu.cli.replies import Extra, Piece, ProgressFacts
from zhongshu.cli.words import chinese, t


class Shown(msgspec.Struct, frozen=True):
    """What was shown, to be remembered or saved."""

    text: str
    thought: str
    extra: Extra | None


def stream(pieces: Iterable[Piece]) -> Shown:
    """Show an answer as it comes."""
    text: list[str] = []
    thought: list[str] = []
    extra: Extra | None = None
    for piece in pieces:
        if piece.progress:
            _dim(progress(piece.progress, begun=bool(thought)))
        if piece.thought:
            thought.append(piece.thought)
            _dim(piece.thought)
        if piece.tool:
            _dim(piece.tool)
        if piece.text:
            if thought and not text:
                _dim("\n\n")
            text.append(piece.text)
            _plain(piece.text)
        extra = piece.extra or extra
    return _end(Shown("".join(text), "".join(thought), extra))


def reply(piece: Piece) -> Shown:
    """Show a whole answer."""
    return stream((piece,))


_STAGES = {
    "draft": t("drafting", "起草"),
    "check": t("checking", "检查"),
    "escalate": t("asking the reasoning model", "改由推理模型回答"),
    "rewrite": t("stating the task", "整理任务"),
    "solve": t("solving", "求解"),
    "phrase": t("phrasing the answer", "组织回答"),
    "repair": t("repairing", "修订"),
}


def progress(now: ProgressFacts, *, begun: bool) -> str:
    """One line: what an assistant does now. begun: something stands before it in the same line."""
    line = f"… {_STAGES.get(now.stage, now.stage)} ({now.model})\n"
    return f"\n\n{line}" if begun else line


def facts(extra: Extra) -> str:
    """One line: who answered, why, what it took."""
    about = "~" if extra.usage.estimated else ""
    tokens = f"{about}{extra.usage.prompt} + {about}{extra.usage.completion}"
    spent = extra.cost.amount not in ("", "0")
    took = extra.overhead_ms
    parts = (
        extra.route.release,
        extra.route.reason_zh if chinese() else extra.route.reason,
        t(f"{tokens} tokens", f"{tokens} 词元"),
        f"{extra.cost.amount} {extra.cost.currency}" if spent else "",
        "" if took is None else t(f"overhead {took:.1f} ms", f"自身耗时 {took:.1f} 毫秒"),
        extra.trace,
    )
    return " · ".join(part for part in parts if part)


def label(extra: Extra) -> str:
    """The explicit AI label in the user's language, or "" when the answer carries none."""
    if extra.label is None or not extra.label.explicit:
        return ""
    return extra.label.text_zh if chinese() else extra.label.text


def _end(shown: Shown) -> Shown:
    _plain("" if shown.text.endswith("\n") else "\n")
    if shown.extra is None:
        return shown
    words = label(shown.extra)
    if words and not _says(shown):
        (out if sys.stdout.isatty() else err).print(words, style="dim", markup=False, highlight=False)
    _dim(facts(shown.extra) + "\n")
    return shown


def _says(shown: Shown) -> bool:
    """Whether the answer holds the label's words itself, in either language."""
    mark = shown.extra and shown.extra.label
    return bool(mark) and any(words and words in shown.text for words in (mark.text, mark.text_zh))


def _plain(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _dim(text: str) -> None:
    err.print(text, end="", style="dim italic", markup=False, highlight=False, soft_wrap=True)
