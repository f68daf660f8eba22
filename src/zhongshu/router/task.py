"""What kind of task a text sets, by marks, in Chinese and English. Pure; reads a bounded part of the text.

The marks are words and shapes, not understanding: they say which kind of work is asked for, and which of them said so.
Only the beginning and the end are read, where people put what they want done.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Literal, NamedTuple

from zhongshu.router import patterns as p
from zhongshu.router.difficulty import reading
from zhongshu.router.patterns import Seen, seen

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
_NEAR_HEAD, _NEAR_TAIL = 240, 160
_SHORT = 60
_SPACES = re.compile(r"\s{4,}")
_FEWEST_LINES, _FEWEST_NUMBERS, _SEVERAL = 2, 2, 3
_UNMARKED = frozenset[str]({"chat", "transform", "choice"})

# Patterns that are asked for together: none is tried where no word of any is there.
_HARD = p.TRANSFORM.flag | p.PROOF.flag | p.DIAGNOSIS.flag | p.WHY_BROKEN.flag | p.PLANNING.flag
_WORKED = p.FORMULA.flag | p.WORKED.flag | p.RELATED.flag
_CODE = p.CODE.flag | p.DEEP_CODE.flag
_HARDER = p.STEPS.flag | p.LIMITS.flag | p.WEIGHED.flag | p.DEEP_CODE.flag


class Marked(NamedTuple):
    """What was read off a text. text: the part that was read. marks: names of what makes it harder, in both languages,
    each with what it adds to the log odds that a general model is wrong."""

    task: Task
    text: str
    marks: tuple[tuple[str, str, float], ...] = ()


def part_read(text: str) -> str:
    """The part of a text that is read: its beginning and its end, long gaps closed. At most 1,401 characters."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    if "    " in text or not text.isprintable():  # white space other than the common one is not printable
        text = _SPACES.sub("\n", text)
    return text.strip()


def is_follow_up(text: str) -> bool:
    """Whether this only goes on from what was said before: "why?", "继续"."""
    text = text.strip()
    return len(text) <= _SHORT and p.FOLLOW_UP.match(text.lower()) is not None


def mark(text: str) -> Marked:
    """The kind of task, and what makes it harder than others of its kind."""
    text = part_read(text)
    low = text.lower()
    words = seen(low)
    task = _task(text, low, words)
    return Marked(task, text, () if task in _UNMARKED else _marks(low, task, words))


def _task(text: str, low: str, words: Seen) -> Task:
    flags = words.sure | words.maybe
    if flags & _HARD:
        hard = _hard(low, words)
        if hard is not None:
            return hard
    if _is_choice(text):
        return "choice"
    if flags & _WORKED and _is_worked(low, words):
        return "mathematics"
    if flags & _CODE and (words.has(p.CODE, low) or words.has(p.DEEP_CODE, low)):
        return "code"
    if flags & p.WRITING.flag and words.has(p.WRITING, low):
        return "writing"
    return "chat" if len(low) <= _SHORT and p.CHAT.match(low) else "lookup"


def _hard(low: str, words: Seen) -> Task | None:
    """Work on a text; else what is hard whatever else it is."""
    if _is_transform(low, words):
        return "transform"
    if words.has(p.PROOF, low):
        return "proof"
    if words.has(p.DIAGNOSIS, low) or words.has(p.WHY_BROKEN, low):
        return "diagnosis"
    return "planning" if words.has(p.PLANNING, low) else None


def _is_transform(text: str, words: Seen) -> bool:
    """An instruction to work on a text stands at either end; one that is set to work at once ("Prove that ...") is
    none, whatever follows."""
    if not words.maybe & p.TRANSFORM.flag or p.PROVE_NOW.match(text):
        return False
    search = p.TRANSFORM.pattern.search
    if search(text, 0, _NEAR_HEAD):
        return True
    return len(text) > _NEAR_HEAD and search(text, max(0, len(text) - _NEAR_TAIL)) is not None


def _is_choice(text: str) -> bool:
    """Options to choose from; each stands on a line of its own."""
    return text.count("\n") >= _FEWEST_LINES and reading.parts(f"\n{text}").is_choice


def _is_worked(text: str, words: Seen) -> bool:
    """Numbers and a question about them, or words of mathematics. A sum that is asked for bare is a look-up."""
    if words.has(p.FORMULA, text):
        return True
    if words.few_numbers or len(list(islice(p.QUANTITY.finditer(text), _FEWEST_NUMBERS))) < _FEWEST_NUMBERS:
        return False
    return words.has(p.WORKED, text) or (("?" in text or "？" in text) and words.has(p.RELATED, text))


def _marks(text: str, task: Task, words: Seen) -> tuple[tuple[str, str, float], ...]:
    questions = text.count("?") + text.count("？")
    flags = words.sure | words.maybe
    if not flags & _HARDER and questions < _SEVERAL:
        return ()
    marks: list[tuple[str, str, float]] = []
    if words.has(p.STEPS, text):
        marks.append(("step-by-step work", "要求分步", 1.5))
    limits = min(4, len(p.LIMITS.pattern.findall(text))) if flags & p.LIMITS.flag else 0
    if limits >= 2:
        marks.append((f"{limits} conditions", f"{limits} 个条件", 0.35 * limits))
    if questions >= _SEVERAL:
        marks.append(("several questions", "多个问题", 0.4))
    if task in ("lookup", "writing", "code") and words.has(p.WEIGHED, text):
        marks.append(("weighing or reasons", "要求分析或理由", 0.4))
    if task == "code" and words.has(p.DEEP_CODE, text):
        marks.append(("intricate code", "复杂代码", 1.4))
    return tuple(marks)
