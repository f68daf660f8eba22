"""Thinking on models that are asked for it in words: what they are told, how long they may, and where thought ends.

Thought is a phase of its own: the prompt goes on with `<think>`, and ends at the model's `</think>`, its own end, or
the budget, or where its watch finds that it gets nowhere; then we close it and the model goes on with the answer.
Knows no wire.
"""

from __future__ import annotations

import re
from typing import Literal

from zhongshu.upstreams.embedded.guard import Guard
from zhongshu.upstreams.embedded.stops import beginning

Ended = Literal["", "repeating", "circling", "settled", "budget"]
"""Why a thought was closed by us; empty when the model closed it itself."""

BEFORE = "<think>\n"
AFTER = "\n</think>\n\n"
STOPS = ("</think>", "<think>", "</thought>")
_MARKS = ("<think>", "</think>")
# Tokens. At 20 tokens a second, what a reader would wait for: 5, 15, 30 and 60 seconds.
_NEARLY = 0.9
_POINT = re.compile(r"\d\.$")
"""The end of a sentence, or the point of a number: what follows tells."""
_SENTENCE_ENDS = ("\n", "。", "！", "？", ".", "!", "?")
_BUDGETS = {"minimal": 96, "low": 256, "medium": 640, "high": 1280}

_ASK = (
    "Before the answer, think inside <think></think>: a few short numbered steps, each on one line, and check the "
    "result. Then give the answer itself after </think>, short and complete, without repeating the steps."
)
_ASK_ZH = (
    "回答之前，先在<think></think>中思考：写出几个简短的编号步骤，每步一行，并核对结果。"
    "然后在</think>之后直接给出简洁完整的答案，不要重复步骤。"
)


def budget(effort: str | None, context_tokens: int) -> int:
    """Tokens that may be spent on thought, at most a third of the window; 0 for none."""
    return min(_BUDGETS.get(effort or "off", 0), context_tokens // 3)


def instruction(zh: bool) -> str:
    """What the system prompt says of thinking."""
    return _ASK_ZH if zh else _ASK


class Watch:
    """One thought's guard, and its budget: a thought that has nearly spent it is closed where a sentence ends, so that
    it does not break off in the middle of one. budget: tokens."""

    def __init__(self, budget: int) -> None:
        self._guard = Guard()
        self._nearly = int(budget * _NEARLY)
        self._read: list[str] = []
        self._ended_in_point = False

    def feed(self, text: str, tokens: int) -> Ended:
        """Whether to go on. tokens: of the thought so far, this piece included."""
        reason = self._guard.feed(text)
        if reason is None and self._ended_in_point and text[:1].isspace():
            return "budget"  # and this piece is not begun
        self._read.append(text)
        if reason is None and tokens >= self._nearly and text.rstrip(" ").endswith(_SENTENCE_ENDS):
            self._ended_in_point = _POINT.search("".join(self._read[-2:])) is not None
            return "" if self._ended_in_point else "budget"
        self._ended_in_point = False
        return reason or ""

    def kept(self) -> str:
        """What of the thought is worth answering from."""
        text = "".join(self._read)
        return text[: self._guard.kept] if self._guard.reason else text


class MarkFilter:
    """Takes `<think>` and `</think>` out of an answer that is still arriving, and what stands between them.

    Withholds only what may be the beginning of a mark.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str, *, last: bool = False) -> str:
        """The text that may go out now."""
        text, self._held = self._held + piece, ""
        out: list[str] = []
        while text:
            at, mark = min(((i, m) for m in _MARKS if (i := text.find(m)) >= 0), default=(-1, ""))
            if at < 0:
                keep = 0 if last else beginning(text, _MARKS)
                self._held = text[len(text) - keep :]
                out.append("" if self._inside else text[: len(text) - keep])
                break
            out.append("" if self._inside else text[:at])
            self._inside = mark == _MARKS[0]
            text = text[at + len(mark) :]
        return "".join(out)
