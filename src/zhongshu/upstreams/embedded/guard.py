"""Whether a thought that is still being written has stopped getting anywhere. Pure: text in, a reason or None out.

Three signs, each slow to fire, because a healthy thought repeats itself too (cases, tables, code, a check of the steps):

    repeating  the same run of words comes again and again, word for word
    circling   sentences come back nearly as they stood, with the same numbers, in whatever order
    settled    the same answer has been concluded time after time, and nothing has spoken against it; or it has been
               worked out twice to the same, and a third time is announced

Text is read one character at a time, so how it was cut into pieces changes nothing. Knows no model and no tokens: words
are runs of letters or digits, and every Chinese character is one.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

from zhongshu.upstreams.embedded.checks import Checks
from zhongshu.upstreams.embedded.conclusions import Conclusions

Reason = Literal["repeating", "circling", "settled"]

# Repeating: words that follow one another with one period, beyond its first copy. Thirty are three more copies of a
# sentence of ten words, two more of a longer one. Numbers alone (a table of noughts) may go on for longer.
_LONGEST_PERIOD = 80
_LEAST_RUN = 30
_LEAST_RUN_OF_NUMBERS = 90
_LEAST_SIGNS = 200
# Circling: of the last sentences, how many must have come before; one that comes a third time counts twice.
_WINDOW = 10
_LEAST_COMEBACKS = 6
_LEAST_BACK = 3
_LEAST_WORDS = 5
_SHINGLE = 3
_ALIKE = 0.7
_REMEMBERED = 200

_OPERATORS = frozenset("+-*/=<>×÷")
_ENDS = frozenset("\n。！？!?；;")
_AFTER_MARKER = frozenset(".):、）．：")
_STEPS = frozenset({"step", "骤"})


class Guard:
    """One thought's watch. `kept` is how many of the characters fed are worth keeping once it has fired: of a loop, the
    text up to the end of its first copy."""

    __slots__ = (
        "_at",
        "_before",
        "_checks",
        "_conclusions",
        "_ended_at",
        "_line_new",
        "_loops",
        "_raw",
        "_run",
        "_seen",
        "_sentence",
        "_word",
        "kept",
        "reason",
    )

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self.kept = 0
        self._at = 0
        self._word = ""
        self._raw: list[str] = []
        self._sentence: list[str] = []
        self._line_new = True
        self._before = ""
        self._run = 0
        self._loops = _Loops()
        self._seen = _Seen()
        self._conclusions = Conclusions()
        self._checks = Checks()
        self._ended_at = 0

    def feed(self, text: str) -> Reason | None:
        """Read on. The first reason found stays."""
        for char in text:
            if self.reason is not None:
                break
            self._at += 1
            self._read(char)
        return self.reason

    def _read(self, char: str) -> None:
        self._run = self._run + 1 if char == self._before else 1
        wordly = char.isalnum()
        if (not wordly or _chinese(char)) and self._word:
            self._end_word(char)
        if self._ends(char):
            self._end_sentence(char)
        else:
            self._raw.append(char)
            if _chinese(char) or (char in _OPERATORS and char != self._before):
                self._add(char)
            elif wordly:
                self._word += char.lower()
        if char == "\n":
            self._line_new = True
        self._before = char
        if self._run >= _LEAST_SIGNS:
            self._fire("repeating", self._at - self._run + 1)

    def _ends(self, char: str) -> bool:
        """A sentence's end; a full stop only where white space follows."""
        return char in _ENDS or (char.isspace() and self._before == ".")

    def _end_word(self, following: str) -> None:
        """A word is whole. The number of a list's entry or of a step is not part of what is said."""
        word, self._word = self._word, ""
        counts = word.isdigit() and (
            (self._line_new and following in _AFTER_MARKER) or (self._sentence[-1:] and self._sentence[-1] in _STEPS)
        )
        self._line_new = False
        if not counts:
            self._add(word)

    def _add(self, word: str) -> None:
        self._line_new = False
        self._sentence.append(word)
        begun = self._loops.add(word, self._at)
        if begun is not None:
            self._fire("repeating", begun)

    def _end_sentence(self, sign: str) -> None:
        words, self._sentence = self._sentence, []
        raw, self._raw = "".join(self._raw), []
        if self.reason is None and self._checks.settled(raw):
            self._fire("settled", self._ended_at)
        if self.reason is None and self._seen.comes_back(words):
            self._fire("circling", self._at)
        if self.reason is None and self._conclusions.settled(raw, asks=sign in "?？"):
            self._fire("settled", self._at)
        self._ended_at = self._at

    def _fire(self, reason: Reason, kept: int) -> None:
        if self.reason is None:
            self.reason, self.kept = reason, kept


class _Loops:
    """Words that follow one another with a period. `runs[p]`: how many of the last words equal the one p before."""

    __slots__ = ("_ends", "_numbers", "_runs", "_words")

    def __init__(self) -> None:
        self._words: list[str] = []
        self._ends: list[int] = []
        self._runs = [0] * (_LONGEST_PERIOD + 1)
        self._numbers = 0

    def add(self, word: str, at: int) -> int | None:
        """The place where the first copy ended, when this word makes it a loop. at: where the word ends."""
        words, runs = self._words, self._runs
        words.append(word)
        self._ends.append(at)
        count = len(words)
        self._numbers = self._numbers + 1 if word.isdigit() else 0
        for period in range(1, min(_LONGEST_PERIOD, count - 1) + 1):
            if words[-1 - period] != word:
                runs[period] = 0
                continue
            run = runs[period] = runs[period] + 1
            if run >= _LEAST_RUN and run >= 2 * period and (self._numbers < run or run >= _LEAST_RUN_OF_NUMBERS):
                return self._ends[count - 1 - run]
        return None


class _Sentence(NamedTuple):
    """A sentence by what must agree for it to be the same: its numbers in full, its runs of words nearly."""

    numbers: frozenset[str]
    shingles: frozenset[tuple[str, ...]]

    def like(self, other: _Sentence) -> bool:
        if self.numbers != other.numbers:
            return False
        shared = len(self.shingles & other.shingles)
        return shared >= _ALIKE * (len(self.shingles) + len(other.shingles) - shared)


class _Seen:
    """Sentences that came before, and how often each of the last ones had."""

    __slots__ = ("_before", "_last")

    def __init__(self) -> None:
        self._before: deque[_Sentence] = deque(maxlen=_REMEMBERED)
        self._last: deque[int] = deque(maxlen=_WINDOW)

    def comes_back(self, words: list[str]) -> bool:
        """Whether, with this sentence, many of the last ones have come before. Short ones and sums do not count."""
        if sum(map(str.isalpha, words)) < _LEAST_WORDS:
            return False
        numbers = frozenset(word for word in words if word.isdigit())
        said = _Sentence(numbers, frozenset(tuple(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1)))
        self._last.append(min(sum(map(said.like, self._before)), 2))
        self._before.append(said)
        return sum(times > 0 for times in self._last) >= _LEAST_BACK and sum(self._last) >= _LEAST_COMEBACKS


def _chinese(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"
