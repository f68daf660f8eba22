"""Whether a thought has reached its answer and only says it again: sentence in, yes or no out.

A sentence that names an answer ("so the answer is 42", "答案是 42", a box) weighs 2; one that comes to the same figure by
"therefore", or confirms it, weighs 1. Another answer, or a word that something is wrong, starts the count anew. What
stands under a condition, asks, or answers a part of the question does not count: there, the same figure may rightly
come several times.
"""

from __future__ import annotations

import re

_ENOUGH = 6
_NAMED, _MEANT = 2, 1
_LONGEST_ANSWER = 6

NAMES = re.compile(
    r"\banswer\b[^.!\n]{0,40}?(?:\bis\b|\bequals\b|\bmust be\b|\bshould be\b|[:=])\s*(?P<en>.+)"
    r"|\bfinal\s+(?:result|value|total)\b[^.!\n]{0,40}?(?:\bis\b|[:=])\s*(?P<final>.+)"
    r"|(?:答案|最终结果|最后结果)[^。！\n]{0,12}?(?:应该是|应为|等于|是|为|[:：=])\s*(?P<zh>.+)"
    r"|\\boxed\{(?P<box>[^}]*)\}",
    re.I,
)
_CONCLUDES = re.compile(r"^\W*(?:so|thus|therefore|hence|in total|altogether)\b|^\W*(?:所以|因此|综上|于是|总共)", re.I)
_CONFIRMS = re.compile(r"\b(?:is|are|was) (?:indeed )?(?:correct|right|confirmed)\b|正确|无误|没错", re.I)
DOUBTS = re.compile(
    r"\b(?:wrong|mistake|incorrect|not right|not correct|contradict\w*|error|(?:does not|doesn't) (?:match|fit|work|hold))\b"
    r"|不对|不正确|错了|错误|有误|矛盾|不符",
    re.I,
)
_IN_PART = re.compile(
    r"\b(?:if|unless|case|when|suppose|assum\w*|option|part|question|problem|would|could|might|not)\b"
    r"|\([a-h]\)|如果|若|假设|假如|情况|第.{1,3}[问题]|小题|选项|不是|并非|可能",
    re.I,
)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?")
_LETTER = re.compile(r"\(?([A-H])\)?(?![A-Za-z'])")
_WORD = re.compile(r"[a-z]+|[\u4e00-\u9fff]")


class Conclusions:
    """The answer of one thought so far, and how firmly it stands."""

    __slots__ = ("_answer", "_weight")

    def __init__(self) -> None:
        self._answer = ""
        self._weight = 0

    def settled(self, sentence: str, *, asks: bool = False) -> bool:
        """Whether this sentence makes the answer stand. asks: it ended with a question mark."""
        if DOUBTS.search(sentence):
            self._weight = 0
        elif not asks and not _IN_PART.search(sentence):
            self._weigh(sentence)
        return self._weight >= _ENOUGH

    def _weigh(self, sentence: str) -> None:
        named = NAMES.search(sentence)
        answer = figure(next(filter(None, named.groups()), "")) if named else ""
        if answer:
            self._weight = self._weight + _NAMED if answer == self._answer else _NAMED
            self._answer = answer
        elif self._weight and (_CONCLUDES.search(sentence) or _CONFIRMS.search(sentence)):
            numbers = NUMBER.findall(sentence)
            self._weight += _MEANT if numbers and plain(numbers[-1]) == self._answer else 0


def figure(said: str) -> str:
    """The answer in what follows "the answer is": a number (the result of a calculation), a letter of choice, or a few
    words; empty for anything longer, which explains rather than answers."""
    said = said.strip(" \t*$`\"'“”「」")
    numbers = NUMBER.findall(said.rpartition("=")[2])
    if numbers:
        return plain(numbers[0])
    letter = _LETTER.match(said)
    if letter:
        return letter[1]
    words = _WORD.findall(said.lower())
    return " ".join(words) if len(words) <= _LONGEST_ANSWER else ""


def plain(number: str) -> str:
    """A number without its commas and idle noughts."""
    number = number.replace(",", "")
    return number.rstrip("0").rstrip(".") if "." in number else number
