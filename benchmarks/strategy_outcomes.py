"""What became of each question, way by way, and the file that it is kept in: a line each, written at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One question answered in one way.

    asked: a digest of the question and how it was asked. tokens: written by all models, thoughts (`thinking`) included.
    compute: tokens times parameters, in billions. seconds: as the caller waited, others being answered at the same time.
    model, rule, reason: as the reply's route says.
    """

    way: str
    id: str
    kind: str
    language: str
    asked: str
    right: bool
    answer: str
    prompt_tokens: int
    tokens: int
    thinking: int
    compute: float
    seconds: float
    model: str
    rule: str
    reason: str


class Outcomes:
    """The outcomes in a file. A last line that was cut off is left out, and its question asked again."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self.outcomes: list[Outcome] = []
        self.asked: set[tuple[str, str]] = set()
        data = file.read_bytes() if file.exists() else b""
        whole, _, cut = data.rpartition(b"\n")
        for line in whole.split(b"\n"):
            if line:
                self._take(msgspec.json.decode(line, type=Outcome))
        if cut:
            file.write_bytes(data[: -len(cut)])

    def add(self, outcome: Outcome) -> None:
        """Keep one more, in the file too. Not for several threads at once."""
        with self._file.open("ab") as lines:
            lines.write(msgspec.json.encode(outcome) + b"\n")
        self._take(outcome)

    def drop(self, ways: Sequence[str]) -> None:
        """Leave out what these ways answered so far, in the file too."""
        if not set(ways) & {one.way for one in self.outcomes}:
            return
        kept = [one for one in self.outcomes if one.way not in ways]
        self._file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in kept))
        self.outcomes, self.asked = kept, {(one.way, one.asked) for one in kept}

    def _take(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.asked.add((outcome.way, outcome.asked))
