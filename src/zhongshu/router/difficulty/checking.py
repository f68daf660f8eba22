"""Features of a draft answer beside its question: is its arithmetic right, do its numbers come from somewhere, does it
end in an answer? A cascade reads them to decide whether the draft can stand. No model is asked; about a millisecond.

Pure functions of the two texts; knows no label. The order of NAMES is the order of the numbers.
"""

from __future__ import annotations

import bisect
import math
import re
from typing import NamedTuple

from zhongshu.router.difficulty.arithmetic import NUMBER, Step, notes, numbers, steps
from zhongshu.router.difficulty.arithmetic import number as parsed

_READ_AT_MOST = 12_000
_FINAL = re.compile(r"####\s*+(?:\$\s*+)?(-?[\d,]+(?:\.\d+)?)(.*)")
_SAID = re.compile(r"(?:answer is|answer:|答案是|答案为|答案：)\s*+(?:\$\s*+)?(-?[\d,]+(?:\.\d+)?)", re.I)
_OPERAND = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SENTENCES = re.compile(r"(?<=[.!?。！？])\s*")
_HEDGE = re.compile(
    r"\b(however|but|since|assume|assuming|wait|mistake|incorrect|round)\b|但是|然而|假设|等等|错误|四舍五入", re.I
)
_DOUBT = re.compile(
    r"\b(however|since|assume|assuming|wait|mistake|incorrect|round|not possible|cannot|can't|unclear|so we)\b"
    r"|不可能|无法|不清楚",
    re.I,
)
_ALGEBRA = re.compile(r"\blet\b|\bx\b|equation|solve|设|方程", re.I)

# Numbers that a question gives in words.
_WORDED = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "dozen": 12, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "hundred": 100, "half": 0.5, "twice": 2, "double": 2, "triple": 3, "thrice": 3, "third": 3, "quarter": 4,
    "quarters": 4, "week": 7, "weeks": 7, "day": 24, "days": 24, "hour": 60, "hours": 60, "year": 12, "years": 12,
    "minute": 60, "minutes": 60, "percent": 100,
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")
_CALENDAR = {"week", "weeks", "day", "days", "hour", "hours", "year", "years", "minute", "minutes", "percent"}
_COUNTING = frozenset(_WORDED) - _CALENDAR - {"one"}

NAMES: tuple[str, ...] = (
    # how it ends
    "has_final", "after_final", "after_final_characters", "finals", "final_is_last_number", "final_is_last_note",
    "final_in_body", "final_is_whole", "final_negative", "final_in_question", "final_size", "ends_whole",
    "has_mark", "after_mark_characters", "how_many_but_not_whole", "final_below_largest", "final_zero",
    "final_is_last_result", "final_is_a_result", "final_from_nowhere", "final_has_point", "final_copied",
    # its arithmetic
    "notes", "notes_wrong", "notes_right", "notes_unfinished", "steps", "steps_wrong", "steps_rounded", "steps_right",
    "results_not_whole", "results_negative", "divisions", "products", "differences", "sums",
    # where its numbers come from
    "operands_known", "operands_from_nowhere", "share_from_nowhere", "question_numbers_used", "question_numbers_unused",
    "question_numbers_not_in_steps", "share_not_in_steps", "results_unused", "new_numbers", "steps_a_question_number",
    "steps_beyond_numbers",
    # how it is written
    "characters", "lines", "numbers", "length_ratio", "numbers_not_whole", "equations_in_words", "fractions", "hedges",
    "doubts", "algebra",
)  # fmt: skip


class _Draft(NamedTuple):
    question: str
    text: str
    body: str
    final: float | None
    finals: list[tuple[str, str]]
    asked: list[float]
    said: list[float]
    notes: list[Step]
    steps: list[Step]


def check(question: str, draft: str) -> list[float]:
    """The features of a draft, in the order of NAMES."""
    read = _read(question[:_READ_AT_MOST], draft[:_READ_AT_MOST])
    return [float(value) for value in (*_ending(read), *_arithmetic(read), *_sources(read), *_manner(read))]


def _read(question: str, draft: str) -> _Draft:
    finals: list[tuple[str, str]] = _FINAL.findall(draft) or [(said, "") for said in _SAID.findall(draft)]
    body = draft.split("####")[0]
    return _Draft(
        question,
        draft,
        body,
        parsed(finals[0][0]) if finals else None,
        finals,
        numbers(question),
        numbers(body),
        notes(draft),
        steps(body),
    )


