"""Whether a thought that has its result, and has worked it out again to the same, sets out to do so once more: sentence
in, yes or no out.

A pass is what stands between two announcements of a check ("wait, let me verify", "再验算一遍"). Its result is the figure
it comes to last, by an equation or as the answer. Two passes in a row with one result are enough; the third is not
begun. What is only a step of the way does not count: the first pass must hold two results at least, or name an answer.
A word that something is wrong begins the count anew; a question in parts is left alone, as a part's result may rightly
be checked before the next part is begun.
"""

from __future__ import annotations

import re

from zhongshu.upstreams.embedded.conclusions import DOUBTS, NAMES, NUMBER, figure, plain

_LEAST_RESULTS = 2
_AGREED = 2

_ANNOUNCES = re.compile(
    r"\b(?:wait|let me|let's|let us|i(?:'ll| will| should| need to| want to)|to (?:be sure|check|verify))\b"
    r"[^.!?\n]{0,60}?\b(?:check|verify|re-?verify|re-?check|double[- ]check|confirm|again|re-?calculate|re-?compute"
    r"|another way|a different way|once more)\b"
    r"|\b(?:double|re)[- ]?check(?:ing)?\b"
    r"|(?:等一下|等等|再|重新|换一?[种个])[^。！？\n]{0,12}?(?:检查|验算|验证|核对|确认|[计]?算一?[遍次]|方法|思路)"
    r"|(?:检查|验算|验证|核对)一[下遍次]",
    re.I,
)
_PARTS = re.compile(
    r"\bparts? \(?[a-h1-9]\b|\b(?:first|second|next) (?:part|question)\b|^\s*\([a-h]\)|第[一二三四1-9](?:问|小题|个问题)",
    re.I,
)


class Checks:
    """The passes of one thought so far."""

    __slots__ = ("_agreed", "_before", "_named", "_parts", "_result", "_results")

    def __init__(self) -> None:
        self._before = ""
        self._agreed = 0
        self._parts = False
        self._begin()

    def settled(self, sentence: str) -> bool:
        """Whether this sentence announces a check that would be one too many."""
        if _PARTS.search(sentence):
            self._parts = True
        if DOUBTS.search(sentence):
            self._before, self._agreed = "", 0
            self._begin()
        elif _ANNOUNCES.search(sentence):
            return self._ended()
        else:
            self._read(sentence)
        return False

    def _begin(self) -> None:
        self._result = ""
        self._results = 0
        self._named = False

    def _read(self, sentence: str) -> None:
        named = NAMES.search(sentence)
        answer = figure(next(filter(None, named.groups()), "")) if named else ""
        if answer:
            self._result, self._named = answer, True
            return
        _, equals, result = sentence.rpartition("=")
        numbers = NUMBER.findall(result) if equals else []
        if numbers:
            self._result = plain(numbers[0])
            self._results += 1

    def _ended(self) -> bool:
        """A pass is over. One that came to nothing is part of the next."""
        if not self._result:
            return False
        whole = self._named or self._results >= _LEAST_RESULTS
        if self._result == self._before:
            self._agreed += 1
        else:
            self._before, self._agreed = (self._result, 1) if whole else ("", 0)
        self._begin()
        return self._agreed >= _AGREED and not self._parts
