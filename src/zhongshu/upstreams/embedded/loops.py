"""Whether an answer that is still being written only repeats itself. Pure: pieces in, yes or no out.

A small model may say "a a a" until its context is full, minutes later. What counts here is word for word: the pieces (as a
model's tokens come) are there again with one period. It is far slower to fire than the guard of thoughts, because an answer may be
asked to repeat itself, and what has been sent cannot be taken back.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

# Tokens. Of what is asked for, a table of 15 x 15 noughts stays below; a model of 40 tokens a second loops for 12 s.
ENOUGH = 500
_LONGEST_PERIOD = 200


class Loop:
    """One answer's watch."""

    __slots__ = ("_last", "_runs")

    def __init__(self) -> None:
        self._last: deque[str] = deque(maxlen=_LONGEST_PERIOD)
        self._runs = [0] * _LONGEST_PERIOD

    def closes(self, piece: str, tokens: int = 1) -> bool:
        """Whether, with this piece, the last ENOUGH tokens have all come before, one period earlier. tokens: of this piece;
        a sign that takes several comes as one."""
        runs, found = self._runs, False
        for place, before in enumerate(islice(reversed(self._last), _LONGEST_PERIOD)):
            if before != piece:
                runs[place] = 0
            else:
                runs[place] += tokens
                found = found or runs[place] >= ENOUGH
        self._last.append(piece)
        return found
