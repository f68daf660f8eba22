"""Whether an answer is right: its text and the question in, yes or no out. Pure; asks no model.

Full-width digits and letters count as plain ones, and case, thousands separators and units do not matter. An answer
that names the truth and something else beside it is not right: it has not decided.
"""

from __future__ import annotations

import re
import unicodedata

from benchmarks.questions.kinds import Question

_NUMBER = re.compile(r"(?<![a-z0-9.])-?\d+(?:\.\d+)?")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SAID = re.compile(r"(?:\banswer\b(?: is|:)?|答案(?:是|为|:)?|####|\\boxed\{)([^\n]*)")
_DENIED = re.compile(r"(?:\bnot|n't|不|不是|并非|不属于)(?:\s+(?:a|an|the|in))?\s*[\"'“「*]*$", re.I)
_SPACE = re.compile(r"\s+")
_LONGEST_ANSWER = 200


def right(question: Question, answer: str) -> bool:
    """Whether this answers the question rightly."""
    said = plain(answer)
    match question.form:
        case "number":
            found = number_of(said)
            return found is not None and found == float(question.truth[0])
        case "label":
            return _named(said, question.truth) and not _named(said, question.others)
        case "text":
            short = len(said) <= _LONGEST_ANSWER
            return short and _named(said, question.truth) and not _named(said, question.others)


def plain(text: str) -> str:
    """The text in plain characters (NFKC), lower case, thousands separators and doubled spaces taken out."""
    text = unicodedata.normalize("NFKC", text).replace("−", "-")
    return _SPACE.sub(" ", _GROUPED.sub("", text)).strip().casefold()


def number_of(said: str) -> float | None:
    """The number that an answer comes to: what it calls its answer, the last time it does; else its last number."""
    marked = [rest.rpartition("=")[2] for rest in _SAID.findall(said)]
    for rest in reversed(marked):
        if found := _NUMBER.search(rest):
            return float(found[0])
    numbers = _NUMBER.findall(said)
    return float(numbers[-1]) if numbers else None


def _named(said: str, names: tuple[str, ...]) -> bool:
    return any(_stands(said, plain(name)) for name in names)


def _stands(said: str, name: str) -> bool:
    """Whether a name stands in a text by itself, not as a part of a longer word or number, and is not denied."""
    start = 0
    while (at := said.find(name, start)) >= 0:
        end = at + len(name)
        whole = not (
            _joins(said[at - 1 : at], name[0]) or _joins(name[-1], said[end : end + 1], said[end + 1 : end + 2])
        )
        if whole and not _DENIED.search(said[:at]):
            return True
        start = at + 1
    return False


def _joins(left: str, right: str, after: str = "") -> bool:
    """Whether two characters side by side belong to one word or number. Chinese characters are words of their own."""
    if not left or not right:
        return False
    if left.isdigit() and right == "." and after.isdigit():
        return True
    if left == "." and right.isdigit():
        return False
    return _latin(left) and _latin(right)


def _latin(sign: str) -> bool:
    return (sign.isalnum() and not "\u4e00" <= sign <= "\u9fff") or sign == "_"
