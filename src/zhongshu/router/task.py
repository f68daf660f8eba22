"""What kind of task a text sets, by marks, in Chinese and English. Pure; reads a bounded part of the text.

The marks are words and shapes, not understanding: they say which kind of work is asked for, and which of them said so.
Only the beginning and the end are read, where people put what they want done.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from zhongshu.router import chinese
from zhongshu.router import patterns as p
from zhongshu.router.difficulty import reading
from zhongshu.router.patterns import Flags, seen, several_numbers

Task = Literal[
    "chat", "lookup", "transform", "writing", "code", "mathematics", "proof", "planning", "diagnosis", "choice"
]

NAMES_ZH: dict[Task, str] = {
    "chat": "闲聊",
    "lookup": "查询",
    "transform": "文本处理",
    "writing": "写作",
    "code": "代码",
    "mathematics": "数学",
    "proof": "证明",
    "planning": "规划",
    "diagnosis": "诊断",
    "choice": "选择题",
}

_HEAD, _TAIL = 1000, 400
_WHOLE = _HEAD + _TAIL
_NEAR_HEAD, _NEAR_TAIL = 240, 160
_SHORT = 60
_SPACES = re.compile(r"\s\s\s\s+")
_FEWEST_LINES, _SEVERAL = 2, 3
_ANSWERED = frozenset[str]({"lookup", "writing", "code"})
_UNMARKED = frozenset[str]({"chat", "transform", "choice"})

# Patterns that are asked for together: none is tried where no word of any is there.
_TRANSFORM = p.TRANSFORM.flags
_PROOF, _DIAGNOSIS, _WHY_BROKEN, _PLANNING = p.PROOF.flags, p.DIAGNOSIS.flags, p.WHY_BROKEN.flags, p.PLANNING.flags
_HARD = _TRANSFORM | _PROOF | _DIAGNOSIS | _WHY_BROKEN | _PLANNING
_WORKED = p.FORMULA.flags | p.WORKED.flags | p.RELATED.flags
_CODE = p.CODE.flags | p.DEEP_CODE.flags
_WRITING = p.WRITING.flags
_MADE = _WORKED | _CODE | _WRITING
_STEPS, _LIMITS, _WEIGHED, _DEEP_CODE = p.STEPS.flags, p.LIMITS.flags, p.WEIGHED.flags, p.DEEP_CODE.flags
_HARDER = _STEPS | _LIMITS | _WEIGHED | _DEEP_CODE


class Marked(msgspec.Struct, frozen=True, gc=False):
    """What was read off a text. text: the part that was read. marks: names of what makes it harder, in both languages,
    each with what it adds to the log odds that a general model is wrong."""

    task: Task
    text: str
    marks: tuple[tuple[str, str, float], ...] = ()


def part_read(text: str) -> str:
    """The part of a text that is read: its beginning and its end, long gaps closed. At most 1,401 characters."""
    if len(text) > _WHOLE:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    if "    " in text or not text.isprintable():  # white space other than the common one is not printable
        text = _SPACES.sub("\n", text)
    return text.strip()


def is_follow_up(text: str) -> bool:
    """Whether this only goes on from what was said before: "why?", "继续"."""
    text = text.strip()
    if len(text) > _SHORT:
        return False
    low = text.lower()
    return p.FOLLOW_UP.match(low if low.isascii() else chinese.plain(low)) is not None


def mark(text: str) -> Marked:
    """The kind of task, and what makes it harder than others of its kind."""
    text = part_read(text)
    if not text.isascii():
        text = chinese.plain(text)
    low = text.lower()
    flags = seen(low)
    task = _task(text, low, flags)
    return Marked(task, text, () if task in _UNMARKED else _marks(low, task, flags))


def _task(text: str, low: str, flags: Flags) -> Task:
    if flags & _HARD:
        hard = _hard(low, flags)
        if hard is not None:
            return hard
    if ("\n" in text or not text.isascii()) and _is_choice(text):
        return "choice"
    if flags & _MADE:
        if flags & _WORKED and _is_worked(low, flags):
            return "mathematics"
        if flags & _CODE and (p.CODE.found(low, flags) or p.DEEP_CODE.found(low, flags)):
            return "code"
        if flags & _WRITING and p.WRITING.found(low, flags):
            return "writing"
    return "chat" if len(low) <= _SHORT and p.CHAT.found(low, flags) and chinese.length(low) <= _SHORT else "lookup"


def _hard(low: str, flags: Flags) -> Task | None:
    """Work on a text; else what is hard whatever else it is."""
    if flags & _TRANSFORM and _is_transform(low):
        return "transform"
    if flags & _PROOF and p.PROOF.found(low, flags):
        return "proof"
    if flags & _DIAGNOSIS and p.DIAGNOSIS.found(low, flags):
        return "diagnosis"
    if flags & _WHY_BROKEN and p.WHY_BROKEN.found(low, flags):
        return "diagnosis"
    return "planning" if flags & _PLANNING and p.PLANNING.found(low, flags) else None


def _is_transform(text: str) -> bool:
    """An instruction to work on a text stands at either end; one that is set to work at once ("Prove that ...") is
    none, whatever follows."""
    if p.PROVE_NOW.match(text):
        return False
    search = p.TRANSFORM.pattern.search
    if search(text, 0, _NEAR_HEAD):
        return True
    return len(text) > _NEAR_HEAD and search(text, max(0, len(text) - _NEAR_TAIL)) is not None


def _is_choice(text: str) -> bool:
    """Options to choose from; each stands on a line of its own, but for Chinese ones."""
    several = text.count("\n") >= _FEWEST_LINES or (not text.isascii() and ("A" in text or "①" in text))
    return several and reading.parts(f"\n{text}").is_choice


def _is_worked(text: str, flags: Flags) -> bool:
    """Numbers and a question about them, or words of mathematics. A sum that is asked for bare is a look-up."""
    if p.FORMULA.found(text, flags):
        return True
    if not several_numbers(text) or (not text.isascii() and p.BARE_SUM.match(text)):
        return False
    return p.WORKED.found(text, flags) or (("?" in text or "？" in text) and p.RELATED.found(text, flags))


def _marks(text: str, task: Task, flags: Flags) -> tuple[tuple[str, str, float], ...]:
    questions = text.count("?") + (text.count("？") if "？" in text else 0)  # counting costs five times as much
    if not flags & _HARDER and questions < _SEVERAL:
        return ()
    marks: tuple[tuple[str, str, float], ...] = ()
    if flags & _STEPS and p.STEPS.found(text, flags):
        marks += (("step-by-step work", "要求分步", 1.5),)
    if flags & _LIMITS:
        limits = min(4, len(p.LIMITS.pattern.findall(text)))
        if limits >= 2:
            marks += ((f"{limits} conditions", f"{limits} 个条件", 0.35 * limits),)
    if questions >= _SEVERAL:
        marks += (("several questions", "多个问题", 0.4),)
    if flags & _WEIGHED and task in _ANSWERED and p.WEIGHED.found(text, flags):
        marks += (("weighing or reasons", "要求分析或理由", 0.4),)
    if task == "code" and flags & _DEEP_CODE and p.DEEP_CODE.found(text, flags):
        marks += (("intricate code", "复杂代码", 1.4),)
    return marks