def _ending(read: _Draft) -> list[float]:
    final, finals, said = read.final, read.finals, read.said
    results = [step.value for step in read.steps]
    here = final is not None
    tail = finals[-1][1].strip() if finals else ""
    asks_count = "how many" in (_SENTENCES.split(read.question.strip())[-1] or read.question).lower()
    return [
        here,
        bool(tail),
        len(tail),
        len(finals),
        here and bool(said) and _same(final, said[-1]),
        here and bool(read.notes) and _same(final, read.notes[-1].value),
        here and final in said,
        here and final.is_integer(),
        here and final < 0,
        here and final in read.asked,
        math.log1p(abs(final)) if here else -1,
        read.text.strip()[-1:] in tuple(".!?。0123456789"),
        "####" in read.text,
        math.log1p(len(read.text.split("####")[-1])) if "####" in read.text else -1,
        here and asks_count and not final.is_integer(),
        here and bool(results) and final < max(results),
        here and bool(results) and final == 0,
        here and bool(results) and _same(final, results[-1]),
        here and final in results[:-1],
        here and final not in results,
        here and "." in finals[0][0],
        here and final in read.asked and final not in results,
    ]


def _arithmetic(read: _Draft) -> list[float]:
    made, noted = read.steps, read.notes
    wrong, rounded = sum(step.wrong for step in made), sum(step.rounded for step in made)
    known = sum(step.true is not None for step in made)
    wrong_notes = sum(step.wrong for step in noted)
    return [
        len(noted),
        wrong_notes,
        sum(step.true is not None for step in noted) - wrong_notes,
        "<<" in read.text[read.text.rfind(">") + 1 :],
        len(made),
        wrong,
        rounded,
        known - wrong - rounded,
        sum(not step.value.is_integer() for step in made),
        sum(step.value < 0 for step in made),
        sum("/" in step.left or "÷" in step.left for step in made),
        sum(any(sign in step.left for sign in "*x×") for step in made),
        sum("-" in step.left.strip()[1:] for step in made),
        sum("+" in step.left for step in made),
    ]


def _sources(read: _Draft) -> list[float]:
    asked, distinct = read.asked, set(read.asked)
    words: list[str] = _WORD.findall(read.question.lower())
    given = distinct | {_WORDED[word] for word in words if word in _WORDED} | {1, 2, 100}
    derived = sorted(made for n in distinct for made in (n / 100, n * 100, 100 - n, 1 - n / 100, 1 + n / 100))
    used: set[float] = set()
    said, results, earlier = set(read.said), [step.value for step in read.steps], set[float]()
    known = unknown = 0
    for step in read.steps:
        for operand in map(parsed, _OPERAND.findall(step.left)):
            if operand is None:
                continue
            used.add(operand)
            if operand in given or operand in earlier or _near(operand, derived):
                known += 1
            else:
                unknown += 1
        earlier.add(step.value)
    return [
        known,
        unknown,
        unknown / max(1, known + unknown),
        sum(n in said for n in asked) / max(1, len(asked)),
        sum(n not in said for n in asked),
        len(distinct - used),
        len(distinct - used) / max(1, len(distinct)),
        sum(n not in used for n in results[:-1]),
        len(said - distinct),
        len(results) / max(1, len(distinct)),
        len(results) - len(distinct) - sum(word in _COUNTING for word in words),
    ]


def _manner(read: _Draft) -> list[float]:
    return [
        math.log1p(len(read.text)),
        sum(bool(line.strip()) for line in read.body.split("\n")),
        len(read.said),
        len(read.text) / max(1, len(read.question)),
        sum(not n.is_integer() for n in read.said),
        len(re.findall(r"[a-z] ?= ?", read.text)),
        len(re.findall(r"\d/\d", read.text)),
        len(_HEDGE.findall(read.text)),
        len(_DOUBT.findall(read.text)),
        len(_ALGEBRA.findall(read.text)),
    ]


def _same(one: float | None, other: float) -> bool:
    return one is not None and abs(one - other) < 1e-6


def _near(one: float, sorted_others: list[float]) -> bool:
    """Whether any of the others, in order, is the same."""
    at = bisect.bisect_left(sorted_others, one)
    return any(_same(other, one) for other in sorted_others[max(0, at - 1) : at + 1])


__all__ = ["NAMES", "NUMBER", "check"]
